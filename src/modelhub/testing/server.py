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

import select
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Self

from modelhub.testing.conversation import Conversation
from modelhub.testing.script import Answer, Received, Reply, retry_after_forms, sse

__all__ = ["FaultServer", "Received", "Reply", "retry_after_forms", "sse"]


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
            stream = self._tls.wrap_socket(client, server_side=True, do_handshake_on_connect=False) if self._tls else client
            with self._lock:
                self._sockets[self._sockets.index(client)] = client = stream
            if isinstance(stream, ssl.SSLSocket):
                _greet(stream)
            Conversation(stream, number, self._answered, self._idle_close).run()
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                if client in self._sockets:
                    self._sockets.remove(client)
            client.close()

    def _answered(self, received: Received) -> Reply:
        """Note the request and give its answer."""
        with self._arrived:
            self.requests.append(received)
            self._arrived.notify_all()
        with self._lock:
            script = self._scripts.get(received.path) or self._scripts[None]
            answer = script.pop(0) if len(script) > 1 else script[0] if script else _UNSCRIPTED
        return answer if isinstance(answer, Reply) else answer(received)


_UNSCRIPTED = Reply(404, json={"error": {"message": "The test's server has no answer for this path."}})


def _greet(stream: ssl.SSLSocket) -> None:
    """Shake hands. A client that is refused gets to read why: closing at once, while it writes, would take that from it."""
    try:
        stream.do_handshake()
    except ssl.SSLError:
        stream.settimeout(1)
        socket.socket.shutdown(stream, socket.SHUT_WR)
        while socket.socket.recv(stream, 65536):
            pass
        raise


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
