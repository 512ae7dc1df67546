"""Where a model's files lie on this machine: a folder that is named, or one in the hub's cache."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelhub.plugin import SetupError, UnknownModel
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["ModelFolder", "find", "hub_cache", "repository_folder"]

_LONGEST = 16 << 20
"""Bytes of a JSON file that is read here; tokenizers, which may be longer, are read by their own library."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """The files of one model. ``revision`` is the commit of its repository, where it comes from one."""

    path: str
    revision: str | None = None

    def file(self, *names: str) -> str:
        """The path of a file or a folder in it, whether it is there or not."""
        return os.path.join(self.path, *names)

    def has(self, *names: str) -> bool:
        """Whether there is such a file."""
        return os.path.isfile(self.file(*names))

    def json(self, *names: str) -> Mapping[str, Any]:
        """A JSON file's table; empty where there is no such file. Raises ``SetupError`` where it is none."""
        path = self.file(*names)
        try:
            with open(path, encoding="utf-8-sig") as file:
                said: object = json.loads(file.read(_LONGEST))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise SetupError(f"{path} cannot be read: {error}. Fetch the model again.") from error
        if not isinstance(said, Mapping):
            raise SetupError(f"{path} holds no table. Fetch the model again.")
        return said

    @property
    def config(self) -> Mapping[str, Any]:
        """What transformers keeps of the network."""
        return self.json("config.json")

    @property
    def pipeline(self) -> Mapping[str, Any]:
        """What diffusers keeps of a pipeline; empty for any other model."""
        return self.json("model_index.json")


def find(name: str, options: HuggingFaceOptions) -> ModelFolder:
    """The files of the model of that name. Raises ``UnknownModel``, which says how to fetch it."""
    if options.is_path(name):
        folder = options.folder(name)
        if not os.path.isdir(folder):
            raise UnknownModel(f"There is no folder {folder}.", provider=options.provider, model=name)
        return ModelFolder(folder)
    if not _REPOSITORY.fullmatch(name):
        message = f"{name!r} is neither OWNER/MODEL nor a folder: a folder's name begins with a dot or a slash."
        raise UnknownModel(message, provider=options.provider, model=name)
    return _cached(name, options)


_REPOSITORY = re.compile(r"[\w.-]+(?:/[\w.-]+)?")


def repository_folder(name: str, options: HuggingFaceOptions) -> str:
    """The folder of a repository in the hub's cache, whether it is there or not."""
    return os.path.join(hub_cache(options), f"models--{name.replace('/', '--')}")


def _cached(name: str, options: HuggingFaceOptions) -> ModelFolder:
    repository, revision = repository_folder(name, options), options.revision or "main"
    commit = _commit(repository, revision)
    snapshot = os.path.join(repository, "snapshots", commit)
    if not os.path.isdir(snapshot):
        at = "" if revision == "main" else f" at the revision {revision!r}"
        message = f"{name}{at} does not lie on this machine. Fetch it: modelhub models pull {options.provider}:{name}"
        raise UnknownModel(message, provider=options.provider, model=name)
    return ModelFolder(snapshot, commit)


def _commit(repository: str, revision: str) -> str:
    """The commit that a branch or a tag stands for; what is none is taken as a commit itself."""
    try:
        with open(os.path.join(repository, "refs", *revision.split("/")), encoding="utf-8") as file:
            return file.read(100).strip() or revision
    except (OSError, ValueError):
        return revision


def hub_cache(options: HuggingFaceOptions) -> str:
    """The hub's cache on this machine, as its own client finds it."""
    home = os.environ.get("HF_HOME") or os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    if options.cache is not None:
        return options.folder(options.cache)
    found = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE") or os.path.join(home, "hub")
    return os.path.abspath(os.path.expanduser(found))
