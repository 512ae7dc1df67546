"""What a JSON Schema refers to: pointers followed, and gathered again as ``$defs`` under names that every host takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

__all__ = ["Inexpressible", "References", "named"]


class Inexpressible(Exception):  # never leaves the writing of a schema
    """The strict dialect has no words for this part of a schema."""


def named(name: str) -> str:
    """The name as the API takes it: ASCII letters, digits, ``_`` and ``-``, 64 at most."""
    safe = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:64]
    return safe if safe.strip("_") else "output"


class References:
    """The pointers of one schema. Those that are ``named`` come out of ``definitions``, each once."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._names: dict[str, str] = {}
        self._next = 0

    def target(self, pointer: str) -> Mapping[str, Any]:
        """What a local pointer points at: ``#``, ``#/$defs/City``."""
        target: Any = self._root
        if not pointer.startswith("#") or pointer.strip("#/") != pointer[2:].strip("/"):
            raise Inexpressible(f"{pointer!r} lies outside of the schema")
        for step in pointer[1:].split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            target = target[int(key)] if isinstance(target, list) and key.isdigit() else _member(target, key, pointer)
        if not isinstance(target, Mapping):
            raise Inexpressible(f"{pointer!r} points at no schema of an object, a list or a value")
        return target

    def followed(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """The schema, or what it refers to, with what stands beside the reference over it."""
        seen: set[str] = set()
        while "$ref" in schema:
            pointer = schema["$ref"]
            if pointer in seen:
                raise Inexpressible(f"{pointer!r} refers to itself")
            seen.add(pointer)
            schema = {**self.target(pointer), **{name: value for name, value in schema.items() if name != "$ref"}}
        return schema

    def name(self, pointer: str) -> str:
        """The pointer under which the target will be found among the definitions."""
        if pointer not in self._names:
            wanted, taken = named(unquote(pointer).rpartition("/")[2].strip("#") or "root"), set(self._names.values())
            numbers = (f"{wanted[:60]}_{number}" for number in range(2, len(taken) + 3))
            self._names[pointer] = next(name for name in (wanted, *numbers) if name not in taken)
        return f"#/$defs/{self._names[pointer]}"

    def definitions(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Names and targets; those that are named meanwhile, too."""
        while self._next < len(self._names):
            pointer, name = list(self._names.items())[self._next]
            self._next += 1
            yield name, self.target(pointer)


def _member(target: Any, key: str, pointer: str) -> Any:
    if not isinstance(target, Mapping) or key not in target:
        raise Inexpressible(f"{pointer!r} points at nothing")
    return target[key]
