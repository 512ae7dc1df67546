"""Words made of tokens, and lines made of words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from modelhub_huggingface.local.timing import sentences, spoken_words

from modelhub.plugin import Word


class Pieces:
    """A tokenizer whose tokens are bytes in order of their first use."""

    eos_token_id = 1000

    def __init__(self, *pieces: str | bytes) -> None:
        self.pieces = [piece.encode() if isinstance(piece, str) else piece for piece in pieces]

    def decode(self, tokens: Sequence[int]) -> str:
        return b"".join(self.pieces[token] for token in tokens).decode("utf-8", "replace")


def words(*pieces: str | bytes, language: str | None = "en", **changes: Any) -> list[Word]:
    times = [0.5 * place for place in range(len(pieces))]
    within = (0.0, 0.5 * len(pieces))
    return list(spoken_words(Pieces(*pieces), range(len(pieces)), times, within, changes.get("start", 0.0), language))


def test_a_word_begins_at_a_space() -> None:
    assert words(" The", " light", "house", " is", " lit") == [
        Word(0.0, 0.5, "The"),
        Word(0.5, 1.5, "lighthouse"),
        Word(1.5, 2.0, "is"),
        Word(2.0, 2.5, "lit"),
    ]


@pytest.mark.parametrize(("pieces", "told"), [
    ((" lit", ".", " He", ",", " said"), ["lit.", "He,", "said"]),
    ((" so", " \"", "lit", "\"", " it"), ["so", '"lit"', "it"]),
    ((" 1", ",", "000"), ["1,000"]),
])  # fmt: skip
def test_a_mark_belongs_to_the_word_that_it_stands_at(pieces: tuple[str, ...], told: list[str]) -> None:
    assert [word.text for word in words(*pieces)] == told


def test_where_a_language_has_no_spaces_a_word_is_what_the_model_has_as_one() -> None:
    assert [word.text for word in words("今日", "は", "、", "「", "雨", "」", "です", "。", language="ja")] == [
        "今日",
        "は、",
        "「雨」",
        "です。",
    ]


def test_a_letter_of_several_tokens_is_not_cut() -> None:
    first, second = "猫".encode()[:1], "猫".encode()[1:]
    assert words(first, second, "が", language="ja") == [Word(0.0, 1.0, "猫"), Word(1.0, 1.5, "が")]


def test_marks_of_time_are_no_words() -> None:
    tokenizer = Pieces(" a", " b")
    told = list(spoken_words(tokenizer, [1001, 0, 1, 1090], [0.0, 0.2, 0.6, 0.9], (0.1, 0.9), 30.0, "en"))
    assert told == [Word(30.2, 30.6, "a"), Word(30.6, 30.9, "b")]


def test_times_that_go_back_are_put_in_order() -> None:
    told = list(spoken_words(Pieces(" a", " b", " c"), [0, 1, 2], [0.9, 0.2, 5.0], (0.0, 1.0), 0.0, "en"))
    assert [(word.start, word.end) for word in told] == [(0.9, 0.9), (0.9, 1.0), (1.0, 1.0)]


def test_a_pause_begins_a_line_and_so_does_a_long_one() -> None:
    spoken = [Word(0.0, 0.4, "a"), Word(0.5, 0.9, "b"), Word(2.0, 2.4, "c"), *(Word(3 + k, 3.9 + k, "d") for k in range(9))]
    assert [(line.start, line.end, line.text) for line in sentences(spoken)] == [
        (0.0, 0.9, " a b"),
        (2.0, 2.4, " c"),
        (3, 9.9, " d d d d d d d"),
        (10, 11.9, " d d"),
    ]
    assert list(sentences([])) == []
