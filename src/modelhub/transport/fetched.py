"""Keys that have to be fetched: from a file, a keyring, or a program that prints them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Never

from modelhub.errors import KeyMissing

if TYPE_CHECKING:
    from concurrent.futures import Future
    from subprocess import Popen

    from modelhub.http import Secret

__all__ = ["Fetched", "forgotten"]

_COMMAND_SECONDS = 30.0


class Fetched:
    """A key that takes time to get: fetched once, by the first who asks, however many ask at the same time.

    It is fetched anew after ``forget``, and where it comes from a file, when that file has changed. ``kind`` is ``file``,
    ``keyring`` or ``command``; ``source`` its path, its service and user name, or its words. A pickle holds these, and whoever
    unpickles it fetches the key anew.
    """

    __slots__ = ("_lock", "_reveal", "_stamp", "kind", "source", "what")

    def __init__(self, kind: str, source: tuple[str, ...], what: str = "A key") -> None:
        self.kind = kind
        self.source = source
        self.what = what
        self._lock = threading.Lock()
        self._reveal: Callable[[], str] | None = None
        self._stamp: Stamp | None = None

    @property
    def loaded(self) -> bool:
        return self._reveal is not None and (self.kind != "file" or _stamp(self.source[0]) in (self._stamp, None))

    def load(self, timeout: float | None = None) -> None:
        """Fetch the key, if nobody has yet. Raises ``KeyMissing``, or ``TimeoutError`` when ``timeout`` seconds have passed."""
        until = None if timeout is None else time.monotonic() + timeout
        if not self._lock.acquire(timeout=-1 if timeout is None else max(timeout, 0.0)):
            raise TimeoutError
        try:
            if not self.loaded:
                stamp = _stamp(self.source[0]) if self.kind == "file" else None
                self._reveal = _FETCHERS[self.kind](self, None if until is None else max(until - time.monotonic(), 0.0))
                self._stamp = stamp
        finally:
            self._lock.release()

    def forget(self) -> None:
        """Fetch the key anew before it is used again."""
        self._reveal = None

    def reveal(self) -> str:
        while (reveal := self._reveal) is None:
            self.load()
        return reveal()

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


def _stamp(path: str) -> Stamp | None:
    """What changes when a file does; ``None`` where there is none to be seen, so that a moment without it changes nothing."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _beside(fetch: Callable[[Fetched], str]) -> Fetcher:
    """The fetching on a thread of its own: nothing else can leave a file or a keyring that does not answer."""

    def fetcher(secret: Fetched, seconds: float | None) -> Callable[[], str]:
        from concurrent.futures import Future

        future: Future[str] = Future()
        threading.Thread(target=_settle, args=(future, fetch, secret), name="modelhub-key", daemon=True).start()
        return _kept(future.result(seconds))

    return fetcher


def _settle(future: Future[str], fetch: Callable[[Fetched], str], secret: Fetched) -> None:
    try:
        future.set_result(fetch(secret))
    except Exception as error:  # noqa: BLE001  # raised again by whoever waits for the key
        future.set_exception(error)


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
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or 'the path is none'}"
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


def _from_command(secret: Fetched, seconds: float | None) -> Callable[[], str]:
    """What the program prints. Neither its output nor its complaints are shown: they may hold the key."""
    import subprocess

    try:
        process = subprocess.Popen(  # noqa: S603  # the words come from the configuration's owner, and no shell reads them
            secret.source, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except (OSError, ValueError) as error:
        reason = f"cannot be run: {getattr(error, 'strerror', None) or 'its words are none'}"
        return _refuse(secret, reason)
    with process:
        return _kept(_printed(process, secret, seconds) or _refuse(secret, _end(process)))


def _printed(process: Popen[bytes], secret: Fetched, seconds: float | None) -> str:
    """What a successful program has printed; nothing, where it failed."""
    import subprocess

    patience = _COMMAND_SECONDS if seconds is None else min(seconds, _COMMAND_SECONDS)
    try:
        printed = process.communicate(timeout=patience)[0].decode("utf-8", "replace").strip()
        return "" if process.returncode else printed
    except subprocess.TimeoutExpired:
        process.kill()
    if patience < _COMMAND_SECONDS:
        raise TimeoutError
    return _refuse(secret, f"did not end within {_COMMAND_SECONDS:g} s")


def _end(process: Popen[bytes]) -> str:
    return f"ended with exit status {process.returncode}" if process.returncode else "printed nothing"


def _refuse(secret: Fetched, reason: str) -> Never:
    raise secret.missing(reason)


def forgotten(secret: Secret) -> None:
    """Tell a secret that its value was not accepted, if it is one that can forget."""
    forget: Callable[[], None] | None = getattr(secret, "forget", None)
    if forget is not None:
        forget()


Stamp = tuple[int, int, int]
Fetcher = Callable[[Fetched, float | None], Callable[[], str]]
_FETCHERS: Mapping[str, Fetcher] = {
    "file": _beside(_from_file),
    "keyring": _beside(_from_keyring),
    "command": _from_command,
}
