"""Keys: where they come from, and values that never show themselves."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Never

from modelhub.errors import ConfigError, KeyMissing, did_you_mean
from modelhub.http import Secret
from modelhub.transport.fetched import Fetched, forgotten

__all__ = ["Bearer", "Environment", "Fetched", "Plain", "read_secret"]

_SOURCES = ("env", "file", "keyring", "command")


def read_secret(value: str | Mapping[str, Any], *, folder: str, what: str) -> Secret:
    """The secret that a setting describes; nothing is fetched before it is used.

    A string is the key itself. ``{env = "NAME"}`` is an environment variable, ``{file = "PATH"}`` a file (relative to
    ``folder``), ``{keyring = "service/username"}`` or ``{keyring = {service = ..., username = ...}}`` an entry of the system's
    keyring, ``{command = ["program", "argument"]}`` what a program prints (no shell). ``what`` names the setting in errors.
    Raises ``ConfigError``, whose text never holds the value.
    """
    if isinstance(value, str):
        return _plain(value, what)
    if len(value) != 1:
        raise ConfigError(f"{what} must be a string, or a table with one of {', '.join(_SOURCES)}.")
    source, described = next(iter(value.items()))
    _refuse_nul(described, f"{what}: {source}")
    match source, described:
        case "env", str() if described:
            return Environment(described, what)
        case "file", str() if described:
            return Fetched("file", (os.path.join(folder, os.path.expanduser(described)),), what)
        case "keyring", _:
            return Fetched("keyring", _keyring_entry(described, what), what)
        case "command", list() | tuple() if described and all(isinstance(word, str) for word in described):
            return Fetched("command", tuple(described), what)
    if source in _SOURCES:
        raise ConfigError(f"{what}: {source} must be {'a list of strings' if source == 'command' else 'a string'}, not empty.")
    raise ConfigError(f"{what}: {source!r} is no source of a key.{did_you_mean(str(source), _SOURCES)}")


def _refuse_nul(described: Any, what: str) -> None:
    """No path, name or argument of any system holds U+0000."""
    words = described if isinstance(described, list | tuple) else (described,)
    if any(isinstance(word, str) and "\0" in word for word in words):
        raise ConfigError(f"{what} has a null character (U+0000) in it: take it out.")


def _plain(value: str, what: str) -> Plain:
    if not value.strip():
        raise ConfigError(f'{what} is empty. Write {{ env = "NAME" }} to read it from an environment variable.')
    if value.startswith("${") and value.endswith("}"):
        raise ConfigError(f'{what} is not expanded by a shell. Write {{ env = "{value[2:-1]}" }} instead of "{value}".')
    return Plain(value)


def _keyring_entry(described: Any, what: str) -> tuple[str, str]:
    match described:
        case str():
            service, _, username = described.rpartition("/")
        case {"service": str() as service, "username": str() as username, **rest} if not rest:
            pass
        case _:
            service = username = ""
    if not service or not username:
        raise ConfigError(f'{what}: keyring must be "service/username" or {{ service = ..., username = ... }}.')
    return service, username


class Plain:
    """A key given as it is. It cannot be pickled or turned into JSON, and shows itself to nobody but ``reveal``."""

    __slots__ = ("_reveal",)

    def __init__(self, value: str) -> None:
        self._reveal: Callable[[], str] = lambda: value.strip()

    @property
    def loaded(self) -> bool:
        return True

    def load(self, timeout: float | None = None) -> None:
        """There is nothing to fetch."""

    def reveal(self) -> str:
        return self._reveal()

    def __repr__(self) -> str:
        return "given"

    def __copy__(self) -> Plain:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Plain:
        return self

    def __reduce_ex__(self, protocol: object) -> Never:
        raise TypeError('A key given as text is not pickled. Configure it as { env = "NAME" } or { file = "PATH" } instead.')


@dataclass(frozen=True, slots=True, repr=False)
class Environment:
    """An environment variable, read anew each time: a program may change its own."""

    name: str
    what: str = "A key"

    @property
    def loaded(self) -> bool:
        return True

    def load(self, timeout: float | None = None) -> None:
        """There is nothing to fetch."""

    def reveal(self) -> str:
        if not os.environ.get(self.name, "").strip():
            raise KeyMissing(
                f"{self.what} is to come from the environment variable {self.name}, which is not set. Set it: {self._how()}"
            )
        return os.environ[self.name].strip()

    def _how(self) -> str:
        return f"set {self.name}=..." if os.name == "nt" else f"export {self.name}=..."

    def __repr__(self) -> str:
        return f"env:{self.name}"


@dataclass(frozen=True, slots=True, repr=False)
class Bearer:
    """``Bearer KEY``, as an ``authorization`` header wants it."""

    key: Secret

    @property
    def loaded(self) -> bool:
        return self.key.loaded

    def load(self, timeout: float | None = None) -> None:
        """Fetch the key."""
        self.key.load(timeout)

    @property
    def renewable(self) -> bool:
        return getattr(self.key, "renewable", False)

    def forget(self) -> None:
        """Fetch the key anew before it is used again, where it was fetched at all."""
        forgotten(self.key)

    def reveal(self) -> str:
        return f"Bearer {self.key.reveal()}"

    def __repr__(self) -> str:
        return repr(self.key)
