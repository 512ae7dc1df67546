"""A loopback HTTP server that answers from a script, and misbehaves exactly as the script says.

    with FaultServer() as server:
        server.on("/chat", Reply(429, headers={"retry-after": "1.5"}), Reply(json={"text": "こんにちは"}))
        ...                                          # the model under test talks to server.url
        assert server.requests[0].json()["stream"] is False

Each answer is a ``Reply`` or a function from the request (``Received``) to one; answers are given in order, and the last one
goes on being given. What goes wrong is said by ``fault`` and ``at``: ``Reply(chunks=sse([...]), fault="stall", at="middle")``
sends the first chunk and then nothing, ``fault="cut"`` closes the connection there, ``fault="reset"`` resets it.
"""

from __future__ import annotations

import json as json_text
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from modelhub.http import Headers

__all__ = ["FaultServer", "Received", "Reply", "retry_after_forms", "sse"]

_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. ``body`` is sent with its length, ``json`` becomes such a body, ``chunks`` are sent one by one, chunked.

    ``delay`` is the seconds before the status line, ``first_delay`` those before the body, ``chunk_delay`` those between
    chunks. ``fault`` happens ``at`` one of three places: instead of the ``headers``, after them (``first``), or in the
    ``middle``: after the first chunk, or half of the body. ``stall`` sends nothing more until the client goes, ``cut`` closes
    the connection, ``reset`` resets it. ``close`` ends the connection after the answer; ``length`` is a content-length that
    lies.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | str = b""
    json: Any = None
    chunks: Sequence[bytes] | None = None
    delay: float = 0.0
    first_delay: float = 0.0
    chunk_delay: float = 0.0
    fault: Literal["stall", "cut", "reset"] | None = None
    at: Literal["headers", "first", "middle"] = "middle"
    close: bool = False
    length: int | None = None

    def content(self) -> bytes:
        """The body's bytes, where it is not sent in chunks."""
        if self.json is not None:
            return json_text.dumps(self.json, ensure_ascii=False).encode()
        return self.body.encode() if isinstance(self.body, str) else self.body


@dataclass(slots=True)
class Received:
    """A request as it came: header names in any case, ``came`` and ``gone`` in seconds of ``time.monotonic``.

    ``gone`` is set when the client has closed the connection; ``connection`` counts the server's connections from 1.
    """

    method: str
    path: str
    headers: Headers
    body: bytes
    came: float
    connection: int
    gone: float | None = None
    _left: threading.Event = field(default_factory=threading.Event, repr=False)

    def json(self) -> Any:
        """The body, parsed."""
        return json_text.loads(self.body)

    def wait_for_disconnect(self, timeout: float = 1.0) -> bool:
        """Whether the client closes the connection within that many seconds."""
        return self._left.wait(timeout)

    def mark_gone(self) -> None:
        """The client has closed the connection."""
        if self.gone is None:
            self.gone = time.monotonic()
        self._left.set()


Answer = Reply | Callable[[Received], Reply]


