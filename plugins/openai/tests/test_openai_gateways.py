"""Gateways: each row speaks to its host as that host wants it, with nothing but its key's variable set."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from modelhub_openai.gateways import names

import modelhub
from modelhub.plugin import (
    BadRequest,
    ConfigError,
    KeyMissing,
    Message,
    PluginMissing,
    ReasoningPart,
    TextPart,
    TextRequest,
    TextSettings,
    Tool,
    UnknownModel,
    output_type,
)
from modelhub.providers import installed, provider
from modelhub.testing import FakeRuntime, FaultServer, PluginConformance, Reply, collect, sse
from modelhub.testing.driven import driven

TOOLS = (Tool("weather", "天気"), Tool("now", "時刻"))
KNOBS = TextSettings(max_output_tokens=9, temperature=0, seed=7, logprobs=1, parallel_tool_calls=False)
CITY = output_type({"title": "city", "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]})
THOUGHT = Message("assistant", (ReasoningPart("考え"), TextPart("はい")))
REQUEST = TextRequest(
    messages=(Message("user", "東京は？"), THOUGHT), tools=TOOLS, tool_choice="weather", knobs=KNOBS, output=CITY
)
USAGE = {"prompt_tokens": 5, "completion_tokens": 2}
SAID = '{"name": "東京"}'
STREAM = sse([{"choices": [{"delta": {"content": SAID}, "finish_reason": "stop"}]}, {"choices": [], "usage": USAGE}, "[DONE]"])
PLAIN = {
    "limit": "max_tokens",
    "seed": "seed",
    "logprobs": True,
    "parallel": True,
    "format": "json_schema",
    "choice": {"type": "function", "function": {"name": "weather"}},
    "stream_options": True,
    "thought": None,
    "notices": set(),
}


class Row(NamedTuple):
    url: str
    variable: str | None
    differs: dict[str, Any]
    key_header: str = "authorization"


ROWS = {
    "groq": Row(
        "https://api.groq.com/openai/v1/chat/completions",
        "GROQ_API_KEY",
        {"limit": "max_completion_tokens", "logprobs": False, "format": "json_object", "notices": {"logprobs", "output_type"}},
    ),
    "deepseek": Row(
        "https://api.deepseek.com/v1/chat/completions",
        "DEEPSEEK_API_KEY",
        {"format": "json_object", "thought": "reasoning_content", "notices": {"output_type"}},
    ),
    "mistral": Row(
        "https://api.mistral.ai/v1/chat/completions",
        "MISTRAL_API_KEY",
        {"seed": "random_seed", "logprobs": False, "stream_options": False, "notices": {"logprobs"}},
    ),
    "together": Row("https://api.together.ai/v1/chat/completions", "TOGETHER_API_KEY", {}),
    "openrouter": Row("https://openrouter.ai/api/v1/chat/completions", "OPENROUTER_API_KEY", {}),
    "fireworks": Row("https://api.fireworks.ai/inference/v1/chat/completions", "FIREWORKS_API_KEY", {}),
    "vllm": Row("http://localhost:8000/v1/chat/completions", None, {}),
    "lmstudio": Row("http://localhost:1234/v1/chat/completions", None, {"choice": "required"}),
    "llama-server": Row("http://localhost:8080/v1/chat/completions", None, {"choice": "required"}),
    "ollama": Row(
        "http://localhost:11434/v1/chat/completions",
        None,
        {"choice": None, "parallel": False, "thought": "reasoning", "notices": {"tool_choice", "parallel_tool_calls"}},
    ),
    "azure-ai-foundry": Row(
        "https://hub.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview",
        "AZURE_AI_API_KEY",
        {},
        "api-key",
    ),
}
NEEDED = {"azure-ai-foundry": {"base_url": "https://hub.services.ai.azure.com/models"}}


class TestGroq(PluginConformance):
    provider = "groq"


def test_every_row_has_a_name_that_is_installed_and_an_exchange_here() -> None:
    registered = {plugin.name for plugin in installed() if plugin.module.startswith("modelhub_openai.gateways:")}
    assert set(names()) == registered == set(ROWS)


def test_no_row_takes_the_name_of_another_plugin() -> None:
    assert not {"llama", "huggingface", "azure-openai", "openai", "starter", "anthropic", "gemini"} & set(names())


def test_a_row_names_kinds_that_the_dialect_has() -> None:
    for name in names():
        assert provider(name).kinds.keys() <= provider("openai").kinds.keys()
        assert "text" in provider(name).kinds
        assert provider(name).title


@pytest.mark.parametrize("name", ROWS)
def test_a_row_speaks_as_its_host_wants_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row, expected = ROWS[name], {**PLAIN, **ROWS[name].differs}
    if row.variable:
        monkeypatch.setenv(row.variable, "a-key")
    with modelhub.Hub({"providers": {name: NEEDED.get(name, {})}} if name in NEEDED else {}) as hub:
        model = hub.assembly.model("text", f"{name}:some/model-7b").model
    world = FakeRuntime([STREAM])
    with driven("blocking", world) as caller:
        response = collect(caller.stream(model, REQUEST))
    (request,) = world.requests
    sent = json.loads(request.body or b"")
    assert request.url == row.url
    keys = {header: value for header, value in request.headers.items() if header in ("authorization", "api-key")}
    assert list(keys) == ([row.key_header] if row.variable else [])
    shown = [value.reveal() for value in keys.values() if not isinstance(value, str)]
    assert shown == ([] if not row.variable else ["a-key" if row.key_header == "api-key" else "Bearer a-key"])
    assert sent["model"] == "some/model-7b"
    assert sent[expected["limit"]] == 9
    assert sent[expected["seed"]] == 7
    assert not {"max_tokens", "max_completion_tokens", "seed", "random_seed"} & sent.keys() - {
        expected["limit"],
        expected["seed"],
    }
    assert ("logprobs" in sent, "top_logprobs" in sent) == (expected["logprobs"], expected["logprobs"])
    assert ("parallel_tool_calls" in sent) is expected["parallel"]
    assert sent["response_format"]["type"] == expected["format"]
    assert sent.get("tool_choice") == expected["choice"]
    assert [tool["function"]["name"] for tool in sent["tools"]] == (
        ["weather"] if expected["choice"] == "required" else ["weather", "now"]
    )
    assert ("stream_options" in sent) is expected["stream_options"]
    told = {field for message in sent["messages"] for field in ("reasoning", "reasoning_content") if field in message}
    assert told == ({expected["thought"]} - {None})
    assert {notice.setting for notice in response.notices} >= expected["notices"]
    assert response.provider == name
    assert (response.output, response.usage.input_tokens) == ({"name": "東京"}, 5)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.variable])
def test_a_missing_key_names_its_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = ROWS[name].variable or ""
    monkeypatch.delenv(variable, raising=False)
    with (
        modelhub.Hub({"providers": {name: NEEDED.get(name, {})}} if name in NEEDED else {}) as hub,
        pytest.raises(modelhub.KeyMissing, match=variable),
    ):
        hub.text(f"{name}:m").generate("hi")


def test_a_row_without_an_address_says_what_to_write() -> None:
    with modelhub.Hub({}) as hub, pytest.raises(ConfigError, match=r"\[providers\.azure-ai-foundry\] base_url"):
        hub.text("azure-ai-foundry:m")


def test_a_host_of_ones_own_needs_no_code() -> None:
    """A row of configuration: its name, its address, its key and its quirks."""
    answer = {"choices": [{"message": {"content": "はい"}, "finish_reason": "stop"}], "usage": USAGE}
    with FaultServer(Reply(json=answer)) as server:
        myhost = {
            "uses": "openai",
            "base_url": f"{server.url}/v1",
            "api_key": "k",
            "quirks": {"max_tokens": "max_completion_tokens", "rename": {"seed": "random_seed"}},
            "extra_body": {"chat_template_kwargs": {"enable_thinking": False}},
        }
        with modelhub.Hub({"models": {"assistant": {"model": "myhost:qwen"}}, "providers": {"myhost": myhost}}) as hub:
            response = hub.text("assistant").generate("元気？", max_output_tokens=5, seed=1)
        sent = server.requests[0]
        assert sent.path == "/v1/chat/completions"
        assert sent.headers["authorization"] == "Bearer k"
        assert sent.json() == {
            "model": "qwen",
            "messages": [{"role": "user", "content": "元気？"}],
            "max_completion_tokens": 5,
            "random_seed": 1,
            "chat_template_kwargs": {"enable_thinking": False},
        }
    assert (response.text, response.provider) == ("はい", "myhost")


def test_what_is_written_wins_over_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    with FaultServer(Reply(json={"choices": [{"message": {"content": "ok"}}]})) as server:
        with modelhub.Hub({"providers": {"groq": {"base_url": server.url, "api_key": "mine"}}}) as hub:
            hub.text("groq:llama-3.3-70b-versatile").generate("hi")
        assert server.requests[0].headers["authorization"] == "Bearer mine"


def test_a_host_without_a_row_is_not_guessed() -> None:
    with modelhub.Hub({}) as hub, pytest.raises(PluginMissing):
        hub.text("grok:m")


def own_host(**options: Any) -> dict[str, Any]:
    return {"providers": {"myhost": {"uses": "openai", **options}}}


def test_a_host_of_ones_own_never_gets_the_key_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """AT-H5: the variable of a table is called after the table."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-sentinel-of-openai")
    with FaultServer(Reply(json=ANSWER)) as server, modelhub.Hub(own_host(base_url=f"{server.url}/v1")) as hub:
        with pytest.raises(KeyMissing, match=r"MYHOST_API_KEY.*not set") as caught:
            hub.text("myhost:qwen").generate("?")
        assert "api_key_env = false" in caught.value.message
        assert not server.requests
        monkeypatch.setenv("MYHOST_API_KEY", "sk-own")
        hub.text("myhost:qwen").generate("?")
        assert server.requests[0].headers["authorization"] == "Bearer sk-own"


