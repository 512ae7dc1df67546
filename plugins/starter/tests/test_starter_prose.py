"""What is quoted is prose: neither code nor a table's row, and without the marker of a list item."""

from __future__ import annotations

import pytest
from modelhub_starter.prose import Prose
from modelhub_starter.quote import model

from modelhub.plugin import Message, Passage, Span, TextRequest
from modelhub.testing import FakeRuntime
from modelhub.transport.drive import drive

PAGE = """The default timeout is told here.

| default timeout | 10 |
|---|---|

```python
timeout = default
```

- [x] A default timeout of 20 seconds holds.
> 既定の待ち時間は二十秒です。
"""


def quotes(question: str, text: str, name: str = "quote") -> list[str]:
    passage = Passage("p", text, "page.md", Span(7, 7 + len(text), 3, 3 + text.count("\n")))
    request = TextRequest(messages=(Message("user", question),), passages=(passage,))
    response = drive(model(name, None).call(request, FakeRuntime()))
    for cited in response.citations:
        assert text[cited.span.start - 7 : cited.span.end - 7] == cited.quote
        assert cited.span.first_line == 3 + text.count("\n", 0, cited.span.start - 7)
    return [cited.quote for cited in response.citations]


def test_code_and_rows_of_tables_are_not_quoted_and_markers_are_left_out() -> None:
    found = [quotes("What is the default timeout?", PAGE), quotes("a timeout of how many seconds?", PAGE)]
    assert found[0] == ["The default timeout is told here."]
    assert found[1][0] == "A default timeout of 20 seconds holds."
    assert not any("|" in quote or "=" in quote for quotes_of_one in found for quote in quotes_of_one)
    assert quotes("既定の待ち時間は？", PAGE) == ["既定の待ち時間は二十秒です。"]


def test_a_question_that_only_code_answers_is_not_answered_by_quoting_it() -> None:
    text = "```python\nlantern = Lantern(price=9)\n```\n"
    assert quotes("lantern price", text) == []
    assert quotes("lantern price", text, "passage") == [text.strip()]


def test_a_row_of_a_table_helps_the_sentence_beside_it() -> None:
    text = "They float well.\n| zeppelin |\n\nKeys rotate.\n\nDoors close."
    assert quotes("zeppelin", text) == ["They float well.", "Keys rotate."]


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        ("a\n```python\nb\n```\nc\n", "ac"),
        ("b\n```\na\n```python\nb\n", "a"),
        ("b\n```\na\n", "a"),
        ("a\n~~~\n```\nb\n~~~\nc", "ac"),
        ("b\n```\na\n```python\nb\n```\nc", "ac"),
        ("a\n````text\n```\nb\n```\nb\n````\nc", "ac"),
        ("- ```python\n  b\n  ```\nc", "c"),
        ("| a |\n> | b |\n!!! note\n::: b\nc", "c"),
        ("Use ```b``` here\nc", "Use ```b``` here" + "c"),
    ],
)
def test_which_lines_are_prose(text: str, prose: str) -> None:
    lines = Prose(text)
    found, start = "", 0
    for line in text.splitlines(keepends=True):
        found += line.strip() if lines.holds(start, start + len(line)) else ""
        start += len(line)
    assert found == prose
