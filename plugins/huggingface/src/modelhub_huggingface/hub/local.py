"""The models in the hub's cache on this machine, as cards: what their files say, without loading a weight."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from modelhub.plugin import ModelCard, ModelhubError, UnknownModel
from modelhub_huggingface.hub.cards import shortened, written
from modelhub_huggingface.hub.families import family_of
from modelhub_huggingface.hub.front_matter import front_matter
from modelhub_huggingface.hub.prose import heading, summary
from modelhub_huggingface.hub.reading import text
from modelhub_huggingface.hub.sizes import context_window, vector_dimensions
from modelhub_huggingface.hub.whereabouts import data_of
from modelhub_huggingface.local import cards
from modelhub_huggingface.local.architecture import task
from modelhub_huggingface.local.files import ModelFolder, find, hub_cache
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.tasks import TASKS, kind_of

__all__ = ["local", "local_card"]

_PREFIX = "models--"
_README = 1 << 20
_ELSEWHERE = 'Its files lie on this machine: engine = "local" would run it here.'


def local(options: HuggingFaceOptions | None) -> Iterable[ModelCard]:
    """The card of each model that lies in the cache; of one that cannot be used, one whose description says why."""
    options = options or HuggingFaceOptions()
    for name, snapshots in _fetched(hub_cache(options)):
        try:
            yield local_card(name, options)
        except ModelhubError as error:
            yield _unusable(name, options, _reason(error, snapshots))


def local_card(name: str, options: HuggingFaceOptions) -> ModelCard:
    """The card of a model in the cache, or in a folder, as it would be used: here, or where the options say.

    Raises ``UnknownModel`` where it is not there, ``SetupError`` for files that cannot be used.
    """
    folder = find(name, options)
    purpose = task(folder, options)
    kind = kind_of(purpose) or "text"
    read = front_matter(_readme(folder))
    config, here = folder.config, options.place(name) == "local"
    window = context_window(config) if kind in ("text", "embedding", "reranking") else None
    words = (summary(read.text), f"Of its README, {read.wrong}." if read.wrong else "", "" if here else _ELSEWHERE)
    told: Mapping[str, Any] = {
        "title": heading(read.text),
        "description": " ".join(filter(None, words)),
        "local": here,
        "data": data_of(name, {}, options),
        "context_window": min(window, options.context_window or window) if window else None,
        "dimensions": vector_dimensions(config) if kind == "embedding" else None,
        "inputs": TASKS[purpose].inputs if purpose in TASKS else (),
        "outputs": TASKS[purpose].outputs if purpose in TASKS else (),
        **written(read.said),
    }
    family = family_of(text(config.get("model_type")), task=purpose, both=config.get("is_encoder_decoder"))
    library = {"library": "sentence-transformers"} if folder.has("modules.json") else {}
    found = cards.card(name, kind, folder, options, **told, **library, **({"family": family} if family else {}))
    return shortened(found, folder.json("sentence_bert_config.json"))


def _readme(folder: ModelFolder) -> str:
    with suppress(OSError), open(folder.file("README.md"), "rb") as file:
        return file.read(_README).decode("utf-8", "replace")
    return ""


def _fetched(cache: str) -> Iterator[tuple[str, str]]:
    """``OWNER/MODEL`` of each repository that a snapshot was fetched of, and the folder of its snapshots."""
    with suppress(OSError):
        for folder in sorted(os.listdir(cache)):
            snapshots = os.path.join(cache, folder, "snapshots")
            if folder.startswith(_PREFIX) and _inside(snapshots):
                yield folder.removeprefix(_PREFIX).replace("--", "/", 1), snapshots


def _inside(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _reason(error: ModelhubError, snapshots: str) -> str:
    """Why a model cannot be used, where what is there instead says it better."""
    revisions = _inside(snapshots)
    if isinstance(error, UnknownModel):
        return f"Only other revisions of it lie here ({', '.join(revisions[:3])}): set revision to one of them."
    folders = [os.path.join(snapshots, revision) for revision in revisions]
    files = [os.path.join(folder, file) for folder in folders for file in _inside(folder)]
    if (gguf := next((file for file in files if file.endswith(".gguf")), None)) is not None:
        return f"Its weights are GGUF, which another plugin runs: llama:{gguf}"
    return error.message


def _unusable(name: str, options: HuggingFaceOptions, why: str) -> ModelCard:
    folder: str | None = None
    with suppress(ModelhubError):
        folder = find(name, options).path
    return ModelCard(model=f"{options.provider}:{name}", kind="text", description=why, local=True, file=folder)
