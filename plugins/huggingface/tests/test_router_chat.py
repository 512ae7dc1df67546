"""Chat through the router: whom it is asked of, what the answer tells of who served and who pays, and what a refusal means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router.text import model
from pydantic import BaseModel
from scripted_router import ScriptedRouter

from modelhub import Hub
from modelhub.plugin import (
    Finished,
    Headers,
    HttpResponse,
    KeyMissing,
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
from modelhub.testing import Driven, FakeRuntime, Reply, sse

QUESTION = "首都はどこですか？ What is the capital? 🗼"
ASKED = TextRequest(messages=(Message("user", QUESTION),))
NAME = "openai/gpt-oss-20b"


@pytest.fixture
def router() -> Iterator[ScriptedRouter]:
    with ScriptedRouter() as router:
        yield router


@pytest.fixture
def hub(router: ScriptedRouter) -> Iterator[Hub]:
    with Hub({"providers": {"huggingface": router.options}}) as hub:
        yield hub


def options(router: ScriptedRouter, **more: Any) -> HuggingFaceOptions:
    own = {**router.options, **more}
    return HuggingFaceOptions(**{**own, "api_key": Plain(own["api_key"])})


@pytest.mark.parametrize(
    ("name", "more", "sent"),
    [
        (NAME, {}, NAME),
        (f"{NAME}:groq", {}, f"{NAME}:groq"),
        (NAME, {"inference_provider": "together"}, f"{NAME}:together"),
        (f"{NAME}:groq", {"inference_provider": "together"}, f"{NAME}:groq"),
        (NAME, {"inference_provider": "auto"}, NAME),
        (f"{NAME}:cheapest", {}, f"{NAME}:cheapest"),
        (NAME, {"inference_provider": "fastest"}, f"{NAME}:fastest"),
    ],
)
def test_the_model_says_who_is_to_serve_it(
    router: ScriptedRouter, runtime: Driven, name: str, more: dict[str, Any], sent: str
) -> None:
    runtime.call(model(name, options(router, **more)), ASKED)
    (asked,) = router.asked("/v1/chat/completions")
    assert asked["model"] == sent
    assert next(iter(asked)) == "model", "a router reads the beginning of a body alone"


def test_a_chat_costs_one_request_and_no_look_up(router: ScriptedRouter, runtime: Driven) -> None:
    asked = model(NAME, options(router))
    runtime.call(asked, ASKED)
    runtime.stream(asked, ASKED)
    assert router.paths == ["POST /v1/chat/completions"] * 2


def test_at_j2_who_served_and_who_pays_are_on_the_answer(router: ScriptedRouter, runtime: Driven) -> None:
    asked = model(NAME, options(router, bill_to="acme"))
    answer = runtime.call(asked, ASKED)
    assert answer.provider_metadata["inference_provider"] == "groq", "as the router's header tells it"
    assert answer.provider_metadata["bill_to"] == "acme"
    assert router.requests[0].headers["X-HF-Bill-To"] == "acme"
    *_, end = runtime.stream(asked, ASKED)
    assert end.response.provider_metadata == answer.provider_metadata


def test_without_an_organisation_the_account_pays(router: ScriptedRouter, runtime: Driven) -> None:
    answer = runtime.call(model(NAME, options(router)), ASKED)
    assert answer.provider_metadata["bill_to"] == "own account"
    assert "x-hf-bill-to" not in router.requests[0].headers


def test_the_card_says_where_data_goes(router: ScriptedRouter) -> None:
    host = router.url.removeprefix("http://")
    assert model(f"{NAME}:groq", options(router)).card.data == f"{host}, then groq"
    auto = model(NAME, options(router)).card
    assert auto.data == f"{host}, then the provider that it chooses"
    assert (auto.local, auto.open_weights) == (False, True)
    assert auto.context_window == 131_072, "what is known of a model by its name, wherever it runs"


class City(BaseModel):
    name: str
    mayors: list[str]


def test_at_o_a_schema_goes_in_the_words_of_whoever_serves(router: ScriptedRouter, hub: Hub) -> None:
    for name in (NAME, f"{NAME}:together", f"{NAME}:hf-inference"):
        assert hub.text(f"huggingface:{name}").generate(QUESTION, output_type=City).output == City(name="東京", mayors=["東京"])
    plain, together, pipeline = (json.loads(received.body)["response_format"] for received in router.requests)
    schema = plain["json_schema"]["schema"]
    assert plain == {"type": "json_schema", "json_schema": {"name": "City", "schema": schema, "strict": True}}
    assert together == {**plain, "schema": schema}
    assert pipeline == {"type": "json_object", "value": schema}
    assert router.requests[2].path == f"/hf-inference/models/{NAME}/v1/chat/completions"
    assert router.requests[2].json()["model"] == NAME


def test_at_c4_tools_are_called_through_the_router(router: ScriptedRouter, hub: Hub) -> None:
    place = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
    tools = [Tool("weather", "天気", place), Tool("tide", "The tide.", place)]
    asked = hub.text(f"huggingface:{NAME}")
    called = asked.generate("use a tool", tools=tools)
    *_, end = asked.stream("use a tool", tools=tools)
    assert isinstance(end, Finished)
    assert end.response.tool_calls == called.tool_calls
    assert [(call.name, call.parsed()) for call in called.tool_calls] == [
        ("weather", {"place": "東京"}),
        ("tide", {"place": "東京"}),
    ]
    assert called.finish_reason == "tool_call"


def test_at_c1_usage_is_on_every_answer(router: ScriptedRouter, runtime: Driven) -> None:
    asked = model(NAME, options(router))
    answers = [runtime.call(asked, ASKED), runtime.stream(asked, ASKED)[-1].response]
    assert [(answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.source) for answer in answers] == [
        (9, 5, "provider")
    ] * 2
    assert router.requests[1].json()["stream_options"] == {"include_usage": True}


def test_at_c1_a_provider_that_refuses_stream_options_is_asked_without_and_the_usage_estimated(
    router: ScriptedRouter, runtime: Driven
) -> None:
    refusal = Reply(400, json={"error": {"message": "Unknown parameter: stream_options", "param": "stream_options"}})
    words = [{"choices": [{"index": 0, "delta": {"content": "東京"}}]}, {"choices": [{"delta": {}, "finish_reason": "stop"}]}]
    streamed = Reply(headers={"content-type": "text/event-stream"}, chunks=sse([*words, "[DONE]"]))
    router.on("/v1/chat/completions", refusal, streamed)
    asked = model(NAME, options(router))
    answer = runtime.stream(asked, ASKED)[-1].response
    assert (answer.text, answer.usage.source) == ("東京", "estimated")
    assert answer.usage.output_tokens > 0
    assert "stream_options" not in router.requests[1].json()


CHUNK: dict[str, Any] = {"id": "c", "model": NAME, "choices": [{"index": 0, "delta": {"content": "東"}, "finish_reason": None}]}
LAST: dict[str, Any] = {
    "id": "c",
    "model": NAME,
    "choices": [{"index": 0, "delta": {"content": "京"}, "finish_reason": "stop"}],
}


@pytest.mark.parametrize(
    "reply",
    [
        Reply(chunks=sse([CHUNK, CHUNK]), fault="reset", at="middle"),
        Reply(chunks=sse([CHUNK])),
        Reply(chunks=sse([CHUNK, ("error", {"message": "overloaded"})])),
        Reply(chunks=sse([CHUNK, {"error": {"message": "overloaded", "type": "server_error"}}])),
        Reply(chunks=sse([CHUNK, "{not json"])),
        Reply(chunks=sse([CHUNK, CHUNK]), fault="cut", at="middle"),
    ],
    ids=["reset", "end without an end", "event: error", "data: error", "no JSON", "cut"],
)
def test_at_c2_and_c3_a_stream_that_breaks_off_never_becomes_an_answer(
    router: ScriptedRouter, runtime: Driven, reply: Reply
) -> None:
    router.on("/v1/chat/completions", reply)
    with pytest.raises(StreamBroken) as broken:
        runtime.stream(model(NAME, options(router)), ASKED)
    partial: Any = broken.value.partial
    assert partial.text.startswith("東")


def test_at_c3_an_end_that_lacks_only_its_mark_is_one(router: ScriptedRouter, runtime: Driven) -> None:
    for events, reason in ((sse([CHUNK, LAST]), "stop"), (sse([CHUNK, "[DONE]"]), "other")):
        router.on("/v1/chat/completions", Reply(chunks=events))
        assert runtime.stream(model(NAME, options(router)), ASKED)[-1].response.finish_reason == reason


REASONS = {
    "stop": "stop",
    "eos_token": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "weird": "other",
    None: "other",
}


@pytest.mark.parametrize(("raw", "reason"), REASONS.items())
def test_at_e2_why_an_answer_ended_is_never_made_up(
    router: ScriptedRouter, runtime: Driven, raw: str | None, reason: str
) -> None:
    said = {"choices": [{"index": 0, "message": {"content": "東京"}, "finish_reason": raw}]}
    router.on("/v1/chat/completions", Reply(json=said))
    answer = runtime.call(model(NAME, options(router)), ASKED)
    assert (answer.finish_reason, answer.raw_finish_reason) == (reason, raw)


@pytest.mark.parametrize(
    "said",
    [
        {"choices": [{"message": {"content": "東京"}}]},
        {"id": None, "created": "1", "model": None, "choices": [{"index": None, "message": {"content": "東京", "role": None}}]},
        {"choices": [{"message": {"content": "東京", "new": {"a": 1}}, "finish_reason": "stop"}], "usage": None, "x": [1]},
        {"choices": [{"message": {"content": "東京"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": "3"}},
    ],
)
def test_at_e3_what_is_missing_or_new_costs_no_answer(router: ScriptedRouter, runtime: Driven, said: dict[str, Any]) -> None:
    router.on("/v1/chat/completions", Reply(json=said))
    assert runtime.call(model(NAME, options(router)), ASKED).text == "東京"


def refused(reply: HttpResponse, **more: Any) -> Any:
    """The error that an answer becomes."""
    given = HuggingFaceOptions(**{"api_key": Plain("hf_secret_token"), **more})
    with pytest.raises(Exception) as error:  # noqa: PT011  # each test says which
        Driven(FakeRuntime(lambda _: reply)).call(model(f"{NAME}:groq", given), ASKED)
    return error.value


def body(said: Any, status: int, **headers: str) -> HttpResponse:
    return HttpResponse(status, Headers(headers), json.dumps(said).encode())


@pytest.mark.parametrize(
    "said",
    [
        "You have depleted your monthly included credits. Purchase pre-paid credits to continue using Inference Providers.",
        "You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more.",
        "You have reached the free monthly usage limit for groq. Add pre-paid credits to your account to continue using groq.",
    ],
)
def test_credits_that_are_used_up_are_told_and_never_tried_again(said: str) -> None:
    error = refused(body({"error": said}, 402), bill_to="acme")
    assert isinstance(error, RateLimited)
    assert not error.retryable
    assert "those of acme are used up" in error.message.lower()
    assert said.rstrip(".") in error.message


def test_a_limit_says_how_long_to_wait() -> None:
    limits = '"api";r=0;t=55'
    error = refused(body({"error": "Too many requests"}, 429, ratelimit=limits))
    assert isinstance(error, RateLimited)
    assert (error.retryable, error.retry_after) == (True, 55)


def test_a_token_without_the_permission_says_which() -> None:
    said = "This authentication method does not have sufficient permissions to call Inference Providers on behalf of user x"
    error = refused(body({"error": said}, 403))
    assert isinstance(error, KeyRefused)
    assert "permission to make calls to Inference Providers" in error.message
    assert not error.retryable


def test_a_refused_token_says_where_it_is_from() -> None:
    error = refused(body({"error": "Invalid credentials in Authorization header: hf_secret_token"}, 401))
    assert isinstance(error, KeyRefused)
    assert "from given" in error.message
    assert "hf_secret" not in error.message, "AT-H1"


def test_a_model_that_nobody_serves_is_unknown(router: ScriptedRouter, hub: Hub) -> None:
    with pytest.raises(UnknownModel, match="not supported by any provider") as error:
        hub.text("huggingface:acme/unserved").generate(QUESTION)
    assert error.value.code == "model_not_supported"
    with pytest.raises(UnknownModel, match="The hub has no model"):
        hub.text("huggingface:acme/nothing").generate(QUESTION)


@pytest.mark.parametrize("variable", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])
def test_the_token_is_found_where_hugging_faces_own_tools_keep_it(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv(variable, "hf_from_environment")
    runtime = FakeRuntime(lambda _: body({"choices": [{"message": {"content": "はい"}}]}, 200))
    Driven(runtime).call(model(NAME, HuggingFaceOptions()), ASKED)
    signed = runtime.requests[0].headers["authorization"]
    assert not isinstance(signed, str)
    assert signed.reveal() == "Bearer hf_from_environment"


def test_the_token_of_hf_auth_login_is_read_from_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, runtime: Driven
) -> None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    asked = model(NAME, HuggingFaceOptions())
    with pytest.raises(KeyMissing, match="hf auth login") as missing:
        runtime.call(asked, ASKED)
    assert "HF_TOKEN" in missing.value.message
    (tmp_path / "token").write_text("hf_from_file\n", encoding="utf-8")
    world = FakeRuntime(lambda _: body({"choices": [{"message": {"content": "はい"}}]}, 200))
    Driven(world).call(asked, ASKED)
    signed = world.requests[0].headers["authorization"]
    assert not isinstance(signed, str)
    assert signed.reveal() == "Bearer hf_from_file", "one may log in while a program runs"


def test_at_h5_this_machines_token_goes_to_no_other_router(
    monkeypatch: pytest.MonkeyPatch, router: ScriptedRouter, runtime: Driven
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    with pytest.raises(KeyMissing, match="only if"):
        runtime.call(model(NAME, HuggingFaceOptions(router_url=router.url)), ASKED)
    assert not router.requests


SUMMARY = "facebook/bart-large-cnn"


def test_a_model_that_is_no_chat_model_is_asked_for_what_it_is_for(router: ScriptedRouter, hub: Hub) -> None:
    asked = hub.text(f"huggingface:{SUMMARY}")
    text = "灯台は閉まっています。The lamp is out."
    assert asked.generate(text).text == "灯台は閉まっています。"
    assert [event.response.text for event in asked.stream(text) if isinstance(event, Finished)] == ["灯台は閉まっています。"]
    asked.generate(text)
    pipeline = f"POST /hf-inference/models/{SUMMARY}"
    assert [path.partition("?")[0] for path in router.paths] == [
        "POST /v1/chat/completions",
        f"GET /api/models/{SUMMARY}",
        *[pipeline] * 3,
    ], "found out once"


def test_what_the_router_said_counts_where_the_hub_says_nothing(router: ScriptedRouter, hub: Hub) -> None:
    router.on("/api/models/acme/unserved?expand=inferenceProviderMapping&expand=pipeline_tag", Reply(500))
    with pytest.raises(UnknownModel, match="not supported by any provider"):
        hub.text("huggingface:acme/unserved").generate(QUESTION)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("black-forest-labs/FLUX.1-dev", "is not served for text by any provider, but for text-to-image (by fal-ai)"),
        ("BAAI/bge-m3", "is not served for text by any provider, but for feature-extraction (by deepinfra)"),
        ("openai/gpt-oss-20b:grq", "These do: groq, together. Did you mean 'groq'?"),
        ("openai/gpt-oss-20b:cerebras", "cerebras does not serve huggingface:openai/gpt-oss-20b:cerebras for chat."),
    ],
)
def test_what_is_no_model_for_text_says_what_it_is_for_and_who_serves_it(
    router: ScriptedRouter, hub: Hub, name: str, says: str
) -> None:
    model = hub.text(f"huggingface:{name}")
    with pytest.raises(Unsupported) as refused:
        model.generate(QUESTION)
    assert says in refused.value.message
    asked = len(router.asked("/v1/chat/completions"))
    with pytest.raises(Unsupported), model.stream(QUESTION) as stream:
        list(stream)
    again = len(router.asked("/v1/chat/completions")) - asked
    assert again == (1 if "gpt" in name else 0), "what is no chat model is not sent a prompt a second time"


def test_the_same_code_asks_a_classifier_and_a_chat_model(router: ScriptedRouter, hub: Hub) -> None:
    for name in (NAME, "MoritzLaurer/mDeBERTa-v3-base-mnli-xnli"):
        answer = hub.text(f"huggingface:{name}").generate("灯台の明かりが消えた", output_type=Literal["complaint", "praise"])
        assert answer.output == "complaint", name
    assert answer.provider_metadata["scores"].keys() == {"complaint", "praise"}


def test_a_task_of_another_kind_is_a_mistake_of_the_configuration(router: ScriptedRouter) -> None:
    from modelhub.plugin import ConfigError

    with pytest.raises(ConfigError, match="no model for text"):
        model(NAME, options(router, task="text-to-image"))
    with pytest.raises(ConfigError, match="Did you mean 'summarization'"):
        model(NAME, options(router, task="summarisation"))


def test_a_plain_prompt_goes_to_whoever_completes(router: ScriptedRouter, runtime: Driven) -> None:
    asked = model("bigcode/starcoder2-3b", options(router, prompt="plain"))
    request = TextRequest(messages=(Message("user", "def mean(x):\n    # 平均"),))
    answer = runtime.call(asked, request)
    assert answer.text.strip().startswith("def mean")
    assert (answer.finish_reason, answer.provider_metadata["inference_provider"]) == ("length", "featherless-ai")
    assert runtime.stream(asked, request)[-1].response.text == answer.text
    assert router.asked("/featherless-ai/v1/completions")[0] == {
        "prompt": "def mean(x):\n    # 平均",
        "model": "bigcode/starcoder2-3b",
    }
