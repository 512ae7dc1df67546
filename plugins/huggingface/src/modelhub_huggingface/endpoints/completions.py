"""Plain completion on an OpenAI-like endpoint: a text goes to the model as it is, and the answer goes on where it ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from modelhub_openai.chat_answer import first_choice, parse, sole_choice
from modelhub_openai.chat_stream import ChatDecoder
from modelhub_openai.gathering import Extras
from modelhub_openai.lessons import Lesson, lesson
from modelhub_openai.usage import estimated

from modelhub.plugin import (
    Finished,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    Notice,
    TextEvent,
    TextRequest,
    TextResponse,
)
from modelhub_huggingface.endpoints.server import Server
from modelhub_huggingface.pipelines.prompts import one_text

__all__ = ["Completions"]

_LACKING = {"tools": False, "structured_output": False, "images": False, "audio": False, "files": False}
_KNOBS = frozenset(
    {
        "max_output_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
    }
)


@dataclass(frozen=True)
class Completions:
    """``v1/completions`` of one model. Fields that a server refuses by name are left out from then on."""

    site: Server
    name: str
    about: ModelCard
    lesson: Lesson = Lesson()

    @property
    def card(self) -> ModelCard:
        return replace(self.about, capabilities=_LACKING, settings=_KNOBS)

    def build(self, request: TextRequest, *, stream: bool) -> HttpRequest:
        knobs = request.knobs
        body = {
            "stream": True if stream else None,
            "stream_options": {"include_usage": True} if stream else None,
            "max_tokens": knobs.max_output_tokens,
            "temperature": knobs.temperature,
            "top_p": knobs.top_p,
            "top_k": knobs.top_k,
            "stop": list(knobs.stop_sequences) if knobs.stop_sequences else None,
            "seed": knobs.seed,
            "presence_penalty": knobs.presence_penalty,
            "frequency_penalty": knobs.frequency_penalty,
            "logprobs": knobs.logprobs,
        }
        asked = {"model": self.name, "prompt": one_text(request, self.card.model)}
        sent = {name: value for name, value in body.items() if value is not None and name not in self.lesson.without}
        return self.site.post("completions", self.name, {**asked, **sent, **request.extra.get(self.site.provider, {})})

    def parse(self, response: HttpResponse) -> TextResponse[Any]:
        if response.body.startswith((b"data:", b"event:", b": ")):  # a server that streams, whatever it is asked for
            decoder = self.decoder()
            *_, last = *decoder.feed(response.body), *decoder.close()
            return cast("Finished[TextResponse[Any]]", last).response
        return parse(_as_chat(response), self.site, self.name, Extras())

    def decoder(self) -> CompletionDecoder:
        return CompletionDecoder(self.site, self.name, Extras())

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def learned(self, error: ModelhubError) -> Completions | None:
        """The same without the body field that the server refuses by name."""
        better = lesson(error, self.lesson, "max_tokens")
        return None if better is None or better.limit else replace(self, lesson=better)

    def completed(self, request: TextRequest, response: TextResponse[Any]) -> TextResponse[Any]:
        """The response with what only the request tells: tokens that nobody counted, settings that were left out."""
        given = request.settings()
        unsent = sorted(name for name, field in _FIELDS.items() if name in given and field in self.lesson.without)
        notices = tuple(Notice(name, f"{self.card.model} does not take {name!r}; it was left out.") for name in unsent)
        return estimated(request, replace(response, notices=(*response.notices, *notices)) if notices else response)


_FIELDS = {name: {"stop_sequences": "stop", "max_output_tokens": "max_tokens"}.get(name, name) for name in _KNOBS}


class CompletionDecoder(ChatDecoder):
    """One stream, whose choices hold ``text`` where those of a chat hold a delta."""

    def _chunk(self, chunk: dict[str, Any], events: list[TextEvent]) -> Mapping[str, Any] | None:
        return super()._chunk(_spoken(chunk), events) and None  # its chunks are no chat's, so they make no template


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
    spoken = [{**choice, "delta": {"content": choice.get("text")}} for choice in choices if isinstance(choice, Mapping)]
    return {**said, "choices": [{**choice, "logprobs": _logprobs(choice.get("logprobs"))} for choice in spoken]}


def _logprobs(said: Any) -> Any:
    """Log-probabilities as a chat tells them; the older form is lists beside each other."""
    if not isinstance(said, Mapping) or not isinstance(tokens := said.get("tokens"), list):
        return said
    values, others = said.get("token_logprobs") or [], said.get("top_logprobs") or [None] * len(tokens)
    rows = zip(tokens, values, others, strict=False)
    return {"content": [_row(token, value, other) for token, value, other in rows if isinstance(value, int | float)]}


def _row(token: Any, value: float, others: Any) -> dict[str, Any]:
    listed = others.items() if isinstance(others, Mapping) else ()
    return {"token": token, "logprob": value, "top_logprobs": [{"token": t, "logprob": number} for t, number in listed]}
