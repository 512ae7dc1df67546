"""What an endpoint runs, as a card: what TGI and TEI tell of themselves (``info``), or the list of an OpenAI-like server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Never

from modelhub_openai.listing import Listed, Listing

from modelhub.plugin import (
    AnswerError,
    BadRequest,
    HttpModel,
    HttpRequest,
    HttpResponse,
    Kind,
    ModelCard,
    ModelhubError,
    Request,
    Retry,
    Runtime,
    UnknownModel,
    Unsupported,
)
from modelhub_huggingface.endpoints.cards import card, known
from modelhub_huggingface.endpoints.server import Server, server
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.tasks import kind_of, task_named

__all__ = ["Info", "listing"]

_PATIENCE = 5.0
_NOT_THERE = (UnknownModel, BadRequest, AnswerError)


async def listing(options: HuggingFaceOptions, runtime: Runtime) -> tuple[ModelCard, ...]:
    """The cards of what runs on the endpoint; none for a plain one, which tells nothing of itself.

    Where the options do not say what server it is, both ways are tried. Raises what asking a server may raise.
    """
    site = server(options, "openai")
    if options.server == "plain":
        return ()
    if options.server != "openai":
        try:
            return (
                await Retry[Request, Listed, Never](HttpModel(Info(site)), max_wait=_PATIENCE).call(Request(), runtime)
            ).cards
        except _NOT_THERE:
            if options.server is not None:
                raise
    cards = (await Retry[Request, Listed, Never](HttpModel(Listing(site)), max_wait=_PATIENCE).call(Request(), runtime)).cards
    return tuple(replace(found, **known(site, found.model.partition(":")[2])) for found in cards)


@dataclass(frozen=True)
class Info:
    """``info`` of one server."""

    site: Server

    @property
    def card(self) -> ModelCard:
        return ModelCard(model=f"{self.site.provider}:", kind="text", title="what runs there")

    def build(self, request: Request, *, stream: bool) -> HttpRequest:  # noqa: ARG002  # there is nothing to ask but for it
        return self.site.look("info")

    def parse(self, response: HttpResponse) -> Listed:
        said = json.loads(response.body.decode("utf-8-sig", "replace"))
        if not isinstance(said, Mapping) or not isinstance(said.get("model_id"), str):
            raise AnswerError("The answer does not say which model runs there.", head=response.body[:200])
        return Listed(cards=(_card(self.site, said),), raw=said)

    def decoder(self) -> Never:
        raise Unsupported("What a server tells of itself comes whole.")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, "")


def _card(site: Server, said: Mapping[str, Any]) -> ModelCard:
    dtype = said.get("model_dtype")
    common = {
        "revision": said.get("model_sha") or None,
        "quantization": str(dtype).removeprefix("torch.") if dtype else None,
    }
    if "max_total_tokens" in said:
        return _writer(site, said, common)
    return _encoder(site, said, common)


def _writer(site: Server, said: Mapping[str, Any], common: Mapping[str, Any]) -> ModelCard:
    """What TGI says."""
    from modelhub_huggingface.endpoints.chat import chat_card

    task = task_named(said.get("model_pipeline_tag")) or "text-generation"
    window, entered = _count(said, "max_total_tokens"), _count(said, "max_input_tokens", "max_input_length")
    limits = {"input_tokens": entered} if entered else {}
    kept = replace(site, kind="tgi")
    return chat_card(kept, said["model_id"], task=task, context_window=window, limits=limits, **common)


def _encoder(site: Server, said: Mapping[str, Any], common: Mapping[str, Any]) -> ModelCard:
    """What TEI says. ``model_type`` is the name of what it is, or a mapping with what more there is to say of it."""
    told = said.get("model_type")
    word = told if isinstance(told, str) else next(iter(told), "") if isinstance(told, Mapping) else ""
    task = {"classifier": "text-classification", "reranker": "text-ranking"}.get(word.lower(), "feature-extraction")
    kind: Kind = kind_of(task) or "embedding"
    entered, batch = _count(said, "max_input_length"), _count(said, "max_batch_tokens")
    limits = {name: count for name, count in (("input_tokens", entered), ("batch_tokens", batch)) if count}
    fields: dict[str, Any] = {"task": task, "family": "encoder", "limits": limits, **common}
    if kind == "embedding":
        fields |= {"settings": frozenset({"dimensions"}), "max_batch": _count(said, "max_client_batch_size")}
    return card(site, said["model_id"], kind, **fields)


def _count(said: Mapping[str, Any], *names: str) -> int | None:
    return next((said[name] for name in names if type(said.get(name)) is int and said[name] > 0), None)
