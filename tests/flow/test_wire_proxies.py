"""AT-H7: proxies, from the environment and from a route; a tunnel to hosts with TLS, absolute addresses to those without."""

from __future__ import annotations

import base64
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest
import trustme

from modelhub.errors import ConfigError, TimedOut, Unreachable
from modelhub.http import HttpRequest
from modelhub.interfaces.content import Message
from modelhub.interfaces.text import TextRequest
from modelhub.model import Timeouts
from modelhub.route import Route
from modelhub.testing.driven import Driven
from modelhub.testing.server import FaultServer, Reply, sse
from modelhub.transport.endpoint import HttpModel

MakeChat = Callable[..., HttpModel[Any, Any, Any]]
QUESTION = TextRequest(
    messages=(Message("user", "日本の首都は？"),), timeouts=Timeouts(connect=5, first_token=5, idle=5, total=10)
)
ANSWER = Reply(json={"text": "東京"})
STREAM = Reply(headers={"content-type": "text/event-stream"}, chunks=sse([{"delta": "東"}, {"delta": "京"}, "[DONE]"]))


class TinyProxy:
    """A proxy on 127.0.0.1: CONNECT and absolute addresses; ``heads`` is what it was asked. One connection, one host."""

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, credentials: str = "", answer: bytes = b"", mute: bool = False
    ) -> None:
        self.heads: list[str] = []
        self._tls = tls
        self._wanted = base64.b64encode(credentials.encode()).decode()
        self._answer = answer
        self._mute = mute
        self._sockets: list[socket.socket] = []

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.place}"

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._listener.fileno() >= 0:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()
            except OSError:
                return

    def _serve(self, client: socket.socket) -> None:
        try:
            stream = self._tls.wrap_socket(client, server_side=True) if self._tls else client
            self._sockets.append(stream)
            head, rest = _head(stream)
            self.heads.append(head)
            if self._mute:
                return
            if self._answer or (self._wanted and f"Basic {self._wanted}" not in head):
                stream.sendall(self._answer or b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n")
                return
            method, target, _ = head.split("\r\n")[0].split(" ")
            place = target if method == "CONNECT" else target.removeprefix("http://").partition("/")[0]
            server = socket.create_connection(("127.0.0.1", int(place.rpartition(":")[2])))
            self._sockets.append(server)
            if method == "CONNECT":
                stream.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(head.replace(f"http://{place}", "", 1).encode() + rest)
            _relay(stream, server)
        except (OSError, ValueError):
            client.close()


def _head(stream: socket.socket) -> tuple[str, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := stream.recv(65536)):
            raise OSError
        data += piece
    head, end, rest = data.partition(b"\r\n\r\n")
    return (head + end).decode(), rest


def _relay(one: socket.socket, other: socket.socket) -> None:
    """To and fro, until one of the two ends."""
    ways = {one: other, other: one}
    while True:
        for source in select.select(list(ways), [], [])[0]:
            while data := source.recv(65536):
                ways[source].sendall(data)
                if not (isinstance(source, ssl.SSLSocket) and source.pending()):
                    break
            else:
                one.close()
                other.close()
                return


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("authority") / "bundle.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def routed(model: HttpModel[Any, Any, Any], **settings: Any) -> HttpModel[Any, Any, Any]:
    """The same model, its requests by this route."""

    class Routed:
        card, decoder, fault, parse = model.card, model.endpoint.decoder, model.endpoint.fault, model.endpoint.parse

        def build(self, request: Any, *, stream: bool) -> HttpRequest:
            return replace(model.endpoint.build(request, stream=stream), route=Route(**settings) if settings else None)

    return HttpModel(Routed())


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest, tls: ssl.SSLContext) -> Iterator[FaultServer]:
    with FaultServer(ANSWER, STREAM, ANSWER, tls=tls if request.param == "https" else None) as server:
        yield server