class FaultServer:
    """A server on 127.0.0.1, at a port of its own. A context manager: it ends with the block, and its threads with it.

    ``answers`` are for every path that ``on`` says nothing of; without any, a request gets a 404. ``tls`` makes it speak HTTPS.
    ``idle_close`` closes a kept connection after that many idle seconds. With ``accepting=False`` it listens and never
    accepts, its queue full: a client's connection is neither made nor refused.
    """

    def __init__(
        self,
        *answers: Answer,
        tls: ssl.SSLContext | None = None,
        idle_close: float | None = None,
        accepting: bool = True,
    ) -> None:
        self.requests: list[Received] = []
        """Every request, in the order in which they came."""
        self._scripts: dict[str | None, list[Answer]] = {None: list(answers)}
        self._tls = tls
        self._idle_close = idle_close
        self._accepting = accepting
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._connections = 0
        self._arrived = threading.Condition()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    @property
    def connections(self) -> int:
        """How many connections clients have made so far."""
        return self._connections

    def on(self, path: str, *answers: Answer) -> Self:
        """Answer this path so, from now on. Gives the server back."""
        with self._lock:
            self._scripts[path] = list(answers)
        return self

    def wait_for_requests(self, count: int, timeout: float = 2.0) -> bool:
        """Whether so many requests have come within that many seconds."""
        with self._arrived:
            return self._arrived.wait_for(lambda: len(self.requests) >= count, timeout)

    def wait_for_disconnect(self, timeout: float = 1.0) -> bool:
        """Whether the client of the last request closes its connection within that many seconds."""
        return self.wait_for_requests(1, timeout) and self.requests[-1].wait_for_disconnect(timeout)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512 if self._accepting else 0)
        self._port: int = self._listener.getsockname()[1]
        if self._accepting:
            self._start(self._accept)
        else:
            self._fill_queue()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all connections and threads."""
        self._closing.set()
        if self._accepting:
            _knock(self._port)
        with self._lock:
            sockets = list(self._sockets)
        for client in sockets:
            _shut(client)
        for thread in list(self._threads):
            thread.join(5)
        self._listener.close()
        for client in sockets:
            client.close()

    def _fill_queue(self) -> None:
        """Connect to ourselves until the queue of connections that nobody accepts is full."""
        for _ in range(8):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", self._port))
            self._sockets.append(client)
            if not select.select([], [client], [], 0.05)[1]:
                return

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name="fault-server", daemon=True)
        with self._lock:
            self._threads = [known for known in self._threads if known.is_alive() or known.ident is None] + [thread]
        thread.start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if self._closing.is_set():
                client.close()
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections += 1
                self._sockets.append(client)
                number = self._connections
            self._start(self._serve, client, number)

    def _serve(self, client: socket.socket, number: int) -> None:
        try:
            stream = self._tls.wrap_socket(client, server_side=True) if self._tls else client
            _Conversation(self, stream, number).run()
            stream.close()
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                if client in self._sockets:
                    self._sockets.remove(client)
            client.close()

    def answer_to(self, received: Received) -> Reply:
        """Note the request and give its answer."""
        with self._arrived:
            self.requests.append(received)
            self._arrived.notify_all()
        with self._lock:
            script = self._scripts.get(received.path) or self._scripts[None]
            answer = script.pop(0) if len(script) > 1 else script[0] if script else _UNSCRIPTED
        return answer if isinstance(answer, Reply) else answer(received)


_UNSCRIPTED = Reply(404, json={"error": {"message": "The test's server has no answer for this path."}})


class _Gone(Exception):
    """The client has closed the connection, or the server is closing."""


class _Conversation:
    """One connection: requests are read and answered until somebody closes it."""

    def __init__(self, server: FaultServer, client: socket.socket, number: int) -> None:
        self._server = server
        self._client = client
        self._number = number
        self._buffer = b""
        self._received: list[Received] = []

    def run(self) -> None:
        try:
            while (received := self._request()) is not None:
                self._received.append(received)
                if not self._answered(self._server.answer_to(received)):
                    return
        except (_Gone, OSError):
            pass
        finally:
            for received in self._received:
                received.mark_gone()

    def _request(self) -> Received | None:
        head = self._head()
        if head is None:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = Headers([(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)])
        body = self._exactly(int(headers.get("content-length", "0")))
        return Received(method, path, headers, body, time.monotonic(), self._number)

    def _head(self) -> bytes | None:
        while b"\r\n\r\n" not in self._buffer:
            if not self._readable(self._server._idle_close) or not self._read():  # noqa: SLF001
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            if not self._read():
                raise _Gone
        body, self._buffer = self._buffer[:count], self._buffer[count:]
        return body

    def _read(self) -> bool:
        data = self._client.recv(65536)
        self._buffer += data
        return bool(data)

    def _readable(self, seconds: float | None) -> bool:
        if isinstance(self._client, ssl.SSLSocket) and self._client.pending():
            return True
        return bool(select.select([self._client], [], [], seconds)[0])

    def _pause(self, seconds: float | None) -> None:
        """Wait, and leave at once when the client goes."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while deadline is None or (left := deadline - time.monotonic()) > 0:
            if self._readable(None if deadline is None else left) and not self._read():
                raise _Gone

    def _answered(self, reply: Reply) -> bool:
        """Whether the connection may be used again."""
        self._pause(reply.delay)
        if reply.fault and reply.at == "headers":
            return self._trouble(reply)
        self._client.sendall(_head_of(reply))
        self._pause(reply.first_delay)
        if reply.fault and reply.at == "first":
            return self._trouble(reply)
        if reply.chunks is None:
            return self._whole(reply)
        return self._in_chunks(reply, reply.chunks)

    def _whole(self, reply: Reply) -> bool:
        body = reply.content()
        if reply.fault:
            self._client.sendall(body[: len(body) // 2])
            return self._trouble(reply)
        self._client.sendall(body)
        return not reply.close

    def _in_chunks(self, reply: Reply, chunks: Sequence[bytes]) -> bool:
        for index, chunk in enumerate(chunks):
            self._pause(reply.chunk_delay if index else 0.0)
            self._client.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            if reply.fault:
                return self._trouble(reply)
        self._client.sendall(b"0\r\n\r\n")
        return not reply.close

    def _trouble(self, reply: Reply) -> bool:
        if reply.fault == "stall":
            self._pause(None)
        if reply.fault == "reset":
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        return False


def _head_of(reply: Reply) -> bytes:
    headers = {"content-type": "application/json", **{name.lower(): value for name, value in reply.headers.items()}}
    if reply.chunks is None:
        headers["content-length"] = str(len(reply.content()) if reply.length is None else reply.length)
    else:
        headers["transfer-encoding"] = "chunked"
    if reply.close:
        headers["connection"] = "close"
    lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _shut(client: socket.socket) -> None:
    try:
        client.shutdown(socket.SHUT_RDWR)
    except OSError:
        client.close()


def _knock(port: int) -> None:
    """Wake the thread that waits for connections."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return


def sse(events: Iterable[str | Mapping[str, Any] | tuple[str, str | Mapping[str, Any]]]) -> list[bytes]:
    """Server-sent events, each as one piece of bytes: of texts, of mappings (sent as JSON), or of pairs (event name, either).

    ``Reply(headers={"content-type": "text/event-stream"}, chunks=sse([{"delta": "日本"}, ("error", {"code": 1}), "[DONE]"]))``
    """
    return [_event(*event) if isinstance(event, tuple) else _event("", event) for event in events]


def _event(name: str, data: str | Mapping[str, Any]) -> bytes:
    text = data if isinstance(data, str) else json_text.dumps(data, ensure_ascii=False)
    lines = [f"event: {name}"] if name else []
    lines += [f"data: {line}" for line in text.split("\n")]
    return ("\n".join(lines) + "\n\n").encode()


def retry_after_forms() -> dict[str, tuple[dict[str, str], float | None]]:
    """Every way in which servers say how long to wait: the headers, and the seconds they mean (``None``: nothing of use)."""
    from email.utils import formatdate

    now = time.time()
    return {
        "zero": ({"retry-after": "0"}, 0.0),
        "fraction": ({"retry-after": "1.5"}, 1.5),
        "seconds": ({"retry-after": "90"}, 90.0),
        "long": ({"retry-after": "86400"}, 86400.0),
        "milliseconds": ({"retry-after-ms": "250"}, 0.25),
        "both": ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        "date": ({"retry-after": formatdate(now + 120, usegmt=True), "date": formatdate(now, usegmt=True)}, 120.0),
        "past date": ({"retry-after": formatdate(now - 120, usegmt=True), "date": formatdate(now, usegmt=True)}, 0.0),
        "garbage": ({"retry-after": "soon"}, None),
        "negative": ({"retry-after": "-5"}, 0.0),
        "absent": ({}, None),
    }
