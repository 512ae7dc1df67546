"""What an Ollama answers: counts, ends, calls, errors, and servers that are slow, busy, loading, old, or not there."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from modelhub_llama.ollama.chat import Chat
from modelhub_llama.ollama.model import embedding, reranking, text
from modelhub_llama.ollama.site import ollama
from modelhub_llama.options import LlamaOptions
from scripted_ollama import NDJSON, WRITER, Kept, ScriptedOllama, ndjson

from modelhub import AsyncHub, Hub, Message, Timeouts
from modelhub.plugin import (
    AnswerError,
    ContextOverflow,
    EmbeddingRequest,
    Headers,
    HttpResponse,
    ModelLoading,
    ProviderDown,
    RateLimited,
    StreamBroken,
    TextRequest,
    TextSettings,
    TimedOut,
    UnknownModel,
    Unreachable,
    Unsupported,
)
from modelhub.testing import Driven, FaultServer, Reply, collect

NAME = "qwen3:0.6b"
MODEL = f"llama:{NAME}"
QUESTION = TextRequest(messages=(Message("user", "東京"),))
HEAD = {"model": NAME, "created_at": "2026-11-24T00:00:00Z"}
END = {"done": True, "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 2}


def endpoint(**options: Any) -> Chat:
    return Chat(ollama(LlamaOptions(engine="ollama", **options)), NAME)


def parsed(message: Mapping[str, Any], **end: Any) -> Any:
    said = {**HEAD, "message": {"role": "assistant", "content": "", **message}, **END, **end}
    said = {name: value for name, value in said.items() if value is not None}
    return endpoint().parse(HttpResponse(200, Headers(), json.dumps(said).encode()))


def decoded(lines: Sequence[Mapping[str, Any]]) -> list[Any]:
    decoder = endpoint().decoder()
    return [*decoder.feed(b"".join(ndjson([{**HEAD, **line} for line in lines]))), *decoder.close()]


def said(content: str = "", *, done: bool = False, **message: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": content, **message}, **(END if done else {"done": False})}


def served(url: str, **options: Any) -> Any:
    return text(NAME, LlamaOptions(engine="ollama", base_url=url, **options))


def config(server: ScriptedOllama, **options: Any) -> dict[str, Any]:
    return {"providers": {"llama": {"engine": "ollama", "base_url": server.url, **options}}}


# counts


def test_counts_are_those_of_the_server() -> None:
    usage = parsed({"content": "はい"}, prompt_eval_cached_count=3).usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.source) == (5, 3, 2, "provider")


def test_a_prompt_that_was_in_the_cache_is_not_counted_as_nothing() -> None:
    """Ollama leaves out a counter that is zero. Of the prompt it says nothing then: the count is an estimate, marked as one."""
    assert parsed({"content": "はい"}, prompt_eval_count=None).usage.input_tokens is None
    whole = [{**HEAD, **said("はい"), "done": True, "done_reason": "stop", "eval_count": 2}]
    with ScriptedOllama().on("chat", Reply(json=whole[0])) as server, Hub(config(server)) as hub:
        usage = hub.text(MODEL).generate("東京の天気は？").usage
    assert (usage.input_tokens or 0) > 3
    assert (usage.output_tokens, usage.source) == (2, "estimated")


def test_an_answer_in_which_nothing_was_said_took_no_tokens() -> None:
    assert parsed({}, eval_count=None).usage.output_tokens == 0
    assert parsed({"content": "x"}, eval_count=None).usage.output_tokens is None


def test_the_times_are_kept_and_the_vectors_of_a_context_are_not() -> None:
    answer = parsed({"content": "x"}, load_duration=7, context=[1, 2], remote_host="https://ollama.com")
    assert answer.provider_metadata == {"load_duration": 7, "remote_host": "https://ollama.com"}


# ends


@pytest.mark.parametrize(
    ("raw", "called", "reason"),
    [
        ("stop", False, "stop"),
        ("length", False, "length"),
        ("load", False, "other"),
        ("unload", False, "other"),
        ("tired", False, "other"),
        (None, False, "other"),
        ("stop", True, "tool_call"),
        (None, True, "tool_call"),
        ("length", True, "length"),
    ],
)
def test_why_it_ended_is_said_in_our_words_and_in_ollamas(raw: str | None, called: bool, reason: str) -> None:
    """AT-E2: no end is ever invented, and an answer that was cut is not complete; whole and streamed."""
    message = {"content": "x", **({"tool_calls": [{"function": {"name": "f", "arguments": {}}}]} if called else {})}
    whole = parsed(message, done_reason=raw)
    line = {**said(**message), **END, "done_reason": raw}
    streamed = collect(decoded([{name: value for name, value in line.items() if value is not None}]))
    for answer in (whole, streamed):
        assert (answer.finish_reason, answer.raw_finish_reason) == (reason, raw)
        assert answer.complete is (reason in ("stop", "tool_call"))


# calls


_ARGUMENTS = some.dictionaries(
    some.text(max_size=5), some.one_of(some.integers(), some.text(max_size=5), some.none()), max_size=3
)
_CALLS = some.lists(
    some.tuples(some.sampled_from(["weather", "天気", "time"]), _ARGUMENTS, some.sampled_from([None, "", "a", "b", "call_0"])),
    min_size=1,
    max_size=6,
)


@given(calls=_CALLS, indexed=some.sampled_from(["each", "all 0", "none"]), seed=some.integers(0, 10_000))
def test_parallel_calls_come_out_as_they_were_made(calls: list[Any], indexed: str, seed: int) -> None:
    """AT-C4: whatever index or id they have, alone in a line or several in one, before or between words."""
    entries = []
    for place, (name, arguments, given_id) in enumerate(calls):
        index = {"each": {"index": place}, "all 0": {"index": 0}, "none": {}}[indexed]
        identity = {} if given_id is None else {"id": given_id}
        entries.append({**identity, "function": {**index, "name": name, "arguments": arguments}})
    dice, lines, left = random.Random(seed), [], list(entries)
    while left:
        some_of_them, left = left[: (count := dice.randint(1, 3))], left[count:]
        lines.append(said(dice.choice(["", "考"]), tool_calls=some_of_them))
    answer = collect(decoded([*lines, said(done=True)]))
    assert [(call.name, call.parsed()) for call in answer.tool_calls] == [(name, arguments) for name, arguments, _ in calls]
    assert len({call.id for call in answer.tool_calls}) == len(calls)
    assert answer.finish_reason == "tool_call"
    assert answer.tool_calls == parsed({"tool_calls": entries}).tool_calls


def test_arguments_that_are_text_or_missing_are_understood_and_a_call_of_nothing_is_not() -> None:
    """AT-C4."""
    calls = parsed(
        {"tool_calls": [{"function": {"name": "f", "arguments": '{"a":1}'}}, {"function": {"name": "g"}}]}
    ).tool_calls
    assert [call.parsed() for call in calls] == [{"a": 1}, {}]
    with pytest.raises(AnswerError, match="names no function"):
        parsed({"tool_calls": [{"function": {"arguments": {}}}]})
    with pytest.raises(AnswerError, match="'weather'"):
        parsed({"tool_calls": [{"function": {"name": "weather", "arguments": "{"}}]}).tool_calls[0].parsed()


# thinking and log-probabilities


def test_thinking_is_reasoning_and_no_part_of_the_text(runtime: Driven) -> None:
    with ScriptedOllama(say=lambda _: "42") as server:
        request = TextRequest(messages=QUESTION.messages, knobs=TextSettings(reasoning_effort="high"))
        answer = runtime.call(served(server.url), request)
        assert (answer.reasoning, answer.text, server.asked("chat")[0]["think"]) == ("考える。", "42", "high")
        assert collect(runtime.stream(served(server.url), request)) == answer


def test_a_model_that_does_not_think_is_asked_without_and_the_caller_is_told(runtime: Driven) -> None:
    request = TextRequest(messages=QUESTION.messages, knobs=TextSettings(reasoning_effort="low"))
    with ScriptedOllama(kept=(Kept(name=NAME, capabilities=("completion",)),)) as server:
        model = served(server.url)
        for answer in (runtime.call(model, request), collect(runtime.stream(model, request))):
            assert [notice.setting for notice in answer.notices] == ["reasoning_effort"]
        assert [body.get("think") for body in server.asked("chat")] == ["low", None, None]


def test_a_model_that_thinks_in_no_levels_is_told_to_think(runtime: Driven) -> None:
    refusal = Reply(400, json={"error": 'invalid think value: "max" (must be true or false)'})
    request = TextRequest(messages=QUESTION.messages, knobs=TextSettings(reasoning_effort="max"))
    with ScriptedOllama().on("chat", refusal, Reply(json={**HEAD, **said("x", done=True)})) as server:
        answer = runtime.call(served(server.url), request)
        assert [body["think"] for body in server.asked("chat")] == ["max", True]
    assert "'max' was taken as yes" in answer.notices[0].message


def test_log_probabilities_come_with_their_alternatives(runtime: Driven) -> None:
    request = TextRequest(messages=QUESTION.messages, knobs=TextSettings(logprobs=1))
    with ScriptedOllama(say=lambda _: "a b") as server:
        answer = runtime.call(served(server.url), request)
        assert collect(runtime.stream(served(server.url), request)) == answer
    assert [(token.token, token.logprob, token.alternatives) for token in answer.logprobs] == [
        ("a", -0.25, (("a0", -1.5),)),
        (" b", -0.25, ((" b0", -1.5),)),
    ]


# a window that is too small


@pytest.mark.parametrize("prompt", ["chat", "plain"])
def test_a_prompt_that_does_not_fit_is_refused_with_its_numbers(runtime: Driven, prompt: Any) -> None:
    request = TextRequest(messages=(Message("user", "長い " * 100),))
    with ScriptedOllama() as server:
        for ask in (runtime.call, runtime.stream):
            with pytest.raises(ContextOverflow, match="context_window") as overflow:
                ask(served(server.url, context_window=64, prompt=prompt), request)
            assert (overflow.value.prompt_tokens, overflow.value.context_window) == (200, 64)


def test_an_old_ollama_that_cuts_all_the_same_is_found_out_by_its_count(runtime: Driven) -> None:
    request = TextRequest(messages=(Message("user", "長い " * 100),))
    with ScriptedOllama(refuses_truncation=False) as server:
        answer = runtime.call(served(server.url, context_window=64), request)
    assert [notice.setting for notice in answer.notices] == ["context_window"]


def test_a_text_that_is_too_long_to_be_embedded_is_named_cut_or_averaged_as_asked() -> None:
    with ScriptedOllama() as server, Hub(config(server, context_window=64)) as hub:
        client = hub.embedding("llama:all-minilm")
        with pytest.raises(ContextOverflow) as overflow:
            client.embed(["短い", "長い " * 100])
        assert overflow.value.position == 1
        cut = client.embed(["短い", "長い " * 100], on_long="mean")
    assert (len(cut), [notice.setting for notice in cut.notices]) == (2, ["on_long"])


# errors


def test_a_model_that_is_not_pulled_is_told_with_what_pulls_it(runtime: Driven) -> None:
    with ScriptedOllama(kept=()) as server:
        for ask in (runtime.call, runtime.stream):
            with pytest.raises(UnknownModel, match=rf"`ollama pull {NAME}`.*modelhub models pull llama:{NAME}") as unknown:
                ask(served(server.url), QUESTION)
            assert (unknown.value.status, unknown.value.provider, unknown.value.retryable) == (404, "llama", False)


def test_a_server_that_is_no_ollama_is_asked_after() -> None:
    with ScriptedOllama().on("chat", Reply(404, body="404 page not found")) as server, Hub(config(server)) as hub:
        client = hub.text(MODEL)
        with pytest.raises(UnknownModel, match=rf"Is there an Ollama.* at {server.url}\?"):
            client.generate("?")


def test_no_server_at_all_is_told_with_what_starts_it(runtime: Driven) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    for ask in (runtime.call, runtime.stream):
        with pytest.raises(Unreachable, match=rf"`ollama serve` starts it; base_url is {url}") as unreachable:
            ask(served(url), QUESTION)
        assert unreachable.value.retryable
    with pytest.raises(Unreachable, match="ollama serve"):
        runtime.call(embedding("all-minilm", LlamaOptions(engine="ollama", base_url=url)), EmbeddingRequest(inputs=("a",)))


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_is_being_loaded_is_waited_for(stream: bool) -> None:
    loading = Reply(503, json={"error": "llm server loading model"}, headers={"retry-after": "0"})
    server = ScriptedOllama()
    with server.on("chat", loading, loading, server.chat), Hub(config(server)) as hub:
        client = hub.text(MODEL)
        response = client.stream("東京").collect() if stream else client.generate("東京")
    assert response.text.startswith("You said: 東京")
    assert [type(attempt.error) for attempt in response.attempts] == [ModelLoading, ModelLoading, type(None)]


def test_a_full_queue_passes_and_too_little_memory_does_not() -> None:
    busy = HttpResponse(503, Headers(), b'{"error":"server busy, please try again.  maximum pending requests exceeded"}')
    small = HttpResponse(
        500, Headers(), b'{"error":"model requires more system memory (18.2 GiB) than is available (7.1 GiB)"}'
    )
    assert isinstance(endpoint().fault(busy), RateLimited)
    assert endpoint().fault(busy).retryable
    assert isinstance(endpoint().fault(small), ProviderDown)
    assert not endpoint().fault(small).retryable


def test_what_a_model_lacks_is_unsupported_by_its_feature() -> None:
    for words, feature in {
        "registry.ollama.ai/library/x:latest does not support tools": "tools",
        "Multimodal data provided, but model does not support multimodal requests.": "images",
        '"x" does not support chat': "text",
    }.items():
        error = endpoint().fault(HttpResponse(400, Headers(), json.dumps({"error": words}).encode()))
        assert isinstance(error, Unsupported)
        assert error.feature == feature


@pytest.mark.parametrize("status", [200, 0])
def test_an_error_under_the_status_of_a_success_is_that_error(status: int) -> None:
    body = json.dumps({"error": "model 'x' not found", "status_code": 404} if status else {"error": "model 'x' not found"})
    with pytest.raises(UnknownModel):
        endpoint().parse(HttpResponse(200, Headers(), body.encode()))


def test_an_error_in_a_stream_is_itself_before_the_first_word_and_a_broken_stream_after_it(runtime: Driven) -> None:
    """AT-C2: an error in a line is never an end."""
    crash = {"error": "llama runner process has terminated: exit status 2"}
    with ScriptedOllama() as server:
        server.on("chat", Reply(headers=NDJSON, chunks=ndjson([crash])))
        with pytest.raises(ProviderDown, match="runner"):
            runtime.stream(served(server.url), QUESTION)
        server.on("chat", Reply(headers=NDJSON, chunks=ndjson([{**HEAD, **said("東")}, crash])))
        with pytest.raises(StreamBroken, match="runner") as broken:
            runtime.stream(served(server.url), QUESTION)
    assert isinstance(broken.value.__cause__, ProviderDown)
    assert broken.value.partial.text == "東"  # type: ignore[attr-defined]


@pytest.mark.parametrize("fault", ["cut", "reset"])
def test_a_stream_that_ends_without_being_done_is_broken_with_what_came(runtime: Driven, fault: Any) -> None:
    """AT-C3: neither a clean end nor a lost connection becomes an answer."""
    lines = ndjson([{**HEAD, **said("東")}, {**HEAD, **said("京")}])
    with ScriptedOllama() as server:
        for reply in (Reply(headers=NDJSON, chunks=lines), Reply(headers=NDJSON, chunks=lines, fault=fault)):
            with pytest.raises(StreamBroken) as broken:
                runtime.stream(served(server.on("chat", reply).url), QUESTION)
            assert broken.value.partial.text.startswith("東")  # type: ignore[attr-defined]
            assert broken.value.partial.finish_reason == "other"  # type: ignore[attr-defined]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"message": null}', b'{"done": true}'])
def test_what_is_no_answer_is_an_answer_error(body: bytes) -> None:
    """AT-E3: only what holds neither text nor call raises."""
    with pytest.raises(AnswerError):
        endpoint().parse(HttpResponse(200, Headers(), body))


@pytest.mark.parametrize(
    "change", [{"done_reason": None}, {"model": None}, {"created_at": 7}, {"eval_count": "2"}, {"new": {}}]
)
def test_what_is_missing_or_new_destroys_no_answer(change: dict[str, Any]) -> None:
    """AT-E3."""
    assert parsed({"content": "はい"}, **change).text == "はい"


def test_ollama_puts_no_documents_in_order() -> None:
    with pytest.raises(Unsupported, match="in process"):
        reranking("bge-reranker", LlamaOptions(engine="ollama"))


# time, and leaving


STALLS: list[tuple[bool, Any, dict[str, float], str]] = [
    (False, "headers", {"total": 0.4}, "total"),
    (False, "middle", {"idle": 0.3}, "idle"),
    (True, "headers", {"first_token": 0.3}, "first_token"),
    (True, "first", {"first_token": 0.3}, "first_token"),
    (True, "middle", {"idle": 0.3}, "idle"),
    (True, "middle", {"total": 0.4}, "total"),
]


@pytest.mark.parametrize(("stream", "at", "timeouts", "phase"), STALLS)
def test_a_stall_raises_the_time_out_of_its_phase(
    runtime: Driven, stream: bool, at: Any, timeouts: dict[str, float], phase: str
) -> None:
    """AT-C7: on this wire as on any, and the server sees the client go."""
    patient = Timeouts(**{"connect": 5.0, "first_token": 5.0, "idle": 5.0, "total": 5.0, **timeouts})
    lines = ndjson([{**HEAD, **said("東")}, {**HEAD, **said(done=True)}])
    with FaultServer(Reply(headers=NDJSON, chunks=lines, fault="stall", at=at)) as server:
        started = time.monotonic()
        with pytest.raises((TimedOut, StreamBroken)) as caught:
            (runtime.stream if stream else runtime.call)(
                served(server.url), TextRequest(messages=QUESTION.messages, timeouts=patient)
            )
        seconds = time.monotonic() - started
        error = caught.value if isinstance(caught.value, TimedOut) else caught.value.__cause__
        assert isinstance(error, TimedOut)
        assert error.phase == phase
        assert timeouts[phase] * 0.95 <= seconds <= timeouts[phase] * 3
        assert server.wait_for_disconnect(1)


def test_a_server_that_never_accepts_is_a_connect_time_out(runtime: Driven) -> None:
    """AT-C7."""
    with FaultServer(accepting=False) as server, pytest.raises(TimedOut) as late:
        runtime.call(served(server.url), TextRequest(messages=QUESTION.messages, timeouts=Timeouts(connect=0.3)))
    assert late.value.phase == "connect"


def test_whoever_leaves_a_stream_stops_the_model(runtime: Driven) -> None:
    """AT-C5: Ollama stops computing when the connection closes, so it must close at once."""
    lines = ndjson([{**HEAD, **said("長")}] * 200)
    with FaultServer(Reply(headers=NDJSON, chunks=lines, chunk_delay=0.05)) as server:
        assert runtime.abandon(served(server.url), QUESTION).text == "長"
        assert server.wait_for_disconnect(1)


@pytest.mark.parametrize("stream", [False, True])
def test_a_task_that_is_cancelled_stops_the_model(stream: bool) -> None:
    """AT-C5: also where the answer is waited for whole."""

    async def ask(server: FaultServer) -> None:
        async with AsyncHub({"providers": {"llama": {"engine": "ollama", "base_url": server.url}}}) as hub:
            client = hub.text(MODEL)

            async def asked() -> None:
                if not stream:
                    await client.generate("?")
                async for _ in client.stream("?"):
                    pass

            task = asyncio.create_task(asked())
            await asyncio.to_thread(server.wait_for_requests, 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(server.wait_for_disconnect, 1)

    with FaultServer(Reply(headers=NDJSON, chunks=ndjson([{**HEAD, **said("長")}]), fault="stall")) as server:
        asyncio.run(ask(server))


def test_one_model_is_asked_from_many_tasks_and_hub_and_alias_agree() -> None:
    async def ask(server: ScriptedOllama) -> list[str]:
        async with AsyncHub({**config(server), "models": {"it": {"model": MODEL}}}) as hub:
            answers = await asyncio.gather(*[hub.text("it").generate(f"{number}番") for number in range(16)])
            return [answer.text for answer in answers]

    with ScriptedOllama(kept=(WRITER,)) as server:
        assert asyncio.run(ask(server)) == [f"You said: {number}番 👩‍🚀" for number in range(16)]


def test_the_oldest_turns_are_left_out_where_the_configuration_says_so(runtime: Driven) -> None:
    older = [Message(role, f"{number}番 " + "長い話 " * 20) for number in range(6) for role in ("user", "assistant")]  # type: ignore[arg-type]
    request = TextRequest(messages=(Message("system", "短く。"), *older, Message("user", "要するに？")))
    with ScriptedOllama() as server:
        model = served(server.url, context_window=256, on_overflow="trim")
        answer = runtime.call(model, request)
        assert collect(runtime.stream(model, request)).text == answer.text
        whole, trimmed = server.asked("chat")[:2]
    assert len(whole["messages"]) == 14
    assert [turn["role"] for turn in trimmed["messages"]][:2] == ["system", "user"]
    assert trimmed["messages"][-1]["content"] == "要するに？"
    assert 2 <= len(trimmed["messages"]) < 14
    assert "left out" in answer.notices[0].message
