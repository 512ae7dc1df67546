"""Which texts are computed together, and how the rows of several come together."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelhub_huggingface.local.lengths import together
from modelhub_huggingface.local.share import Share
from modelhub_huggingface.local.shortening import Shortening, shortened

from modelhub.errors import Unsupported

LENGTHS = st.lists(st.integers(1, 600), max_size=300)


@given(LENGTHS, st.sampled_from([64, 1024, 4096]))
def test_every_text_is_in_one_batch_and_no_batch_is_too_large(lengths: list[int], tokens: int) -> None:
    batches = together(lengths, tokens)
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[place] for place in batch)
        assert len(batch) == 1 or longest * len(batch) <= tokens


@given(LENGTHS)
def test_the_longest_come_first_so_that_memory_runs_out_at_once_if_it_does(lengths: list[int]) -> None:
    longest = [max(lengths[place] for place in batch) for batch in together(lengths, 1024)]
    assert longest == sorted(longest, reverse=True)


@given(st.lists(st.integers(8, 256), min_size=200, max_size=400))
def test_little_is_filled_up_where_there_are_many_texts(lengths: list[int]) -> None:
    """What is filled up, and what each batch costs by itself, are less than an eighth of what there is to compute."""
    batches = together(lengths, 1024)
    computed = sum(max(lengths[place] for place in batch) * len(batch) for batch in batches)
    assert computed + 51 * (len(batches) - sum(lengths) / 1024) <= 1.125 * sum(lengths) + 1024


def test_a_long_text_is_not_the_measure_of_short_ones() -> None:
    assert together([10, 500, 11], 4096) == [[1], [2, 0]]


def test_rows_come_together_in_the_order_of_the_texts_whoever_computes_them() -> None:
    """AT-L: eight threads, some of which give their batch back."""
    texts = [[number] * (1 + number % 5) for number in range(400)]
    share = Share(texts, together(list(map(len, texts)), 16))

    def compute(clumsy: bool) -> None:
        given_back = 0
        while not share.is_over:
            if (places := share.take()) is None:
                share.wait(0.01)
            elif clumsy and given_back < 5:
                given_back += 1
                share.give_back(places)
            else:
                share.done(places, np.array([[text[0]] for text in share.texts(places)], np.float32))

    threads = [threading.Thread(target=compute, args=(number % 2 == 0,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert share.vectors()[:, 0].tolist() == list(range(400))


def test_what_was_given_up_is_zeros() -> None:
    share = Share([[1], [2]], [[0], [1]])
    share.done(share.take() or (), np.ones((1, 3), np.float32))
    share.give_up()
    assert share.take() is None
    assert share.vectors().tolist() == [[1, 1, 1], [0, 0, 0]]


def test_a_vector_that_was_one_long_is_so_when_it_is_cut() -> None:
    vectors = np.array([[3, 4, 12], [0, 0, 13]], np.float32) / 13
    assert shortened(vectors, 2, normalised=True) == pytest.approx(np.array([[0.6, 0.8], [0, 0]]))
    assert shortened(vectors, 2, normalised=False) == pytest.approx(vectors[:, :2])
    assert shortened(vectors, 3, normalised=True) is vectors


def test_a_length_is_one_that_the_model_was_trained_for() -> None:
    listed, free, usual = (
        Shortening(trained=True, lengths=(8, 16)),
        Shortening(trained=True),
        Shortening(trained=True, usual=16),
    )
    assert [listed.length(8, 32, "m"), free.length(7, 32, "m"), usual.length(None, 32, "m"), usual.length(32, 32, "m")] == [
        *(8, 7, 16, 32)
    ]
    for kind, asked in ((listed, 12), (free, 33), (Shortening(), 8)):
        with pytest.raises(Unsupported):
            kind.length(asked, 32, "m")
