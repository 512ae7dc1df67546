"""The card of one model, with all that the hub, its README and its configuration tell of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from modelhub.plugin import AnswerError, ModelCard, ModelhubError, ProviderError, Runtime, TransportError, UnknownModel
from modelhub_huggingface.hub.cards import Known, card_of, shortened
from modelhub_huggingface.hub.front_matter import front_matter
from modelhub_huggingface.hub.kept import card_address
from modelhub_huggingface.hub.local import local_card
from modelhub_huggingface.hub.notes import age, notes, terms
from modelhub_huggingface.hub.prices import at_provider
from modelhub_huggingface.hub.purpose import diffusers_class
from modelhub_huggingface.hub.reading import tables, text, under
from modelhub_huggingface.hub.source import Source, is_offline, source
from modelhub_huggingface.hub.whereabouts import data_of
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.tasks import kind_of, task_named

__all__ = ["describe", "kept_cards", "repository"]

_README, _CONFIG, _SENTENCES = "README.md", "config.json", "sentence_bert_config.json"
_MOST = {_README: 1 << 20, _CONFIG: 1 << 20, _SENTENCES: 1 << 16}
"""Bytes of a file that are read."""
_NAME = re.compile(r"[\w.-]+(?:/[\w.-]+)?", re.ASCII)


async def describe(name: str, options: HuggingFaceOptions | None, runtime: Runtime) -> ModelCard:
    """The card of ``OWNER/MODEL`` (a provider behind a colon does not matter), or of a folder.

    What the hub told before is told again where it says that it still holds, and, with its age, where it is not to be asked or
    cannot be. Of a model that runs in this process, what its files here say comes first. Raises ``UnknownModel``,
    ``KeyRefused``, ``Unsupported`` for a model of none of the six kinds, and what asking a server may raise.
    """
    options = options or HuggingFaceOptions()
    match options.place(name):
        case "local":
            return await _here(name, options, runtime)
        case "endpoint":
            return await _behind(name, options, runtime)
        case "router":
            return await _at_hub(name, options, runtime)


async def _here(name: str, options: HuggingFaceOptions, runtime: Runtime) -> ModelCard:
    """What its files say; of a model that is not fetched yet, what the hub told before."""
    try:
        return await runtime.in_thread(local_card, name, options)
    except UnknownModel as error:
        missing = error
    try:
        return await _asked(repository(name, options), options, await source(options, runtime, offline=True))
    except UnknownModel:
        raise missing from None


async def _behind(name: str, options: HuggingFaceOptions, runtime: Runtime) -> ModelCard:
    """What the hub knows of the model that an endpoint is said to have; the endpoint may call it by any name."""
    try:
        return await _at_hub(name, options, runtime)
    except (TransportError, ProviderError, AnswerError):
        kind = kind_of(options.task) or ("embedding" if options.server == "tei" else "text")
        where = data_of(name, {}, options)
        return ModelCard(model=f"{options.provider}:{name}", kind=kind, task=task_named(options.task), local=False, data=where)


async def _at_hub(name: str, options: HuggingFaceOptions, runtime: Runtime) -> ModelCard:
    offline = is_offline(options)
    found, by = repository(name, options), name.partition(":")[2]
    if by:
        options = replace(options, inference_provider=by)
    hub = await source(options, runtime, offline=offline)
    try:
        card = await _asked(found, options, hub)
    except UnknownModel:
        with suppress(UnknownModel):
            if offline:
                return await runtime.in_thread(local_card, found, options)
        raise
    if by and not offline and card.kind == "text":
        card = await at_provider(card, by, options, runtime)
    return replace(card, model=f"{options.provider}:{name}") if by else card


def repository(name: str, options: HuggingFaceOptions) -> str:
    """``OWNER/MODEL`` of a model's name. Raises ``UnknownModel`` for what can be none."""
    found = name.partition(":")[0]
    if not _NAME.fullmatch(found) or ".." in found:
        raise UnknownModel(f"{name!r} is no name of a model on a hub: OWNER/MODEL.", provider=options.provider, model=name)
    return found


async def kept_cards(options: HuggingFaceOptions, hub: Source) -> tuple[ModelCard, ...]:
    """The cards of all models that were described before, at the revision that the options mean."""
    found = {}
    for kept in await hub.runtime.in_thread(lambda: list(hub.cache.all())):
        name = _described(kept.url, options, hub)
        if name is not None:
            try:
                found[name] = await _asked(name, options, hub)
            except ModelhubError:  # what cannot be told of now is not found now
                continue
    return tuple(found.values())


def _described(url: str, options: HuggingFaceOptions, hub: Source) -> str | None:
    """The model that a kept answer is about, if it is one about a model."""
    found = re.match(r"/api/models/([\w.-]+(?:/[\w.-]+)?)(?:/revision/[^/?]+)?\?", url.removeprefix(hub.site.url))
    return found[1] if found and url == card_address(hub.site, found[1], options) else None


async def _asked(name: str, options: HuggingFaceOptions, hub: Source) -> ModelCard:
    info, told = await hub.info(name, card_address(hub.site, name, options))
    readme, config, sentences = await _files(name, info, hub)
    read = front_matter(readme or "", results=False)
    front = under(info, "cardData") or read.said
    known = Known(
        name=text(info.get("id")) or name,
        info=info,
        front=front,
        config=table_in(config),
        words=read.text,
        notes=(*notes(front, None if front else read.wrong), *terms(info, hub.site.page(name)), *age(told)),
    )
    return shortened(card_of(known, hub.site, options), table_in(sentences))


async def _files(name: str, info: Mapping[str, Any], hub: Source) -> list[str | None]:
    """The README, the configuration, and that of a model of sentences; ``None`` for one that is not there or not given."""
    commit = text(info.get("sha"))
    everyones = info.get("private") is False and info.get("gated") is False
    there = {text(file.get("rfilename")) for file in tables(info.get("siblings"))} or set(_MOST)
    if diffusers_class(info):
        there.discard(_CONFIG)

    async def file(path: str) -> str | None:
        most = _MOST[path]
        return await hub.file(name, commit, path, everyones=everyones, most=most) if path in there else None

    return await hub.runtime.gather(*(partial(file, path) for path in _MOST))


def table_in(file: str | None) -> Mapping[str, Any]:
    """What a JSON file holds; nothing, where it holds something else."""
    try:
        said: object = json.loads(file or "{}")
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, Mapping) else {}
