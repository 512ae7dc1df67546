"""Plain completion: a text goes to the model as it is, without a template, and the answer goes on where it ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from modelhub_openai.chat_answer import first_choice, parse, sole_choice
from modelhub_openai.chat_stream import ChatDecoder
from modelhub_openai.gathering import Extras
from modelhub_openai.site import Site
from modelhub_openai.usage import estimated

from modelhub.plugin import (
    Finished,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    TextEvent,
    TextRequest,
    TextResponse,
)
from modelhub_llama.chat import as_asked, free_of_grammar, notices, only_one, told_probabilities, whole_characters
from modelhub_llama.schemas import held
from modelhub_llama.sole import sole

__all__ = ["Plain", "PlainDecoder", "prompt_of"]


@dataclass(frozen=True)
class Plain:
    """``completions`` of one model. A beginning-of-text mark that the prompt brings along, as ``bos``, is not doubled."""

    site: Site
    name: str
    bos: str = ""

    @property
    def card(self) -> ModelCard:
        return ModelCard(model=f"{self.site.provider}:{self.name}", kind="text")

    def build(self, request: TextRequest, *, stream: bool) -> HttpRequest:
        knobs, own = told_probabilities(request), request.extra.get(self.site.provider, {})
        site = self.site
        if request.output is not None:
            only_one(own)
            site = free_of_grammar(site, own)
        body = {
            "model": self.name,
            "stream": True if stream else None,
            "stream_options": {"include_usage": True} if stream and site.quirks.stream_usage else None,
            "temperature": knobs.temperature,
            "top_p": knobs.top_p,
            "top_k": knobs.top_k,
            "stop": list(knobs.stop_sequences) if knobs.stop_sequences else None,
            "seed": knobs.seed,
            "presence_penalty": knobs.presence_penalty,
            "frequency_penalty": knobs.frequency_penalty,
            "logprobs": knobs.logprobs,
            "json_schema": None if request.output is None else held(request.output.schema),
        }
        asked = {
            "prompt": prompt_of(request, self.bos),
            "max_tokens": knobs.max_output_tokens,  # left out, it is 16 at some servers; null is no limit at all of them
            **site.quirks.written({name: value for name, value in body.items() if value is not None}),
        }
        return site.post("completions", self.name, {**asked, **own})

    def parse(self, response: HttpResponse) -> TextResponse[Any]:
        if response.body.startswith((b"data:", b"event:", b": ")):  # a server that streams, whatever it is asked for
            decoder = self.decoder()
            *_, last = *decoder.feed(response.body), *decoder.close()
            return cast("Finished[TextResponse[Any]]", last).response
        return whole_characters(parse(_as_chat(response), self.site, self.name, Extras()))

    def decoder(self) -> PlainDecoder:
        return PlainDecoder(self.site, self.name, Extras())

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def completed(self, request: TextRequest, response: TextResponse[Any]) -> TextResponse[Any]:
        """The response with what only the request tells: tokens that nobody counted, what the model was not held to."""
        response = replace(response, notices=(*response.notices, *notices(request, self.site)))
        return as_asked(estimated(request, response), request)


class PlainDecoder(ChatDecoder):
    """One stream, whose choices hold ``text`` where those of a chat hold a delta."""

    def _chunk(self, chunk: dict[str, Any], events: list[TextEvent]) -> None:
        super()._chunk(_spoken(chunk), events)


def prompt_of(request: TextRequest, bos: str) -> str:
    """The text that is to be continued. Raises ``Unsupported`` or ``InvalidRequest`` where the request is more than a text."""
    return sole(request).text.removeprefix(bos)


def _as_chat(response: HttpResponse) -> HttpResponse:
    try:
        said = json.loads(response.body)
    except (ValueError, RecursionError):
        return response
    if not isinstance(said, Mapping) or (first_choice(said) or sole_choice(said)) is None:
        return response
    return replace(response, body=json.dumps(_spoken(said), ensure_ascii=False).encode("utf-8", "backslashreplace"))


def _spoken(said: Mapping[str, Any]) -> dict[str, Any]:
    """An answer or a chunk with its text where a chat has it."""
    choices = said.get("choices")
    if not isinstance(choices, list):
        return dict(said)
    return {**said, "choices": [_spoken_choice(choice) if isinstance(choice, Mapping) else choice for choice in choices]}


def _spoken_choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    return {**choice, "delta": {"content": choice.get("text")}, "logprobs": _logprobs(choice.get("logprobs"))}


def _logprobs(said: Any) -> Any:
    """Log-probabilities as a chat tells them; the older form is lists beside each other."""
    if not isinstance(said, Mapping) or not isinstance(tokens := said.get("tokens"), list):
        return said
    values, others = _list(said, "token_logprobs"), _list(said, "top_logprobs")
    rows = zip(tokens, [*values, *[None] * len(tokens)], [*others, *[None] * len(tokens)], strict=False)
    return {"content": [_row(token, value, other) for token, value, other in rows if isinstance(value, int | float)]}


def _row(token: Any, value: float, others: Any) -> dict[str, Any]:
    listed = others.items() if isinstance(others, Mapping) else ()
    top = [{"token": other, "logprob": number} for other, number in listed]
    return {"token": token, "logprob": value, "top_logprobs": top}


def _list(said: Mapping[str, Any], name: str) -> list[Any]:
    found = said.get(name)
    return found if isinstance(found, list) else []
