"""The connections of one event loop, and the guard that closes them when the loop shuts down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelhub.transport.async_pool import AsyncPool

__all__ = ["LoopPools"]


class LoopPools:
    """The connections of one loop. They stand in ``_standing`` until they are closed, whether or not their runtime exists."""

    def __init__(self, loop: asyncio.AbstractEventLoop, max_connections: int, keepalive: float) -> None:
        self.loop = loop
        self._max_connections = max_connections
        self._keepalive = keepalive
        self._pools: list[AsyncPool] = []
        self._making = asyncio.Lock()
        self._guard: AsyncGenerator[None, None] | None = None

    @property
    def ready(self) -> AsyncPool | None:
        """The pool, if it has been made."""
        return self._pools[0] if self._pools else None

    async def pool(self) -> AsyncPool:
        return self._pools[0] if self._pools else await self._made()

    async def _made(self) -> AsyncPool:
        """The pool, made once. The library's import takes its time beside the loop."""
        async with self._making:
            if not self._pools:
                await asyncio.to_thread(_import_library)

                from modelhub.transport.async_pool import AsyncPool
                from modelhub.transport.shelf import Limits

                self._pools.append(AsyncPool(Limits(self._max_connections, self._keepalive)))
        return self._pools[0]

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
            await _closed(self._pools)
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
    import modelhub.transport.loop_sockets
    import modelhub.transport.outgoing
    import modelhub.transport.wire  # noqa: F401  # so that all are loaded when the loop asks for them


async def _closed(pools: list[AsyncPool]) -> None:
    """Close them all; only then be cancelled, if somebody cancels this on its way."""
    try:
        while pools:
            await pools.pop().aclose()
    finally:
        if pools:
            await _closed(pools)


_standing: set[LoopPools] = set()
_closing: set[asyncio.Task[None]] = set()
