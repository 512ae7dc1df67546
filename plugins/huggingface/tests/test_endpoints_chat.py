"""Chat on a dedicated endpoint: TGI's own form of the dialect, what other servers teach, and who is told the key."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from endpoint_hub import MODEL, config, raised
from modelhub_huggingface.endpoints.text import model
from modelhub_huggingface.options import HuggingFaceOptions
from pydantic import BaseModel
from scripted_endpoint import ScriptedEndpoint
from scripted_tgi import SSE

from modelhub import AsyncHub, Hub
from modelhub.plugin import (
    BadRequest,
    ContextOverflow,
    KeyRefused,
    Message,
    Plain,
    RateLimited,
    StreamBroken,
    TextRequest,
    Tool,
    UnknownModel,
    Unsupported,
)
from modelhub.testing import Driven, FaultServer, Reply, sse

QUESTION = TextRequest(messages=(Message("user", "東京の天気は？"),))
WEATHER = Tool("weather", "天気", {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]})


class City(BaseModel):
    name: str
    wards: list[str]


def served(url: str, **options: Any) -> Any:
    return model("org/tiny", HuggingFaceOptions(base_url=url, **{"server": "tgi", "cold_start": 0.0, **options}))


# TGI's form


def test_a_type_is_a_schema_in_value_as_every_tgi_takes_it() -> None:
    with ScriptedEndpoint("tgi") as endpoint, Hub(config(endpoint)) as hub:
        answer = hub.text(MODEL).generate("日本の首都は？", output_type=City)
        (asked,) = endpoint.asked("/v1/chat/completions")
    assert answer.output == City(name="東京", wards=["東京"])
    assert asked["response_format"]["type"] == "json_object"
    assert asked["response_format"]["value"]["properties"].keys() == {"name", "wards"}


@pytest.mark.parametrize("stream", [False, True])
def test_a_server_that_turns_out_to_be_a_tgi_teaches_its_form_once(runtime: Driven, stream: bool) -> None:
    """An OpenAI-like endpoint that is a TGI refuses OpenAI's form of a schema; later calls have TGI's from the start."""
    from modelhub.plugin import output_type

    request = TextRequest(messages=QUESTION.messages, output=output_type(City))
    ask = runtime.stream if stream else runtime.call
    with ScriptedEndpoint("tgi") as endpoint:
        asked = served(endpoint.url, server="openai")
        ask(asked, request)
        forms = [body["response_format"].keys() for body in endpoint.asked("/v1/chat/completions")]
        assert forms == [{"type", "json_schema"}, {"type", "value"}]
        ask(asked, request)
        assert len(endpoint.requests) == 3


def test_a_refusal_of_a_schema_for_another_reason_teaches_nothing(runtime: Driven) -> None:
    """llama.cpp, say, would not know TGI's form, and would hold the model to nothing."""
    from modelhub.plugin import output_type

    request = TextRequest(messages=QUESTION.messages, output=output_type(City))
    refusal = Reply(400, json={"error": {"code": 400, "message": "failed to parse grammar", "type": "invalid_request_error"}})
    with FaultServer(refusal) as server:
        error = raised(runtime, served(server.url, server="openai"), request, stream=False)
        assert len(server.requests) == 1
    assert isinstance(error, BadRequest)


def test_what_an_openai_like_server_takes_stays_as_it_is() -> None:
    with ScriptedEndpoint("openai") as endpoint, Hub(config(endpoint)) as hub:
        assert hub.text(MODEL).generate("日本の首都は？", output_type=City).output.name == "東京"
        (asked,) = endpoint.asked("/v1/chat/completions")
    assert asked["response_format"]["json_schema"]["strict"] is True


