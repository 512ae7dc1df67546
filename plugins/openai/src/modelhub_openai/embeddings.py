"""Embeddings: texts in, one vector a text out, as base64 where the host has it and as JSON numbers where it has not."""

from __future__ import annotations

from array import array
from binascii import a2b_base64
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from json import loads
from typing import Any, Never, Self

from modelhub.plugin import (
    AnswerError,
    BadRequest,
    Decoder,
    EmbeddingModel,
    EmbeddingRequest,
    EmbeddingResponse,
    HttpModel,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    Unsupported,
    Usage,
)
from modelhub_openai import known
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.site import Site, host
from modelhub_openai.usage import read_usage

__all__ = ["EmbeddingEndpoint", "model"]

_MANY = 65_536
"""Bytes of an answer from which on the fast parser is worth its import."""


def model(name: str, options: OpenAIOptions | None) -> EmbeddingModel:
    """An embedding model of the host that the options describe."""
    return HttpModel(EmbeddingEndpoint(host(options), name))


@dataclass(frozen=True)
class EmbeddingEndpoint:
    """``POST embeddings``. The ``raw`` of its responses is the answer without ``data``: the vectors stand there once."""

    site: Site
    name: str
    format_refused: bool = False
    """Whether the host has refused ``encoding_format``: it is left out then, and whatever comes is read."""

    card: ModelCard = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "card", known.card(self.site, self.name, "embedding"))

    def build(self, request: EmbeddingRequest, *, stream: bool) -> HttpRequest:
        if stream:
            raise Unsupported("Embeddings come whole: call the model instead of streaming it.", feature="stream")
        body: dict[str, Any] = {"model": self.name, "input": request.inputs}
        if self.site.quirks.embedding_format and not self.format_refused:
            body["encoding_format"] = self.site.quirks.embedding_format
        if request.dimensions is not None:
            body["dimensions"] = request.dimensions
        written = self.site.quirks.written(body)
        return self.site.post("embeddings", self.name, {**written, **request.extra.get(self.site.provider, {})})

    def parse(self, response: HttpResponse) -> EmbeddingResponse:
        answer = _json(response.body)
        items = answer.pop("data", None)
        if not isinstance(items, list) or not items:
            from modelhub_openai.chat_answer import error_in, reported

            if error_in(answer):
                raise reported(self.site, self.name, answer, response)
            raise AnswerError("The host sent no vectors.", head=response.body[:200])
        in_order = _ordered(items) if self.site.quirks.embedding_index else items
        rows = [_bytes(item.pop("embedding", None)) for item in in_order]  # popped: what was read is let go at once
        return EmbeddingResponse(
            buffer=b"".join(rows),
            count=len(rows),
            dimensions=_dimensions(rows),
            model=answer.get("model") or "",
            usage=Usage(input_tokens=read_usage(answer.get("usage")).input_tokens),
            raw=answer,
        )

    def completed(self, request: EmbeddingRequest, response: EmbeddingResponse) -> EmbeddingResponse:
        """The same response, which has to have a vector for each text."""
        if len(response) != len(request.inputs):
            raise AnswerError(f"{len(request.inputs)} texts were sent and {len(response)} vectors came.")
        return response

    def decoder(self) -> Decoder[Never]:
        raise Unsupported("Embeddings come whole.", feature="stream")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def learned(self, error: ModelhubError) -> Self | None:
        """Where the host does not know ``encoding_format``, or not base64: the same without it."""
        refused = isinstance(error, BadRequest) and ("encoding_format" in error.message or "base64" in error.message)
        return replace(self, format_refused=True) if refused and not self.format_refused else None


def _json(body: bytes) -> dict[str, Any]:
    """The answer's members. Strings of base64 and numbers by the million: this is where the time goes."""
    answer: dict[str, Any]
    if len(body) < _MANY:
        answer = loads(body)
    else:
        from pydantic_core import from_json

        answer = from_json(body)
    return answer


def _ordered(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """In the order of the inputs. Raises ``AnswerError`` where the places do not tell it: a wrong guess would go unnoticed."""
    places = [_place(item.get("index")) for item in items]
    expected = range(len(items))
    if places == list(expected):
        return list(items)
    if None in places and places.count(None) == 1:  # some hosts leave out what is 0
        left = set(expected) - set(places)
        places = [left.pop() if place is None and len(left) == 1 else place for place in places]
    by_place = dict(zip(places, items, strict=True))
    if by_place.keys() != set(expected):
        wrong = f"have the places {_shown(places)}"
        if None in places:
            wrong = "have no index (quirks = { embedding_index = false } trusts the order in which they come)"
        raise AnswerError(f"{len(items)} vectors {wrong}: which belongs to which text cannot be told.")
    return [by_place[place] for place in expected]


def _place(index: Any) -> Any:
    """A place, which some hosts write as a text."""
    return int(index) if isinstance(index, str) and index.isdecimal() else index


def _shown(places: Sequence[Any]) -> str:
    return ", ".join(map(str, places[:8])) + (", ..." if len(places) > 8 else "")


def _bytes(vector: Any) -> bytes:
    """One vector as little-endian 32-bit floats."""
    if isinstance(vector, str):
        return a2b_base64(vector)
    if not isinstance(vector, list):
        raise AnswerError(f"A vector is {type(vector).__name__}, neither base64 nor a list of numbers.")
    floats = array("f", vector)
    if _BIG_ENDIAN:
        floats.byteswap()
    return floats.tobytes()


_BIG_ENDIAN = array("H", b"\0\1")[0] == 1


def _dimensions(rows: Sequence[bytes]) -> int:
    sizes = {len(row) for row in rows}
    if len(sizes) > 1 or not (size := sizes.pop()) or size % 4:
        raise AnswerError(f"The vectors have no common length: they are of {', '.join(map(str, sorted(sizes)))} bytes.")
    return size // 4
