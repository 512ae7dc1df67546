"""What an Ollama has, as cards, and what it fetches, with how far it is."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from modelhub_llama.ollama.listing import listing
from modelhub_llama.ollama.pull import PullProgress, pull, pulling
from modelhub_llama.options import LlamaOptions
from scripted_ollama import EMBEDDER, NDJSON, SEER, WRITER, Kept, ScriptedOllama, ndjson

import modelhub
from modelhub.cli import main
from modelhub.plugin import AnswerError, ModelCard, StreamBroken, UnknownModel, Unreachable
from modelhub.testing import Driven, FaultServer, Reply, drive


def options(url: str, **more: Any) -> LlamaOptions:
    return LlamaOptions(engine="ollama", base_url=url, **more)


def cards_of(server: ScriptedOllama, runtime: Driven, **more: Any) -> dict[str, ModelCard]:
    asked = listing(options(server.url, **more), runtime.runtime)
    cards = drive(asked) if runtime.loop is None else runtime.loop.run(asked)
    return {card.model.removeprefix("llama:"): card for card in cards}


def test_each_model_is_a_card_with_what_it_can_do_and_what_it_is(runtime: Driven) -> None:
    with ScriptedOllama() as server:
        cards = cards_of(server, runtime)
    writer, seer, embedder = cards[WRITER.name], cards[SEER.name], cards[EMBEDDER.name]
    assert [card.kind for card in (writer, seer, embedder)] == ["text", "text", "embedding"]
    assert (writer.context_window, writer.parameters, writer.quantization, writer.architecture, writer.file_bytes) == (
        40_960,
        751_632_384,
        "Q4_K_M",
        "qwen3",
        522_653_767,
    )
    assert (writer.title, writer.licence, writer.local) == ("Qwen3", "Apache License Version 2.0, January 2004", True)
    assert (writer.supports("tools"), writer.supports("images"), seer.supports("images"), seer.supports("tools")) == (
        True,
        False,
        True,
        False,
    )
    assert "reasoning_effort" in (writer.settings or ())
    assert "reasoning_effort" not in (seer.settings or ())
    assert (seer.licence, embedder.dimensions, embedder.context_window, embedder.capabilities) == (None, 32, 256, {})


def test_the_window_of_the_configuration_is_that_of_the_cards(runtime: Driven) -> None:
    with ScriptedOllama() as server:
        assert cards_of(server, runtime, context_window=2048)[WRITER.name].context_window == 2048


def test_many_models_are_asked_after_beside_each_other_and_in_order(runtime: Driven) -> None:
    kept = [Kept(name=f"m{number}:latest") for number in range(20)]
    with ScriptedOllama(kept=kept) as server:
        assert list(cards_of(server, runtime)) == [model.name for model in kept]
        assert sorted(body["model"] for body in server.asked("show")) == sorted(model.name for model in kept)


def test_a_model_that_cannot_be_shown_is_listed_with_what_the_list_says(runtime: Driven) -> None:
    with ScriptedOllama().on("show", Reply(500, json={"error": "unexpected EOF"})) as server:
        card = cards_of(server, runtime)[WRITER.name]
        assert cards_of(server, runtime)[EMBEDDER.name].kind == "embedding"  # by its name
    assert (card.kind, card.quantization, card.parameters, card.supports("tools")) == ("text", "Q4_K_M", 751_630_000, None)


def test_a_model_in_the_cloud_is_not_local_and_one_that_paints_is_not_listed(runtime: Driven) -> None:
    painter = Kept(name="flux:latest", capabilities=("image",))
    with ScriptedOllama(kept=[Kept(name="gpt-oss:120b-cloud"), painter]) as server:
        cards = cards_of(server, runtime)
    assert {name: card.local for name, card in cards.items()} == {"gpt-oss:120b-cloud": False}


@pytest.mark.parametrize("reply", [Reply(json={"models": None}), Reply(json=7), Reply(body="<html>")])
def test_what_is_no_list_is_no_list(runtime: Driven, reply: Reply) -> None:
    with ScriptedOllama().on("tags", reply) as server, pytest.raises(AnswerError):
        cards_of(server, runtime)


def test_either_hub_and_the_command_line_list_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(config: Any) -> Any:
        async with modelhub.AsyncHub(config) as hub:
            return await hub.models("llama")

    with ScriptedOllama() as server:
        config = {"providers": {"llama": {"engine": "ollama", "base_url": server.url}}}
        with modelhub.Hub(config) as hub:
            assert hub.models("llama") == asyncio.run(ask(config))
        file = tmp_path / "modelhub.toml"
        file.write_text(f'[providers.llama]\nengine = "ollama"\nbase_url = "{server.url}"\n', encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        assert main(["models", "--provider", "llama", "--kind", "embedding", "--json"]) == 0
    (card,) = json.loads(capsys.readouterr().out)["models"]
    assert (card["model"], card["dimensions"], card["quantization"]) == ("llama:all-minilm:latest", 32, "F16")


NEW = Kept(name="gemma3:270m", size=1000)


def pulled(server_url: str, runtime: Driven, name: str = NEW.name, progress: Any = None) -> Any:
    asked = pull(name, options(server_url), runtime.runtime, progress)
    return drive(asked) if runtime.loop is None else runtime.loop.run(asked)


def test_a_pull_tells_each_step_and_the_model_is_there_afterwards(runtime: Driven) -> None:
    steps: list[PullProgress] = []
    with ScriptedOllama(library=[NEW]) as server:
        done = pulled(server.url, runtime, progress=steps.append)
        assert server.asked("pull") == [{"model": NEW.name, "stream": True}]
        assert NEW.name in cards_of(server, runtime)
    assert (done.status, done.model, done.size, done.provider) == ("success", NEW.name, 1000, "llama")
    assert steps[0].status == "pulling manifest"
    assert [(step.completed, step.total) for step in steps if step.digest] == [(0, 1000), (500, 1000), (1000, 1000)]
    assert steps[-1].status == "success"


def test_a_model_that_the_library_does_not_have_is_unknown(runtime: Driven) -> None:
    with ScriptedOllama() as server, pytest.raises((UnknownModel, StreamBroken)) as missing:
        pulled(server.url, runtime, "no-such-model")
    assert "file does not exist" in missing.value.message
    assert isinstance(missing.value, UnknownModel)


def test_a_pull_that_breaks_off_is_no_success(runtime: Driven) -> None:
    lines = ndjson([{"status": "pulling manifest"}, {"status": "pulling x", "digest": "sha256:x", "total": 9}])
    for fault in (None, "cut"):
        reply = Reply(headers=NDJSON, chunks=lines, fault=fault)  # type: ignore[arg-type]
        with ScriptedOllama().on("pull", reply) as server, pytest.raises(StreamBroken):
            pulled(server.url, runtime)


def test_whoever_stops_reading_stops_the_pull(runtime: Driven) -> None:
    """AT-C5."""

    async def leave(url: str) -> PullProgress:
        steps = pulling("big", options(url), runtime.runtime)
        step = await anext(steps)
        await steps.aclose()
        assert isinstance(step, PullProgress)
        return step

    lines = ndjson([{"status": "pulling manifest"}])
    with FaultServer(Reply(headers=NDJSON, chunks=lines, fault="stall")) as server:
        asked = leave(server.url)
        step = drive(asked) if runtime.loop is None else runtime.loop.run(asked)
        assert step.status == "pulling manifest"
        assert server.wait_for_disconnect(1)
    assert threading.active_count() < 20


def test_without_a_server_the_error_says_how_one_is_started(runtime: Driven) -> None:
    with pytest.raises(Unreachable, match="ollama serve"):
        pulled("http://127.0.0.1:9", runtime)


def run(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, table: str, *arguments: str) -> int:
    file = tmp_path / "modelhub.toml"
    file.write_text(f"[providers.llama]\n{table}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return main(list(arguments))


def test_the_command_line_has_ollama_pull_a_model_and_tells_how_far_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedOllama(library=[NEW]) as server:
        table = f'engine = "ollama"\nbase_url = "{server.url}"'
        assert run(tmp_path, monkeypatch, table, "models", "pull", f"llama:{NEW.name}") == 0
        told = capsys.readouterr()
        assert run(tmp_path, monkeypatch, table, "models", "pull", f"llama:{NEW.name}", "--json", "--quiet") == 0
        assert json.loads(capsys.readouterr().out)["model"]["quantization"] == "Q4_K_M"
        assert run(tmp_path, monkeypatch, table, "models", "pull", "llama:no-such-model") != 0
        assert "file does not exist" in capsys.readouterr().err
        assert run(tmp_path, monkeypatch, table, "models", "pull", f"llama:{NEW.name}", "--name", "x") != 0
    assert told.out == f"llama:{NEW.name} is on the server\n"
    assert "50 % (500 B of 1000 B)" in told.err


@pytest.mark.parametrize(
    ("table", "wanted", "words"),
    [
        ("", "llama:qwen3", 'engine = "ollama"'),
        ("", "openai:gpt-4o", "no server that fetches models"),
        ("", "qwen3", "neither an address"),
        ("", "nobody:qwen3", "nobody"),
    ],
)
def test_what_no_server_can_pull_is_refused_with_what_could_be(
    capsys: pytest.CaptureFixture[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch, table: str, wanted: str, words: str
) -> None:
    assert run(tmp_path, monkeypatch, table, "models", "pull", wanted) != 0
    assert words in capsys.readouterr().err