def test_a_setting_that_is_not_given_is_not_sent_and_a_top_p_that_cuts_nothing_off_is_left_out() -> None:
    """``max_tokens`` that is left out is 1024 at TGI: that is for TGI to say."""
    with ScriptedEndpoint("tgi") as endpoint, Hub(config(endpoint)) as hub:
        hub.text(MODEL).generate("?")
        hub.text(MODEL).generate("?", temperature=0, top_p=1, seed=7, stop_sequences=["終"], max_output_tokens=5)
        bare, full = endpoint.asked("/v1/chat/completions")
    assert bare == {"model": "org/tiny", "messages": [{"role": "user", "content": "?"}]}
    assert {name: full[name] for name in ("temperature", "seed", "stop", "max_tokens")} == {
        "temperature": 0,
        "seed": 7,
        "stop": ["終"],
        "max_tokens": 5,
    }
    assert "top_p" not in full


def test_what_tgi_has_no_chat_setting_for_is_a_notice() -> None:
    with ScriptedEndpoint("tgi") as endpoint, Hub(config(endpoint)) as hub:
        answer = hub.text(MODEL).generate("?", top_k=3, reasoning_effort="low")
    assert {notice.setting for notice in answer.notices} == {"top_k", "reasoning_effort"}


def test_log_probabilities_come_with_alternatives(runtime: Driven) -> None:
    from modelhub.plugin import TextSettings

    request = TextRequest(messages=QUESTION.messages, knobs=TextSettings(logprobs=2))
    with ScriptedEndpoint("tgi") as endpoint:
        whole = runtime.call(served(endpoint.url), request)
        streamed = runtime.stream(served(endpoint.url), request)[-1].response
    assert whole.logprobs == streamed.logprobs
    assert "".join(token.token for token in whole.logprobs) == whole.text
    assert len(whole.logprobs[0].alternatives) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_called(runtime: Driven, stream: bool) -> None:
    request = TextRequest(messages=(Message("user", "weather in 東京?"),), tools=(WEATHER,), tool_choice="weather")
    with ScriptedEndpoint("tgi") as endpoint:
        asked = served(endpoint.url)
        answer = runtime.stream(asked, request)[-1].response if stream else runtime.call(asked, request)
        (body,) = endpoint.asked("/v1/chat/completions")
    assert answer.finish_reason == "tool_call"
    assert [(call.name, call.parsed()) for call in answer.tool_calls] == [("weather", {"place": "東京"})]
    assert body["tool_choice"]["function"] == {"name": "weather"}


def test_an_older_tgi_that_gives_a_tools_arguments_as_an_object_is_understood(runtime: Driven) -> None:
    call = {"id": 0, "type": "function", "function": {"description": None, "name": "weather", "arguments": {"place": "東京"}}}
    choice = {"index": 0, "message": {"role": "assistant", "tool_calls": [call]}, "finish_reason": "eos_token"}
    with FaultServer(Reply(json={"choices": [choice]})) as server:
        answer = runtime.call(served(server.url), TextRequest(messages=QUESTION.messages, tools=(WEATHER,)))
    assert answer.tool_calls[0].parsed() == {"place": "東京"}
    assert (answer.finish_reason, answer.raw_finish_reason) == ("tool_call", "eos_token")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("stop", "stop"),
        ("eos_token", "stop"),
        ("stop_sequence", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_call"),
        ("tired", "other"),
        (None, "other"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_at_e2_why_it_ended_is_said_in_our_words_and_in_tgis(
    runtime: Driven, raw: str | None, reason: str, stream: bool
) -> None:
    choice = {"index": 0, "finish_reason": raw, ("delta" if stream else "message"): {"role": "assistant", "content": "はい"}}
    reply = Reply(headers=SSE, chunks=sse([{"choices": [choice]}, "[DONE]"])) if stream else Reply(json={"choices": [choice]})
    with FaultServer(reply) as server:
        asked = served(server.url)
        answer = runtime.stream(asked, QUESTION)[-1].response if stream else runtime.call(asked, QUESTION)
    assert (answer.finish_reason, answer.raw_finish_reason) == (reason, raw)


# errors


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": "Model is overloaded", "error_type": "overloaded"}, RateLimited),
        (
            {"error": "Input validation error: `inputs` must have less than 10 tokens. Given: 12", "error_type": "validation"},
            ContextOverflow,
        ),
        ({"error": "Template error: unknown function", "error_type": "template_error"}, BadRequest),
    ],
)
def test_at_c2_an_error_at_the_head_of_a_stream_is_what_it_means(runtime: Driven, body: Any, kind: type) -> None:
    """TGI answers 200 before it looks at the request: the error is the stream's first event."""
    with FaultServer(Reply(headers=SSE, chunks=sse([body]))) as server:
        error = raised(runtime, served(server.url), QUESTION, stream=True)
    assert type(error) is kind