ANSWER = {"choices": [{"message": {"content": "はい"}, "finish_reason": "stop"}]}


@pytest.mark.parametrize("ending", ["/v1", "/v1/", " /v1 ", "/v1/chat/completions", "/v1/chat/completions/"])
def test_an_address_may_be_written_as_it_is_found(ending: str) -> None:
    with FaultServer().on("/v1/chat/completions", Reply(json=ANSWER)) as server:
        address = f" {server.url}{ending.strip()}" if " " in ending else f"{server.url}{ending}"
        with modelhub.Hub(own_host(base_url=address, api_key_env=False)) as hub:
            assert hub.text("myhost:qwen").generate("?").text == "はい"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("localhost:8000/v1", "it must begin with http:// or https://"),
        ("a.example/v1?sk-sentinel", "it must begin with http:// or https://"),
        ("https://a.example/v1?sk-sentinel", 'goes into query = { name = "..." }'),
        ("https://user:sk-sentinel@a.example/v1#x", 'goes into query = { name = "..." }'),
        ("ftp://a.example/v1", "it must begin with http:// or https://"),
        ("https://a.example/v1?api-version=2", 'goes into query = { name = "..." }'),
    ],
)
def test_an_address_that_is_none_is_an_error_of_the_configuration(address: str, told: str) -> None:
    with modelhub.Hub(own_host(base_url=address, api_key_env=False)) as hub, pytest.raises(ConfigError) as caught:
        hub.text("myhost:qwen").generate("?")
    assert told in caught.value.message
    assert "sentinel" not in repr(vars(caught.value)) + str(caught.value)


