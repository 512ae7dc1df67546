"""Structured output, whoever answers: typed, refused at once where it is not, asked for in words where no schema is taken."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from modelhub.errors import OutputInvalid
from modelhub.interfaces.content import Message, TextPart, ToolCall
from modelhub.interfaces.events import TextDelta
from modelhub.interfaces.output import output_type
from modelhub.interfaces.text import FinishReason, TextRequest, TextResponse
from modelhub.model import Attempt, Finished, ModelCard, Runtime, Usage
from modelhub.testing.driven import Driven
from modelhub.wrappers.negotiation import Negotiation
from modelhub.wrappers.structured import StructuredOutput


@dataclass
class City:
    name: str


@dataclass
class Says:
    """A model that says one thing, and keeps what it was asked."""

    text: str
    capabilities: dict[str, bool] = field(default_factory=dict)
    finish_reason: FinishReason = "stop"
    requests: list[TextRequest] = field(default_factory=list)

    @property
    def card(self) -> ModelCard:
        return ModelCard(model="test:says", kind="text", capabilities=self.capabilities)

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        self.requests.append(request)
        return TextResponse(
            content=(TextPart(self.text),),
            finish_reason=self.finish_reason,
            usage=Usage(input_tokens=5, output_tokens=7),
            cost=Decimal("0.002"),
            attempts=(Attempt("test:says"),),
        )

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[Any, None]:
        response = await self.call(request, runtime)
        yield TextDelta(self.text)
        yield Finished(response)


def asking(*messages: Message) -> TextRequest:
    return TextRequest(messages=messages or (Message("user", "首都は？"),), output=output_type(City))


def both(runtime: Driven, model: Says, request: TextRequest) -> list[TextResponse[Any]]:
    """The answer of a call, and the one at a stream's end."""
    wrapped = StructuredOutput(Negotiation(model))
    return [runtime.call(wrapped, request), runtime.stream(wrapped, request)[-1].response]


def test_a_model_that_takes_a_schema_is_given_it(runtime: Driven) -> None:
    model = Says('{"name": "東京"}', {"structured_output": True})
    for answered in both(runtime, model, asking()):
        assert answered.output == City("東京")
        assert answered.notices == ()
    assert all(request.output is not None and len(request.messages) == 1 for request in model.requests)


def test_a_model_that_takes_no_schema_is_asked_in_words_and_a_notice_says_so(runtime: Driven) -> None:
    """AT-O: native to prompt, recorded on the response."""
    model = Says('Sure: {"name": "東京"}', {"structured_output": False})
    for answered in both(runtime, model, asking()):
        assert answered.output == City("東京")
        assert [(notice.setting, "prompt" in notice.message) for notice in answered.notices] == [("output_type", True)]
    for request in model.requests:
        assert request.output is None
        assert [message.role for message in request.messages] == ["system", "user"]
        schema = json.loads(request.messages[0].text.partition("\n")[2])
        assert schema["properties"]["name"]["type"] == "string"
        assert request.question == "首都は？"


def test_the_words_go_behind_the_callers_own(runtime: Driven) -> None:
    model = Says('{"name": "東京"}', {"structured_output": False})
    both(runtime, model, asking(Message("system", "簡潔に。"), Message("user", "首都は？")))
    assert [message.role for message in model.requests[0].messages] == ["system", "user"]
    assert model.requests[0].messages[0].text.startswith("簡潔に。\n\n")


@pytest.mark.parametrize(
    ("reason", "word"), [("length", "max_output_tokens"), ("content_filter", "filtered"), ("error", "failed")]
)
def test_an_answer_that_was_cut_fails_at_once_and_loses_nothing(runtime: Driven, reason: FinishReason, word: str) -> None:
    """AT-O: no second try; the text, the usage, the cost and the attempts come with the error."""
    model = Says('{"name": "東', finish_reason=reason)
    wrapped = StructuredOutput(model)
    for ask in (runtime.call, runtime.stream):
        with pytest.raises(OutputInvalid, match=word) as caught:
            ask(wrapped, asking())
        partial: Any = caught.value.partial
        assert caught.value.text == partial.text == '{"name": "東'
        assert partial.usage == Usage(input_tokens=5, output_tokens=7)
        assert (partial.cost, len(partial.attempts)) == (Decimal("0.002"), 1)
        assert not caught.value.retryable
    assert len(model.requests) == 2


def test_an_answer_that_does_not_fit_is_not_asked_for_again(runtime: Driven) -> None:
    """AT-O: nothing is sent twice, so a bad answer is never paid for again."""
    model = Says('{"name": 5}')
    with pytest.raises(OutputInvalid, match="name") as caught:
        runtime.call(StructuredOutput(model), asking())
    assert len(model.requests) == 1
    partial: Any = caught.value.partial
    assert partial.usage.output_tokens == 7


def test_a_call_of_a_tool_has_no_output_yet(runtime: Driven) -> None:
    @dataclass
    class Calls(Says):
        async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
            return TextResponse(content=(ToolCall("c1", "weather"),), finish_reason="tool_call")

    answered = runtime.call(StructuredOutput(Calls("", {"structured_output": False})), asking())
    assert answered.output is None
    assert [notice.setting for notice in answered.notices] == ["output_type"]
