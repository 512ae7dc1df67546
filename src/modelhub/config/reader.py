"""From a table of settings to a frozen dataclass, checked against its type hints.

What a hint accepts: ``str``, ``int``, ``float``, ``bool``, ``Decimal``, ``Literal[...]``, ``X | None``, ``tuple[X, ...]``,
``Mapping[str, X]``, another dataclass, ``Secret``, and ``Any`` for what somebody else will read. Where a string is expected,
``{ env = "NAME" }`` stands for the environment variable's value. Where ``None`` is possible and a boolean is not, ``false``
says ``None``: TOML has no word for it.

No message shows a value: somebody may have put a key in the wrong place.
"""

from __future__ import annotations

import dataclasses
import os
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from modelhub.config.layers import Origin
from modelhub.config.positions import Path
from modelhub.config.shapes import advice, described, fits, is_number, named
from modelhub.errors import ConfigError, KeyMissing, did_you_mean
from modelhub.http import Secret

__all__ = ["FindOrigin", "dotted", "hints_of", "is_required", "read", "read_fields", "setting_error"]

T = TypeVar("T")
_WRONG: Any = object()
"""Stands for what could not be read, where mistakes are collected."""
FindOrigin = Callable[..., Origin | None]
"""Asked with the keys of a path, says where it was written: ``Loaded.origin`` is one."""


def read(
    cls: type[T],
    table: object,
    *,
    origin: FindOrigin | None = None,
    where: Path = (),
    folder: str = ".",
    mistakes: list[ConfigError] | None = None,
) -> T:
    """An instance of the dataclass ``cls``, filled from ``table``.

    ``where`` is the table's own path, for messages and for ``origin``; ``folder`` is what a secret's relative file starts
    from. Raises ``ConfigError`` with file, line and key path for an unknown key, a missing one, a value of the wrong type,
    and whatever the class itself refuses with a ``ValueError``. With a list for ``mistakes``, each is put there instead and the
    setting left out, a whole table where it lacks what it requires; ``cls`` itself then must require nothing.
    """
    return _Reader(origin, folder, mistakes).dataclass(cls, table, where)


def read_fields(
    cls: type[Any], table: object, *, without: frozenset[str], origin: FindOrigin | None = None, where: Path = ()
) -> Mapping[str, Any]:
    """The fields of ``cls`` that ``table`` gives, checked as ``read`` does; none is required, some may be left out."""
    known = {name: field for name, field in _fields(cls).items() if name not in without}
    return _Reader(origin, ".").fields(known, table, where)


def setting_error(origin: FindOrigin | None, path: Path, message: str) -> ConfigError:
    """The exception for something wrong with the setting at ``path``: its keys as written, its file and line."""
    at = origin(*path) if origin else None
    keys = dotted(at.path if at and at.path else path)
    text = f"{keys}: {message}" if keys else message
    return ConfigError(text, file=at.file if at else None, line=at.line if at else None)


