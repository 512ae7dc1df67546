"""A chat-completions server that costs little: canned answers, written as soon as a request is whole.

python benchmarks/wire_server.py [CERTIFICATE KEY]: prints its port and serves 127.0.0.1 until its input is closed.

The model's name says what to answer: ``answer``; for streams ``each`` (one HTTP chunk an event), ``coalesced`` (twenty in
one chunk) and ``endless`` (never done); for embeddings ``floats`` and ``base64``.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import ssl
import struct
import subprocess
import sys
from functools import cache

__all__ = ["DIMENSIONS", "EVENTS", "TEXT", "certificate"]

EVENTS = 200
DIMENSIONS = 1536
TEXT = "The lighthouse keeper turns the lamp. 灯台守は、毎晩、灯りをともす。 " * 4
_USAGE = {"prompt_tokens": 12, "completion_tokens": 60, "total_tokens": 72}
_MODEL = re.compile(rb'"model":\s*"([^"]*)"')
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_COALESCED = 20
_MOST_VECTORS = 2048


def _whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def _json(value: object) -> bytes:
    """As the hosts write it: without spaces, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _answer() -> bytes:
    message = {"role": "assistant", "content": TEXT, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    answer = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "answer",
        "choices": [choice],
        "usage": _USAGE,
    }
    return _whole(_json(answer))


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    event = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "each", "system_fingerprint": "fp_1"}
    return b"data: %b\n\n" % _json({**event, "choices": [choice], "usage": None})


def _last() -> bytes:
    event = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "each", "system_fingerprint": "fp_1"}
    return b"data: %b\n\ndata: [DONE]\n\n" % _json({**event, "choices": [], "usage": _USAGE})


_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_WORDS = [_event({"role": "assistant", "content": ""})]
_WORDS += [_event({"content": f" word{number} 灯"}) for number in range(EVENTS)]
_WORDS += [_event({}, "stop"), _last()]


def _chunks(size: int) -> list[bytes]:
    pieces = [b"".join(_WORDS[start : start + size]) for start in range(0, len(_WORDS), size)]
    return [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces] + [b"0\r\n\r\n"]


@cache
def _items(form: str) -> list[bytes]:
    """Random vectors, the same in each run; written with as many digits as a provider writes."""
    numbers = random.Random(1)
    rows = [[round(numbers.gauss(0, 0.03), 10) for _ in range(DIMENSIONS)] for _ in range(_MOST_VECTORS)]
    return [_json({"object": "embedding", "index": place, "embedding": _written(form, row)}) for place, row in enumerate(rows)]


def _vectors(form: str, body: bytes) -> bytes:
    """As many as there are texts."""
    count = len(json.loads(body)["input"])
    usage = {"prompt_tokens": 8 * count, "total_tokens": 8 * count}
    items = b",".join(_items(form)[:count])
    return _whole(b'{"object":"list","data":[%b],"model":"%b","usage":%b}' % (items, form.encode(), _json(usage)))


def _written(form: str, row: list[float]) -> str | list[float]:
    return base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode() if form == "base64" else row


class Conversation(asyncio.Protocol):
    """One connection. Requests are answered one after another."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._received, 0, end + 2)
            stop = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < stop:
                return
            body, self._received = self._received[end + 4 : stop], self._received[stop:]
            self._reply(body)

    def _reply(self, body: bytes) -> None:
        model = _MODEL.search(body)
        match model[1].decode() if model else "":
            case "each":
                self._write(_EACH)
            case "coalesced":
                self._write(_TOGETHER)
            case "endless":
                self._transport.write(_STREAM + b"".join(_EACH[1:6]))
            case "floats" | "base64" as form:
                self._transport.write(_vectors(form, body))
            case _:
                self._transport.write(_ANSWER)

    def _write(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self._transport.write(piece)


_ANSWER = _answer()
_EACH = [_STREAM, *_chunks(1)]
_TOGETHER = [_STREAM, *_chunks(_COALESCED)]


def certificate(folder: str) -> list[str]:
    """The paths of a new certificate for 127.0.0.1, which is its own authority, and of its key."""
    pair = [f"{folder}/certificate.pem", f"{folder}/key.pem"]
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", pair[0], "-keyout", pair[1]]
    subprocess.run([*command.split(), *names], check=True, stderr=subprocess.DEVNULL)
    return pair


async def main(certificate: list[str]) -> None:
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Conversation, "127.0.0.1", 0, ssl=context, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
