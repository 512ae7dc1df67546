"""What a client sent, as one compares it: the same whoever wrote it."""

from __future__ import annotations

import email.parser
import email.policy
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from modelhub.testing import Received

__all__ = ["Asked", "asked"]

_SIGNED = ("authorization", "api-key")


class Asked(NamedTuple):
    """A request without what carries no meaning: the order of fields, boundaries, who the client says it is."""

    method: str
    path: str
    query: Mapping[str, str]
    signed: Mapping[str, str]
    media_type: str
    body: Any


def asked(received: Received) -> Asked:
    """What the server heard."""
    url = urlsplit(received.path)
    headers = {name.lower(): value for name, value in received.headers.items()}
    content_type = headers.get("content-type", "") if received.body else ""
    media_type = content_type.partition(";")[0].strip()
    body: Any = received.body
    if media_type == "application/json":
        body = json.loads(received.body)
    elif media_type == "multipart/form-data":
        body = _form(content_type, received.body)
    signed = {name: headers[name] for name in _SIGNED if name in headers}
    return Asked(received.method, url.path, dict(parse_qsl(url.query)), signed, media_type, body)


def _form(content_type: str, body: bytes) -> dict[str, list[Any]]:
    """The parts of a form by name: texts, and files as (filename, media type, bytes)."""
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    message = parser.parsebytes(b"content-type: " + content_type.encode() + b"\r\n\r\n" + body)
    parts: dict[str, list[Any]] = {}
    for part in message.iter_parts():
        name, filename = part.get_param("name", header="content-disposition"), part.get_filename()
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        parts.setdefault(str(name), []).append((filename, part.get_content_type(), data) if filename else data.decode())
    return {name: sorted(values, key=repr) for name, values in parts.items()}
