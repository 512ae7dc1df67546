"""Tokens as secrets: fetched once for the whole process, renewed before they end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Hashable
from copy import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from modelhub.plugin import KeyMissing, ModelhubError, Secret

__all__ = ["EARLY", "Asked", "Fetch", "Renewed", "Token", "TokenSecret", "first_line", "kept", "obtained"]

EARLY = 300.0
"""Seconds before its end from which on a token is renewed; for one that lives less than ten minutes, half its life."""
_PATIENCE = 30.0
"""Seconds until the next try, where a renewal failed and the old token is still good."""
_MARGIN = 1.0


class Token(NamedTuple):
    """A token, and when it ends, in seconds of ``time.time``. It shows itself to nobody."""

    reveal: Callable[[], str]
    ends: float
    renew: float | None = None
    """When its issuer wants it renewed, if that is before its end."""


Fetch = Callable[[float | None], Token]
"""Asks for a token; has so many seconds for it. Raises ``ModelhubError``, or ``TimeoutError``."""


@dataclass(slots=True)
class _Shelf:
    """The one token of an identity for a scope."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: Token | None = None
    due: float = 0.0
    failure: ModelhubError | None = None
    failures: int = 0

    def good(self) -> bool:
        return self.token is not None and time.time() < self.token.ends - _MARGIN

    def fresh(self) -> bool:
        """Whether nothing is to do: the token is good, and not due, or somebody is renewing it."""
        return self.good() and (time.time() < self.due or self.lock.locked())


_shelves: dict[Hashable, _Shelf] = {}
_guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class TokenSecret:
    """A token that is fetched with ``fetch`` and shared, in the whole process, by all secrets of one ``identity``.

    One thread fetches, however many ask at the same time in whatever event loops; while a good token is being renewed, the
    others go on with it. Renewed ``EARLY``; where that fails, the old one serves to its end. What ``forget`` drops is fetched
    anew within the same call.
    """

    identity: Hashable
    """Whose token for what: authority, tenant, client, scope."""
    fetch: Fetch = field(repr=False, compare=False)
    what: str = "entra"

    @property
    def renewable(self) -> bool:
        return True

    @property
    def loaded(self) -> bool:
        return self._shelf.fresh()

    def load(self, timeout: float | None = None) -> None:
        """Fetch the token, if nobody has. Raises ``KeyMissing``, ``KeyRefused``, ``TransportError`` or ``TimeoutError``."""
        shelf, until = self._shelf, None if timeout is None else time.monotonic() + timeout
        failures, wait = shelf.failures, not shelf.good()
        if not shelf.lock.acquire(blocking=wait, timeout=timeout if wait and timeout is not None else -1):
            if wait:
                raise TimeoutError
            return
        try:
            if not shelf.good() and shelf.failures != failures and shelf.failure is not None:
                raise copy(shelf.failure)
            if not (shelf.good() and time.time() < shelf.due):
                self._renew(shelf, None if until is None else max(until - time.monotonic(), 0.0))
        finally:
            shelf.lock.release()

    def forget(self) -> None:
        """The resource did not accept it."""
        self._shelf.token = None

    def reveal(self) -> str:
        while (token := self._shelf.token) is None:
            self.load()
        return token.reveal()

    def _renew(self, shelf: _Shelf, seconds: float | None) -> None:
        asked = time.time()
        try:
            token = self.fetch(seconds)
        except ModelhubError as failure:
            shelf.due = asked + _PATIENCE
            shelf.failure, shelf.failures = failure, shelf.failures + 1
            if not shelf.good():
                raise
            return
        early = min(EARLY, (token.ends - asked) / 2)
        shelf.token, shelf.failure = token, None
        shelf.due = min(token.ends - early, token.renew or token.ends)

    @property
    def _shelf(self) -> _Shelf:
        found = _shelves.get(self.identity)
        if found is None:
            with _guard:
                found = _shelves.setdefault(self.identity, _Shelf())
        return found

    def __repr__(self) -> str:
        return self.what


@dataclass(frozen=True, slots=True)
class Asked:
    """A token that a function gives: asked on every attempt, since the function keeps what it wants to keep."""

    provider: Callable[[], object] = field(repr=False)
    _last: list[Callable[[], str]] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def renewable(self) -> bool:
        return True

    @property
    def loaded(self) -> bool:
        return False

    def load(self, timeout: float | None = None) -> None:  # noqa: ARG002  # a function cannot be stopped
        """Ask. Raises ``KeyMissing`` where no token comes."""
        given = obtained(self.provider, "token_provider")
        if not isinstance(given, str) or not given.strip():
            message = f"token_provider gave {type(given).__name__}, not a token: return the token as a string."
            raise KeyMissing(message)
        self._last[:] = [kept(given.strip())]

    def forget(self) -> None:
        """It is asked anew anyway."""

    def reveal(self) -> str:
        if not self._last:
            self.load()
        return self._last[0]()

    def __repr__(self) -> str:
        return "token_provider"


@dataclass(frozen=True, slots=True)
class Renewed:
    """A token from a file or a program: read anew, within the same call, where it is refused."""

    source: Secret

    @property
    def renewable(self) -> bool:
        return callable(getattr(self.source, "forget", None))

    @property
    def loaded(self) -> bool:
        return self.source.loaded

    def load(self, timeout: float | None = None) -> None:
        """Fetch it."""
        self.source.load(timeout)

    def forget(self) -> None:
        """Fetch it anew, where it was fetched at all."""
        forget: Callable[[], None] | None = getattr(self.source, "forget", None)
        if forget is not None:
            forget()

    def reveal(self) -> str:
        return self.source.reveal()

    def __repr__(self) -> str:
        return repr(self.source)


def kept(value: str) -> Callable[[], str]:
    """The value behind a function, where no ``repr`` shows it."""
    return lambda: value


def obtained(ask: Callable[[], Any], what: str) -> Any:
    """What somebody else's function gives, awaited where it has to be. Raises ``KeyMissing`` for whatever it raises."""
    try:
        given = ask()
        return _awaited(given) if hasattr(given, "__await__") else given
    except ModelhubError:
        raise
    except Exception as error:  # whatever happens there, no token came of it
        message = f"{what} gives no token: {type(error).__name__}: {first_line(str(error))}"
        raise KeyMissing(message) from error


def first_line(words: str) -> str:
    """The first line of an error's text, as a sentence."""
    line = words.strip().partition("\n")[0].strip()[:300]
    return line if line.endswith(".") else f"{line}."


def _awaited(coming: Any) -> Any:
    """Awaited on a thread of its own, since this one may have a running loop."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    async def wait() -> Any:
        return await coming

    with ThreadPoolExecutor(1, "modelhub-token") as thread:
        return thread.submit(asyncio.run, wait()).result()


def _after_fork() -> None:
    """In a forked child: a thread that was fetching there is gone."""
    for shelf in _shelves.values():
        shelf.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
