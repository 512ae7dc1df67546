"""A model's card, made of what the hub's interface, its front matter and its configuration say. What none says is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from modelhub.plugin import Kind, ModelCard
from modelhub_huggingface.hub.abilities import abilities
from modelhub_huggingface.hub.families import family_of
from modelhub_huggingface.hub.prose import heading, summary
from modelhub_huggingface.hub.purpose import diffusers_class, network_class, task_of
from modelhub_huggingface.hub.reading import count, languages, text, texts, under
from modelhub_huggingface.hub.results import reported
from modelhub_huggingface.hub.site import Site
from modelhub_huggingface.hub.sizes import context_window, vector_dimensions
from modelhub_huggingface.hub.volume import Volume, volume
from modelhub_huggingface.hub.whereabouts import data_of
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.tasks import TASKS

__all__ = ["Known", "card_of", "licence", "shortened", "written"]

_TRAINERS = ("transformers", "diffusers", "sentence-transformers", "peft", "setfit")
_WINDOWED: tuple[Kind, ...] = ("text", "embedding", "reranking")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one model.

    ``info`` is what the hub's interface tells, ``front`` its front matter, ``config`` what its network is configured with,
    ``words`` the README's text, ``notes`` what is to be said beside.
    """

    name: str
    info: Mapping[str, Any]
    front: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""
    notes: tuple[str, ...] = ()


def card_of(known: Known, site: Site, options: HuggingFaceOptions) -> ModelCard:
    """Raises ``Unsupported`` for a model of none of the six kinds."""
    info = known.info
    task = task_of(known.name, info, known.front)
    kind: Kind = TASKS[task].kind if task else "text"
    config = {**under(info, "config"), **known.config}
    size = volume(info, config, options)
    return ModelCard(
        model=f"{options.provider}:{known.name}",
        kind=kind,
        title=heading(known.words),
        description=" ".join((summary(known.words), *known.notes)).strip(),
        **abilities(task, kind, info, options if options.place(known.name) == "router" else None),
        context_window=_window(info, config) if kind in _WINDOWED else None,
        dimensions=vector_dimensions(config) if kind == "embedding" else None,
        local=options.place(known.name) == "local",
        data=data_of(known.name, info, options),
        task=task,
        family=_family(info, config, task),
        architecture=text(config.get("model_type")) or text(under(info, "gguf").get("architecture")) or None,
        inputs=TASKS[task].inputs if task else (),
        outputs=TASKS[task].outputs if task else (),
        open_weights=True,
        fine_tunable=_fine_tunable(info, known.front, size),
        gated=_gated(info, known.front),
        downloads=count(info.get("downloads")),
        likes=count(info.get("likes")),
        updated=text(info.get("lastModified")),
        revision=text(info.get("sha")),
        url=site.page(known.name),
        parameters=size.parameters,
        quantization=size.stored,
        file_bytes=size.bytes,
        memory_bytes=size.memory,
        library=_library(info, known.front),
        **written(known.front, info),
    )


def written(front: Mapping[str, Any], info: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the front matter alone tells, as fields of a card; the hub's interface says some of it beside."""
    said = info or {}
    return {
        "licence": licence(front, texts(said.get("tags"))),
        "languages": languages(front.get("language", front.get("languages"))),
        "base_model": texts(front.get("base_model")),
        "datasets": texts(front.get("datasets")),
        "metrics": reported(said.get("model-index") or front.get("model-index"), said.get("evalResults")),
    }


def shortened(found: ModelCard, sentences: Mapping[str, Any]) -> ModelCard:
    """The card of a model that embeds sentences: it may be given shorter texts than its network would take."""
    most = sentences.get("max_seq_length")
    if found.kind not in ("embedding", "reranking") or type(most) is not int or most < 1:
        return found
    return replace(found, context_window=min(most, found.context_window or most))


def licence(front: Mapping[str, Any], tags: tuple[str, ...] = ()) -> str | None:
    """Its name: of several all, of ``other`` the own name or the address of its text."""
    tagged = tuple(tag.removeprefix("license:") for tag in tags if tag.startswith("license:"))
    names = texts(front.get("license")) or tagged
    own = text(front.get("license_name")) or text(front.get("license_link"))
    named = [own if name.lower() == "other" and own else name for name in names] or ([own] if own else [])
    return " AND ".join(named) or None


def _window(info: Mapping[str, Any], config: Mapping[str, Any]) -> int | None:
    return context_window(config) or count(under(info, "gguf").get("context_length"))


def _family(info: Mapping[str, Any], config: Mapping[str, Any], task: str | None) -> Any:
    architecture = text(config.get("model_type")) or text(under(info, "gguf").get("architecture"))
    name = diffusers_class(info) or network_class(info)
    return family_of(architecture, name, task=task, both=config.get("is_encoder_decoder"))


def _library(info: Mapping[str, Any], front: Mapping[str, Any]) -> str | None:
    told = text(info.get("library_name")) or text(front.get("library_name"))
    return told or ("gguf" if under(info, "gguf") else None)


def _fine_tunable(info: Mapping[str, Any], front: Mapping[str, Any], size: Volume) -> bool | None:
    """Weights that were made smaller are not trained further, for the most part: of these it is not known."""
    return True if _library(info, front) in _TRAINERS and not size.quantized else None


def _gated(info: Mapping[str, Any], front: Mapping[str, Any]) -> bool | None:
    told = info.get("gated")
    if told is None:
        return True if any(key.startswith("extra_gated_") for key in front) else None
    return bool(told)
