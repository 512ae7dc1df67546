from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelhub.interfaces.passages import Span
from modelhub.retrieval.documents import Document, Heading, version
from modelhub.retrieval.loaders import MarkdownLoader


def test_lines_are_counted_from_one() -> None:
    document = Document("a.txt", "一行目\n二行目\n三行目")
    assert [document.line(position) for position in (0, 3, 4, 7, 8)] == [1, 1, 2, 2, 3]


def test_a_span_names_the_lines_it_touches_and_no_more() -> None:
    document = Document("a.txt", "one\ntwo\nthree\n")
    assert document.span(0, 4) == Span(0, 4, 1, 1)
    assert document.span(2, 9) == Span(2, 9, 1, 3)


def test_all_three_line_ends_count_once() -> None:
    document = Document("a.txt", "one\r\ntwo\rthree\nfour")
    assert [document.line(document.text.index(word)) for word in ("one", "two", "three", "four")] == [1, 2, 3, 4]


@given(st.text(alphabet="ab\r\n語"))
def test_lines_agree_with_what_an_editor_shows(text: str) -> None:
    document = Document("a.txt", text)
    for position in range(len(text)):
        whole = text[:position].replace("\r\n", "\n").replace("\r", "\n")
        split = text[:position].endswith("\r") and text[position] == "\n"
        assert document.line(position) == whole.count("\n") + 1 - split


def test_the_version_is_the_texts() -> None:
    assert Document("a.txt", "同じ").version == Document("b.txt", "同じ").version == version("同じ")
    assert Document("a.txt", "同じ").version != Document("a.txt", "違う").version
    assert len(version("x")) == 16


def test_a_heading_with_nothing_beneath_it_goes_with_what_follows() -> None:
    document = MarkdownLoader().load(b"# Guide\n\n## Keys\n\nRotate them.\n\n## Costs\n\nNone.\n", "a.md")
    sections = [(document.text[start:end], titles) for start, end, titles in document.sections()]
    assert sections == [("# Guide\n\n## Keys\n\nRotate them.\n\n", "Guide > Keys"), ("## Costs\n\nNone.\n", "Guide > Costs")]


def test_a_deeper_title_ends_with_its_section() -> None:
    text = "intro\n# A\na\n### B\nb\n## C\nc\n# D\nd\n"
    document = MarkdownLoader().load(text.encode(), "a.md")
    assert [titles for _, _, titles in document.sections()] == ["", "A", "A > B", "A > C", "D"]
    assert "".join(text[start:end] for start, end, _ in document.sections()) == text


def test_ten_thousand_empty_sections_take_no_time() -> None:
    headings = tuple(Heading(4 * number, 4 * number + 4, 2, "x") for number in range(10_000))
    assert len(list(Document("a.md", "# x\n" * 10_000, headings).sections())) == 1