def test_at_c2_an_error_behind_the_first_word_breaks_the_stream(runtime: Driven) -> None:
    said = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "雨"}, "finish_reason": None}]}
    failed = {"error": "Request failed during generation: CUDA out of memory", "error_type": "generation"}
    with FaultServer(Reply(headers=SSE, chunks=sse([said, failed]))) as server:
        error = raised(runtime, served(server.url), QUESTION, stream=True)
    assert isinstance(error, StreamBroken)
    assert error.partial.text == "雨"  # type: ignore[attr-defined]
    assert "CUDA out of memory" in error.message


def test_an_overflow_tells_the_numbers(runtime: Driven) -> None:
    with ScriptedEndpoint("tgi", window=10) as endpoint:
        error = raised(runtime, served(endpoint.url), TextRequest(messages=(Message("user", "one " * 12),)), stream=False)
    assert isinstance(error, ContextOverflow)
    assert (error.prompt_tokens, error.context_window) == (13, 10)


def test_an_address_where_nothing_is_asks_what_runs_there(runtime: Driven) -> None:
    with FaultServer() as server:
        error = raised(runtime, served(server.url), QUESTION, stream=False)
    assert isinstance(error, UnknownModel)
    assert f"base_url is {server.url}, server is 'tgi'" in error.message


def test_a_refused_key_says_where_it_came_from_and_one_that_was_not_sent_how_to_give_it(runtime: Driven) -> None:
    with FaultServer(Reply(401, json={"error": "Unauthorized"})) as server:
        bare = raised(runtime, served(server.url), QUESTION, stream=False)
        signed = raised(runtime, served(server.url, api_key=Plain("hf_secret")), QUESTION, stream=False)
    assert isinstance(bare, KeyRefused)
    assert '[providers.huggingface] api_key = { env = "HF_TOKEN" }' in bare.message
    assert isinstance(signed, KeyRefused)
    assert "The token is from given" in signed.message
    assert "hf_secret" not in f"{signed!r} {signed}"


def test_a_server_that_has_no_chat_says_so_before_anything_is_sent() -> None:
    with pytest.raises(Unsupported, match="server = 'plain' has"):
        served("http://127.0.0.1:9", server="tei", task="summarization")


# leaving


def test_at_c5_whoever_leaves_a_stream_stops_the_model(runtime: Driven) -> None:
    said = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "長"}, "finish_reason": None}]}
    with FaultServer(Reply(headers=SSE, chunks=sse([said] * 200), chunk_delay=0.05)) as server:
        assert runtime.abandon(served(server.url), QUESTION).text == "長"
        assert server.wait_for_disconnect(1)


@pytest.mark.parametrize("stream", [False, True])
def test_at_c5_a_task_that_is_cancelled_stops_the_model(stream: bool) -> None:
    async def ask(server: FaultServer) -> None:
        async with AsyncHub({"providers": {"huggingface": {"base_url": server.url, "server": "tgi"}}}) as hub:
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

    with FaultServer(Reply(headers=SSE, chunks=sse([{"choices": []}]), fault="stall")) as server:
        asyncio.run(ask(server))
