"""The embeddings endpoint: what it writes, what it reads, and in which order."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Sequence
from typing import Any

import pytest
from modelhub_openai.embeddings import EmbeddingEndpoint, model
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.quirks import Quirks
from modelhub_openai.site import host

from modelhub.plugin import AnswerError, BadRequest, EmbeddingRequest, Headers, HttpRequest, HttpResponse, RateLimited
from modelhub.testing import Driven, EmbeddingEndpointConformance, FakeRuntime, Recording, drive

REQUEST = EmbeddingRequest(inputs=("東京", "b", "c"))


def packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def answer(data: Sequence[Any], **more: Any) -> HttpResponse:
    body = {"object": "list", "data": data, "model": "text-embedding-3-small", "usage": {"prompt_tokens": 5}, **more}
    return HttpResponse(200, Headers(), json.dumps(body).encode())


def endpoint(name: str = "text-embedding-3-small", **options: Any) -> EmbeddingEndpoint:
    return EmbeddingEndpoint(host(OpenAIOptions(api_key_env=None, **options)), name)


def written(asked: EmbeddingEndpoint, request: EmbeddingRequest = REQUEST) -> Any:
    return json.loads(asked.build(request, stream=False).body or b"")


RECORDED = answer(
    [{"object": "embedding", "index": place, "embedding": packed(*[place + 0.5] * 1536)} for place in range(3)]
).body


class TestEmbeddings(EmbeddingEndpointConformance):
    model_id = "openai:text-embedding-3-small"
    recordings = (
        Recording(
            name="three",
            request={"model": "text-embedding-3-small", "encoding_format": "base64"},
            response=RECORDED,
            answer={"count": 3, "dimensions": 1536, "usage": {"input_tokens": 5}, "model": "text-embedding-3-small"},
        ),
    )

    def endpoint(self) -> EmbeddingEndpoint:
        return EmbeddingEndpoint(host(OpenAIOptions(api_key=self.secret)), "text-embedding-3-small")


class TestEmbeddingsOfAnUnknownModel(TestEmbeddings):
    model_id = "openai:nomic-embed-text"

    def endpoint(self) -> EmbeddingEndpoint:
        return EmbeddingEndpoint(host(OpenAIOptions(api_key=self.secret)), "nomic-embed-text")

    recordings = (
        Recording(
            name="floats",
            response=answer([{"index": place, "embedding": [0.5, -0.25]} for place in range(3)]).body,
            answer={"count": 3, "dimensions": 2},
        ),
    )


def test_texts_are_sent_as_texts_and_base64_is_asked_for() -> None:
    """AT-L: texts only, never token ids."""
    assert written(endpoint()) == {
        "model": "text-embedding-3-small",
        "input": ["東京", "b", "c"],
        "encoding_format": "base64",
    }


def test_a_host_that_reads_no_encoding_format_is_sent_none() -> None:
    """AT-L: encoding_format is left out, never null."""
    assert "encoding_format" not in written(endpoint(quirks=Quirks(embedding_format=None)))
    assert written(endpoint(quirks=Quirks(embedding_format="float")))["encoding_format"] == "float"


def test_dimensions_are_sent_where_they_are_given() -> None:
    assert written(endpoint(), EmbeddingRequest(inputs=("a",), dimensions=256))["dimensions"] == 256
    assert endpoint("text-embedding-ada-002").card.settings == frozenset()
    assert endpoint().card.settings == frozenset({"dimensions"})


def test_options_of_the_provider_go_into_the_body() -> None:
    request = EmbeddingRequest(inputs=("a",), extra={"openai": {"user": "u-1"}, "other": {"x": 1}})
    body = written(endpoint(), request)
    assert body["user"] == "u-1"
    assert "x" not in body


def test_base64_and_numbers_give_the_same_floats() -> None:
    """AT-L: float and base64 (little-endian f32) are both read."""
    numbers = [[0.1, -2.5e-8], [3.4e38, 1e-45]]
    text = endpoint().parse(answer([{"index": place, "embedding": packed(*row)} for place, row in enumerate(numbers)]))
    plain = endpoint().parse(answer([{"index": place, "embedding": row} for place, row in enumerate(numbers)]))
    assert text.buffer == plain.buffer == struct.pack("<4f", *numbers[0], *numbers[1])
    assert (text.count, text.dimensions) == (2, 2)


def test_an_answer_of_many_vectors_is_read_as_a_small_one_is() -> None:
    rows = [[place / 7, -place / 3, 0.0] for place in range(4000)]
    response = endpoint().parse(answer([{"index": place, "embedding": row} for place, row in enumerate(rows)]))
    assert response.buffer == b"".join(struct.pack("<3f", *row) for row in rows)


def test_shuffled_vectors_are_put_into_the_order_of_the_inputs() -> None:
    """AT-L: the server shuffles data."""
    response = endpoint().parse(answer([{"index": place, "embedding": [place * 1.0]} for place in (2, 0, 1)]))
    assert response.array().ravel().tolist() == [0.0, 1.0, 2.0]


def test_fewer_vectors_than_texts_are_an_error(runtime: Driven) -> None:
    """AT-L: the server drops one, the last: no gap shows."""
    fake = Driven(FakeRuntime([answer([{"index": 0, "embedding": [1.0]}])]), runtime.loop)
    with pytest.raises(AnswerError, match="2 texts were sent and 1 vectors came"):
        fake.call(model("m", OpenAIOptions(api_key_env=None)), EmbeddingRequest(inputs=("a", "b")))


def test_one_missing_index_is_the_place_that_is_left() -> None:
    response = endpoint().parse(answer([{"index": 1, "embedding": [1.0]}, {"embedding": [0.0]}]))
    assert response.array().ravel().tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "places", [(0, 0, 1), (None, None, 2), (None, None, None), (0, 2, 3), ("first", 1, 2), ("0", 0, 1), (-1, 0, 1)]
)
def test_places_that_do_not_tell_the_order_are_an_error(places: tuple[Any, ...]) -> None:
    """AT-L: the server omits, duplicates, or drops an index."""
    data = [{"embedding": [1.0], **({} if place is None else {"index": place})} for place in places]
    with pytest.raises(AnswerError, match="which belongs to which"):
        endpoint().parse(answer(data))


def test_a_host_without_places_is_trusted_only_where_it_is_said_to_keep_the_order() -> None:
    site = endpoint(quirks=Quirks(embedding_index=False))
    response = site.parse(answer([{"index": 0, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]))
    assert response.array().ravel().tolist() == [2.0, 1.0]


@pytest.mark.parametrize(
    "data",
    [
        [],
        None,
        [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}],
        [{"index": 0, "embedding": None}],
        [{"index": 0, "embedding": []}],
        [{"index": 0, "embedding": [None]}],
        [{"index": 0, "embedding": base64.b64encode(b"abc").decode()}],
        [{"index": 0, "embedding": "not base64!"}],
        [{"index": 0}],
    ],
)
def test_vectors_that_are_none_are_an_error(data: Any, runtime: Driven) -> None:
    """AT-L: wrong dimensions, empty data."""
    fake = Driven(FakeRuntime([answer(data)]), runtime.loop)
    with pytest.raises(AnswerError):
        fake.call(model("m", OpenAIOptions(api_key_env=None)), EmbeddingRequest(inputs=("a",)))


def test_a_refused_encoding_format_is_left_out_from_then_on() -> None:
    """AT-L: hosts that do not know base64."""
    refusal = {"error": {"message": "base64 is not a valid encoding_format", "param": "encoding_format"}}
    asked: list[Any] = []

    def host_of_floats(request: HttpRequest) -> HttpResponse:
        body = json.loads(request.body or b"")
        asked.append(body.get("encoding_format"))
        if "encoding_format" in body:
            return HttpResponse(400, Headers(), json.dumps(refusal).encode())
        return answer([{"index": 0, "embedding": [1.0]}])

    runtime, asking = FakeRuntime(host_of_floats), model("m", OpenAIOptions(api_key_env=None))
    for _ in range(2):
        drive(asking.call(EmbeddingRequest(inputs=("a",)), runtime))
    assert asked == ["base64", None, None]


def test_an_error_in_the_place_of_vectors_is_that_error() -> None:
    with pytest.raises(RateLimited, match="slow down"):
        endpoint().parse(HttpResponse(200, Headers(), b'{"error": {"message": "slow down", "code": 429}}'))


def test_any_other_refusal_is_raised() -> None:
    runtime = FakeRuntime([HttpResponse(400, Headers(), b'{"error": {"message": "dimensions is too large"}}')])
    with pytest.raises(BadRequest, match="dimensions is too large"):
        drive(model("m", OpenAIOptions(api_key_env=None)).call(EmbeddingRequest(inputs=("a",)), runtime))


def test_the_raw_answer_holds_no_second_copy_of_the_vectors() -> None:
    response = endpoint().parse(answer([{"index": 0, "embedding": [1.0]}], service_tier="x"))
    assert response.raw["service_tier"] == "x"
    assert "data" not in response.raw


def test_places_and_counts_may_be_written_as_texts() -> None:
    """AT-E3."""
    data = [{"index": "1", "embedding": [3, 4]}, {"index": "0", "embedding": [1, 2]}]
    body = json.dumps({"data": data, "usage": {"prompt_tokens": "5"}}).encode()
    response = endpoint().parse(HttpResponse(200, body=body))
    assert response.array().tolist() == [[1, 2], [3, 4]]
    assert response.usage.input_tokens == 5


@pytest.mark.parametrize("usage", [None, "much", [], {}, {"prompt_tokens": None}, {"prompt_tokens": "many"}])
def test_a_count_that_is_none_costs_no_vector(usage: Any) -> None:
    """AT-E3."""
    body = json.dumps({"data": [{"index": 0, "embedding": [1, 2]}], "usage": usage}).encode()
    response = endpoint().parse(HttpResponse(200, body=body))
    assert (len(response), response.usage.input_tokens) == (1, None)


def test_vectors_without_places_are_told_with_the_quirk_that_takes_them() -> None:
    body = json.dumps({"data": [{"embedding": [1]}, {"embedding": [2]}]}).encode()
    with pytest.raises(AnswerError, match="embedding_index = false"):
        endpoint().parse(HttpResponse(200, body=body))
