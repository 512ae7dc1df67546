"""Text models and text endpoints: the laws, with requests that try what a text request can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from modelhub.interfaces.content import Message, Part, TextPart, Tool
from modelhub.interfaces.output import OutputType
from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import Kind
from modelhub.testing.conformance.decoding import StreamedEndpointConformance
from modelhub.testing.conformance.samples import GREETING, document, picture, sound
from modelhub.testing.conformance.stream import StreamConformance
from modelhub.testing.driven import Driven

__all__ = ["TextConformance", "TextEndpointConformance"]

_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


class TextConformance(StreamConformance):
    """For any text model: ``class TestQuote(TextConformance): model_id = "starter:quote"``."""

    kind: ClassVar[Kind] = "text"
    knobs: ClassVar[Mapping[str, Any]] = {
        "max_output_tokens": 64,
        "temperature": 0.25,
        "top_p": 0.75,
        "top_k": 7,
        "stop_sequences": ("終わり",),
        "seed": 7,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.5,
        "logprobs": 2,
        "reasoning_effort": "low",
        "parallel_tool_calls": False,
    }

    def request(self) -> TextRequest:
        return TextRequest(messages=(Message("user", GREETING),))

    def having(self, setting: str) -> TextRequest:
        request = self.request()
        return replace(request, knobs=replace(request.knobs, **{setting: self.knobs[setting]}))

    def needing(self) -> Mapping[str, TextRequest]:
        request = self.request()
        parts: dict[str, Part] = {"images": picture(), "audio": sound(), "files": document()}
        media = {
            name: replace(request, messages=(Message("user", (TextPart(request.question or GREETING), part)),))
            for name, part in parts.items()
        }
        tools = replace(request, tools=(Tool("weather", "The weather of a place: 天気"),))
        structured = replace(request, output=OutputType("reply", _SCHEMA))
        return {**media, "tools": tools, "structured_output": structured}

    def test_the_answer_is_text_that_can_be_written_down(self, runtime: Driven) -> None:
        response = runtime.call(self.model(), self.request())
        assert isinstance(response, TextResponse), f"call() gave {type(response).__name__}: give a TextResponse."
        assert response.content, "The answer has no content: give at least one part, or raise AnswerError."
        response.text.encode()
        assert "\ufffd" not in response.text, "The answer holds U+FFFD: decode the bytes as UTF-8, across their borders."


class TextEndpointConformance(StreamedEndpointConformance, TextConformance):
    """For a text endpoint: override ``endpoint`` and name the folder of its ``recordings``."""
