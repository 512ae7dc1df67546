"""Any number of texts, in requests of the right size, each vector with its own text."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any, Never

import numpy as np
import pytest

from modelhub.errors import (
    AnswerError,
    BadRequest,
    ContentFiltered,
    ContextOverflow,
    InvalidRequest,
    KeyRefused,
    ModelhubError,
    RateLimited,
    Unsupported,
)
from modelhub.interfaces.embedding import EmbeddingRequest, EmbeddingResponse, pack
from modelhub.model import ModelCard, Runtime, Timeouts, Usage
from modelhub.retrieval.tokens import count_tokens
from modelhub.testing import Driven, FakeRuntime, drive
from modelhub.transport.asynchronous import AsyncRuntime
from modelhub.wrappers.batches import pieces
from modelhub.wrappers.batching import Batching
from modelhub.wrappers.retry import Retry

Refuse = Callable[[Sequence[str]], ModelhubError | None]


def vector_of(text: str) -> list[float]:
    """Another one for each text of these tests."""
    return [float(len(text)), float(sum(text.encode()) % 1000), 1.0]


@dataclass
class Host:
    """An embedding model that keeps what it was asked, and refuses what it is told to."""

    max_batch: int | None = None
    limits: dict[str, int] = field(default_factory=dict)
    refuse: Refuse = lambda _: None
    vector: Callable[[str], list[float]] = vector_of
    asked: list[tuple[str, ...]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    under_way: int = 0
    most_under_way: int = 0

    @property
    def card(self) -> ModelCard:
        return ModelCard(model="host:m", kind="embedding", max_batch=self.max_batch, limits=self.limits)

    async def call(self, request: EmbeddingRequest, runtime: Runtime) -> EmbeddingResponse:
        with self.lock:
            self.asked.append(request.inputs)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        await runtime.sleep(0.01)
        with self.lock:
            self.under_way -= 1
        if error := self.refuse(request.inputs):
            raise error
        buffer, count, dimensions = pack([self.vector(text) for text in request.inputs])
        used = Usage(input_tokens=sum(map(len, request.inputs)))
        return EmbeddingResponse(buffer=buffer, count=count, dimensions=dimensions, usage=used, cost=Decimal("0.01"))

    def stream(self, request: EmbeddingRequest, runtime: Runtime) -> AsyncGenerator[Never, None]:
        raise Unsupported("whole only")

    @property
    def sizes(self) -> list[int]:
        return [len(texts) for texts in self.asked]


def batching(host: Host) -> Batching:
    return Batching(host, count_tokens)


def embed(host: Host, *inputs: str, **options: Any) -> EmbeddingResponse:
    return drive(batching(host).call(EmbeddingRequest(inputs=inputs, **options), FakeRuntime()))


def rows(response: EmbeddingResponse) -> list[list[float]]:
    return [response[place] for place in range(len(response))]


TEXTS = tuple(f"文書 {number} {'x' * (number % 7)}" for number in range(100))


def test_each_vector_belongs_to_its_own_text_whatever_the_batches(runtime: Driven) -> None:
    """AT-L: output i belongs to input i, in both runtimes."""
    host = Host(max_batch=7)
    response = runtime.call(batching(host), EmbeddingRequest(inputs=TEXTS))
    assert rows(response) == [vector_of(text) for text in TEXTS]
    assert max(host.sizes) == 7
    assert len(host.asked) == math.ceil(100 / 7)
    assert sorted(text for texts in host.asked for text in texts) == sorted(TEXTS)


def test_a_few_batches_are_under_way_beside_each_other(runtime: Driven) -> None:
    host = Host(max_batch=5)
    runtime.call(batching(host), EmbeddingRequest(inputs=TEXTS))
    assert host.most_under_way == 4


def test_few_texts_are_one_request_and_its_answer_stays_as_it_is(runtime: Driven) -> None:
    host = Host(max_batch=2048)
    response = runtime.call(batching(host), EmbeddingRequest(inputs=("a", "b"), dimensions=3, purpose="query"))
    assert host.asked == [("a", "b")]
    assert response.usage.input_tokens == 2
    assert response.notices == ()
    assert response.timing.total >= 0.01


def test_usage_and_cost_are_those_of_all_batches() -> None:
    response = embed(Host(max_batch=2), *TEXTS[:5])
    assert response.usage.input_tokens == sum(map(len, TEXTS[:5]))
    assert response.cost == Decimal("0.03")


def test_batches_keep_to_the_tokens_and_bytes_of_the_card() -> None:
    """AT-L: batches obey the model's items, tokens and bytes."""
    texts = [f"灯台 {'lighthouse ' * (number % 9)}" for number in range(60)]
    for limits, measure, most in (
        ({"batch_tokens": 50}, count_tokens, 50),
        ({"batch_bytes": 200}, lambda text: len(text.encode()), 200),
    ):
        host = Host(limits=limits)
        assert rows(embed(host, *texts)) == [vector_of(text) for text in texts]
        weights = [sum(map(measure, batch)) for batch in host.asked]
        assert max(weights) <= most
        assert all(one + other > most for one, other in pairwise(weights)), "two would fit into one"


