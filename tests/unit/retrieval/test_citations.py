from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.interfaces.passages import Passage
from modelhub.retrieval.citations import Numbers, Scanner, citation, is_exact, numbers
from modelhub.retrieval.documents import Document

DOCUMENT = Document("docs/鍵.md", "鍵は毎月更新します。\nKeys are rotated every month.\n古い鍵は消します。\n")


def passage(start: int, end: int) -> Passage:
    return Passage(f"p{start}", DOCUMENT.text[start:end], DOCUMENT.name, DOCUMENT.span(start, end), DOCUMENT.version)


PASSAGES = [passage(0, 10), passage(11, 41), passage(42, 51)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("毎月です[1]。", [1]),
        ("毎月です【2】。", [2]),
        ("両方［１，２］。", [1, 2]),
        ("Both [1, 2].", [1, 2]),
        ("Both [1][3].", [1, 3]),
        ("三つ【1、2、3】", [1, 2, 3]),
        ("[ 2 ]", [2]),
        ("none [], [a], [1a], (1), [12345], [-1], {1}, [1;", []),
    ],
)
def test_numbers_in_brackets_are_read_in_every_usual_form(text: str, found: list[int]) -> None:
    assert list(numbers(text)) == found


def test_a_citation_quotes_its_range_exactly() -> None:
    """AT-P6: text[range] == quote, with document, version and lines."""
    for number, given_passage in enumerate(PASSAGES, 1):
        cited = citation(given_passage, number)
        assert DOCUMENT.text[cited.span.start : cited.span.end] == cited.quote
        assert (cited.document, cited.version, cited.span.first_line) == (DOCUMENT.name, DOCUMENT.version, number)


def test_numbers_of_no_passage_are_kept_apart() -> None:
    """AT-P6: ids not in the context are not cited, and counted."""
    seen = Numbers(PASSAGES)
    assert [cited.number for cited in seen.take(numbers("[3] [9] [1] [0] [3]"))] == [3, 1]
    assert list(seen.unknown) == [9, 0]
    assert list(seen.cited) == [3, 1]


@given(
    pieces=st.lists(
        st.sampled_from(["[", "]", "【", "】", "1", "2", "12", "１", ", ", "、", " ", "\n", "a", "です", "[1]", "[2, 3]"]),
        max_size=60,
    ),
    data=st.data(),
)
def test_a_text_in_pieces_names_the_same_numbers_as_the_whole(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=10)))
    scanner = Scanner()
    found = [
        number for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True) for number in scanner.feed(text[start:end])
    ]
    assert found == list(numbers(text))


def test_a_marker_that_comes_letter_by_letter_is_found_once() -> None:
    scanner = Scanner()
    assert [scanner.feed(letter) for letter in "a[1, 2]b"] == [[], [], [], [], [], [], [1, 2], []]


def test_a_models_own_citation_is_exact_only_inside_a_passage_it_was_given() -> None:
    whole = citation(PASSAGES[1], 1)
    part = replace(whole, quote="rotated", span=DOCUMENT.span(20, 27))
    assert is_exact(whole, PASSAGES)
    assert is_exact(part, PASSAGES)
    assert not is_exact(replace(part, quote="Rotated"), PASSAGES)
    assert not is_exact(replace(whole, passage_id="p99"), PASSAGES)
    assert not is_exact(replace(whole, document="other.md"), PASSAGES)
    assert not is_exact(replace(whole, span=DOCUMENT.span(0, 30)), PASSAGES)
