"""Model cards made of what GGUF files say of themselves. What a file does not say is unknown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from modelhub.plugin import Kind, ModelCard, shards, stem
from modelhub_llama.gguf.faults import GgufError
from modelhub_llama.gguf.finding import imported_models, known
from modelhub_llama.gguf.header import Header, read
from modelhub_llama.gguf.making import base_models, family, task
from modelhub_llama.gguf.memory import needs
from modelhub_llama.gguf.storage import missing_bytes, quantization
from modelhub_llama.options import LlamaOptions

__all__ = ["card", "inspect", "kind", "local", "whole"]

_EMBEDDERS = re.compile(r"bert|t5encoder|embedding|embed$")
_POOLED, _RANKED = (1, 2, 3), 4
"""What ``pooling_type`` means: vectors of mean, first or last token; a score."""
_CLASSIFIERS = ("cls.weight", "cls.output.weight")


def inspect(file: str) -> ModelCard:
    """The card of a file, by its own name. Raises ``GgufError`` for a file that no model can be loaded from."""
    return card(shards(file)[0], stem(file), LlamaOptions())


def local(options: LlamaOptions | None) -> tuple[ModelCard, ...]:
    """The card of each model that can be asked for by name: imported, and in the folders ``models``."""
    options = options or LlamaOptions()
    return tuple(_cards(options)) if options.place == "in-process" else ()


def card(file: str, name: str, options: LlamaOptions) -> ModelCard:
    """The card of the model whose first file this is, as these options run it. Raises ``GgufError``."""
    headers = whole(file)
    first = headers[0]
    what = kind(first, headers)
    size = sum(header.file_bytes for header in headers)
    sees = {"images": True} if options.projector and what == "text" else {}
    return ModelCard(
        model=f"{options.provider}:{name}",
        kind=what,
        title=first.text("general.name") or "",
        description=(first.text("general.description") or "")[:300],
        capabilities={**_capabilities(first), **sees} if what == "text" else {},
        context_window=first.context_length,
        dimensions=_dimensions(first) if what == "embedding" else None,
        languages=first.texts("general.languages"),
        licence=_licence(first),
        local=True,
        architecture=first.architecture,
        parameters=sum(header.parameters for header in headers) or None,
        quantization=quantization(max(headers, key=lambda header: header.parameters)) or None,
        file=file,
        file_bytes=size,
        memory_bytes=needs(first, options, size).total,
        task=task(what, first.architecture),
        family=family(first.architecture),
        open_weights=True,
        data="this machine",
        base_model=base_models(first),
        datasets=first.texts("general.datasets"),
        library="gguf",
        url=first.text("general.repo_url") or first.text("general.url"),
    )


def whole(file: str) -> tuple[Header, ...]:
    """The headers of all files of a model. Raises ``GgufError`` where one is missing, cut, or no model."""
    headers = tuple(read(path) for path in shards(file))
    for header in headers:
        if lack := missing_bytes(header):
            message = f"the file lacks its last {lack} bytes: the download stopped half-way. Download it again."
            raise GgufError(message, file=header.file, reason="truncated")
    role = headers[0].text("general.type") or "model"
    if role != "model" or headers[0].architecture == "clip":
        message = f"this is no model of its own but {_ROLES.get(role, _ROLES['mmproj'])}."
        raise GgufError(message, file=file, reason="no-model")
    if headers[0].architecture is None:
        raise GgufError("the file does not say what its network is (general.architecture).", file=file, reason="no-model")
    return headers


_ROLES = {
    "adapter": "a LoRA adapter: name it in adapters = [{ file = ... }] of its model's options",
    "imatrix": "a matrix for quantising models",
    "mmproj": "the projector that lets a model see: name it in projector = ... of its model's options",
}


def kind(first: Header, headers: tuple[Header, ...] = ()) -> Kind:
    """What a model is for."""
    pooling = first.own("pooling_type")
    if pooling == _RANKED or any(tensor.name in _CLASSIFIERS for header in headers or (first,) for tensor in header.tensors):
        return "reranking"
    return "embedding" if pooling in _POOLED or _EMBEDDERS.search(first.architecture or "") else "text"


def _cards(options: LlamaOptions) -> Iterator[ModelCard]:
    kept = imported_models()
    for name, file in known(options).items():
        model = kept.get(name)
        try:
            made = card(file, name, options)
        except GgufError as error:
            made = ModelCard(model=f"{options.provider}:{name}", kind="text", description=error.message, local=True, file=file)
        yield replace(made, licence=model.licence) if model is not None and model.licence else made


def _capabilities(header: Header) -> dict[str, bool]:
    """A template for conversations makes a model one that talks; where it speaks of tools, it was taught to call them."""
    template = header.chat_template
    if template is None:
        return {"chat": False}
    return {"chat": True, **({"tools": True} if re.search(r"\btools\b", template) else {})}


def _dimensions(header: Header) -> int | None:
    out: Any = header.own("embedding_length_out") or header.own("embedding_length")
    return out if isinstance(out, int) and out > 0 else None


def _licence(header: Header) -> str | None:
    """As it is named in the file; where that is ``other``, its full name or where it stands."""
    told = header.text("general.license")
    if told is not None and told.lower() != "other":
        return told[:100]
    return header.text("general.license.name") or header.text("general.license.link") or told