def refusing_more_than(most: int, message: str, status: int) -> Refuse:
    return lambda texts: BadRequest(message, status=status) if len(texts) > most else None


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("batch size 256 > maximum allowed batch size 32", 413),
        ("Too many inputs. The max number of inputs is 32.", 400),
        ("Invalid 'input': array too long. Expected an array with maximum length 32.", 400),
    ],
)
def test_batches_shrink_to_what_is_taken_and_stay_small(message: str, status: int) -> None:
    """AT-L: batches shrink on 413 and on 400, and later calls need not learn it again."""
    host = Host(refuse=refusing_more_than(32, message, status))
    wrapper, texts = batching(host), tuple(f"text {number}" for number in range(500))
    runtime = FakeRuntime()
    response = drive(wrapper.call(EmbeddingRequest(inputs=texts), runtime))
    assert rows(response) == [vector_of(text) for text in texts]
    assert [size for size in host.sizes if size > 32] == [256, 128, 64]
    host.asked.clear()
    drive(wrapper.call(EmbeddingRequest(inputs=texts), runtime))
    assert max(host.sizes) == 32


def test_a_request_with_too_many_bytes_shrinks_for_this_call_alone() -> None:
    host = Host(refuse=refusing_more_than(60, "Payload Too Large", 413))
    wrapper = batching(host)
    drive(wrapper.call(EmbeddingRequest(inputs=TEXTS), FakeRuntime()))
    assert host.sizes == [100, 50, 50]
    assert wrapper.learned == []


def refusing(*bad: str, error: type[Any] = BadRequest, message: str = "input is not valid", **more: Any) -> Refuse:
    return lambda texts: error(message, **more) if any(text in bad for text in texts) else None


@pytest.mark.parametrize("error", [BadRequest, ContextOverflow, ContentFiltered])
@pytest.mark.parametrize("place", [0, 1, 37, 98, 99])
def test_one_bad_text_is_found_and_named_by_its_place(place: int, error: type[Any], runtime: Driven) -> None:
    """AT-L: one bad item is isolated (bisect) and reported by its original position."""
    host = Host(refuse=refusing(TEXTS[place], error=error))
    with pytest.raises(error, match=rf"^inputs\[{place}\]: input is not valid") as failure:
        runtime.call(batching(host), EmbeddingRequest(inputs=TEXTS))
    assert failure.value.position == place
    assert len(host.asked) <= 2 * math.log2(100) + 4


def test_a_bad_text_of_a_later_batch_has_its_place_among_all() -> None:
    host = Host(max_batch=10, refuse=refusing(TEXTS[57]))
    with pytest.raises(BadRequest, match=r"inputs\[57\]") as failure:
        embed(host, *TEXTS)
    assert failure.value.position == 57


def test_two_bad_texts_beside_each_other_are_no_reason_to_blame_the_request() -> None:
    host = Host(refuse=refusing(TEXTS[0], TEXTS[1]))
    with pytest.raises(BadRequest, match=r"inputs\[0\]"):
        embed(host, *TEXTS)


