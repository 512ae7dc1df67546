"""Connections through a proxy: a tunnel to a host that speaks TLS, absolute addresses to one that does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpcore

from modelhub.transport.async_connection import AsyncAnswer, AsyncConnection
from modelhub.transport.connection import Answer, Connection
from modelhub.transport.outgoing import Outgoing
from modelhub.transport.sockets import Wait, seconds_to_connect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelhub.transport.proxies import Proxy
    from modelhub.transport.ways import Way

__all__ = ["async_proxied", "proxied"]


def proxied(way: Way, inner: httpcore.NetworkBackend) -> Connection:
    """A connection through the way's proxy, not made yet."""
    assert way.proxy is not None
    backend = _Backend(inner, way.proxy, way)
    if way.context is None:
        return _Forwarding(way.proxy, backend)
    return Connection(backend, way.context)


def async_proxied(way: Way, inner: httpcore.AsyncNetworkBackend) -> AsyncConnection:
    """The same, for an event loop."""
    assert way.proxy is not None
    backend = _AsyncBackend(inner, way.proxy, way)
    if way.context is None:
        return _AsyncForwarding(way.proxy, backend)
    return AsyncConnection(backend, way.context)


class _Backend(httpcore.NetworkBackend):
    """Connects to the proxy instead; where TLS follows, it asks the proxy for a tunnel to where the caller wants to go."""

    def __init__(self, inner: httpcore.NetworkBackend, proxy: Proxy, way: Way) -> None:
        self._inner = inner
        self._proxy = proxy
        self._way = way

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Wait = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        with _reached(self._proxy):
            stream = self._inner.connect_tcp(self._proxy.host, self._proxy.port, timeout, local_address, socket_options)  # type: ignore[arg-type]
            if self._way.proxy_context is not None:
                stream = stream.start_tls(self._way.proxy_context, self._proxy.host, timeout)  # type: ignore[arg-type]
            if self._way.context is None:
                return stream
            asked = _connect_request(self._proxy, host, port, seconds_to_connect(timeout))
            answer = Connection(self._inner, stream=stream).send(asked)
            if not 200 <= answer.status < 300:
                stream.close()
                raise _refused(self._proxy, answer.status)
        return stream


class _AsyncBackend(httpcore.AsyncNetworkBackend):
    """The same, awaited."""

    def __init__(self, inner: httpcore.AsyncNetworkBackend, proxy: Proxy, way: Way) -> None:
        self._inner = inner
        self._proxy = proxy
        self._way = way

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Wait = None,  # noqa: ASYNC109  # the HTTP library names it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        with _reached(self._proxy):
            stream = await self._inner.connect_tcp(
                self._proxy.host,
                self._proxy.port,
                timeout,  # type: ignore[arg-type]
                local_address,
                socket_options,
            )
            if self._way.proxy_context is not None:
                stream = await stream.start_tls(self._way.proxy_context, self._proxy.host, timeout)  # type: ignore[arg-type]
            if self._way.context is None:
                return stream
            asked = _connect_request(self._proxy, host, port, seconds_to_connect(timeout))
            answer = await AsyncConnection(self._inner, stream=stream).send(asked)
            if not 200 <= answer.status < 300:
                await stream.aclose()
                raise _refused(self._proxy, answer.status)
        return stream


class _Forwarding(Connection):
    """A connection to a proxy that is told the whole address of each request."""

    def __init__(self, proxy: Proxy, backend: httpcore.NetworkBackend) -> None:
        super().__init__(backend)
        self._proxy = proxy

    def send(self, request: Outgoing) -> Answer:
        answer = super().send(_absolute(request, self._proxy))
        if answer.status == _WANTS_CREDENTIALS:
            self.close()
            raise _refused(self._proxy, answer.status)
        return answer


class _AsyncForwarding(AsyncConnection):
    """The same, awaited."""

    def __init__(self, proxy: Proxy, backend: httpcore.AsyncNetworkBackend) -> None:
        super().__init__(backend)
        self._proxy = proxy

    async def send(self, request: Outgoing) -> AsyncAnswer:
        answer = await super().send(_absolute(request, self._proxy))
        if answer.status == _WANTS_CREDENTIALS:
            await self.aclose()
            raise _refused(self._proxy, answer.status)
        return answer


_WANTS_CREDENTIALS = 407


def _connect_request(proxy: Proxy, host: str, port: int, seconds: float | None) -> Outgoing:
    target = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}").encode()
    fields = [(b"Host", target), *_credentials(proxy)]
    return Outgoing("CONNECT", (proxy.scheme, proxy.host, proxy.port, None), target, fields, b"", seconds)


def _absolute(request: Outgoing, proxy: Proxy) -> Outgoing:
    authority = next(value for name, value in request.fields if name.lower() == b"host")
    target = b"%b://%b%b" % (request.place[0].encode(), authority, request.target)
    fields = [*request.fields, *_credentials(proxy)]
    return Outgoing(request.method, request.place, target, fields, request.body, request.clock)


def _credentials(proxy: Proxy) -> list[tuple[bytes, bytes]]:
    return [] if proxy.authorization is None else [(b"Proxy-Authorization", proxy.authorization)]


def _refused(proxy: Proxy, status: int) -> httpcore.ProxyError:
    if status == _WANTS_CREDENTIALS:
        wants = "wants another user or password" if proxy.authorization else "wants a user and a password"
        return httpcore.ProxyError(
            f"the proxy {proxy} {wants} (407): write them in its address, http://user:password@host:port"
        )
    return httpcore.ProxyError(f"the proxy {proxy} answered {status} when it was asked for the way")


@contextmanager
def _reached(proxy: Proxy) -> Iterator[None]:
    """What goes wrong between us and the proxy, said of the proxy. A time-out stays one."""
    try:
        yield
    except httpcore.ProxyError:
        raise
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise httpcore.ProxyError(f"the proxy {proxy} cannot be reached: {error}") from error
