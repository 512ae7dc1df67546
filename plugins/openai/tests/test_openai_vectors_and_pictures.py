"""Vectors, rankings and pictures as an application meets them: a hub, a configuration, a server that misbehaves."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import modelhub
from modelhub.testing import FaultServer, Received, Reply

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


def config(server: FaultServer, **models: Any) -> dict[str, Any]:
    names = {
        "embedder": "host:text-embedding-3-small",
        "other": "host:nomic",
        "painter": "host:dall-e-3",
        "gpt": "host:gpt-image-1",
    }
    return {
        "providers": {"host": {"uses": "openai", "base_url": f"{server.url}/v1", "api_key": "sk-0123456789abcdef"}},
        "models": {**{name: {"model": model} for name, model in names.items()}, **models},
    }


def asked(kind: str, settings: dict[str, Any], call: Callable[[Any], Any], manner: str) -> Any:
    """What a call gives, through either hub."""
    if manner == "blocking":
        with modelhub.Hub(settings) as hub:
            return call(getattr(hub, kind))

    async def awaited() -> Any:
        async with modelhub.AsyncHub(settings) as hub:
            return await call(getattr(hub, kind))

    return asyncio.run(awaited())


manners = pytest.mark.parametrize("manner", ["blocking", "awaited"])


def vector(text: str) -> list[float]:
    return [float(len(text)), float(sum(text.encode()) % 251)]


def embedding(place: int, text: str, *, base64_wanted: bool) -> dict[str, Any]:
    floats = vector(text)
    packed = base64.b64encode(struct.pack("<2f", *floats)).decode()
    return {"object": "embedding", "index": place, "embedding": packed if base64_wanted else floats}


def embeds(changed: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = lambda data: data) -> Callable[[Received], Reply]:
    """A server that embeds, and then changes its answer."""

    def answer(received: Received) -> Reply:
        body = received.json()
        wanted = body.get("encoding_format") == "base64"
        data = [embedding(place, text, base64_wanted=wanted) for place, text in enumerate(body["input"])]
        return Reply(
            json={"data": changed(data), "model": body["model"], "usage": {"prompt_tokens": len(data), "total_tokens": 1}}
        )

    return answer


def shuffled(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return random.Random(7).sample(data, len(data))


TEXTS = [f"文書 {number} {'x' * (number % 5)}" for number in range(1000)]


@manners
def test_vectors_find_their_texts_though_the_server_shuffles_them(server: FaultServer, manner: str) -> None:
    """AT-L: the server shuffles `data`; four batches of 256 are under way beside each other."""
    server.on("/v1/embeddings", embeds(shuffled))
    response = asked("embedding", config(server), lambda kind: kind("other").embed(TEXTS), manner)
    assert np.array_equal(response.array(), np.array([vector(text) for text in TEXTS], np.float32))
    assert response.usage.input_tokens == 1000
    assert len(server.requests) == 4


def without_index(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"embedding": item["embedding"]} for item in data]


def twice_the_first(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [data[0], {**data[1], "index": 0}, *data[2:]]


def without_the_last(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return data[:-1]


def without_the_second(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [data[0], *data[2:]]


def with_nan(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*data[:2], {"index": 2, "embedding": [1.0, float("nan")]}, *data[3:]]


def with_a_short_one(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*data[:-1], {**data[-1], "embedding": [1.0]}]


@manners
@pytest.mark.parametrize(
    "changed", [without_index, twice_the_first, without_the_last, without_the_second, with_nan, with_a_short_one]
)
def test_an_answer_that_does_not_tell_the_vectors_is_an_error_and_never_a_guess(
    server: FaultServer, changed: Callable[..., Any], manner: str
) -> None:
    """AT-L: omits or duplicates an index, drops one, NaN, another length."""
    server.on("/v1/embeddings", embeds(changed))
    settings = config(server)
    settings["providers"]["host"]["quirks"] = {"embedding_format": "float"}
    with pytest.raises(modelhub.AnswerError):
        asked("embedding", settings, lambda kind: kind("other").embed(TEXTS[:5]), manner)
    assert len(server.requests) == 1


@manners
def test_one_bad_text_among_many_is_named(server: FaultServer, manner: str) -> None:
    """AT-L: isolated by halving, reported by its original position."""
    bad, good = TEXTS[777], embeds()

    def answer(received: Received) -> Reply:
        if bad in received.json()["input"]:
            return Reply(400, json={"error": {"message": "'$.input' is invalid.", "type": "invalid_request_error"}})
        return good(received)

    server.on("/v1/embeddings", answer)
    with pytest.raises(modelhub.ModelhubError, match=r"inputs\[777\]: '\$.input' is invalid") as failure:
        asked("embedding", config(server), lambda kind: kind("other").embed(TEXTS), manner)
    assert failure.value.position == 777


@manners
def test_batches_shrink_where_the_server_says_so(server: FaultServer, manner: str) -> None:
    """AT-L: 413."""
    good = embeds()

    def answer(received: Received) -> Reply:
        count = len(received.json()["input"])
        return (
            good(received) if count <= 32 else Reply(413, json={"error": f"batch size {count} > maximum allowed batch size 32"})
        )

    server.on("/v1/embeddings", answer)
    response = asked("embedding", config(server), lambda kind: kind("other").embed(TEXTS[:300]), manner)
    assert np.array_equal(response.array(), np.array([vector(text) for text in TEXTS[:300]], np.float32))


def test_each_batch_is_retried_by_itself(server: FaultServer) -> None:
    slow_down = [True]
    good = embeds()

    def answer(received: Received) -> Reply:
        if TEXTS[300] in received.json()["input"] and slow_down:
            slow_down.clear()
            return Reply(429, headers={"retry-after": "0.01"}, json={"error": {"message": "slow down"}})
        return good(received)

    server.on("/v1/embeddings", answer)
    with modelhub.Hub(config(server)) as hub:
        response = hub.embedding("other").embed(TEXTS)
    assert len(response) == 1000
    assert len(server.requests) == 5


def test_batches_keep_to_the_limits_of_the_model(server: FaultServer) -> None:
    """AT-L: 2,048 texts and 300,000 tokens of text-embedding-3-small."""
    row = base64.b64encode(bytes(4 * 1536)).decode()

    def answer(received: Received) -> Reply:
        return Reply(json={"data": [{"index": place, "embedding": row} for place in range(len(received.json()["input"]))]})

    server.on("/v1/embeddings", answer)
    with modelhub.Hub(config(server)) as hub:
        hub.embedding("embedder").embed(["a"] * 2049)
        assert sorted(len(received.json()["input"]) for received in server.requests) == [1, 2048]
        server.requests.clear()
        hub.embedding("embedder").embed(["light " * 1000] * 700)
        assert sorted(len(received.json()["input"]) for received in server.requests) == [100, 300, 300]


def test_an_alias_says_what_becomes_of_texts_without_words(server: FaultServer) -> None:
    server.on("/v1/embeddings", embeds())
    settings = config(server, lenient={"model": "host:nomic", "settings": {"on_empty": "zero"}})
    with modelhub.Hub(settings) as hub:
        response = hub.embedding("lenient").embed(["a", ""])
        assert response.array()[1].tolist() == [0.0, 0.0]
        with pytest.raises(modelhub.InvalidRequest, match=r"inputs\[1\]"):
            hub.embedding("other").embed(["a", ""])
        with pytest.raises(TypeError, match="embed"):
            hub.embedding("other").embed("a text")


def test_documents_are_ranked(server: FaultServer) -> None:
    server.on(
        "/v1/rerank", Reply(json={"results": [{"index": 1, "relevance_score": 2.0}, {"index": 0, "relevance_score": -1.0}]})
    )
    with modelhub.Hub(config(server)) as hub:
        ranking = hub.reranking("host:bge").rank("鍵はどこ？", ["a", "鍵は机の上。"]).ranking
    assert [ranked.index for ranked in ranking] == [1, 0]


def picture(number: int = 0) -> Reply:
    return Reply(json={"created": 1, "data": [{"b64_json": base64.b64encode(PNG + bytes([number])).decode()}]})


@manners
def test_a_broken_connection_never_paints_twice(server: FaultServer, manner: str) -> None:
    """AT-D3, AT-M: the server has read the request and the connection breaks: one request, and the outcome is unknown."""
    server.on("/v1/images/generations", Reply(fault="cut", at="headers"), picture())
    with pytest.raises(modelhub.OutcomeUnknown):
        asked("image", config(server), lambda kind: kind("gpt").generate("灯台"), manner)
    assert len(server.requests) == 1


def test_a_stream_that_breaks_never_paints_twice(server: FaultServer) -> None:
    """AT-D3: nothing has come yet, and still it is not sent again."""
    for reply in (
        Reply(fault="cut", at="headers"),
        Reply(fault="cut", at="first", chunks=[b"x"]),
        Reply(fault="reset", at="headers"),
    ):
        server.requests.clear()
        server.on("/v1/images/generations", reply, picture())
        with modelhub.Hub(config(server)) as hub, pytest.raises(modelhub.ModelhubError) as failure:
            list(hub.image("gpt").stream("灯台"))
        assert not failure.value.retryable
        assert len(server.requests) == 1


@manners
def test_a_picture_made_of_two(server: FaultServer, manner: str) -> None:
    server.on("/v1/images/edits", picture())
    asked("image", config(server), lambda kind: kind("gpt").edit([PNG, PNG + b"2"], "青い扉", mask=PNG), manner)
    (received,) = server.requests
    assert received.body.count(b'name="image[]"; filename="image-') == 2
    assert received.body.count(b'name="mask"') == 1


@manners
def test_three_pictures_of_a_model_that_makes_one(server: FaultServer, manner: str) -> None:
    """AT-M: n > 1 emulated; one that is told to wait is asked again, the others are not (AT-D3)."""
    busy = Reply(429, headers={"retry-after": "0.01"}, json={"error": {"message": "slow down"}})
    server.on("/v1/images/generations", picture(1), busy, picture(2), picture(3))
    response = asked("image", config(server), lambda kind: kind("painter").generate("灯台", count=3), manner)
    assert sorted(image.bytes()[-1] for image in response.images) == [1, 2, 3]
    assert len(server.requests) == 4
    assert all("n" not in received.json() for received in server.requests)
    assert [notice.setting for notice in response.notices] == ["count"]


@manners
def test_a_size_that_cannot_be_is_told_before_any_request(server: FaultServer, manner: str) -> None:
    """AT-M."""
    with pytest.raises(modelhub.InvalidRequest, match="1024x1024, 1792x1024, 1024x1792"):
        asked("image", config(server), lambda kind: kind("painter").generate("灯台", size=(640, 480)), manner)
    assert server.requests == []


@pytest.mark.parametrize("manner", ["blocking", "awaited"])
@pytest.mark.parametrize("megabytes", [24])
def test_a_large_picture_takes_little_more_than_itself(server: FaultServer, manner: str, megabytes: int, tmp_path: Any) -> None:
    """AT-M: peak memory at most 3 times the picture, from the socket to the file."""
    size, piece = megabytes * 2**20, base64.b64encode(bytes(3 * 2**16))
    chunks = [
        b'{"data": [{"b64_json": "',
        base64.b64encode(PNG + b"!"),
        *[piece] * (size // (3 * 2**16)),
        b'"}], "created": 1}',
    ]
    server.on("/v1/images/generations", Reply(chunks=chunks))
    settings = config(server)
    asked("image", settings, lambda kind: kind("gpt").generate("warm up"), manner)
    tracemalloc.start()
    try:
        response = asked("image", settings, lambda kind: kind("gpt").generate("灯台"), manner)
        response.save(tmp_path / "large.png")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (tmp_path / "large.png").stat().st_size == len(PNG) + 1 + size // (3 * 2**16) * 3 * 2**16
    assert peak <= 3 * size, f"{peak / size:.2f} times the picture"


def test_the_bytes_of_an_answer_stand_in_memory_once(server: FaultServer) -> None:
    server.on("/v1/images/generations", picture())
    with modelhub.Hub(config(server)) as hub:
        response = hub.image("gpt").generate("灯台")
    assert "b64_json" not in json.dumps(response.raw)
