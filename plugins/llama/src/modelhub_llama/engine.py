"""llama.cpp in this process: a model loaded from a file, and the loopback door that it answers at."""

from __future__ import annotations

import secrets
import socket
from dataclasses import replace
from typing import Any, Literal

from modelhub.plugin import Bearer, Plain, Route, SetupError, shards
from modelhub_llama.attachments import attach
from modelhub_llama.host import LlamaHost
from modelhub_llama.in_place import Seen, check, seen
from modelhub_llama.options import LlamaOptions
from modelhub_llama.parameters import fill
from modelhub_llama.pooling import pool
from modelhub_llama.template import settled

__all__ = ["LlamaEngine", "Purpose", "load", "parameters_for"]

Purpose = Literal["text", "embedding", "reranking"]
_ENDING = 5.0
"""Seconds for requests to end that somebody was still waiting for; a queued one takes up to one."""


class LlamaEngine:
    """A loaded model. It answers at ``host``, on a loopback port that only this process knows the key of."""

    def __init__(self, server: Any, host: LlamaHost, port: int, files: Seen = ()) -> None:
        self.host = host
        self._files = files
        self._server = server
        self._port = port

    def reached(self, options: LlamaOptions) -> LlamaHost:
        """Where it answers, for a model with these options."""
        return replace(self.host, provider=options.provider, quirks=options.quirks, extra_body=options.extra_body)

    def check(self) -> None:
        """Raises ``SetupError`` where the model may not be asked any more."""
        check(self._files)

    def close(self) -> None:
        """End the engine's threads and give its memory back; whoever still reads an answer gets a broken stream.

        The engine's own end waits for all that are connected, with the interpreter's lock in its hand: so they are cut first.
        """
        from modelhub_llama.hanging_up import hang_up

        hang_up(self._port, _ENDING)
        if _forked:
            self._keep()
        self._server = None

    def forget(self) -> None:
        """In a forked child: its end would wait for threads that only the parent has, so here it never ends."""
        from modelhub_llama.hanging_up import close_copies

        self._keep()
        close_copies(self._port)
        if not _forked:
            _forked.append(True)
            _end_without_farewell()

    def _keep(self) -> None:
        """Let it live as long as the process."""
        import ctypes

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._server))


_forked: list[bool] = []
"""Not empty in a process that was forked while a model was loaded. There llama.cpp waits for a thread of the parent's when an
engine ends, also one that the process has loaded itself, and so it aborts the process, or hangs."""


def _end_without_farewell() -> None:
    """In such a process, which llama.cpp would abort at its very end: leave out what C++ does there; Python is done by then."""
    import ctypes

    libc = ctypes.CDLL(None)
    if hasattr(libc, "on_exit"):
        leave = ctypes.cast(libc["_exit"], ctypes.c_void_p)
        libc.on_exit(leave, None)  # what is registered last is called first, with the exit code


def load(path: str, purpose: Purpose, options: LlamaOptions, context_window: int) -> LlamaEngine:
    """Load a GGUF file. Raises ``SetupError`` where the engine is not installed, or does not take the file.

    It reads the file first: while llama.cpp loads, its Python binding holds the interpreter's lock, and from the system's cache
    it loads fast.
    """
    llama = _installed()
    key = secrets.token_urlsafe(32)
    parameters = parameters_for(llama, path, purpose, options, context_window)
    parameters.api_keys = [key]
    if purpose == "text" and options.prompt == "chat" and (template := settled(path, options)) is not None:
        parameters.chat_template = template
    files = seen(shards(path))
    for file, _ in files:
        _read_ahead(file)
    try:
        server = llama.Server(parameters)
    except RuntimeError as error:
        raise _refused(path, purpose, options, context_window) from error
    return _engine(server, key, options, files if options.mmap else ())


def parameters_for(llama: Any, path: str, purpose: Purpose, options: LlamaOptions, context_window: int) -> Any:
    """llama.cpp's parameters for a file, but for the key of its door and for its template. ``llama`` is its module."""
    parameters = llama.CommonParams()
    fill(parameters, llama, options, context_window)
    parameters.model.path = path
    attach(llama, parameters, options)
    if purpose != "text":
        pool(llama, parameters, purpose, options, context_window)
    return parameters


def _engine(server: Any, key: str, options: LlamaOptions, files: Seen) -> LlamaEngine:
    address: str = server.listening_address
    port = int(address.rpartition(":")[2])
    _await_loop(port, key)
    host = LlamaHost(
        options.provider,
        f"{address}/v1",
        {"authorization": Bearer(Plain(key)), "connection": "close"},  # it closes a stream without saying so
        route=Route(proxy="none"),
    )
    return LlamaEngine(server, host, port, files)


def _await_loop(port: int, key: str) -> None:
    """Wait until the engine's loop answers: one that is ended before its loop has begun never ends."""
    asked = f"GET /slots HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as door:
        door.sendall(asked.encode("ascii"))
        while door.recv(1 << 16):
            pass


def _refused(path: str, purpose: Purpose, options: LlamaOptions, context_window: int) -> SetupError:
    """llama.cpp says only that it failed; why stands in its log, which is asked for elsewhere."""
    from modelhub_llama.diagnosis import reason

    if purpose == "text" and options.prompt == "chat":
        settled(path, options, suspect=True)
    return SetupError(f"llama.cpp cannot load {path}: {reason(path, purpose, options, context_window)}.")


def _read_ahead(path: str) -> None:
    """Into the system's cache, at the speed of the disk, and with the interpreter's lock free for others."""
    piece = bytearray(1 << 22)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(piece):
            pass


def _installed() -> Any:
    try:
        import xllamacpp
    except ImportError:
        message = 'The engine is not installed, so no GGUF file can be run in process: pip install "modelhub-llama[engine]".'
        raise SetupError(message) from None
    return xllamacpp
