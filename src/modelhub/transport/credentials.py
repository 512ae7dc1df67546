"""Keys: where they come from, and values that never show themselves."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Never

from modelhub.errors import ConfigError, KeyMissing, did_you_mean
from modelhub.http import Secret

if TYPE_CHECKING:
    from subprocess import Popen

__all__ = ["Bearer", "Environment", "Fetched", "Plain", "read_secret"]

_SOURCES = ("env", "file", "keyring", "command")
_COMMAND_SECONDS = 30.0


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

    def load(self) -> None:
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

    def load(self) -> None:
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


class Fetched:
    """A key that takes time to get: fetched once, by the first who asks, however many ask at the same time.

    ``kind`` is ``file``, ``keyring`` or ``command``; ``source`` its path, its service and user name, or its words. A pickle
    holds these, and whoever unpickles it fetches the key anew.
    """

    __slots__ = ("_lock", "_reveal", "kind", "source", "what")

    def __init__(self, kind: str, source: tuple[str, ...], what: str = "A key") -> None:
        self.kind = kind
        self.source = source
        self.what = what
        self._lock = threading.Lock()
        self._reveal: Callable[[], str] | None = None

    @property
    def loaded(self) -> bool:
        return self._reveal is not None

    def load(self) -> None:
        """Fetch the key, if nobody has yet. Raises ``KeyMissing``."""
        with self._lock:
            if self._reveal is None:
                self._reveal = _kept(_FETCHERS[self.kind](self))

    def reveal(self) -> str:
        if self._reveal is None:
            self.load()
        return self._reveal() if self._reveal is not None else ""

    def missing(self, reason: str) -> KeyMissing:
        """The error that names this source and what is wrong with it."""
        return KeyMissing(f"{self.what} is to come from {self!r}, which {reason}.")

    def __repr__(self) -> str:
        return f"command:{self.source[0]}" if self.kind == "command" else f"{self.kind}:{'/'.join(self.source)}"

    def __reduce__(self) -> tuple[Any, ...]:
        return Fetched, (self.kind, self.source, self.what)

    def __copy__(self) -> Fetched:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Fetched:
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fetched) and (self.kind, self.source) == (other.kind, other.source)

    def __hash__(self) -> int:
        return hash((self.kind, self.source))


def _kept(value: str) -> Callable[[], str]:
    """The value behind a function, where neither ``vars`` nor a debugger's ``repr`` shows it."""
    return lambda: value


def _from_file(secret: Fetched) -> str:
    try:
        with open(secret.source[0], encoding="utf-8-sig") as file:
            return file.read().strip() or _refuse(secret, "is empty")
    except FileNotFoundError:
        reason = "does not exist"
    except UnicodeDecodeError:
        reason = "is not text"
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    return _refuse(secret, reason)


def _from_keyring(secret: Fetched) -> str:
    from importlib import import_module

    try:
        keyring: Any = import_module("keyring")
    except ImportError:
        return _refuse(secret, 'needs the package keyring: pip install "modelhub-core[keyring]"')
    try:
        return (keyring.get_password(*secret.source) or "").strip() or _refuse(secret, "holds nothing")
    except keyring.errors.KeyringError as error:
        reason = f"cannot be opened: {error}"
    return _refuse(secret, reason)


def _from_command(secret: Fetched) -> str:
    """What the program prints. Neither its output nor its complaints are shown: they may hold the key."""
    import subprocess

    try:
        process = subprocess.Popen(  # noqa: S603  # the words come from the configuration's owner, and no shell reads them
            secret.source, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        return _refuse(secret, f"cannot be run: {error.strerror}")
    with process:
        return _printed(process, secret) or _refuse(secret, _end(process))


def _printed(process: Popen[bytes], secret: Fetched) -> str:
    """What a successful program has printed; nothing, where it failed."""
    import subprocess

    try:
        printed = process.communicate(timeout=_COMMAND_SECONDS)[0].decode("utf-8", "replace").strip()
        return "" if process.returncode else printed
    except subprocess.TimeoutExpired:
        process.kill()
    return _refuse(secret, f"did not end within {_COMMAND_SECONDS:g} s")


def _end(process: Popen[bytes]) -> str:
    return f"ended with exit status {process.returncode}" if process.returncode else "printed nothing"


def _refuse(secret: Fetched, reason: str) -> Never:
    raise secret.missing(reason)


_FETCHERS: Mapping[str, Callable[[Fetched], str]] = {"file": _from_file, "keyring": _from_keyring, "command": _from_command}


@dataclass(frozen=True, slots=True)
class Bearer:
    """``Bearer KEY``, as an ``authorization`` header wants it."""

    key: Secret

    @property
    def loaded(self) -> bool:
        return self.key.loaded

    def load(self) -> None:
        """Fetch the key."""
        self.key.load()

    def reveal(self) -> str:
        return f"Bearer {self.key.reveal()}"
