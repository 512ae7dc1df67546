"""The connections of one event loop, and the guard that closes them when the loop shuts down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelhub.transport.wire import AsyncTransport

__all__ = ["LoopPools"]


class LoopPools:
    """The connections of one loop. They stand in ``_standing`` until they are closed, whether or not their runtime exists."""

    def __init__(self, loop: asyncio.AbstractEventLoop, max_connections: int, keepalive: float) -> None:
        self.loop = loop
        self._max_connections = max_connections
        self._keepalive = keepalive
        self._transports: list[AsyncTransport] = []
        self._making = asyncio.Lock()
        self._guard: AsyncGenerator[None, None] | None = None

    async def transport(self) -> AsyncTransport:
        return self._transports[0] if self._transports else await self._made()

    async def _made(self) -> AsyncTransport:
        """The transport, made once. The library's import takes its time beside the loop."""
        async with self._making:
            if not self._transports:
                await asyncio.to_thread(_import_library)

                from modelhub.transport.wire import AsyncTransport, Limits

                self._transports.append(AsyncTransport(Limits(self._max_connections, self._keepalive)))
        return self._transports[0]

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


def _import_library() -> None:
    import modelhub.transport.async_pool
    import modelhub.transport.wire  # noqa: F401  # so that both are loaded when the loop asks for them
    from modelhub.transport.sockets import rehearse

    rehearse()


async def _closed(transports: list[AsyncTransport]) -> None:
    """Close them all; only then be cancelled, if somebody cancels this on its way."""
    try:
        while transports:
            await transports.pop().aclose()
    finally:
        if transports:
            await _closed(transports)


_standing: set[LoopPools] = set()
_closing: set[asyncio.Task[None]] = set()