def test_a_request_that_is_refused_as_such_names_no_text() -> None:
    host = Host(refuse=lambda _: BadRequest("dimensions: must be below 1024", status=400))
    with pytest.raises(BadRequest, match=r"^dimensions") as failure:
        embed(host, *TEXTS)
    assert failure.value.position is None
    assert len(host.asked) <= 12


@pytest.mark.parametrize("error", [KeyRefused("no"), RateLimited("slow down")])
def test_what_no_text_is_to_blame_for_is_raised_at_once(error: ModelhubError) -> None:
    host = Host(refuse=lambda _: error)
    with pytest.raises(type(error)):
        embed(host, *TEXTS)
    assert len(host.asked) == 1


def test_each_batch_is_retried_by_itself(runtime: Driven) -> None:
    failing = {TEXTS[15]: 1}

    def once(texts: Sequence[str]) -> ModelhubError | None:
        for text in texts:
            if failing.get(text):
                failing[text] -= 1
                return RateLimited("slow down", retry_after=0.01)
        return None

    host = Host(max_batch=10, refuse=once)
    response = runtime.call(Batching(Retry(host), count_tokens), EmbeddingRequest(inputs=TEXTS))
    assert rows(response) == [vector_of(text) for text in TEXTS]
    assert len(host.asked) == 11


def test_texts_without_words_are_an_error_that_names_the_first() -> None:
    """AT-L: empty or whitespace, the default."""
    host = Host()
    with pytest.raises(InvalidRequest, match=r"inputs\[1\]: It has no words") as failure:
        embed(host, "a", " \n", "")
    assert failure.value.position == 1
    assert host.asked == []


def test_texts_without_words_may_have_no_vector() -> None:
    """AT-L: empty or whitespace: skip, aligned by `skipped`."""
    host = Host()
    response = embed(host, "a", "", "bb", "　\t", on_empty="skip")
    assert host.asked == [("a", "bb")]
    assert rows(response) == [vector_of("a"), vector_of("bb")]
    assert response.skipped == (1, 3)
    assert "inputs[1], inputs[3]" in response.notices[0].message


def test_texts_without_words_may_have_zeros() -> None:
    """AT-L: empty or whitespace: zero, aligned."""
    response = embed(Host(), "", "a", " ", "bb", on_empty="zero")
    assert rows(response) == [[0.0] * 3, vector_of("a"), [0.0] * 3, vector_of("bb")]
    assert [notice.setting for notice in response.notices] == ["on_empty"]


def test_nothing_but_texts_without_words() -> None:
    host = Host()
    assert embed(host, "", " ", on_empty="skip").skipped == (0, 1)
    assert rows(embed(host, "", " ", on_empty="zero", dimensions=2)) == [[0.0, 0.0]] * 2
    with pytest.raises(InvalidRequest, match="is not known"):
        embed(host, "", on_empty="zero")
    assert host.asked == []


LONG = "The keeper of the lighthouse 灯台 counted the ships again. " * 200


def test_a_text_that_is_surely_too_long_is_refused_before_anything_is_sent() -> None:
    """AT-L: over-length -> error, reported per item."""
    host = Host(limits={"input_tokens": 512})
    with pytest.raises(ContextOverflow, match=r"inputs\[1\]: It has about \d+ tokens, the model takes 512") as failure:
        embed(host, "a", LONG)
    assert (failure.value.position, failure.value.context_window) == (1, 512)
    assert host.asked == []


def test_with_the_models_own_counter_a_text_is_cut_where_the_model_ends() -> None:
    """AT-L: no request is lost to a text that is too long, and none of what the model takes is."""
    host = Host(limits={"input_tokens": 10})
    counted = Batching(host, lambda text: len(text) + 2, exact=True)
    asked = EmbeddingRequest(inputs=("雨", "a" * 20, "b" * 8), on_long="truncate")
    response = drive(counted.call(asked, FakeRuntime()))
    assert sorted(host.asked) == [("a" * 8,), ("b" * 8,), ("雨",)]
    assert [notice.message for notice in response.notices] == [
        "inputs[1] is too long (22 tokens): only its beginning was embedded."
    ]
    with pytest.raises(ContextOverflow, match=r"inputs\[1\]: It has 22 tokens, the model takes 10"):
        drive(counted.call(EmbeddingRequest(inputs=("雨", "a" * 20)), FakeRuntime()))


