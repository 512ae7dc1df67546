"""Servers of GGUF files that others wrote, each in a process of its own on a free port, ended with the block."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

__all__ = ["SERVERS", "Purpose", "Server", "serving"]

HERE = Path(__file__).parent
SERVERS = ("xllamacpp", "llama_cpp")
Server = Literal["xllamacpp", "llama_cpp"]
Purpose = Literal["chat", "embedding"]
CONTEXT = 8192
_INSTALL = {"xllamacpp": "pip install xllamacpp", "llama_cpp": 'nox -s servers (it compiles "llama-cpp-python[server]")'}


@contextmanager
def serving(server: Server, model: str, purpose: Purpose = "chat") -> Iterator[str]:
    """The ``base_url`` of that server with that model; skips the test where the server is not installed."""
    if importlib.util.find_spec(server) is None:
        pytest.skip(f"{server} is not installed: {_INSTALL[server]}")
    with _xllamacpp(model, purpose) if server == "xllamacpp" else _llama_cpp(model, purpose) as url:
        yield url


@contextmanager
def _xllamacpp(model: str, purpose: Purpose) -> Iterator[str]:
    with _process("llama_server.py", model, purpose, str(CONTEXT), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        address = process.stdout.readline().decode().strip()
        assert address, "xllamacpp's server ended before it listened."
        yield f"{address}/v1"


@contextmanager
def _llama_cpp(model: str, purpose: Purpose) -> Iterator[str]:
    port = _free_port()
    given = ["--model", model, "--host", "127.0.0.1", "--port", f"{port}", "--n_ctx", f"{CONTEXT}", "--n_threads", "1"]
    given += ["--embedding", "true"] if purpose == "embedding" else ["--logits_all", "true"]
    with _process("-m", "llama_cpp.server", *given, "--verbose", "false", stdout=subprocess.DEVNULL) as process:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def _process(*arguments: str, stdout: int) -> Iterator[subprocess.Popen[Any]]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    command = [sys.executable, *arguments]
    with subprocess.Popen(
        command, cwd=HERE, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[Any]) -> None:
    """Until it tells which models it has."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "The server ended before it listened."
        with contextlib.suppress(OSError), closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", "/v1/models")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    pytest.fail("The server did not listen within 60 seconds.")
