"""The plugin, and chat completions, against the laws that every plugin keeps, in both runtimes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from modelhub_openai.chat import Chat
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.site import host

from modelhub.plugin import (
    BadRequest,
    ContentFiltered,
    ContextOverflow,
    KeyRefused,
    RateLimited,
    TextRequest,
    TextSettings,
    Tool,
    UnknownModel,
)
from modelhub.testing import PluginConformance, Recording, TextEndpointConformance

RECORDINGS = Path(__file__).parent / "recordings" / "chat"
PLACE = {"place": {"type": "string"}, "unit": {"type": "string"}}
WEATHER = Tool("weather", "The weather of a place: 天気", {"type": "object", "properties": PLACE, "required": ["place"]})
FAULTS = (
    (400, {"error": {"code": "content_filter", "message": "The response was filtered", "param": "prompt"}}, ContentFiltered),
    (400, {"error": {"code": "context_length_exceeded", "message": "maximum context length is 8192 tokens"}}, ContextOverflow),
    (400, {"error": {"code": "unsupported_parameter", "param": "frobnicate", "message": "Unsupported."}}, BadRequest),
    (401, {"error": {"code": "invalid_api_key", "message": "Incorrect API key provided"}}, KeyRefused),
    (404, {"error": {"code": "model_not_found", "message": "The model `x` does not exist"}}, UnknownModel),
    (429, {"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}}, RateLimited),
)


class TestPlugin(PluginConformance):
    provider = "openai"


class TestChat(TextEndpointConformance):
    """AT-C6: recordings with Japanese, emoji, U+0085, U+2028, CRLF, comments are cut everywhere."""

    model_id = "openai:gpt-4o"
    recordings = RECORDINGS
    faults = FAULTS

    def endpoint(self) -> Chat:
        return Chat(host(OpenAIOptions(api_key=self.secret)), self.model_id.partition(":")[2])

    def asked(self, recording: Recording) -> TextRequest:
        if recording.name != "tools":
            return self.request()
        knobs = TextSettings(parallel_tool_calls=True)
        return replace(self.request(), tools=(WEATHER,), tool_choice="required", knobs=knobs)

    def having(self, setting: str) -> TextRequest:
        """Calls side by side are a matter of tools: without any, the setting means nothing, and hosts refuse it."""
        request = super().having(setting)
        return replace(request, tools=(WEATHER,)) if setting == "parallel_tool_calls" else request

    def recorded(self) -> Any:
        """The first is what a call is answered with, so it is one that has a whole answer."""
        return sorted(super().recorded(), key=lambda recording: recording.name != "greeting")


class TestReasoningModel(TestChat):
    model_id = "openai:o3"
    recordings: ClassVar[Any] = (
        Recording(
            name="short",
            request={"model": "o3"},
            response=b'{"model":"o3","choices":[{"index":0,"message":{"content":"Yes."},"finish_reason":"stop"}]}',
            chunks=b'data: {"model":"o3","choices":[{"index":0,"delta":{"content":"Yes"}}]}\n\n'
            b'data: {"model":"o3","choices":[{"index":0,"delta":{"content":"."},"finish_reason":"stop"}]}\n\n',
            answer={"text": "Yes.", "finish_reason": "stop"},
        ),
    )


class TestUnknownModel(TestReasoningModel):
    model_id = "openai:something-new"
    recordings: ClassVar[Any] = (replace(TestReasoningModel.recordings[0], request={"model": "something-new"}),)