def too_long_for(tokens: int, error: type[Any] = ContextOverflow) -> Refuse:
    """A host whose own vocabulary counts a third fewer tokens than the estimate."""
    message = f"inputs must have less than {tokens} tokens"
    return lambda texts: error(message) if any(count_tokens(text) * 2 / 3 > tokens for text in texts) else None


@pytest.mark.parametrize("error", [ContextOverflow, BadRequest])
@pytest.mark.parametrize("limits", [{}, {"input_tokens": 512}])
def test_a_text_that_is_too_long_may_be_truncated(limits: dict[str, int], error: type[Any]) -> None:
    """AT-L: over-length -> truncate, reported per item."""
    host = Host(limits=limits, refuse=too_long_for(512, error))
    response = embed(host, "a", LONG, "b", on_long="truncate")
    assert response[0] == vector_of("a")
    assert response[2] == vector_of("b")
    alone = [texts[0] for texts in host.asked if len(texts) == 1]
    beginning = next(text for text in reversed(alone) if LONG.startswith(text))
    assert response[1] == vector_of(beginning)
    assert 200 < count_tokens(beginning) < count_tokens(LONG)
    assert response.notices[0].setting == "on_long"
    assert "inputs[1]" in response.notices[0].message


@pytest.mark.parametrize("limits", [{}, {"input_tokens": 512}])
def test_a_text_that_is_too_long_may_become_the_mean_of_its_pieces(limits: dict[str, int], runtime: Driven) -> None:
    """AT-L: over-length -> mean-pool, reported per item."""
    host = Host(limits=limits, refuse=too_long_for(512), vector=lambda text: [float("灯台" in text), 1.0])
    response = runtime.call(batching(host), EmbeddingRequest(inputs=("a", LONG), on_long="mean"))
    assert response.array()[1].tolist() == [1.0, 1.0]
    assert "pieces" in response.notices[0].message
    sent = next(texts for texts in host.asked if len(texts) > 2)
    assert "".join(sent) == LONG
    assert response.usage.input_tokens >= len(LONG)


@pytest.mark.parametrize(("on_long", "most"), [("truncate", 2), ("mean", 25)])
def test_a_long_text_is_counted_a_few_times_and_not_once_for_each_piece(on_long: Any, most: int) -> None:
    """Off the event loop, which goes on meanwhile."""
    text, seen, threads = "a long way " * 5000, [0], set()

    def count(piece: str) -> int:
        seen[0] += len(piece)
        threads.add(threading.current_thread())
        return count_tokens(piece)

    async def awaited() -> EmbeddingResponse:
        asked = EmbeddingRequest(inputs=(text, text), on_long=on_long)
        return await Batching(Host(limits={"input_tokens": 64}), count).call(asked, AsyncRuntime())

    response = asyncio.run(awaited())
    assert len(response.notices) == 2
    assert seen[0] < 2 * most * len(text)
    assert threading.main_thread() not in threads


def test_pieces_grow_smaller_by_as_much_as_the_refusal_says() -> None:
    """A vocabulary of bytes has many more tokens than the estimate: the second try fits, or the third."""

    def refuse(texts: Sequence[str]) -> ModelhubError | None:
        longest = max(map(len, texts))
        return ContextOverflow("too long", prompt_tokens=longest, context_window=100) if longest > 100 else None

    host = Host(limits={"input_tokens": 100}, refuse=refuse)
    embed(host, "words and words " * 500, on_long="truncate")
    assert len(host.asked) <= 3
    assert len(host.asked[-1][0]) > 50


