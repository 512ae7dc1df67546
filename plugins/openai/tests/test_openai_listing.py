"""The models of a host as cards: asked through either hub, or the command line, with what each host tells of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import modelhub
from modelhub.cli import main
from modelhub.plugin import AnswerError, KeyRefused
from modelhub.testing import FaultServer, Reply

OPENAI = {
    "object": "list",
    "data": [
        {"id": name, "object": "model", "created": 1, "owned_by": "openai"}
        for name in (
            "gpt-4o", "gpt-4o-mini-tts", "gpt-4o-transcribe", "text-embedding-3-small", "whisper-1", "tts-1", "o3-mini",
            "omni-moderation-latest", "gpt-realtime", "sora-2", "babbage-002",
        )
    ],
}  # fmt: skip
OTHERS = [
    {"id": "llama-3.3-70b-versatile", "context_window": 131072, "max_completion_tokens": 32768, "active": True},
    {"id": "mistral-large", "capabilities": {"function_calling": True, "vision": True}, "max_context_length": 262144},
    {"id": "BAAI/bge-base", "type": "embedding", "context_length": 512, "display_name": "BGE Base 日本"},
    {"id": "some/rerank-v1"},
    {"id": "qwen", "max_model_len": 4096},
    {"id": "local", "meta": {"n_ctx_train": 2048}},
    {
        "id": "maker/seer",
        "name": "Seer",
        "description": "sees",
        "architecture": {"input_modalities": ["text", "image"]},
        "supported_parameters": ["tools", "temperature"],
        "context_length": 200000,
    },
    {"id": "guard", "type": "moderation"},
    {"object": "model"},
    None,
]


def config(server: FaultServer, **more: Any) -> dict[str, Any]:
    return {"providers": {"openai": {"base_url": f"{server.url}/v1", "api_key": "k"}, **more}}


def test_each_model_is_a_card_of_its_kind() -> None:
    with FaultServer(Reply(json=OPENAI)) as server, modelhub.Hub(config(server)) as hub:
        kinds = {card.model: card.kind for card in hub.models("openai")}
        assert server.requests[0].path == "/v1/models"
        assert server.requests[0].headers["authorization"] == "Bearer k"
    assert kinds == {
        "openai:gpt-4o": "text",
        "openai:gpt-4o-mini-tts": "speech",
        "openai:gpt-4o-transcribe": "transcription",
        "openai:text-embedding-3-small": "embedding",
        "openai:whisper-1": "transcription",
        "openai:tts-1": "speech",
        "openai:o3-mini": "text",
    }


def test_a_card_holds_what_is_known_of_the_model_and_what_its_host_tells() -> None:
    with FaultServer(Reply(json={"data": [*OPENAI["data"], *OTHERS]})) as server, modelhub.Hub(config(server)) as hub:
        cards = {card.model.removeprefix("openai:"): card for card in hub.models("openai")}
    assert cards["gpt-4o"].context_window == 128000
    assert cards["text-embedding-3-small"].dimensions == 1536
    assert (cards["llama-3.3-70b-versatile"].context_window, cards["llama-3.3-70b-versatile"].max_output_tokens) == (
        131072,
        32768,
    )
    assert cards["mistral-large"].supports("tools") is cards["mistral-large"].supports("images") is True
    assert (cards["BAAI/bge-base"].kind, cards["BAAI/bge-base"].title) == ("embedding", "BGE Base 日本")
    assert cards["some/rerank-v1"].kind == "reranking"
    assert (cards["qwen"].context_window, cards["local"].context_window) == (4096, 2048)
    seer = cards["maker/seer"]
    assert (seer.title, seer.description, seer.supports("images"), seer.supports("audio"), seer.supports("tools")) == (
        "Seer", "sees", True, False, True,
    )  # fmt: skip
    assert "guard" not in cards


@pytest.mark.parametrize("body", [[{"id": "a"}], {"models": [{"name": "a"}]}, {"value": ["a"]}, {"data": [{"model": "a"}]}])
def test_lists_of_other_shapes_are_lists(body: Any) -> None:
    with FaultServer(Reply(json=body)) as server, modelhub.Hub(config(server)) as hub:
        assert [card.model for card in hub.models("openai")] == ["openai:a"]


def test_the_awaited_hub_gives_the_same() -> None:
    async def ask(server: FaultServer) -> Any:
        async with modelhub.AsyncHub(config(server)) as hub:
            return await hub.models("openai")

    with FaultServer(Reply(json=OPENAI)) as server:
        awaited = asyncio.run(ask(server))
        with modelhub.Hub(config(server)) as hub:
            assert awaited == hub.models("openai")


def test_a_host_under_its_own_name_lists_its_own() -> None:
    with FaultServer(Reply(json=OPENAI)) as server:
        mine = {"uses": "openai", "base_url": f"{server.url}/v1", "api_key_env": False}
        with modelhub.Hub(config(server, mine=mine)) as hub:
            assert hub.models("mine")[0].model == "mine:gpt-4o"
        assert "authorization" not in server.requests[0].headers


def test_a_gateway_lists_only_the_kinds_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "k")
    with FaultServer(Reply(json=OPENAI)) as server, modelhub.Hub({"providers": {"deepseek": {"base_url": server.url}}}) as hub:
        assert {card.kind for card in hub.models("deepseek")} == {"text"}


def test_the_command_line_lists_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultServer(Reply(json=OPENAI)) as server:
        file = tmp_path / "modelhub.toml"
        file.write_text(f'[providers.openai]\nbase_url = "{server.url}/v1"\napi_key = "k"\n', encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        assert main(["models", "--provider", "openai", "--kind", "embedding"]) == 0
    assert capsys.readouterr().out.split() == ["openai:text-embedding-3-small", "embedding", "1536", "dimensions"]


def test_a_refused_key_is_a_refused_key() -> None:
    refusal = Reply(401, json={"error": {"message": "Incorrect API key provided: k", "code": "invalid_api_key"}})
    with FaultServer(refusal) as server, modelhub.Hub(config(server)) as hub, pytest.raises(KeyRefused):
        hub.models("openai")


@pytest.mark.parametrize("reply", [Reply(json={"data": None}), Reply(json=7), Reply(body="<html>")])
def test_what_is_no_list_is_no_list(reply: Reply) -> None:
    with FaultServer(reply) as server, modelhub.Hub(config(server)) as hub, pytest.raises(AnswerError):
        hub.models("openai")


def test_a_card_says_on_which_axes_its_model_stands() -> None:
    rows = [{"id": "openai/gpt-oss-20b"}, {"id": "gpt-35", "capabilities": {"fine_tune": True}}, *OPENAI["data"]]
    with FaultServer(Reply(json={"data": rows})) as server, modelhub.Hub(config(server)) as hub:
        cards = {card.model.removeprefix("openai:"): card for card in hub.models("openai")}
    assert (cards["gpt-4o"].open_weights, cards["gpt-4o"].fine_tunable, cards["gpt-4o"].task) == (
        False,
        True,
        "text-generation",
    )
    oss = cards["openai/gpt-oss-20b"]
    assert (oss.open_weights, oss.licence, oss.family) == (True, "apache-2.0", "decoder")
    assert (cards["gpt-35"].fine_tunable, cards["gpt-35"].open_weights, cards["gpt-35"].task) == (True, None, None)
    assert (cards["whisper-1"].open_weights, cards["whisper-1"].family) == (True, "encoder-decoder")
    assert (cards["gpt-4o"].data, cards["gpt-4o"].local) == ("127.0.0.1", None), "what listens there may send it on"


def test_a_host_elsewhere_is_a_service_and_its_name_says_where_data_goes() -> None:
    models = {"chat": {"model": "openai:gpt-4o"}, "embedder": {"model": "openai:text-embedding-3-small"}}
    chat, embedder = modelhub.Hub({"models": models}).models()[:2]
    assert (chat.kind, chat.local, chat.data) == ("text", False, "api.openai.com")
    assert (embedder.kind, embedder.dimensions) == ("embedding", 1536), "an alias is of the kind that its model was made for"
