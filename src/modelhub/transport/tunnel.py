"""Connections through a proxy: a tunnel to a host that speaks TLS, absolute addresses to one that does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpcore

from modelhub.transport.sockets import Wait, seconds_to_connect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelhub.transport.proxies import Proxy
    from modelhub.transport.ways import Way

__all__ = ["async_proxied", "proxied"]


def proxied(origin: httpcore.Origin, way: Way, inner: httpcore.NetworkBackend) -> httpcore.HTTPConnection:
    """A connection through the way's proxy, not made yet."""
    assert way.proxy is not None
    backend = _Backend(inner, way.proxy, way)
    if way.context is None:
        return _Forwarding(origin, way.proxy, backend)
    return httpcore.HTTPConnection(origin, ssl_context=way.context, network_backend=backend)


def async_proxied(origin: httpcore.Origin, way: Way, inner: httpcore.AsyncNetworkBackend) -> httpcore.AsyncHTTPConnection:
    """The same, for an event loop."""
    assert way.proxy is not None
    backend = _AsyncBackend(inner, way.proxy, way)
    if way.context is None:
        return _AsyncForwarding(origin, way.proxy, backend)
    return httpcore.AsyncHTTPConnection(origin, ssl_context=way.context, network_backend=backend)


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
            response = httpcore.HTTP11Connection(asked.url.origin, stream).handle_request(asked)
            if not 200 <= response.status < 300:
                stream.close()
                raise _refused(self._proxy, response.status)
        tunnel: httpcore.NetworkStream = response.extensions["network_stream"]
        return tunnel


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
            response = await httpcore.AsyncHTTP11Connection(asked.url.origin, stream).handle_async_request(asked)
            if not 200 <= response.status < 300:
                await stream.aclose()
                raise _refused(self._proxy, response.status)
        tunnel: httpcore.AsyncNetworkStream = response.extensions["network_stream"]
        return tunnel


class _Forwarding(httpcore.HTTPConnection):
    """A connection to a proxy that is told the whole address of each request."""

    def __init__(self, origin: httpcore.Origin, proxy: Proxy, backend: httpcore.NetworkBackend) -> None:
        super().__init__(origin, network_backend=backend)
        self._proxy = proxy

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        response = super().handle_request(_absolute(request, self._proxy))
        if response.status == _WANTS_CREDENTIALS:
            response.close()
            raise _refused(self._proxy, response.status)
        return response


class _AsyncForwarding(httpcore.AsyncHTTPConnection):
    """The same, awaited."""

    def __init__(self, origin: httpcore.Origin, proxy: Proxy, backend: httpcore.AsyncNetworkBackend) -> None:
        super().__init__(origin, network_backend=backend)
        self._proxy = proxy

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        response = await super().handle_async_request(_absolute(request, self._proxy))
        if response.status == _WANTS_CREDENTIALS:
            await response.aclose()
            raise _refused(self._proxy, response.status)
        return response


_WANTS_CREDENTIALS = 407


def _connect_request(proxy: Proxy, host: str, port: int, seconds: float | None) -> httpcore.Request:
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return httpcore.Request(
        b"CONNECT",
        httpcore.URL(scheme=proxy.scheme, host=proxy.host, port=proxy.port, target=target),
        headers=[(b"Host", target.encode()), *_credentials(proxy)],
        extensions={"timeout": {"read": seconds, "write": seconds}},
    )


def _absolute(request: httpcore.Request, proxy: Proxy) -> httpcore.Request:
    place = next(value for name, value in request.headers if name.lower() == b"host")
    url = request.url
    target = b"%b://%b%b" % (url.scheme, place, url.target)
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.scheme, host=url.host, port=url.port, target=target),
        headers=[*request.headers, *_credentials(proxy)],
        content=request.stream,
        extensions=request.extensions,
    )


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