def test_nothing_of_a_text_is_lost_between_its_pieces() -> None:
    """AT-L: whatever it is made of; a run of spaces is few tokens for many characters."""
    for text in ("word " * 300, "灯台" * 300, " " * 5000 + "end", "a", "\n" * 3000, "x" * 700 + " y"):
        cut = list(pieces(text, 20, count_tokens))
        assert "".join(cut) == text
        assert all(count_tokens(piece) <= 20 for piece in cut)
    assert list(pieces("", 20, count_tokens)) == []


def test_the_mean_weighs_pieces_by_their_tokens_and_has_the_length_of_the_others() -> None:
    text = "a " * 1000 + "b " * 500
    host = Host(limits={"input_tokens": 500}, vector=lambda piece: [1.0, 0.0] if "a" in piece else [0.0, 1.0])
    response = embed(host, text, on_long="mean")
    cut = list(pieces(text, 500, count_tokens))
    weights = [sum(count_tokens(piece) for piece in cut if ("a" in piece) == wanted) for wanted in (True, False)]
    expected = np.array(weights) / np.linalg.norm(weights)
    assert np.allclose(response.array()[0], expected, atol=1e-6)


def test_a_bad_text_does_not_make_the_batches_after_it_small() -> None:
    texts = [f"text {number}" for number in range(200)]
    texts[5] = LONG
    host = Host(max_batch=20, refuse=lambda batch: BadRequest("too large", status=413) if LONG in batch else None)
    embed(host, *texts, on_long="truncate")
    assert host.sizes[-5:] == [20] * 5


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("count", [40, 9000])
def test_vectors_that_are_no_numbers_are_an_error_that_names_the_text(wrong: float, count: int) -> None:
    """AT-L: NaN and infinity -> error; small answers and large ones are looked at in two ways."""
    texts = [f"{number}" for number in range(count)]
    host = Host(max_batch=count, vector=lambda text: [1.0, wrong if text == "33" else 2.0])
    with pytest.raises(AnswerError, match=r"inputs\[33\].*NaN or infinity") as failure:
        embed(host, *texts)
    assert failure.value.position == 33


def test_large_numbers_are_numbers() -> None:
    assert len(embed(Host(max_batch=9000, vector=lambda _: [3.4e38, 3.4e38]), *map(str, range(9000)))) == 9000


def test_vectors_of_another_length_are_an_error() -> None:
    """AT-L: wrong dimensions -> error, within a call and against what was asked for."""
    host = Host(max_batch=2, vector=lambda text: [1.0] * (3 if text == "c" else 2))
    with pytest.raises(AnswerError, match="differ in length: some have 2 numbers, some 3"):
        embed(host, "a", "b", "c")
    with pytest.raises(AnswerError, match="vectors of 3 numbers instead of 256"):
        embed(Host(), "a", dimensions=256)


def test_fewer_vectors_than_texts_are_an_error() -> None:
    """AT-L: the provider drops one."""

    @dataclass
    class Dropping(Host):
        async def call(self, request: EmbeddingRequest, runtime: Runtime) -> EmbeddingResponse:
            return EmbeddingResponse(buffer=bytes(8), count=1, dimensions=2)

    with pytest.raises(AnswerError, match="1 vectors for 2 texts"):
        embed(Dropping(), "a", "b")


def test_the_time_of_a_call_is_that_of_all_its_batches() -> None:
    host, runtime = Host(max_batch=1), FakeRuntime()
    request = EmbeddingRequest(inputs=TEXTS, timeouts=Timeouts(total=0.305))
    with pytest.raises(ModelhubError, match=r"time-out `total`"):
        drive(batching(host).call(request, runtime))
    assert len(host.asked) == 31


@pytest.mark.parametrize("text", ["", "word " * 50, "日本語の文章。" * 40, "x" * 1000, "👩‍🚀" * 90])
def test_pieces_are_small_enough_and_lose_nothing(text: str) -> None:
    cut = list(pieces(text, 20, count_tokens))
    assert "".join(cut) == text
    assert all(count_tokens(piece) <= 20 for piece in cut)


@pytest.mark.parametrize("options", [{"on_empty": "drop"}, {"on_long": None}])
def test_only_the_documented_words_are_taken(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="must be one of"):
        EmbeddingRequest(inputs=("a",), **options)
