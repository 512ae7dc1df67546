"""Plain completion: TGI's ``generate`` and ``generate_stream``, and the OpenAI-like operation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from endpoint_hub import MODEL, config, raised
from modelhub_huggingface.endpoints.text import model
from modelhub_huggingface.options import HuggingFaceOptions
from pydantic import BaseModel
from scripted_endpoint import ScriptedEndpoint
from scripted_tgi import SSE, tgi_events

from modelhub import Hub
from modelhub.plugin import (
    AnswerError,
    ContextOverflow,
    ImagePart,
    InvalidRequest,
    Message,
    ModelhubError,
    ProviderDown,
    StreamBroken,
    TextRequest,
    TextSettings,
    Unsupported,
)
from modelhub.testing import Driven, FaultServer, Reply, collect

CODE = TextRequest(messages=(Message("user", "def 足す(a, b):\n    return"),))
DETAILS = {"finish_reason": "eos_token", "generated_tokens": 4, "input_length": 6, "seed": None}
EVENTS = tgi_events(" a + b  # 足す", DETAILS)


class City(BaseModel):
    name: str


def served(url: str, **options: Any) -> Any:
    options = {"server": "tgi", "prompt": "plain", "cold_start": 0.0, **options}
    return model("org/tiny", HuggingFaceOptions(base_url=url, **options))


def test_the_text_goes_as_it_is_and_the_answer_goes_on_where_it_ends(runtime: Driven) -> None:
    with ScriptedEndpoint("tgi", say=lambda text: " a + b") as endpoint:
        whole = runtime.call(served(endpoint.url), CODE)
        streamed = collect(runtime.stream(served(endpoint.url), CODE))
        (asked,), (flowed,) = endpoint.asked("/generate"), endpoint.asked("/generate_stream")
    assert asked["inputs"] == CODE.question
    assert asked["parameters"] == {"return_full_text": False, "details": True}
    assert asked == flowed
    assert whole.text == streamed.text == " a + b"
    assert whole == streamed, "counts, seed and reason stand in headers there and in the last event here"
    assert (whole.usage.input_tokens, whole.usage.output_tokens, whole.usage.source) == (6, 4, "provider")


@pytest.mark.parametrize(
    ("knobs", "raw", "reason"),
    [
        ({}, "eos_token", "stop"),
        ({"max_output_tokens": 1}, "length", "length"),
        ({"stop_sequences": ("+",)}, "stop_sequence", "stop"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_at_e2_why_it_ended_is_said_in_our_words_and_in_tgis(
    runtime: Driven, knobs: dict[str, Any], raw: str, reason: str, stream: bool
) -> None:
    request = TextRequest(messages=CODE.messages, knobs=TextSettings(**knobs))
    with ScriptedEndpoint("tgi", say=lambda text: " a + b") as endpoint:
        asked = served(endpoint.url)
        answer = runtime.stream(asked, request)[-1].response if stream else runtime.call(asked, request)
    assert (answer.finish_reason, answer.raw_finish_reason) == (reason, raw)
    assert answer.complete is (reason == "stop")


def test_a_temperature_of_0_takes_the_likeliest_which_tgi_has_another_word_for() -> None:
    with ScriptedEndpoint("tgi") as endpoint, Hub(config(endpoint, prompt="plain")) as hub:
        hub.text(MODEL).generate("x", temperature=0)
        hub.text(MODEL).generate("x", temperature=0.5, top_p=1, top_k=3, seed=7, frequency_penalty=0.5)
        cold, warm = (asked["parameters"] for asked in endpoint.asked("/generate"))
    assert cold["do_sample"] is False
    assert "temperature" not in cold
    assert (warm["do_sample"], warm["temperature"], warm["top_k"], warm["seed"]) == (True, 0.5, 3, 7)
    assert "top_p" not in warm


def test_a_seed_that_was_used_is_told(runtime: Driven) -> None:
    request = TextRequest(messages=CODE.messages, knobs=TextSettings(seed=7))
    with ScriptedEndpoint("tgi") as endpoint:
        assert runtime.call(served(endpoint.url), request).provider_metadata == {"seed": 7}


def test_a_type_is_a_grammar(runtime: Driven) -> None:
    with ScriptedEndpoint("tgi") as endpoint, Hub(config(endpoint, prompt="plain")) as hub:
        assert hub.text(MODEL).generate("首都は", output_type=City).output == City(name="東京")
        assert hub.text(MODEL).generate("区は", output_type=list[str]).output == ["東京"], "TGI takes objects alone"
        first, second = (asked["parameters"]["grammar"] for asked in endpoint.asked("/generate"))
    assert (first["type"], second["value"]["properties"].keys()) == ("json", {"value"})


def test_log_probabilities_come_where_they_are_asked_for_and_nowhere_else(runtime: Driven) -> None:
    wanted = TextRequest(messages=CODE.messages, knobs=TextSettings(logprobs=2))
    with ScriptedEndpoint("tgi") as endpoint:
        asked = served(endpoint.url)
        whole, streamed = runtime.call(asked, wanted), collect(runtime.stream(asked, wanted))
        assert runtime.call(asked, CODE).logprobs is None
        assert collect(runtime.stream(asked, CODE)).logprobs is None
    assert whole.logprobs == streamed.logprobs
    assert "".join(token.token for token in whole.logprobs) == whole.text, "the mark of the end is no text"
    assert len(whole.logprobs[0].alternatives) == 2


def test_what_is_configured_and_what_a_call_gives_besides_goes_along() -> None:
    with ScriptedEndpoint("tgi") as endpoint:
        options = {"prompt": "plain", "arguments": {"repetition_penalty": 1.1}, "extra_body": {"user": "u"}}
        with Hub(config(endpoint, **options)) as hub:
            hub.text(MODEL).generate("x", extra={"huggingface": {"parameters": {"typical_p": 0.9}}})
        (asked,) = endpoint.asked("/generate")
    assert asked["user"] == "u"
    assert (asked["parameters"]["repetition_penalty"], asked["parameters"]["typical_p"]) == (1.1, 0.9)


def test_a_sequence_to_sequence_model_on_tgi_is_asked_with_the_text_alone() -> None:
    with ScriptedEndpoint("tgi") as endpoint, Hub(config(endpoint, task="summarization")) as hub:
        hub.text(MODEL).generate("長い文章。")
        card = hub.text(MODEL).card
    assert endpoint.asked("/generate")[0]["inputs"] == "長い文章。"
    assert (card.task, card.family) == ("summarization", "encoder-decoder")


# at c2/3: a stream never lies


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(headers=SSE, chunks=EVENTS, fault="reset"), StreamBroken),
        (Reply(headers=SSE, chunks=EVENTS, fault="cut"), StreamBroken),
        (Reply(headers=SSE, chunks=EVENTS[:2]), StreamBroken),
        (Reply(headers=SSE, chunks=[EVENTS[0], b"event: error\ndata: shard died\n\n"]), StreamBroken),
        (Reply(headers=SSE, chunks=[EVENTS[0], b'data: {"error":"boom","error_type":"generation"}\n\n']), StreamBroken),
        (Reply(headers=SSE, chunks=[EVENTS[0], b"data: {nonsense\n\n"]), StreamBroken),
        (Reply(headers=SSE, chunks=[EVENTS[0], EVENTS[1][:-20]]), StreamBroken),
        (Reply(headers=SSE, chunks=[b'data: {"error":"boom","error_type":"generation"}\n\n']), ProviderDown),
        (Reply(headers=SSE, chunks=[b"event: error\ndata: Model is overloaded\n\n"]), ModelhubError),
        (Reply(headers=SSE, chunks=[b"data: nonsense\n\n"]), AnswerError),
        (Reply(headers=SSE, chunks=[]), StreamBroken),
        (Reply(json={"error": "boom", "error_type": "generation"}), ProviderDown),
        (Reply(body=b'{"generated_text": "cu'), StreamBroken),
    ],
)
def test_at_c2_c3_a_stream_that_did_not_end_well_raises(runtime: Driven, reply: Reply, kind: type) -> None:
    with FaultServer(reply) as server:
        error = raised(runtime, served(server.url), CODE, stream=True)
    assert isinstance(error, kind)
    if isinstance(error, StreamBroken) and reply.chunks:
        assert error.partial.text in (" a", " a +")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(headers=SSE, chunks=EVENTS),
        Reply(headers=SSE, chunks=[*EVENTS, b"data: [DONE]\n\n"]),
        Reply(headers=SSE, chunks=[b": ping\n\n", *EVENTS]),
        Reply(headers=SSE, body=b"".join(EVENTS)),
        Reply(json={"generated_text": " a + b  # 足す", "details": {**DETAILS, "tokens": []}}),
        Reply(json=[{"generated_text": " a + b  # 足す", "details": {**DETAILS, "tokens": []}}]),
    ],
)
def test_a_stream_has_ended_with_the_event_that_holds_all_of_its_text(runtime: Driven, reply: Reply) -> None:
    with FaultServer(reply) as server:
        answer = collect(runtime.stream(served(server.url), CODE))
    assert (answer.text, answer.finish_reason, answer.usage.output_tokens) == (" a + b  # 足す", "stop", 4)


@pytest.mark.parametrize(
    "last",
    [
        {"generated_text": "はい", "details": None},
        {"generated_text": "はい"},
        {"generated_text": "はい", "details": {"finish_reason": None, "generated_tokens": "many"}},
        {"generated_text": "はい", "token": None, "details": {"finish_reason": "tired", "new": {"nested": []}}},
    ],
)
def test_at_e3_an_answer_with_members_missing_or_strange_is_an_answer(runtime: Driven, last: dict[str, Any]) -> None:
    token = {"id": 1, "text": "はい", "logprob": None, "special": False}
    chunks = [f"data:{json.dumps({'index': 1, 'token': token, **last}, ensure_ascii=False)}\n\n".encode()]
    with FaultServer(Reply(headers=SSE, chunks=chunks)) as server:
        streamed = collect(runtime.stream(served(server.url), CODE))
    with FaultServer(Reply(json=last)) as server:
        whole = runtime.call(served(server.url), CODE)
    for answer in (streamed, whole):
        assert (answer.text, answer.finish_reason) == ("はい", "other")
        assert answer.usage.source == "estimated"


@pytest.mark.parametrize("body", [{}, [], {"text": "x"}, "x", [1]])
def test_at_e3_only_an_answer_without_text_raises(runtime: Driven, body: Any) -> None:
    with FaultServer(Reply(json=body)) as server:
        assert isinstance(raised(runtime, served(server.url), CODE, stream=False), AnswerError)


def test_the_text_of_an_overflow_is_told_in_numbers(runtime: Driven) -> None:
    with ScriptedEndpoint("tgi", window=4) as endpoint:
        for stream in (False, True):
            error = raised(runtime, served(endpoint.url), CODE, stream=stream)
            assert isinstance(error, ContextOverflow)
            assert error.context_window == 4


def test_a_plain_text_has_no_turns_and_no_tools(runtime: Driven) -> None:
    turns = TextRequest(messages=(Message("system", "Be brief."), Message("user", "x")))
    for options in ({}, {"server": "openai"}):
        asked = served("http://127.0.0.1:9", **options)
        assert isinstance(raised(runtime, asked, turns, stream=False), InvalidRequest)
        assert asked.card.supports("tools") is False


# the OpenAI-like operation


def test_an_openai_like_server_is_asked_at_its_own_operation(runtime: Driven) -> None:
    request = TextRequest(messages=CODE.messages, knobs=TextSettings(max_output_tokens=3, logprobs=1, temperature=0))
    with ScriptedEndpoint("openai", say=lambda text: " a + b and more") as endpoint:
        asked = served(endpoint.url, server="openai")
        whole, streamed = runtime.call(asked, request), collect(runtime.stream(asked, request))
        first, second = endpoint.asked("/v1/completions")
    assert first == {"model": "org/tiny", "prompt": CODE.question, "max_tokens": 3, "temperature": 0, "logprobs": 1}
    assert second["stream_options"] == {"include_usage": True}
    assert whole == streamed
    assert (whole.text, whole.finish_reason, whole.usage.output_tokens) == (" a + b", "length", 3)
    assert len(whole.logprobs) == 3


def test_a_field_that_a_server_refuses_by_name_is_left_out_from_then_on(runtime: Driven) -> None:
    refusal = Reply(422, json={"detail": "Unexpected fields in the request: {'top_k'}"})
    answer = Reply(json={"choices": [{"index": 0, "text": "はい", "finish_reason": "stop"}]})
    request = TextRequest(messages=CODE.messages, knobs=TextSettings(top_k=3))
    with FaultServer(refusal, answer) as server:
        asked = served(server.url, server="openai")
        first = runtime.call(asked, request)
        runtime.call(asked, request)
        bodies = [received.json() for received in server.requests]
    assert ["top_k" in body for body in bodies] == [True, False, False]
    assert [notice.setting for notice in first.notices] == ["top_k"]


def test_what_no_such_server_does_is_refused_before_anything_is_sent() -> None:
    with ScriptedEndpoint("openai") as endpoint, Hub(config(endpoint, prompt="plain")) as hub, pytest.raises(Unsupported):
        hub.text(MODEL).generate(["look", ImagePart(data=b"\x89PNG\r\n\x1a\n")])
    assert not endpoint.requests
