"""The connections of one event loop, and the guard that closes them when the loop shuts down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

    from modelhub.transport.trust import Trust
    from modelhub.transport.wire import AsyncTransport

__all__ = ["LoopPools"]


class LoopPools:
    """The connections of one loop: a transport per scheme, so that plain HTTP never makes a TLS context.

    They stand in ``_standing`` until they are closed, whether or not their runtime still exists.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, trust: Trust | None, max_connections: int, keepalive: float) -> None:
        self.loop = loop
        self._trust = trust
        self._max_connections = max_connections
        self._keepalive = keepalive
        self._transports: dict[str, AsyncTransport] = {}
        self._making = asyncio.Lock()
        self._guard: AsyncGenerator[None, None] | None = None

    async def transport(self, url: str) -> AsyncTransport:
        scheme = url.partition(":")[0].lower()
        return self._transports.get(scheme) or await self._made(scheme)

    async def _made(self, scheme: str) -> AsyncTransport:
        """A new transport, made once. The library's import and the reading of certificates take their time beside the loop."""
        async with self._making:
            if scheme not in self._transports:
                context = await asyncio.to_thread(self._prepared, scheme)

                from modelhub.transport.wire import AsyncTransport, Limits

                self._transports[scheme] = AsyncTransport(context, Limits(self._max_connections, self._keepalive))
        return self._transports[scheme]

    def _prepared(self, scheme: str) -> ssl.SSLContext | None:
        import modelhub.transport.async_pool
        import modelhub.transport.wire  # noqa: F401  # so that both are loaded when the loop asks for them
        from modelhub.transport.sockets import rehearse
        from modelhub.transport.trust import tls_context

        rehearse()
        return tls_context(self._trust) if scheme == "https" else None

    async def stand_guard(self) -> None:
        """Begin a generator whose ``finally`` the loop runs when it shuts down, and nobody else has to."""
        _standing.difference_update([pools for pools in list(_standing) if pools.loop.is_closed()])
        _standing.add(self)
        self._guard = self._guarding()
        await anext(self._guard)

    async def _guarding(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await _closed(self._transports)
            _standing.discard(self)

    async def aclose(self) -> None:
        if self._guard is not None:
            await self._guard.aclose()

    def close_soon(self) -> None:
        """Begin to close, in the loop. Should the loop shut down before it is done, the guard does it."""
        _closing.add(task := self.loop.create_task(self.aclose()))
        task.add_done_callback(_closing.discard)


async def _closed(transports: dict[str, AsyncTransport]) -> None:
    """Close them all; only then be cancelled, if somebody cancels this on its way."""
    try:
        while transports:
            await transports.popitem()[1].aclose()
    finally:
        if transports:
            await _closed(transports)


_standing: set[LoopPools] = set()
_closing: set[asyncio.Task[None]] = set()