def dotted(path: Path) -> str:
    """A path as one writes it: ``models.assistant.fallback[0]``."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{_quoted(key)}" if text else _quoted(key)
    return text


class _Field(NamedTuple):
    hint: Any
    required: bool


_FIELDS: dict[type[Any], Mapping[str, _Field]] = {}
_MEANT = {"retries": "retry"}
"""What is said elsewhere, and looks more like another setting than like the one it means."""


def hints_of(cls: type[Any]) -> Mapping[str, Any]:
    """The type hint of each field of a dataclass that may be given, resolved."""
    return {name: field.hint for name, field in _fields(cls).items()}


def _fields(cls: type[Any]) -> Mapping[str, _Field]:
    """The fields of a dataclass with their hints resolved, which is slow enough to be done once."""
    if cls not in _FIELDS:
        _FIELDS[cls] = _read_fields(cls)
    return _FIELDS[cls]


def _read_fields(cls: type[Any]) -> Mapping[str, _Field]:
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: _Field(hints[field.name], is_required(field)) for field in dataclasses.fields(cls) if field.init}


def is_required(field: dataclasses.Field[Any]) -> bool:
    """Whether a field has no default."""
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


class _Reader:
    """No dataclass: this module is on the way of every start, and making one costs more than reading a file."""

    __slots__ = ("folder", "mistakes", "origin")

    def __init__(self, origin: FindOrigin | None, folder: str, mistakes: list[ConfigError] | None = None) -> None:
        self.origin = origin
        self.folder = folder
        self.mistakes = mistakes

    def dataclass(self, cls: type[T], table: object, path: Path) -> T:
        known = _fields(cls)
        values = self.fields(known, table, path)
        for name, field in known.items():
            if field.required and name not in values:
                if isinstance(table, Mapping) and name in table:  # told already
                    return _WRONG  # type: ignore[no-any-return]
                raise self.error(path, f"{name!r} is missing: it has to be given.")
        try:
            return cls(**values)
        except ValueError as error:
            raise self.error(path, str(error)) from error

    def fields(self, known: Mapping[str, _Field], table: object, path: Path) -> Mapping[str, Any]:
        if not isinstance(table, Mapping):
            raise self.wrong(path, "a table", table)
        for key in table:
            if key not in known:
                self.tell(self.unknown(path, str(key), list(known)))
        return self.entries({key: (known[key].hint, value) for key, value in table.items() if key in known}, path)

    def entries(self, wanted: Mapping[str, tuple[Any, object]], path: Path) -> Mapping[str, Any]:
        """Each value read by its hint; without those that are wrong."""
        values = {key: self.attempt(hint, value, (*path, key)) for key, (hint, value) in wanted.items()}
        return {key: value for key, value in values.items() if value is not _WRONG}

    def attempt(self, hint: Any, value: object, path: Path) -> Any:
        try:
            return self.value(hint, value, path)
        except ConfigError as error:
            self.tell(error)
            return _WRONG

    def tell(self, error: ConfigError) -> None:
        """Raise it, or put it with the others where they are collected."""
        if self.mistakes is None:
            raise error
        self.mistakes.append(error)

    def value(self, hint: Any, value: object, path: Path) -> Any:
        if hint is Any:
            return value
        if isinstance(hint, type) and not get_args(hint):
            return self.plain(hint, value, path)
        kind = get_origin(hint)
        if kind in (Union, types.UnionType):
            return self.union(get_args(hint), value, path)
        if kind is Literal:
            return self.literal(get_args(hint), value, path)
        if kind is Annotated:
            return self.value(_annotated(hint), value, path)
        return self.container(hint, kind, value, path)

    def plain(self, hint: type[Any], value: object, path: Path) -> Any:
        if hint is str:
            return self.string(value, path)
        if hint is Secret:
            return self.secret(value, path)
        if dataclasses.is_dataclass(hint):
            return self.dataclass(hint, value, path)
        if is_number(hint) and fits(hint, value):
            return self.number(hint, value, path)
        if hint is object or (not is_number(hint) and isinstance(value, hint)):
            return value
        raise self.wrong(path, named(hint), value)

    def number(self, hint: type[Any], value: Any, path: Path) -> Any:
        if hint is int or hint is float:
            return hint(value)
        try:
            return hint(str(value))
        except ArithmeticError:
            raise self.error(path, 'this string is not a number: write 2.5 or "2.5", without commas and units.') from None

    def string(self, value: object, path: Path) -> str:
        if isinstance(value, Mapping) and set(value) == {"env"}:
            return self.environment(value["env"], path)
        if not isinstance(value, str):
            raise self.wrong(path, named(str), value)
        return value

    def environment(self, name: object, path: Path) -> str:
        if not isinstance(name, str):
            raise self.wrong((*path, "env"), "the name of an environment variable", name)
        if name not in os.environ:
            raise self.error(path, f"the environment variable {name} is not set.")
        return os.environ[name]

    def secret(self, value: object, path: Path) -> Any:
        """A secret that is fetched when it is first sent; an unset variable is told at once, as ``KeyMissing``."""
        from modelhub.transport.credentials import read_secret

        if hasattr(value, "reveal"):
            return value
        if not isinstance(value, str | Mapping):
            raise self.wrong(path, named(Secret), value)
        try:
            if isinstance(value, Mapping) and set(value) == {"env"}:
                self.environment(value["env"], path)
        except ConfigError as error:
            raise KeyMissing(error.message) from None
        at = self.origin(*path) if self.origin else None
        try:
            return read_secret(value, folder=self.folder, what=dotted(at.path if at and at.path else path))
        except ConfigError as error:
            raise ConfigError(error.message, file=at.file if at else None, line=at.line if at else None) from None

    def union(self, members: tuple[Any, ...], value: object, path: Path) -> Any:
        nullable, kinds = type(None) in members, [member for member in members if member is not type(None)]
        if nullable and (value is None or (value is False and not any(fits(kind, False) for kind in kinds))):
            return None
        fitting = [kind for kind in kinds if fits(kind, value)]
        if not fitting and len(kinds) > 1:
            raise self.wrong(path, " or ".join(named(kind) for kind in kinds), value)
        return self.value((fitting or kinds)[0], value, path)

    def literal(self, words: tuple[Any, ...], value: object, path: Path) -> Any:
        if isinstance(value, Mapping):
            value = self.string(value, path)
        if any(type(word) is type(value) and word == value for word in words):
            return value
        hint = did_you_mean(value, [str(word) for word in words]) if isinstance(value, str) else ""
        raise self.error(path, f"expected {named(Literal[words])}.{hint}")

    def container(self, hint: Any, kind: Any, value: object, path: Path) -> Any:
        arguments = get_args(hint)
        if isinstance(kind, type) and issubclass(kind, Mapping):
            if not isinstance(value, Mapping):
                raise self.wrong(path, "a table", value)
            return self.entries({key: (arguments[1], inner) for key, inner in value.items()}, path)
        if isinstance(kind, type) and issubclass(kind, (Sequence, frozenset)):
            return self.items(kind, arguments, value, path)
        message = f"{dotted(path)}: a setting cannot have the type {hint!r}"
        raise TypeError(message)

    def items(self, kind: type[Any], hints: tuple[Any, ...], value: object, path: Path) -> Any:
        if not isinstance(value, list | tuple):
            raise self.wrong(path, "a list", value)
        if Ellipsis not in hints and kind is tuple:
            if len(hints) != len(value):
                raise self.error(path, f"expected {len(hints)} values, got {len(value)}.")
        else:
            hints = hints[:1] * len(value)
        items = (self.value(hint, item, (*path, index)) for index, (hint, item) in enumerate(zip(hints, value, strict=True)))
        return frozenset(items) if kind is frozenset else tuple(items)

    def wrong(self, path: Path, expected: str, value: object) -> ConfigError:
        return self.error(path, f"expected {expected}, got {described(value)}.{advice(expected, value)}")

    def unknown(self, path: Path, key: str, known: list[str]) -> ConfigError:
        hint = did_you_mean(_MEANT.get(key, key), known) or f" Known: {', '.join(known)}."
        return self.error((*path, key), f"there is no such setting.{hint}")

    def error(self, path: Path, message: str) -> ConfigError:
        return setting_error(self.origin, path, message)


def _annotated(hint: Any) -> Any:
    """``Annotated[Any, X]`` is read as ``X`` where that is a type: a type checker sees ``Any``, a reader of the file ``X``."""
    plain, first, *_ = get_args(hint)
    return first if plain is Any and not isinstance(first, str) else plain


def _quoted(key: str) -> str:
    bare = key.replace("-", "").replace("_", "")
    return key if bare.isascii() and bare.isalnum() else f'"{key}"'
