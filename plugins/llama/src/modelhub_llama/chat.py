"""Chat on llama.cpp: the dialect's operation, with a schema that is kept token by token, and grammars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from modelhub_openai.chat import Chat
from modelhub_openai.site import Host

from modelhub.plugin import (
    HttpRequest,
    HttpResponse,
    InvalidRequest,
    ModelhubError,
    Notice,
    TextPart,
    TextRequest,
    TextResponse,
    TextSettings,
)
from modelhub_llama.schemas import held, unheld

__all__ = [
    "GRAMMARS",
    "LlamaChat",
    "as_asked",
    "free_of_grammar",
    "notices",
    "only_one",
    "told_probabilities",
    "whole_characters",
]

GRAMMARS = ("grammar", "json_schema")
"""Body fields that say what an answer may be, token by token: one alone can hold."""


@dataclass(frozen=True)
class LlamaChat(Chat):
    """``chat/completions`` of one model.

    A schema goes as ``{"type": "json_object", "schema": ...}``: llama.cpp takes it in all its versions, and llama-cpp-python,
    which refuses ``json_schema``. A grammar (``extra={"llama": {"grammar": ...}}``) goes as it is.
    """

    def build(self, request: TextRequest, *, stream: bool) -> HttpRequest:
        own = request.extra.get(self.site.provider, {})
        asked = replace(request, output=None, extra={}, knobs=told_probabilities(request))
        endpoint = self if request.output is None and not request.tools else replace(self, site=free_of_grammar(self.site, own))
        wanted = {} if request.output is None else {"response_format": _schema(request)}
        asked = replace(asked, extra={self.site.provider: {**wanted, **own}})
        if request.output is not None:
            only_one(own)
        return Chat.build(endpoint, asked, stream=stream)

    def parse(self, response: HttpResponse) -> TextResponse[Any]:
        return whole_characters(Chat.parse(self, response))

    def fault(self, response: HttpResponse) -> ModelhubError:
        if response.status == 500 and b"validation error" in response.body[:200]:
            response = replace(response, status=400)  # how llama-cpp-python refuses a request
        return Chat.fault(self, response)

    def completed(self, request: TextRequest, response: TextResponse[Any]) -> TextResponse[Any]:
        done = Chat.completed(self, replace(request, output=None), response)
        more = notices(request, self.site)
        return as_asked(replace(done, notices=(*done.notices, *more)) if more else done, request)


def only_one(own: Mapping[str, Any]) -> None:
    """Raises ``InvalidRequest`` where a grammar stands beside an ``output_type``."""
    for name in (*GRAMMARS, "response_format"):
        if name in own:
            raise InvalidRequest(f"output_type and extra's {name!r} both say what the answer may be: leave one out.")


def free_of_grammar(site: Any, own: Mapping[str, Any]) -> Any:
    """The host without the grammar that its configuration holds for every request, where this one brings its own form."""
    if not isinstance(site, Host) or not site.extra_body or any(name in own for name in GRAMMARS):
        return site
    return replace(site, extra_body={name: value for name, value in site.extra_body.items() if name not in GRAMMARS})


def notices(request: TextRequest, site: Any) -> tuple[Notice, ...]:
    """What the model is not held to of the type that was asked for, and what gave way to it."""
    if request.output is None:
        return ()
    found = [
        Notice("output_type", f"llama.cpp does not hold a model to {word!r}; checked when the answer is here.")
        for word in unheld(request.output.schema)
    ]
    if isinstance(site, Host) and any(name in GRAMMARS for name in site.extra_body or {}):
        found.append(
            Notice("grammar", "The grammar of the configuration was left out: output_type says what the answer may be.")
        )
    return tuple(found)


def told_probabilities(request: TextRequest) -> TextSettings:
    """The settings. llama.cpp tells no log-probabilities at all where no alternatives are asked for."""
    return replace(request.knobs, logprobs=1) if request.knobs.logprobs == 0 else request.knobs


def as_asked(response: TextResponse[Any], request: TextRequest) -> TextResponse[Any]:
    """The response without alternatives that nobody asked for."""
    if request.knobs.logprobs != 0 or response.logprobs is None:
        return response
    return replace(response, logprobs=tuple(replace(token, alternatives=()) for token in response.logprobs))


def whole_characters(response: TextResponse[Any]) -> TextResponse[Any]:
    """An answer that was cut inside a character, without what stands for the beginning of it. A stream has none."""
    if response.finish_reason != "length" or not response.text.endswith("\ufffd"):
        return response
    *before, last = response.content
    if not isinstance(last, TextPart):
        return response
    rest = last.text.rstrip("\ufffd")
    return replace(response, content=(*before, TextPart(rest)) if rest else tuple(before))


def _schema(request: TextRequest) -> Mapping[str, Any]:
    assert request.output is not None
    return {"type": "json_object", "schema": held(request.output.schema)}
