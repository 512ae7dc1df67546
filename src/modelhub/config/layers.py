"""Layers of configuration: each a tree of settings that knows where it was written; the nearer one wins, key by key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from modelhub.config.positions import Path, line_numbers
from modelhub.errors import ConfigError

__all__ = ["SECRET_SOURCES", "Layer", "Origin", "Tree", "merged", "origin_of", "profile_of", "read_file", "strings_in"]

Tree = Mapping[str, Any]
_NEWLINE = b"\n"

SECRET_SOURCES = frozenset({"env", "file", "keyring", "command"})
"""A table with one of these keys, deep enough to be a value, says where a value comes from: it is replaced as a whole."""


class Origin(NamedTuple):
    """Where a setting was written. ``file`` and ``line`` are ``None`` for a configuration built in code."""

    file: str | None
    line: int | None
    layer: str
    path: Path = ()
    """The keys as they stand there, those of a profile included."""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.file and self.line else self.file
        return f"{where} ({self.layer})" if where else self.layer


@dataclass(frozen=True, eq=False)
class Layer:
    """One tree of settings. ``prefix`` is where in its file the tree begins: ``("profiles", "laptop")`` for a profile."""

    name: str
    tree: Tree = field(repr=False)
    file: str | None = None
    text: str = field(default="", repr=False)
    prefix: Path = ()

    def origin(self, path: Path) -> Origin:
        """Where ``path`` was written; the nearest key around it where it has no line of its own."""
        return Origin(self.file, self._line(self.prefix + path), self.name, self.prefix + path)

    def _line(self, path: Path) -> int | None:
        while path not in self._lines and path:
            path = path[:-1]
        return self._lines.get(path)

    @cached_property
    def _lines(self) -> Mapping[Path, int]:
        return line_numbers(self.text) if self.file else {}


def read_file(file: str, name: str) -> Layer:
    """The settings of one file, as a layer. Raises ``ConfigError`` with file and line for what is not TOML in UTF-8."""
    import tomllib

    text = _text(file)
    try:
        return Layer(name, tomllib.loads(text), file, text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(file, text, str(error)) from None


def profile_of(layer: Layer, profile: str) -> Layer | None:
    """The layer that ``[profiles.NAME]`` of a layer lays over it."""
    profiles = layer.tree.get("profiles", {})
    tree = profiles.get(profile) if isinstance(profiles, Mapping) else None
    if tree is None:
        return None
    prefix = ("profiles", profile)
    if not isinstance(tree, Mapping):
        at = layer.origin(prefix)
        raise ConfigError(f"profiles.{profile}: expected a table.", file=at.file, line=at.line)
    return Layer(f"profile {profile}", tree, layer.file, layer.text, prefix)


def merged(trees: Iterable[Tree], *, depth: int = 0) -> Tree:
    """Trees laid over each other, the farthest first. Tables merge key by key; anything else replaces what was there.

    ``depth`` is how many keys lead to the trees: below ``models.NAME`` and ``providers.NAME``, a secret's source is a value.
    """
    result: dict[str, Any] = {}
    for tree in trees:
        result = _over(result, tree, depth)
    return result


def origin_of(layers: Sequence[Layer], path: Path) -> Origin | None:
    """Where the setting at ``path`` that holds was written: in the nearest layer that has it."""
    return next((layer.origin(path) for layer in reversed(layers) if _has(layer.tree, path)), None)


def _over(below: Tree, above: Tree, depth: int) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        old: Any = result.get(key)
        tables = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = _over(old, value, depth + 1) if tables and _mergeable(old, value, depth + 1) else value
    return result


def _mergeable(old: Tree, new: Tree, depth: int) -> bool:
    return depth < 3 or not (SECRET_SOURCES & (old.keys() | new.keys()))


def _has(tree: Any, path: Path) -> bool:
    for key in path:
        is_element = isinstance(tree, list | tuple) and isinstance(key, int) and key < len(tree)
        if not is_element and not (isinstance(tree, Mapping) and key in tree):
            return False
        tree = tree[key]
    return True


def _text(file: str) -> str:
    try:
        with open(file, "rb") as opened:
            data = opened.read()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}.", file=file) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8 (byte {data[error.start]:#04x}, {_column(data, error.start)}). Save the file as UTF-8."
        raise ConfigError(message, file=file, line=line) from None


def _column(data: bytes, at: int) -> str:
    return f"column {at - data.rfind(_NEWLINE, 0, at)}"


def _not_toml(file: str, text: str, message: str) -> ConfigError:
    """``tomllib`` ends its messages in ``(at line 3, column 7)`` or ``(at end of document)``."""
    import re

    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if not found:
        return ConfigError(f"is not TOML: {message}.", file=file, line=_last_line(text))
    return ConfigError(f"is not TOML: {message[: found.start()]} (column {found[2]}).", file=file, line=int(found[1]))


def _last_line(text: str) -> int:
    return len(text.rstrip("\n").split("\n"))


def strings_in(value: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every string in a tree, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from strings_in(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from strings_in(inner, (*path, index))
