"""What ``--json`` prints."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import pytest

from modelhub.cli.context import Context
from modelhub.cli.documents import described, plain, text_document
from modelhub.cli.streams import Streams, steady
from modelhub.errors import ProviderDown
from modelhub.interfaces.content import TextPart, ToolCall
from modelhub.interfaces.passages import Citation, Span
from modelhub.interfaces.text import TextResponse
from modelhub.model import Attempt, Timing, Usage


def printed(value: Any, encoding: str) -> bytes:
    raw = io.BytesIO()
    streams = Streams(None, io.TextIOWrapper(raw, encoding=encoding), io.StringIO())
    with steady(streams):
        Context(streams).document(value)
        return raw.getvalue()


@pytest.mark.parametrize("encoding", ["cp932", "ascii", "utf-8"])
def test_json_is_utf_8_whatever_the_pipe_speaks_and_escapes_no_printable_character(encoding: str) -> None:
    """AT-A5 and AT-V: the same bytes under every locale."""
    assert printed({"text": "鍵 🔑 é\u2028"}, encoding) == '{"text": "鍵 🔑 é\u2028"}\n'.encode()


def test_half_a_surrogate_pair_is_still_json() -> None:
    assert json.loads(printed({"text": "\ud83d!"}, "utf-8")) == {"text": "\ud83d!"}


def test_a_document_is_plain_data_all_the_way_down() -> None:
    value = {"span": Span(0, 1, 2, 3), "cost": Decimal("0.10"), "data": b"\x00\x01", "kinds": frozenset({"b", "a"}), 1: (None,)}
    assert plain(value) == {
        "span": {"start": 0, "end": 1, "first_line": 2, "last_line": 3},
        "cost": "0.10",
        "data": "AAE=",
        "kinds": ["a", "b"],
        "1": [None],
    }


def test_what_is_not_known_is_left_out_and_a_zero_is_kept() -> None:
    response: TextResponse[None] = TextResponse(model="m", usage=Usage(input_tokens=0), timing=Timing(total=0.5))
    assert described(response) == {
        "model": "m",
        "usage": {"input_tokens": 0, "source": "provider"},
        "seconds": 0.5,
    }


def test_an_attempt_tells_its_error() -> None:
    response: TextResponse[None] = TextResponse(model="m", attempts=(Attempt("a", ProviderDown("503")), Attempt("m")))
    assert plain(described(response))["attempts"] == [{"model": "a", "error": "503"}, {"model": "m", "error": None}]


def test_an_answer_tells_text_reason_citations_and_tool_calls() -> None:
    cited = Citation(1, "p", "docs/x.md", Span(0, 3, 1, 1), "鍵")
    response: TextResponse[None] = TextResponse(
        content=(TextPart("鍵 [1]"), ToolCall("c1", "look")), finish_reason="tool_call", citations=(cited,)
    )
    document = plain(text_document(response))
    assert document["text"] == "鍵 [1]"
    assert document["finish_reason"] == "tool_call"
    assert document["citations"][0]["quote"] == "鍵"
    assert document["tool_calls"] == [{"id": "c1", "name": "look", "arguments": "{}"}]
