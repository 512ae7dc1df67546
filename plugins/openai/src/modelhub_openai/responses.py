"""The responses API: text through ``responses``, nothing of it stored by the provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from modelhub.plugin import BadRequest, HttpRequest, HttpResponse, ModelCard, ModelhubError, Notice, TextRequest, TextResponse
from modelhub_openai import known, responses_answer
from modelhub_openai.lessons import Lesson, lesson
from modelhub_openai.quirks import Quirks
from modelhub_openai.responses_items import items
from modelhub_openai.responses_stream import ResponsesDecoder
from modelhub_openai.site import Site
from modelhub_openai.usage import estimated

__all__ = ["Responses"]

_KNOB_OF = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_logprobs": "logprobs",
    "reasoning": "reasoning_effort",
    "parallel_tool_calls": "parallel_tool_calls",
}
_SETTINGS = frozenset({"max_output_tokens", *_KNOB_OF.values()})
"""What the API has a place for: it knows no stop sequences, seeds and penalties."""
_ENCRYPTED = "reasoning.encrypted_content"


@dataclass(frozen=True)
class Responses:
    """``responses`` of one model on one host.

    ``store`` is false unless the request's ``extra`` says otherwise, so that reasoning is asked for encrypted, kept as the
    signature of a ``ReasoningPart``, and sent back with the next turn. ``lesson`` is what refusals have taught.
    """

    site: Site
    name: str
    lesson: Lesson = Lesson()
    card: ModelCard = field(init=False, repr=False, compare=False)
    quirks: Quirks = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        card = known.card(self.site, self.name, "text")
        settings = _SETTINGS if card.settings is None else card.settings & _SETTINGS
        object.__setattr__(self, "card", replace(card, settings=settings, capabilities={**card.capabilities, "audio": False}))
        object.__setattr__(self, "quirks", self._quirks())

    def build(self, request: TextRequest, *, stream: bool) -> HttpRequest:
        knobs, quirks = request.knobs, self.quirks
        instructions, given = items(_fitted(request, quirks).messages, quirks.system_role)
        body = {
            "model": self.name,
            "instructions": instructions,
            "input": given,
            "store": False,
            "stream": True if stream else None,
            "include": self._include(request) or None,
            "max_output_tokens": knobs.max_output_tokens,
            "temperature": knobs.temperature,
            "top_p": knobs.top_p,
            "top_logprobs": knobs.logprobs,
            "reasoning": {"effort": knobs.reasoning_effort} if knobs.reasoning_effort is not None else None,
            "parallel_tool_calls": knobs.parallel_tool_calls,
            **(_tools(request, quirks.forced_tools) if request.tools else {}),
            "text": _text(request, quirks),
        }
        written = {name: value for name, value in body.items() if value is not None and name not in quirks.omit}
        return self.site.post("responses", self.name, _laid_over(written, request.extra.get(self.site.provider, {})))

    def parse(self, response: HttpResponse) -> TextResponse[Any]:
        return responses_answer.parse(response, self.site, self.name)

    def decoder(self) -> ResponsesDecoder:
        return ResponsesDecoder(self.site, self.name)

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def learned(self, error: ModelhubError) -> Responses | None:
        """The same without the body field that the host refuses by name."""
        if isinstance(error, BadRequest) and (field := _refused(error)) and field not in self.lesson.without:
            return replace(self, lesson=Lesson(None, self.lesson.without | {field}))
        better = lesson(error, self.lesson, "")
        return None if better is None else replace(self, lesson=better)

    def completed(self, request: TextRequest, response: TextResponse[Any]) -> TextResponse[Any]:
        """The response with what only the request tells: the usage a host did not count, and what was left out."""
        if notices := self._notices(request):
            response = replace(response, notices=(*response.notices, *notices))
        return estimated(request, response)

    def _quirks(self) -> Quirks:
        """The host's quirks, with what the model takes of schemas, and what was learned."""
        traits, quirks = known.traits("text", self.site.base_model(self.name)), self.site.quirks
        takes = quirks.structured_output
        unsent = () if quirks.parallel_tool_calls else ("parallel_tool_calls",)
        return replace(
            quirks,
            structured_output=traits.get("structured_output", takes) if takes == "json_schema" else takes,
            omit=(*quirks.omit, *sorted(self.lesson.without), *unsent),
        )

    def _include(self, request: TextRequest) -> list[str]:
        reasons = request.knobs.reasoning_effort is not None or self._is_known_to_reason
        asked = [_ENCRYPTED] if reasons and _ENCRYPTED not in self.quirks.omit else []
        return [*asked, "message.output_text.logprobs"] if request.knobs.logprobs is not None else asked

    @property
    def _is_known_to_reason(self) -> bool:
        row = known.traits("text", self.site.base_model(self.name)).get("card", {})
        return "reasoning_effort" in (row.get("settings") or ())

    def _notices(self, request: TextRequest) -> list[Notice]:
        knobs = {_KNOB_OF[name] for name in self.quirks.omit if name in _KNOB_OF}
        unsent = [knob for knob in sorted(knobs) if getattr(request.knobs, knob) is not None]
        if request.tools and request.tool_choice != "auto" and not self.quirks.forced_tools:
            unsent.append("tool_choice")
        notices = [Notice(knob, f"{self.card.model} does not take {knob!r}; it was left out.") for knob in unsent]
        if request.output is not None:
            from modelhub_openai import schemas

            notices += schemas.notices(request, self.quirks)
        return notices


def _refused(error: BadRequest) -> str | None:
    """What a refusal is about that is called otherwise here than in chat completions."""
    raw: Any = error.raw
    inner = raw.get("error", raw) if isinstance(raw, Mapping) else None
    param = str(inner.get("param") or "") if isinstance(inner, Mapping) else ""
    if re.search(r"encrypted content", error.message, re.IGNORECASE):
        return _ENCRYPTED
    unknown = re.search(r"unsupported parameter|not supported|unknown parameter|unrecognized", error.message, re.IGNORECASE)
    return "reasoning" if unknown and param.partition(".")[0] == "reasoning" and error.code != "unsupported_value" else None


def _tools(request: TextRequest, forced: bool) -> Mapping[str, Any]:
    tools = [
        {
            "type": "function",
            "name": tool.name,
            **({"description": tool.description} if tool.description else {}),
            "parameters": tool.parameters,
            "strict": False,  # left out, the API would take the schema for a strict one
        }
        for tool in request.tools
    ]
    return {"tools": tools, "tool_choice": _tool_choice(request.tool_choice) if forced else None}


def _tool_choice(choice: str) -> Any:
    match choice:
        case "auto":
            return None
        case "none" | "required":
            return choice
        case name:
            return {"type": "function", "name": name}


def _fitted(request: TextRequest, quirks: Quirks) -> TextRequest:
    if request.output is None:
        return request
    from modelhub_openai.schemas import fitted

    return fitted(request, quirks)


def _text(request: TextRequest, quirks: Quirks) -> Mapping[str, Any] | None:
    if request.output is None or quirks.structured_output == "none":
        return None
    if quirks.structured_output == "json_object":
        return {"format": {"type": "json_object"}}
    from modelhub_openai.schemas import json_schema

    return {"format": {"type": "json_schema", **json_schema(request.output, limits=quirks.schema_limits)}}


def _laid_over(body: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """The body with the caller's own fields; objects of both (``reasoning``, ``text``) are laid over member by member."""
    both = {
        name: {**body[name], **value}
        for name, value in extra.items()
        if isinstance(value, Mapping) and isinstance(body.get(name), Mapping)
    }
    return {**body, **extra, **both}
