"""The models that a host offers, as cards: ``GET models``, with whatever each host tells beside a name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Never

from modelhub.plugin import (
    AnswerError,
    HttpModel,
    HttpRequest,
    HttpResponse,
    Kind,
    ModelCard,
    ModelhubError,
    Request,
    Response,
    Runtime,
    Unsupported,
)
from modelhub_openai import known
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.site import Site, host

__all__ = ["Listed", "Listing", "listing"]


async def listing(options: OpenAIOptions | None, runtime: Runtime) -> tuple[ModelCard, ...]:
    """The cards of what the host that the options describe offers."""
    return (await HttpModel(Listing(host(options))).call(Request(), runtime)).cards


@dataclass(frozen=True, kw_only=True)
class Listed(Response):
    """The answer: a card for each model."""

    cards: tuple[ModelCard, ...] = ()


@dataclass(frozen=True)
class Listing:
    """``models`` of one host."""

    site: Site

    @property
    def card(self) -> ModelCard:
        return ModelCard(model=f"{self.site.provider}:", kind="text", title="the list of models")

    def build(self, request: Request, *, stream: bool) -> HttpRequest:  # noqa: ARG002  # there is nothing to ask but for the list
        return self.site.get("models")

    def parse(self, response: HttpResponse) -> Listed:
        said = json.loads(response.body.decode("utf-8-sig", "replace"))
        rows = said.get("data", said.get("models", said.get("value"))) if isinstance(said, Mapping) else said
        if not isinstance(rows, list):
            raise AnswerError("The answer is no list of models.", head=response.body[:200])
        return Listed(cards=tuple(_cards(self.site, rows)), raw=said)

    def decoder(self) -> Never:
        raise Unsupported("A list of models comes whole.")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, "")


def _cards(site: Site, rows: list[Any]) -> Iterator[ModelCard]:
    for given in rows:
        row = {"id": given} if isinstance(given, str) else given
        name = _text(row, "id", "name", "model") if isinstance(row, Mapping) else ""
        kind = _kind(row, site.base_model(name)) if name else None
        if kind is not None:
            yield _card(site, row, name, kind)


def _card(site: Site, row: Mapping[str, Any], name: str, kind: Kind) -> ModelCard:
    """What is known of the model, and over it what its host tells."""
    before = known.card(site, name, kind)
    told: dict[str, Any] = {
        "context_window": _window(row),
        "max_output_tokens": _count(row, "max_completion_tokens", "max_output_tokens"),
        "fine_tunable": able if isinstance(able := _inside(row, "capabilities").get("fine_tune"), bool) else None,
    }
    title = _text(row, "display_name", "name")
    return replace(
        before,
        capabilities={**before.capabilities, **_capabilities(row)},
        title="" if title == name else title,
        description=_text(row, "description"),
        **{field: value for field, value in told.items() if value is not None},
    )


def _kind(row: Mapping[str, Any], base_model: str) -> Kind | None:
    """The kind that the host tells, or that the name does; ``None`` for what is of no kind that the dialect has."""
    told = _text(row, "type").lower()
    if told in _TYPES:
        return _TYPES[told]
    name = base_model.rpartition("/")[2].lower()
    if any(word in name for word in _OTHER):
        return None
    if (found := known.kind(base_model)) is not None:
        return found
    return next((kind for word, kind in _WORDS.items() if word in name), "text")


def _window(row: Mapping[str, Any]) -> int | None:
    return _count(row, "context_window", "context_length", "max_context_length", "max_model_len") or _count(
        _inside(row, "meta"), "n_ctx_train"
    )


def _capabilities(row: Mapping[str, Any]) -> dict[str, bool]:
    """Each capability that the host speaks of, in whichever way."""
    flags = {**_inside(row, "capabilities"), **row}
    found = {ours: flags[theirs] for theirs, ours in _FLAGS.items() if isinstance(flags.get(theirs), bool)}
    modalities, taken = _inside(row, "architecture").get("input_modalities"), row.get("supported_parameters")
    if isinstance(modalities, list):
        found.update(images="image" in modalities, audio="audio" in modalities, files="file" in modalities)
    if isinstance(taken, list):
        found["tools"] = "tools" in taken
    return found


def _inside(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = row.get(name)
    return inner if isinstance(inner, Mapping) else {}


def _count(row: Mapping[str, Any], *names: str) -> int | None:
    return next((row[name] for name in names if type(row.get(name)) is int and row[name] > 0), None)


def _text(row: Mapping[str, Any], *names: str) -> str:
    return next((row[name] for name in names if isinstance(row.get(name), str) and row[name]), "")


_TYPES: Mapping[str, Kind | None] = {
    "chat": "text",
    "language": "text",
    "code": "text",
    "llm": "text",
    "vlm": "text",
    "embedding": "embedding",
    "embeddings": "embedding",
    "image": "image",
    "audio": "speech",
    "transcribe": "transcription",
    "rerank": "reranking",
    "moderation": None,
    "video": None,
}
_OTHER = ("moderation", "realtime", "sora", "babbage", "davinci", "computer-use")
_WORDS: Mapping[str, Kind] = {
    "rerank": "reranking",
    "embed": "embedding",
    "whisper": "transcription",
    "transcribe": "transcription",
    "tts": "speech",
    "stable-diffusion": "image",
    "flux": "image",
}
_FLAGS = {
    "function_calling": "tools",
    "supports_tools": "tools",
    "vision": "images",
    "supports_image_input": "images",
}
