"""Citations, summaries and tables as a person reads them."""

from __future__ import annotations

import io
from decimal import Decimal

from modelhub.cli.context import Context, Options
from modelhub.cli.printing import citation_line, remarks, shortened, summary, table, visible
from modelhub.cli.streams import Streams
from modelhub.errors import ProviderDown
from modelhub.interfaces.content import TextPart
from modelhub.interfaces.passages import Citation, Span
from modelhub.interfaces.text import TextResponse
from modelhub.model import Attempt, Notice, Timing, Usage


def citation(first: int, last: int, quote: str) -> Citation:
    return Citation(1, "p", "docs/x.md", Span(0, 9, first, last), quote)


def said_beside(response: TextResponse[None], options: Options) -> str:
    stderr = io.StringIO()
    remarks(response, Context(Streams(None, io.StringIO(), stderr), options))
    return stderr.getvalue()


def test_a_citation_names_document_and_lines_and_quotes_on_one_line() -> None:
    assert citation_line(citation(12, 14, "Rotate\n  the key.")) == '[1] docs/x.md:12-14  "Rotate the key."'


def test_a_citation_of_one_line_names_one_line() -> None:
    assert citation_line(citation(12, 12, "鍵を交換する。")) == '[1] docs/x.md:12  "鍵を交換する。"'


def test_a_long_quote_is_cut_to_its_width() -> None:
    assert shortened("word " * 100, 20) == "word word word wo..."


def test_a_summary_tells_what_is_known_and_nothing_else() -> None:
    response: TextResponse[None] = TextResponse(
        provider="starter", model="quote", usage=Usage(input_tokens=120), cost=Decimal("0.0012"), timing=Timing(total=0.046)
    )
    assert summary(response, 9.0) == "model starter:quote, 120 tokens in, $0.0012, 0.05 s"


def test_an_estimated_count_is_called_about() -> None:
    response: TextResponse[None] = TextResponse(model="m", usage=Usage(output_tokens=3, source="estimated"))
    assert summary(response, 0.2) == "model m, about 3 tokens out, 0.20 s"


def test_a_cut_answer_is_told_and_quiet_is_quiet() -> None:
    response: TextResponse[None] = TextResponse(content=(TextPart("half"),), finish_reason="length")
    assert "reached its limit" in said_beside(response, Options())
    assert said_beside(response, Options(quiet=True)) == ""


def test_notices_and_failed_attempts_are_for_verbose() -> None:
    response: TextResponse[None] = TextResponse(
        model="b",
        finish_reason="stop",
        notices=(Notice("seed", "this model has none"),),
        attempts=(Attempt("a", ProviderDown("503 Service Unavailable")), Attempt("b")),
    )
    assert said_beside(response, Options()) == ""
    told = said_beside(response, Options(verbose=True)).splitlines()
    assert told[:2] == ["notice: seed: this model has none", "failed: a: 503 Service Unavailable"]
    assert told[2].startswith("model b, 0.")


def test_a_table_of_japanese_text_stands_in_line() -> None:
    assert table([("名前", "x"), ("abcd", "y"), ("é", "z")]) == ["名前  x", "abcd  y", "é     z"]


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    escapes = "灯台\x1b]0;mine\x07 \x1b[2J\x9b31mred\u202egnp.exe\u2066\ufeff"
    assert visible(escapes) == "灯台]0;mine [2J31mredgnp.exe"
    assert table([(escapes, "b"), ("c\nd\u2028e", "b")]) == [
        "灯台]0;mine [2J31mredgnp.exe  b",
        "c d e                         b",
    ]
    assert (
        visible("one\u3000two\xa0three 👨\u200d👩\u200d👧 می\u200cخواهم")
        == "one\u3000two\xa0three 👨\u200d👩\u200d👧 می\u200cخواهم"
    )
