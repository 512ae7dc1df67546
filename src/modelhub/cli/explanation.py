"""Where each setting of a name comes from: what holds, who said so, and what it was said over. No secret is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args, get_origin

from modelhub.config import Origin, plugin_of, resolve, split_id
from modelhub.config.aliases import chain
from modelhub.config.layers import SECRET_SOURCES
from modelhub.config.persistence import CircuitSpec, RetrySpec
from modelhub.config.reader import hints_of
from modelhub.http import Secret
from modelhub.model import Timeouts

if TYPE_CHECKING:
    from modelhub.config import Loaded

__all__ = ["Setting", "Written", "explain", "is_secret", "shown"]

Path = tuple[str, ...]
DEFAULT = Origin(None, None, "default")
_SECRET_NAME = re.compile(r"(^|[_-])(key|token|secret|password|credential)s?$|authorization", re.IGNORECASE)
_PASSWORD_IN_ADDRESS = re.compile(r"(://[^/\s:@]*:)[^@\s]+(@)")


@dataclass(frozen=True, slots=True)
class Written:
    """A value and where it was written. The value is fit to be shown."""

    value: Any
    origin: Origin


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting's name, what holds, and what that was laid over, the nearest first."""

    name: str
    holds: Written
    over: tuple[Written, ...] = ()


def explain(loaded: Loaded, name: str) -> list[Setting]:
    """Every setting that has a say when ``name`` (an alias or a model id) is asked, by precedence: the nearest place first.

    Raises ``UnknownAlias``.
    """
    aliases = () if ":" in name else chain(loaded, name)
    model = loaded.config.models[aliases[-1]].model if aliases else name
    own: list[Path] = [("models", alias) for alias in aliases]
    steps = [setting for place in own if (setting := _setting(loaded, ("model",), [place])) is not None]
    options: list[Path] = [*(("models", alias, "options") for alias in aliases), ("providers", split_id(model)[0])]
    return [
        *steps,
        *(setting for setting in _table(loaded, own) if not _elsewhere(setting.name)),
        *_used(loaded, name),
        *_for_all(loaded, own, "timeouts", Timeouts),
        *_for_all(loaded, own, "retry", RetrySpec),
        *(_for_all(loaded, [], "circuit", CircuitSpec) if resolve(loaded, name).fallback else ()),
        *_table(loaded, options, _Secrets(plugin_of(loaded, split_id(model)[0]))),
    ]


def _elsewhere(name: str) -> bool:
    keys = name.split(".")[2:]
    return keys[0] in ("model", "options", "timeouts", "retry")


def _used(loaded: Loaded, name: str) -> Iterator[Setting]:
    spec = resolve(loaded, name)
    for table, chosen in (("prompts", spec.prompt), ("indexes", spec.retrieval)):
        if chosen:
            yield from _table(loaded, [(table, chosen)])
    if not spec.price and spec.model in loaded.config.prices:
        yield from _table(loaded, [("prices", spec.model)])


def _for_all(loaded: Loaded, own: list[Path], table: str, spec: type[Any]) -> Iterator[Setting]:
    """The settings of a table that every model has a part in, as an alias may have a table of its own."""
    places = [*((*place, table) for place in own), (table,)]
    for field in fields(spec):
        found = _setting(loaded, (field.name,), places, at=(table,))
        default = Written(field.default, DEFAULT)
        yield Setting(found.name, found.holds, (*found.over, default)) if found else Setting(f"{table}.{field.name}", default)


def _table(loaded: Loaded, places: list[Path], secrets: _Secrets | None = None) -> Iterator[Setting]:
    """The settings of tables laid over each other, the nearest place first."""
    keys = dict.fromkeys(key for place in places for layer in loaded.layers for key in _leaves(_at(layer.tree, place)))
    for key in keys:
        if (setting := _setting(loaded, key, places, secrets=secrets)) is not None:
            yield setting


def _setting(
    loaded: Loaded, key: Path, places: list[Path], at: Path | None = None, secrets: _Secrets | None = None
) -> Setting | None:
    found = [(place, written) for place in places for written in _written(loaded, place, key, secrets)]
    if not found:
        return None
    (place, holds), *over = found
    return Setting(".".join((*(at or place), *key)), holds, tuple(written for _, written in over))


def _written(loaded: Loaded, place: Path, key: Path, secrets: _Secrets | None) -> Iterator[Written]:
    path = (*place, *key)
    for layer in reversed(loaded.layers):
        value = _at(layer.tree, path, missing := object())
        if value is not missing and not _is_table(value):
            yield Written(_shown_option(key, value, secrets), layer.origin(path))


def _shown_option(key: Path, value: object, secrets: _Secrets | None) -> object:
    seen = shown(key[-1], value)
    is_text = isinstance(value, str | list) and seen == value
    return "(hidden)" if is_text and secrets is not None and secrets.holds(key) else seen


class _Secrets:
    """Which options of a provider are secrets, by its own word. It is asked only where a text would else be shown."""

    def __init__(self, provider: str) -> None:
        self.provider = provider

    def holds(self, key: Path) -> bool:
        return self._class is not None and is_secret(self._class, key)

    @cached_property
    def _class(self) -> type[Any] | None:
        from modelhub.errors import ModelhubError
        from modelhub.providers import imported, installed, provider

        if not any(plugin.name == self.provider for plugin in installed()):
            return None
        try:
            address = provider(self.provider).options
            found: type[Any] | None = None if address is None else imported(address)
        except ModelhubError:
            return None
        return found


def is_secret(hint: Any, key: Path) -> bool:
    """Whether a ``Secret`` stands behind the keys, through tables within tables and lists."""
    if hint is Secret:
        return True
    if is_dataclass(hint):
        hints = hints_of(hint)  # type: ignore[arg-type]
        return bool(key) and key[0] in hints and is_secret(hints[key[0]], key[1:])
    rest = key[1:] if get_origin(hint) in (dict, Mapping) else key
    return any(is_secret(inner, rest) for inner in get_args(hint))


def _leaves(table: object, path: Path = ()) -> Iterator[Path]:
    if not isinstance(table, Mapping):
        return
    for key, value in table.items():
        if _is_table(value):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key)


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) and not (SECRET_SOURCES & value.keys())


def _at(tree: object, path: Path, missing: object = None) -> object:
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return missing
        tree = tree[key]
    return tree


def shown(name: str, value: object) -> object:
    """A value as it may be seen: a secret as its source (``env:NAME``), a password in an address as asterisks."""
    if isinstance(value, Mapping):
        source = min(SECRET_SOURCES & value.keys(), default=None)
        if source is not None:
            return f"{source}:{value[source]}" if source in ("env", "file") else source
        return {key: shown(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shown(name, inner) for inner in value]
    if isinstance(value, str):
        return "(hidden)" if _SECRET_NAME.search(name) else _PASSWORD_IN_ADDRESS.sub(r"\1***\2", value)
    return value