@pytest.mark.parametrize("secured", [False, True], ids=["http-proxy", "https-proxy"])
@pytest.mark.parametrize("named", ["proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_calls_and_streams_go_through_the_proxy_that_is_named(
    runtime: Driven,
    server: FaultServer,
    make_chat: MakeChat,
    monkeypatch: pytest.MonkeyPatch,
    bundle: str,
    tls: ssl.SSLContext,
    named: str,
    secured: bool,
) -> None:
    """AT-H7: with a user and a password, which the proxy alone gets; the connection is kept for the next call."""
    encrypted = server.url.startswith("https")
    if named in ("HTTPS_PROXY", "https_proxy") and not encrypted:
        named = named.replace("HTTPS", "HTTP").replace("https", "http")
    with TinyProxy(tls=tls if secured else None, credentials="ユーザー:p@ss/w:rd") as proxy:
        address = f"{proxy.url.replace('//', '//%E3%83%A6%E3%83%BC%E3%82%B6%E3%83%BC:p%40ss%2Fw%3Ard@')}/"
        settings = {"ca_bundle": bundle}
        if named == "proxy":
            settings["proxy"] = address
        else:
            monkeypatch.setenv(named, address)
        model = routed(make_chat(server.url), **settings)
        assert runtime.call(model, QUESTION).text == "東京"
        assert runtime.stream(model, QUESTION)[-1].response.text == "東京"
        assert runtime.call(model, QUESTION).text == "東京"
        place = server.url.partition("//")[2]
        assert proxy.heads[0].startswith(
            f"CONNECT {place} HTTP/1.1\r\n" if encrypted else f"POST {server.url}/chat HTTP/1.1\r\n"
        )
        assert f"host: {place}\r\n" in proxy.heads[0].lower()
        assert encrypted == ("sk-chat" not in proxy.heads[0])
        assert (len(proxy.heads), server.connections) == (1, 1)
    if encrypted:
        assert all("proxy-authorization" not in request.headers for request in server.requests)


@pytest.mark.parametrize("secured", [False, True], ids=["http-proxy", "https-proxy"])
def test_what_is_long_goes_through_whole_both_ways(
    runtime: Driven, server: FaultServer, make_chat: MakeChat, bundle: str, tls: ssl.SSLContext, secured: bool
) -> None:
    """Longer than what any socket, record or buffer holds."""
    server.on("/chat", Reply(json={"text": "か" * 700_000}))
    question = replace(QUESTION, messages=(Message("user", "あ" * 700_000),))
    with TinyProxy(tls=tls if secured else None) as proxy:
        answer = runtime.call(routed(make_chat(server.url), ca_bundle=bundle, proxy=proxy.url), question)
    assert answer.text == "か" * 700_000
    assert server.requests[0].json()["question"] == "あ" * 700_000


@pytest.mark.parametrize(
    ("no_proxy", "through"),
    [
        ("", True),
        ("*", False),
        ("127.0.0.1", False),
        ("127.0.0.1:{port}", False),
        ("127.0.0.1:1", True),
        ("10.0.0.0/8, 127.0.0.0/8", False),
        ("10.0.0.0/8 192.168.0.0/16", True),
        ("0.0.1", True),
        ("::1", True),
        ("example.com,127.0.0.1", False),
    ],
)
def test_no_proxy_is_heeded(
    runtime: Driven,
    server: FaultServer,
    make_chat: MakeChat,
    monkeypatch: pytest.MonkeyPatch,
    bundle: str,
    no_proxy: str,
    through: bool,
) -> None:
    """AT-H7. This machine's own address goes through the proxy as any other does, unless ``NO_PROXY`` names it."""
    with TinyProxy() as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.place)  # without http:// that is what is meant
        monkeypatch.setenv("NO_PROXY", no_proxy.format(port=server.url.rpartition(":")[2]))
        assert runtime.call(routed(make_chat(server.url), ca_bundle=bundle), QUESTION).text == "東京"
        assert bool(proxy.heads) is through


def test_a_route_without_a_proxy_never_has_one_and_its_own_comes_before_the_environments(
    runtime: Driven, server: FaultServer, make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch, bundle: str
) -> None:
    with TinyProxy() as everybodys, TinyProxy() as own:
        monkeypatch.setenv("ALL_PROXY", everybodys.url)
        for proxy, seen in (("none", [0, 0]), (own.url, [0, 1]), (None, [1, 1])):
            model = routed(make_chat(server.url), ca_bundle=bundle, proxy=proxy)
            runtime.call(model, QUESTION) if proxy != own.url else runtime.stream(model, QUESTION)
            assert [len(everybodys.heads), len(own.heads)] == seen


