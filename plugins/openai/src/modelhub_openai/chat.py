"""Chat completions: the operation that half of all hosts speak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from modelhub.plugin import HttpRequest, HttpResponse, ModelCard, ModelhubError, Notice, TextRequest, TextResponse, Tool
from modelhub_openai import chat_answer, known
from modelhub_openai.gathering import Extras
from modelhub_openai.lessons import KNOB_OF, Lesson, lesson
from modelhub_openai.messages import messages
from modelhub_openai.quirks import Quirks
from modelhub_openai.site import Site
from modelhub_openai.usage import estimated

if TYPE_CHECKING:
    from modelhub.plugin import Finished
    from modelhub_openai.chat_stream import ChatDecoder

__all__ = ["Chat"]


@dataclass(frozen=True)
class Chat:
    """``chat/completions`` of one model on one host.

    ``lesson`` is what its refusals have taught: body fields that go by another name, or are left out.
    """

    site: Site
    name: str
    lesson: Lesson = Lesson()
    card: ModelCard = field(init=False, repr=False, compare=False)
    quirks: Quirks = field(init=False, repr=False, compare=False)
    """What this model on this host differs in."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "card", known.card(self.site, self.name, "text"))
        object.__setattr__(self, "quirks", self._quirks())

    def build(self, request: TextRequest, *, stream: bool) -> HttpRequest:
        knobs, quirks = request.knobs, self.quirks
        body = {
            "model": self.name,
            "messages": messages(_fitted(request, quirks).messages, quirks),
            "stream": True if stream else None,
            "stream_options": {"include_usage": True} if stream and quirks.stream_usage else None,
            quirks.max_tokens or _LIMIT: knobs.max_output_tokens,
            "temperature": knobs.temperature,
            "top_p": knobs.top_p,
            "top_k": knobs.top_k,
            "stop": list(knobs.stop_sequences) if knobs.stop_sequences else None,
            "seed": knobs.seed,
            "presence_penalty": knobs.presence_penalty,
            "frequency_penalty": knobs.frequency_penalty,
            "logprobs": None if knobs.logprobs is None else True,
            "top_logprobs": knobs.logprobs,
            "reasoning_effort": knobs.reasoning_effort,
            **(_tools(request, quirks) if request.tools else {}),
            "parallel_tool_calls": knobs.parallel_tool_calls,
            "response_format": _response_format(request, quirks),
        }
        written = {
            quirks.rename.get(name, name): value
            for name, value in body.items()
            if value is not None and name not in quirks.omit
        }
        return self.site.post("chat/completions", self.name, {**written, **request.extra.get(self.site.provider, {})})

    def parse(self, response: HttpResponse) -> TextResponse[Any]:
        if response.body.startswith((b"data:", b"event:", b": ")):  # some hosts stream, whatever they are asked for
            decoder = self.decoder()
            *_, last = *decoder.feed(response.body), *decoder.close()
            return cast("Finished[TextResponse[Any]]", last).response
        return chat_answer.parse(response, self.site, self.name, self.extras())

    def decoder(self) -> ChatDecoder:
        from modelhub_openai.chat_stream import ChatDecoder

        return ChatDecoder(self.site, self.name, self.extras())

    def extras(self) -> Extras:
        """What gathers the members that a host sends beside its answer."""
        return Extras()

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def learned(self, error: ModelhubError) -> Chat | None:
        """The same without the body field that the host refuses by name."""
        better = lesson(error, self.lesson, self.quirks.max_tokens or _LIMIT)
        return None if better is None else replace(self, lesson=better)

    def completed(self, request: TextRequest, response: TextResponse[Any]) -> TextResponse[Any]:
        """The response with what only the request tells: the usage a host did not count, and what was left out."""
        if notices := self._notices(request):
            response = replace(response, notices=(*response.notices, *notices))
        return estimated(request, response)

    def _quirks(self) -> Quirks:
        """The host's quirks, the model's over those that it leaves open, and over both what was learned."""
        traits, quirks = known.traits("text", self.site.base_model(self.name)), self.site.quirks
        written = quirks.structured_output
        return replace(
            quirks,
            max_tokens=self.lesson.limit or quirks.max_tokens or traits.get("max_tokens"),
            structured_output=traits.get("structured_output", written) if written == "json_schema" else written,
            omit=(
                *quirks.omit,
                *sorted(self.lesson.without),
                *(() if quirks.parallel_tool_calls else ("parallel_tool_calls",)),
            ),
        )

    def _notices(self, request: TextRequest) -> list[Notice]:
        given = {field for field in self.quirks.omit if field in KNOB_OF and getattr(request.knobs, KNOB_OF[field]) is not None}
        notices = [_unsent(knob, self.card.model) for knob in sorted({KNOB_OF[field] for field in given})]
        if request.tools and request.tool_choice != "auto" and not self.quirks.forced_tools:
            notices.append(_unsent("tool_choice", self.card.model))
        if request.output is not None:
            from modelhub_openai import schemas

            notices += schemas.notices(request, self.quirks)
        return notices


_LIMIT = "max_tokens"
"""How the limit of an answer is called where nothing is known of host and model: the newer name is not known everywhere."""


def _unsent(setting: str, model: str) -> Notice:
    return Notice(setting, f"{model} does not take {setting!r}; it was left out.")


def _tools(request: TextRequest, quirks: Quirks) -> Mapping[str, Any]:
    choice, tools = request.tool_choice, request.tools
    if choice not in _CHOICES and not quirks.named_tools:
        choice, tools = "required", tuple(tool for tool in tools if tool.name == choice)
    return {
        "tools": [{"type": "function", "function": _function(tool)} for tool in tools],
        "tool_choice": _tool_choice(choice) if quirks.forced_tools else None,
    }


def _function(tool: Tool) -> Mapping[str, Any]:
    described = {"description": tool.description} if tool.description else {}
    return {"name": tool.name, **described, "parameters": tool.parameters}


def _tool_choice(choice: str) -> Any:
    if choice == "auto":
        return None
    return choice if choice in _CHOICES else {"type": "function", "function": {"name": choice}}


_CHOICES = ("auto", "none", "required")


def _fitted(request: TextRequest, quirks: Quirks) -> TextRequest:
    if request.output is None:
        return request
    from modelhub_openai.schemas import fitted

    return fitted(request, quirks)


def _response_format(request: TextRequest, quirks: Quirks) -> Mapping[str, Any] | None:
    if request.output is None or quirks.structured_output == "none":
        return None
    if quirks.structured_output == "json_object":
        return {"type": "json_object"}
    from modelhub_openai.schemas import json_schema

    return {"type": "json_schema", "json_schema": json_schema(request.output, limits=quirks.schema_limits)}
