"""AT-E1: each real error body becomes the one right error, in a whole answer and in a stream alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.text import model

import modelhub
from modelhub.http import Headers
from modelhub.plugin import (
    ContextOverflow,
    HttpResponse,
    Message,
    ModelhubError,
    Plain,
    ProviderError,
    TextRequest,
    TransportError,
)
from modelhub.testing import FakeRuntime
from modelhub.testing.driven import Driven, Manner, driven

CORPUS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "error_bodies.json").read_text(encoding="utf-8"))
REQUEST = TextRequest(messages=(Message("user", "こんにちは"),))
SHORT = [f"{number} {row['status']} {row['class']} {row['source'][:30]}" for number, row in enumerate(CORPUS)]


def raised(row: dict[str, Any], manner: Manner = "blocking", *, stream: bool = False) -> ModelhubError:
    given = row["body"]
    body = given.encode() if isinstance(given, str) else json.dumps(given, ensure_ascii=False).encode()
    if stream and row["status"] == 200:
        body = b"data: " + body + b"\n\n"
    response = HttpResponse(row["status"], Headers(row.get("headers", {})), body)
    world = FakeRuntime(lambda _: response)
    asked = model("some-model", OpenAIOptions(api_key=Plain("k")))
    with driven(manner, world) as caller, pytest.raises(ModelhubError) as error:
        ask(caller, asked, stream)
    assert len(world.requests) <= 2, "only a refused field is left out, and once"
    return error.value


def ask(caller: Driven, asked: Any, stream: bool) -> None:
    if stream:
        caller.stream(asked, REQUEST)
    else:
        caller.call(asked, REQUEST)


def test_the_corpus_is_large_and_says_where_each_body_is_from() -> None:
    assert len(CORPUS) >= 120
    assert all(row["source"] for row in CORPUS)
    assert len({row["class"] for row in CORPUS}) >= 8


@pytest.mark.parametrize("row", CORPUS, ids=SHORT)
@pytest.mark.parametrize("stream", [False, True], ids=["call", "stream"])
def test_a_body_becomes_the_right_error(row: dict[str, Any], stream: bool) -> None:
    error = raised(row, stream=stream)
    assert type(error).__name__ == row["class"], error
    assert error.retryable is row["retryable"]
    assert not isinstance(error, TransportError)
    assert error.message
    if isinstance(error, ContextOverflow):
        assert (error.prompt_tokens, error.context_window) == (row["prompt_tokens"], row["context_window"])
    else:
        assert isinstance(error, ProviderError)
        expected = row["status"] if row["status"] != 200 else row["body"]["error"]["code"]
        assert error.status == expected
        assert error.retry_after == (row["retry_after"] if row["retry_after"] is None else pytest.approx(row["retry_after"]))
        assert error.code == row["code"]
        assert error.request_id == row.get("request_id")
        assert (error.provider, error.model) == ("openai", "some-model")
        assert error.raw is not None


def test_both_runtimes_raise_the_same() -> None:
    for row in CORPUS[::10]:
        first, second = (raised(row, manner) for manner in ("blocking", "asynchronous"))  # type: ignore[arg-type]
        assert (type(first), first.message) == (type(second), second.message)


def test_every_class_can_be_caught_by_its_public_name() -> None:
    for name in {row["class"] for row in CORPUS}:
        assert issubclass(getattr(modelhub, name), modelhub.ModelhubError)
