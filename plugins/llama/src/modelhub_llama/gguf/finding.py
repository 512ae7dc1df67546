"""From the name behind ``llama:`` to the file it stands for."""

from __future__ import annotations

import os
from itertools import islice

from modelhub.plugin import StoredModel, UnknownModel, did_you_mean, shards, stem, stored
from modelhub_llama.gguf.names import ENDING, gguf_files
from modelhub_llama.options import LlamaOptions

__all__ = ["find", "imported_models", "known"]


def find(name: str, options: LlamaOptions) -> str:
    """The absolute path of the GGUF file (its first shard) that a name stands for. Raises ``UnknownModel``.

    A name that ends in ``.gguf`` is a file, relative to the configuration. Any other is that of an imported model, or of a
    file in one of the folders ``models``, in any case and without ``.gguf``.
    """
    if name.lower().endswith(ENDING):
        return _given(name, options)
    found = known(options)
    wanted = {candidate.casefold(): candidate for candidate in reversed(found)}.get(name.casefold())
    if wanted is not None:
        return found[wanted]
    if elsewhere := _there(name, options):
        raise _unknown(name, elsewhere, options)
    raise _unknown(name, f"{did_you_mean(name, list(found)) or _choice(list(found))} {_looked(options)}", options)


def known(options: LlamaOptions) -> dict[str, str]:
    """Each name that can be given, and its file: imported models first, then those in the folders."""
    found = {name: model.paths[0] for name, model in imported_models().items()}
    for folder in options.models:
        for file in gguf_files(options.file(folder)):
            found.setdefault(stem(file), os.path.abspath(file))
    return found


def imported_models() -> dict[str, StoredModel]:
    """The GGUF models that were imported into the caller's own cache, by name."""
    return {model.name: model for model in stored() if model.paths[0].lower().endswith(ENDING)}


def _given(name: str, options: LlamaOptions) -> str:
    path = shards(options.file(name))[0]
    if os.path.isfile(path):
        return path
    if os.path.isdir(path):
        raise _unknown(name, _is_folder(path), options)
    near = did_you_mean(os.path.basename(path), [os.path.basename(file) for file in gguf_files(os.path.dirname(path))])
    raise _unknown(name, f" There is no file {path}.{near}", options)


def _there(name: str, options: LlamaOptions) -> str:
    """What is at the place that a name means which was meant as a path; empty where it surely was none."""
    path = options.file(name)
    if os.path.isfile(path):
        return f" The file {path} does not end in {ENDING}, as a model that llama.cpp runs does."
    if os.path.isfile(path + ENDING):
        return f" Did you mean {name + ENDING!r}?"
    if os.path.isdir(path):
        return _is_folder(path)
    return f" There is no file {path}." if name.startswith((".", os.sep, "~")) else ""


def _is_folder(path: str) -> str:
    files = [os.path.relpath(file, path) for file in islice(gguf_files(path), 8)]
    if files:
        return f" {path} is a folder: name a file in it ({', '.join(files)})."
    return f" {path} is a folder without {ENDING} files. One of a sentence transformer is added: modelhub models add {path}"


def _choice(names: list[str]) -> str:
    return f" There are: {', '.join(sorted(names)[:8])}{', ...' if len(names) > 8 else ''}." if names else ""


def _looked(options: LlamaOptions) -> str:
    folders = ", ".join(options.file(folder) for folder in options.models)
    return f"Looked among the imported models (modelhub models --local), and in {folders or 'no folder'}."


def _unknown(name: str, more: str, options: LlamaOptions) -> UnknownModel:
    message = f"There is no model {options.provider}:{name}.{more.rstrip()}"
    return UnknownModel(message, provider=options.provider, model=name)
