"""The keys of one exchange: fetched in time, held as they go out, and forgotten where the provider refuses them."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from modelhub.errors import KeyRefused, TimedOut
from modelhub.http import HttpRequest, Secret
from modelhub.transport.fetched import forgotten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelhub.model import Runtime, Timeouts

__all__ = ["Held", "holding", "keys_within", "refused", "renewed", "with_keys"]


class Held:
    """A secret's value as one exchange uses it, so that the value that is struck out of its errors is the one that was sent."""

    __slots__ = ("_reveal", "_source")

    def __init__(self, source: Secret) -> None:
        value = source.reveal()
        self._source = source
        self._reveal: Callable[[], str] = lambda: value

    @property
    def loaded(self) -> bool:
        return True

    @property
    def renewable(self) -> bool:
        return _renewable(self._source)

    def load(self, timeout: float | None = None) -> None:
        """It is there."""

    def reveal(self) -> str:
        return self._reveal()

    def forget(self) -> None:
        """Let the source fetch its value anew, unless it already has."""
        if self._source.loaded and self._source.reveal() == self._reveal():
            forgotten(self._source)

    def __repr__(self) -> str:
        return repr(self._source)


async def with_keys(
    outgoing: HttpRequest, runtime: Runtime, timeouts: Timeouts, started: float
) -> tuple[HttpRequest, Timeouts]:
    """The request, its keys fetched and held, and what is left of the time-outs. Raises ``KeyMissing`` or ``TimedOut``."""
    fetched = False
    headers = dict(outgoing.headers)
    for name, value in headers.items():
        if not isinstance(value, str):
            if not value.loaded:
                fetched = True
                await _load(value, runtime, timeouts, started)
            headers[name] = Held(value)
    held = HttpRequest(outgoing.method, outgoing.url, headers, outgoing.body, outgoing.route)
    return held, replace(timeouts, total=_left(runtime, timeouts, started)) if fetched else timeouts


async def _load(secret: Secret, runtime: Runtime, timeouts: Timeouts, started: float) -> None:
    try:
        await runtime.in_thread(secret.load, _left(runtime, timeouts, started))
        return
    except TimeoutError:
        seconds = timeouts.total or 0.0
    message = f"The key from {secret!r} was not there within {seconds:g} s (the time-out `total`)."
    raise TimedOut(message, phase="total", seconds=seconds)


def _left(runtime: Runtime, timeouts: Timeouts, started: float) -> float | None:
    return None if timeouts.total is None else max(timeouts.total - (runtime.now() - started), 0.0)


def refused(error: Exception, outgoing: HttpRequest) -> None:
    """Where the error says that the key is not accepted, have the keys fetched anew before the next call."""
    if isinstance(error, KeyRefused):
        for value in outgoing.headers.values():
            if not isinstance(value, str):
                forgotten(value)


def renewed(error: Exception, outgoing: HttpRequest) -> bool:
    """Whether another try of the same call has another key: a refused one was a token, which may have ended before its time."""
    return isinstance(error, KeyRefused) and error.status == 401 and any(map(_renewable, outgoing.headers.values()))


def _renewable(value: str | Secret) -> bool:
    return getattr(value, "renewable", False)


def holding(endpoint: object) -> HttpRequest:
    """A request that bears the keys among an endpoint's settings: what an error of its own making is redacted with."""
    return HttpRequest("", "", {str(number): key for number, key in enumerate(keys_within(endpoint))})


def keys_within(value: Any, depth: int = 3) -> Iterator[Secret]:
    """The fetched secrets among the fields of a dataclass, and of the dataclasses in them."""
    if callable(getattr(value, "reveal", None)):
        if value.loaded:
            yield value
    elif is_dataclass(value) and depth:
        for field in fields(value):
            yield from keys_within(getattr(value, field.name, None), depth - 1)