def test_the_environment_is_read_when_a_connection_is_made(
    runtime: Driven, server: FaultServer, make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch, bundle: str
) -> None:
    server.on("/chat", replace(ANSWER, close=True))
    with TinyProxy() as proxy:
        for address, seen in (("", 0), (proxy.url, 1), ("", 1)):
            monkeypatch.setenv("all_proxy", address)
            runtime.call(routed(make_chat(server.url), ca_bundle=bundle), QUESTION)
            assert len(proxy.heads) == seen


SENTINEL = "s3ntinel-pässword"


@pytest.mark.parametrize("trouble", ["refused", "wrong password", "503", "nonsense", "gone", "mute"])
def test_what_goes_wrong_at_the_proxy_is_told_of_the_proxy_and_never_with_its_password(
    runtime: Driven, server: FaultServer, make_chat: MakeChat, bundle: str, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    """AT-H1, AT-H7: nothing was sent, so it is retryable; whatever the proxy said."""
    caplog.set_level("DEBUG")
    encrypted = server.url.startswith("https")
    answers = {"503": b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", "nonsense": b"?\r\n\r\n"}
    wanted = "somebody:else" if trouble == "wrong password" else ""
    with TinyProxy(credentials=wanted, answer=answers.get(trouble, b""), mute=trouble == "mute") as proxy:
        place = proxy.place
        if trouble == "refused":
            proxy.__exit__()
        if trouble == "gone":
            proxy._answer = b" "
            proxy._serve = lambda client: client.close()  # type: ignore[method-assign]
        model = routed(make_chat(server.url), ca_bundle=bundle, proxy=f"http://user:{SENTINEL}@{place}")
        quick = replace(QUESTION, timeouts=Timeouts(connect=0.3, first_token=1, idle=1, total=1))
        started = time.monotonic()
        with pytest.raises(Exception) as caught:  # which one is asked below
            runtime.call(model, quick)
        assert time.monotonic() - started < 1.5
    told = f"{caught.value} {vars(caught.value)} {caught.value.__context__} {caplog.text}"
    assert SENTINEL not in told
    assert base64.b64encode(f"user:{SENTINEL}".encode()).decode() not in told
    if trouble == "mute":
        assert isinstance(caught.value, TimedOut)
        assert caught.value.phase == ("connect" if encrypted else "total")
    elif encrypted or trouble in ("refused", "wrong password"):
        assert isinstance(caught.value, Unreachable)
        assert f"the proxy http://{place}" in str(caught.value)
        assert ("(407)" in str(caught.value)) == (trouble == "wrong password")
    assert server.requests == []


def test_the_certificates_of_a_proxy_and_of_the_host_behind_it_are_both_verified(
    runtime: Driven, make_chat: MakeChat, tls: ssl.SSLContext, bundle: str, tmp_path: Path
) -> None:
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(stranger)
    for at_proxy, at_host in ((stranger, tls), (tls, stranger)):
        with FaultServer(ANSWER, tls=at_host) as server, TinyProxy(tls=at_proxy) as proxy:
            with pytest.raises(Unreachable, match="certificate was refused"):
                runtime.call(routed(make_chat(server.url), ca_bundle=bundle, proxy=proxy.url), QUESTION)
            assert server.requests == []


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (f"socks5://user:{SENTINEL}@127.0.0.1:1080", "of the kind 'socks5'"),
        (f"http://user:{SENTINEL}@127.0.0.1:port", "not the address of a proxy"),
        (f"http://user:{SENTINEL}@", "not the address of a proxy"),
        (f"user:{SENTINEL}@127.0.0.1:99999", "not the address of a proxy"),
        (f"http://user:{SENTINEL}/@127.0.0.1:80/path", "not the address of a proxy"),
    ],
)
def test_what_is_no_proxys_address_is_told_without_its_password(
    runtime: Driven, server: FaultServer, make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch, address: str, words: str
) -> None:
    """AT-H1, AT-T: before anything is sent."""
    with pytest.raises(ConfigError, match=f"^proxy .*{words}") as caught:
        runtime.call(routed(make_chat(server.url), proxy=address), QUESTION)
    assert SENTINEL not in f"{caught.value}{vars(caught.value)}{caught.value.__context__}"
    monkeypatch.setenv("all_proxy", address)
    with pytest.raises(ConfigError, match=f"^ALL_PROXY .*{words}"):
        runtime.call(make_chat(server.url), QUESTION)
    assert server.requests == []
