"""The main job through the front door, blocking and awaited, over real documents with the starter plugin."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import modelhub
from modelhub import AsyncHub, Finished, Hub, TextDelta

pytest.importorskip("modelhub_starter", reason="needs modelhub-starter: pip install -e plugins/starter")

OFFICE = """# The office

The office is open from eight to six. On Fridays it closes at four.

## 休暇

年次有給休暇は、入社から六か月後に十日間付与されます。休暇を取るときは、三日前までに申請してください。
"""
CONFIG = """
[models.assistant]
model = "starter:quote"
retrieval = "handbook"

[models.helper]
model = "assistant"
settings = { max_output_tokens = 500 }

[indexes.handbook]
sources = ["docs"]

[profiles.bare.models.assistant]
retrieval = false

[profiles.shaped.models.assistant]
prompt = "brief"

[prompts.brief]
system = "Be brief."
template = "ask.md"
"""
Ask = Callable[[str, str], Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "office.md").write_text(OFFICE, encoding="utf-8")
    (tmp_path / "modelhub.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "ask.md").write_text("{{ input }}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocking(question: str, profile: str = "") -> Any:
    with Hub(profile=profile or None) as hub:
        return hub.text("assistant").generate(question)


def awaited(question: str, profile: str = "") -> Any:
    async def ask() -> Any:
        async with AsyncHub(profile=profile or None) as hub:
            return await hub.text("assistant").generate(question)

    return asyncio.run(ask())


@pytest.mark.parametrize("ask", [blocking, awaited])
@pytest.mark.parametrize(
    ("question", "quote"),
    [("When does the office close on Fridays?", "closes at four"), ("有給休暇は何日間付与されますか？", "十日間付与されます")],
)
def test_an_answer_cites_the_lines_it_quotes(folder: Path, ask: Ask, question: str, quote: str) -> None:
    """AT-P6: a citation resolves to the exact range of the document."""
    answer = ask(question, "")
    citation = answer.citations[0]
    assert quote in answer.text
    assert quote in citation.quote
    assert OFFICE[citation.span.start : citation.span.end] == citation.quote
    lines = OFFICE.splitlines()[citation.span.first_line - 1 : citation.span.last_line]
    assert quote in "\n".join(lines)
    assert (answer.finish_reason, answer.complete, answer.provider) == ("stop", True, "starter")
    assert answer.usage.input_tokens > 0


@pytest.mark.parametrize("ask", [blocking, awaited])
def test_configuration_alone_changes_the_answer(folder: Path, ask: Ask) -> None:
    question = "When does the office close on Fridays?"
    assert ask(question, "").citations
    assert ask(question, "shaped").citations
    assert ask(question, "bare").citations == ()


def test_both_runtimes_give_the_same_answer(folder: Path) -> None:
    assert blocking("When is it open?") == awaited("When is it open?")


def test_a_stream_collects_to_what_the_call_gives(folder: Path) -> None:
    question = "How many days of leave? 休暇は何日？"
    with Hub() as hub:
        whole = hub.text("helper").generate(question)
        events = list(hub.text("helper").stream(question))
        assert hub.text("helper").stream(question).collect() == whole
    assert isinstance(events[-1], Finished)
    assert events[-1].response == whole
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == whole.text

    async def stream() -> tuple[list[Any], Any]:
        async with AsyncHub() as hub:
            seen = [event async for event in hub.text("helper").stream(question)]
            async with hub.text("helper").stream(question) as events:
                return seen, await events.collect()

    assert asyncio.run(stream()) == (events, whole)


def test_a_stream_that_was_left_has_no_response(folder: Path) -> None:
    with Hub() as hub, hub.text("assistant").stream("When is it open?") as events:
        next(events)
        assert events.response is None
        events.close()
        with pytest.raises(modelhub.StreamBroken, match="closed before its end"):
            events.collect()


def test_a_hub_keeps_what_it_built(folder: Path) -> None:
    with Hub() as hub:
        assert hub.text("assistant").model is hub.text("assistant").model
        assert hub.index("handbook").index is hub.index("handbook").index


def test_sixty_four_threads_share_one_hub(folder: Path) -> None:
    """AT-B3, AT-F1."""
    hub, answers, start = Hub(), [], threading.Barrier(64)

    def ask() -> None:
        start.wait()
        answers.append(hub.text("assistant").generate("When is it open?").text)

    threads = [threading.Thread(target=ask) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hub.close()
    assert len(answers) == 64
    assert len(set(answers)) == 1


def test_one_hub_serves_many_loops_and_a_blocking_call_inside_one(folder: Path) -> None:
    """AT-F1: five event loops in a row, sixteen at once, and the blocking hub inside a running loop."""
    shared = AsyncHub()

    async def ask() -> str:
        return (await shared.text("assistant").generate("When is it open?")).text

    async def inside() -> str:
        with Hub() as hub:
            return hub.text("assistant").generate("When is it open?").text

    in_a_row = {asyncio.run(ask()) for _ in range(5)} | {asyncio.run(inside())}
    at_once: list[str] = []
    threads = [threading.Thread(target=lambda: at_once.append(asyncio.run(ask()))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(at_once) == 16
    assert len(in_a_row | set(at_once)) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_hub_works_on_both_sides_of_a_fork(folder: Path) -> None:
    """AT-F1, in a process of its own, with warnings as errors."""
    program = """
        import os, modelhub
        hub = modelhub.Hub()
        before = hub.text("assistant").generate("When is it open?").text
        child = os.fork()
        after = hub.text("assistant").generate("When is it open?").text
        assert after == before
        if child == 0:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        hub.close()
    """
    run_program(program)


def test_nothing_is_left_behind(folder: Path) -> None:
    """AT-F1: no warning about anything unclosed, in development mode, without and with close."""
    for close in ("hub.close()", "del hub"):
        run_program(f"""
            import modelhub
            hub = modelhub.Hub()
            stream = hub.text("assistant").stream("When is it open?")
            next(stream)
            del stream
            {close}
        """)
    run_program("""
        import asyncio, modelhub
        hub = modelhub.AsyncHub()
        async def main():
            await hub.warmup()
            async for event in hub.text("assistant").stream("When is it open?"):
                break
        for _ in range(3):
            asyncio.run(main())
    """)


def run_program(code: str) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_after_a_warmup_nothing_is_imported_on_the_event_loop(folder: Path) -> None:
    """AT-A1: else the first request pays, and everybody else on the loop waits."""
    run_program("""
        import asyncio, sys, threading, modelhub
        watching, seen = threading.Event(), []
        def hook(event, arguments):
            if event == "import" and watching.is_set() and threading.current_thread() is threading.main_thread():
                seen.append(arguments[0])
        async def main():
            async with modelhub.AsyncHub() as hub:
                await hub.warmup()
                watching.set()
                await hub.text("assistant").generate("When is it open?")
                watching.clear()
        sys.addaudithook(hook)
        asyncio.run(main())
        assert seen == [], seen
    """)


def test_wrong_names_are_told_with_a_suggestion(folder: Path) -> None:
    """AT-T: before any request."""
    hub = Hub()
    for ask, error, words in (
        (lambda: hub.text("asistant"), modelhub.UnknownAlias, "Did you mean 'assistant'"),
        (lambda: hub.text("startr:quote"), modelhub.PluginMissing, "starter"),
        (lambda: hub.text("starter:quot"), modelhub.UnknownModel, "quote"),
        (lambda: hub.text("quote"), modelhub.UnknownAlias, "quote"),
        (lambda: hub.embedding("starter:quote"), modelhub.ModelhubError, "embedding"),
        (lambda: hub.index("handbok"), modelhub.UnknownAlias, "Did you mean 'handbook'"),
    ):
        with pytest.raises(error, match=words):
            ask()


def test_a_call_says_more_than_the_configuration(folder: Path) -> None:
    """AT-T: call > alias > default."""
    config = {"models": {"a": {"model": "starter:quote", "settings": {"seed": 1, "temperature": 0.1}}}}
    with Hub(config) as hub:
        assert {n.setting for n in hub.text("a").generate("?").notices} == {"seed", "temperature"}
        client = hub.text("a")
        noticed = {n.setting for n in client.generate("?", seed=None, top_k=3).notices}
        assert noticed == {"temperature", "top_k"}


def test_every_kind_answers_offline(folder: Path) -> None:
    with Hub({}) as hub:
        assert hub.embedding("starter:hash").embed(["a", "灯台"]).array().shape[0] == 2
        assert hub.reranking("starter:overlap").rank("key", ["door", "the key"]).ranking[0].index == 1
        assert hub.image("starter:placeholder").generate("灯台", size=(64, 32)).bytes().startswith(b"\x89PNG")


def test_the_models_of_a_hub_are_listed_without_an_import(folder: Path) -> None:
    run_program("""
        import sys, modelhub
        cards = modelhub.Hub().models()
        assert {"assistant", "starter:quote", "starter:hash"} <= {card.model for card in cards}, cards
        assert "modelhub_starter" not in sys.modules
    """)


def test_a_closed_hub_opens_again(folder: Path) -> None:
    hub = Hub()
    first = hub.text("assistant").generate("When is it open?").text
    hub.close()
    assert hub.text("assistant").generate("When is it open?").text == first
    hub.close()


def test_an_abandoned_coroutine_of_the_async_hub_can_be_closed(folder: Path) -> None:
    hub = AsyncHub()
    coroutine: Coroutine[Any, Any, Any] = hub.text("assistant").generate("When is it open?")
    coroutine.close()
    gc.collect()


def test_every_answer_tells_how_long_it_took_and_who_gave_it(folder: Path) -> None:
    for answer in (blocking("When is it open?"), awaited("When is it open?")):
        assert answer.timing.total >= 0
        assert [attempt.model for attempt in answer.attempts] == ["starter:quote"]
    with Hub() as hub:
        streamed = hub.text("assistant").stream("When is it open?").collect()
    assert 0 <= streamed.timing.first_token <= streamed.timing.total


def test_every_alias_is_listed_with_what_is_known_of_it(folder: Path) -> None:
    models = {
        "quick": {"model": "starter:quote", "context_window": 300},
        "gone": {"model": "nowhere:model"},
    }
    cards = {card.model: card for card in Hub({"models": models}).models()}
    assert cards["quick"].context_window == 300
    assert "alias of starter:quote" in cards["quick"].description
    assert "nowhere" in cards["gone"].description


def test_a_warmup_tells_what_the_first_call_would_fail_with(folder: Path) -> None:
    with Hub({"models": {"a": {"model": "starter:quot"}}}) as hub, pytest.raises(modelhub.UnknownModel, match="quote"):
        hub.warmup("a")
    with Hub() as hub, pytest.raises(modelhub.UnknownAlias):
        hub.warmup("nobody")