@pytest.mark.parametrize(
    "body", ['{"detail":"Not Found"}', "<h1>404</h1>", '{"error":{"message":"Invalid URL (POST /chat/completions)"}}']
)
def test_a_404_of_a_wrong_address_asks_after_the_address(body: str) -> None:
    with FaultServer(Reply(404, body=body)) as server, modelhub.Hub(own_host(base_url=server.url, api_key_env=False)) as hub:
        with pytest.raises(UnknownModel) as caught:
            hub.text("myhost:qwen").generate("?")
        assert f"base_url is {server.url}; most hosts want one that ends in /v1." in caught.value.message


def test_a_404_that_names_the_model_says_nothing_of_the_address() -> None:
    body = {"error": {"message": "The model `qwen` does not exist."}}
    with FaultServer(Reply(404, json=body)) as server, modelhub.Hub(own_host(base_url=server.url, api_key_env=False)) as hub:
        with pytest.raises(UnknownModel) as caught:
            hub.text("myhost:qwen").generate("?")
        assert caught.value.message == "The model `qwen` does not exist."


def test_a_redirect_is_told_with_where_it_leads() -> None:
    away = Reply(308, headers={"location": "https://llm.example.com/v1/chat/completions?sig=secret"})
    with FaultServer(away) as server, modelhub.Hub(own_host(base_url=server.url, api_key_env=False)) as hub:
        with pytest.raises(BadRequest) as caught:
            hub.text("myhost:qwen").generate("?")
        assert "redirects to https://llm.example.com/v1/chat/completions?sig=... (status 308)" in caught.value.message
        assert len(server.requests) == 1
