"""Finding, reading, laying over each other, and checking: what ``load`` does, and the ``Loaded`` it gives."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from modelhub.config.find import named_file, project_file, user_file
from modelhub.config.layers import Layer, Origin, Tree, merged, origin_of, profile_of, read_file, strings_in
from modelhub.config.positions import Path
from modelhub.config.reader import dotted, read, setting_error
from modelhub.config.references import wrong_references
from modelhub.config.specs import Config
from modelhub.errors import ConfigError, did_you_mean

__all__ = ["Loaded", "load", "survey"]


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A configuration that has been read and checked. Its ``repr`` shows no value, so it may be logged."""

    config: Config = field(repr=False)
    folder: str
    """What relative paths start from: the project file's folder, else the working directory."""
    file: str | None
    """The nearest file that was read."""
    profile: str | None
    tree: Tree = field(repr=False)
    """The settings as written, layers merged: what ``config`` was read from."""
    layers: tuple[Layer, ...] = field(repr=False)
    """The farthest first."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("A configuration may hold keys, so it is not pickled: hand on its path, and make another hub.")

    def origin(self, *keys: str | int) -> Origin | None:
        """Where a setting was written: ``origin("models", "assistant", "model")``. ``None`` for a default."""
        return origin_of(self.layers, keys)

    def error(self, path: Path, message: str) -> ConfigError:
        """The exception for something wrong with the setting at ``path``, with its file and line."""
        return setting_error(self.origin, path, message)


def load(source: str | os.PathLike[str] | Mapping[str, object] | None = None, *, profile: str | None = None) -> Loaded:
    """Read a configuration and check all of it that can be checked without a plugin.

    ``source`` is a path, or a mapping of the same shape as the file; left out, ``MODELHUB_CONFIG`` names the file, else it is
    the nearest ``modelhub.toml`` in or above the working directory. The user's own file stands below the project's, a
    profile (``profile``, else ``MODELHUB_PROFILE``) above both, and ``MODELHUB_RETRIES`` above the table ``[retry]`` of all
    these. A mapping is used alone: no file and no variable but those it refers to has a say. No file at all is an empty
    configuration. Raises ``ConfigError`` with file, line and key.
    """
    loaded, mistakes = survey(source, profile=profile)
    if mistakes:
        raise mistakes[0]
    return loaded


def survey(
    source: str | os.PathLike[str] | Mapping[str, object] | None = None, *, profile: str | None = None
) -> tuple[Loaded, tuple[ConfigError, ...]]:
    """As ``load``, and every mistake instead of the first. What is wrong is left out of the configuration.

    Raises ``ConfigError`` for what is no configuration at all: a file that is not there or not TOML, an unknown profile.
    """
    base, chosen = _base_layers(source), profile
    if chosen is None and not isinstance(source, Mapping):
        chosen = os.environ.get("MODELHUB_PROFILE") or None
    layers = (*base, *(_profile_layers(base, chosen) if chosen else ()), *_variables(source))
    file = base[-1].file if base else None
    folder = os.path.dirname(file) if file else os.getcwd()
    tree = merged(_without_profiles(layer) for layer in layers)
    mistakes = list(_dollar_references(layers))
    config = read(Config, tree, origin=lambda *keys: origin_of(layers, keys), folder=folder, mistakes=mistakes)
    loaded = Loaded(config, folder, file, chosen, tree, layers)
    return loaded, (*mistakes, *wrong_references(loaded))


def _base_layers(source: str | os.PathLike[str] | Mapping[str, object] | None) -> tuple[Layer, ...]:
    if isinstance(source, Mapping):
        return (Layer("code", source),)
    user, project = user_file(), project_file() if source is None else named_file(source)
    below = (read_file(user, "user file"),) if user and user != project else ()
    return (*below, read_file(project, "project file")) if project else below


def _profile_layers(base: tuple[Layer, ...], profile: str) -> tuple[Layer, ...]:
    found = tuple(layer for layer in (profile_of(layer, profile) for layer in base) if layer)
    if not found:
        known = sorted(name for layer in base for name in _table(layer.tree, "profiles"))
        hint = did_you_mean(profile, known) or (f" Known: {', '.join(known)}." if known else " There are no profiles.")
        raise ConfigError(f"profiles.{profile}: there is no such profile.{hint}", file=base[-1].file if base else None)
    return found


def _variables(source: object) -> tuple[Layer, ...]:
    """What the environment says, over every file. A mapping is used alone."""
    if isinstance(source, Mapping) or not os.environ.get("MODELHUB_RETRIES"):
        return ()
    from modelhub.config.persistence import variable

    return (variable("MODELHUB_RETRIES"),)


def _without_profiles(layer: Layer) -> Tree:
    return layer.tree if layer.prefix else {key: value for key, value in layer.tree.items() if key != "profiles"}


def _dollar_references(layers: tuple[Layer, ...]) -> Iterator[ConfigError]:
    for layer, path, text in _strings(layers):
        if "${" in text:
            at = layer.origin(path)
            message = 'holds "${", which is not replaced here. Write { env = "NAME" } for an environment variable.'
            yield ConfigError(f"{dotted(path)}: {message}", file=at.file, line=at.line)


def _strings(layers: tuple[Layer, ...]) -> Iterator[tuple[Layer, Path, str]]:
    for layer in layers:
        for path, text in strings_in(_without_profiles(layer)):
            yield layer, path, text


def _table(tree: Tree, key: str) -> Tree:
    value = tree.get(key, {})
    return value if isinstance(value, Mapping) else {}
