"""The main job through the front door, blocking and awaited, over real documents with the starter plugin."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import socket
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


def run_program(code: str, path: Path | None = None) -> None:
    """Run it in a process of its own, in development mode with warnings as errors; it ends well and says nothing."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(code)]
    places = [str(path)] if path else []
    places += [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places), "NO_PROXY": "*"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=40, env=environment)
    said = SLOW_STEP.sub("", done.stderr)
    assert (done.returncode, said) == (0, ""), said


SLOW_STEP = re.compile(r"^Executing <.* took .* seconds\n", re.MULTILINE)
"""What asyncio's development mode says of a busy machine."""


def installed_plugin(folder: Path, name: str, code: str) -> Path:
    """What an installer would leave: a module, and metadata with an entry point."""
    place = folder / "site"
    metadata = place / f"modelhub_{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: modelhub-{name}\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[modelhub]\n{name} = modelhub_{name}\n", encoding="utf-8")
    (place / f"modelhub_{name}.py").write_text(textwrap.dedent(code), encoding="utf-8")
    return place


SLOW = """
    import os, threading
    from modelhub.plugin import ModelCard, Provider, TextPart, TextResponse, hookimpl

    parent, building, go_on = os.getpid(), threading.Event(), threading.Event()

    @hookimpl
    def modelhub_provider():
        return Provider(name="slow", kinds={"text": "modelhub_slow:model"})

    class Model:
        card = ModelCard(model="slow:model", kind="text")

        async def call(self, request, runtime):
            return TextResponse(content=(TextPart("東京"),), finish_reason="stop")

    def model(name, options):
        building.set()
        assert os.getpid() != parent or go_on.wait(20)
        return Model()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("hub", ["Hub", "AsyncHub"])
def test_a_fork_while_another_thread_builds_a_model_does_not_hang(folder: Path, hub: str) -> None:
    """AT-F1: the thread that builds is not in the child, whatever it holds; the child builds for itself."""
    program = f"""
        import asyncio, inspect, os, signal, threading, warnings, modelhub
        from modelhub.providers import provider
        warnings.simplefilter("ignore", DeprecationWarning)
        hub = modelhub.{hub}()
        def ask():
            answer = hub.text("slow:model").generate("?")
            assert (asyncio.run(answer) if inspect.iscoroutine(answer) else answer).text == "東京"
        provider("slow")
        import modelhub_slow
        thread = threading.Thread(target=ask)
        thread.start()
        assert modelhub_slow.building.wait(10)
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            ask()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0, "the child hung or failed"
        modelhub_slow.go_on.set()
        thread.join()
        ask()
        hub.close() if hasattr(hub, "close") else asyncio.run(hub.aclose())
    """
    run_program(program, installed_plugin(folder, "slow", SLOW))


SECURE = """
    import json
    from modelhub.plugin import HttpModel, HttpRequest, ModelCard, Provider, hookimpl

    @hookimpl
    def modelhub_provider():
        return Provider(name="secure", kinds={"text": "modelhub_secure:model"})

    class Chat:
        def __init__(self, url):
            self.url, self.card = url, ModelCard(model="secure:chat", kind="text")

        def build(self, request, *, stream):
            return HttpRequest("POST", self.url, {}, b"{}")

        def parse(self, response): raise AssertionError(response)
        def decoder(self): raise AssertionError
        def fault(self, response): raise AssertionError(response)

    def model(name, options):
        return HttpModel(Chat(name))
"""


@pytest.mark.parametrize(
    "everybody_asks",
    [
        "[refused(lambda: modelhub.Hub({}).text(model).generate('?', retries=0)) for _ in range(1000)]",
        (
            "hubs = [modelhub.Hub({}) for _ in range(1000)]; "
            "[refused(lambda: hub.text(model).generate('?', retries=0)) for hub in hubs]"
        ),
        "hubs = [modelhub.AsyncHub({}) for _ in range(1000)]; asyncio.run(awaited(hubs))",
    ],
    ids=["Hub, dropped", "Hub, kept", "AsyncHub"],
)
def test_a_thousand_hubs_share_one_tls_context(folder: Path, everybody_asks: str) -> None:
    """AT-F4: each asks over HTTPS where nobody listens; nobody closes anything, and nobody warns."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and never listening: whoever connects is refused
        program = f"""
            import asyncio, ssl, modelhub
            made, original, model = [], ssl.create_default_context, "secure:https://127.0.0.1:{nobody.getsockname()[1]}/"
            ssl.create_default_context = lambda *a, **k: made.append(1) or original(*a, **k)
            asked = 0
            def refused(ask):
                global asked
                try:
                    ask()
                except modelhub.Unreachable:
                    asked += 1
            async def awaited(hubs):
                asyncio.get_running_loop().slow_callback_duration = 60  # how long it takes is not the question
                global asked
                for hub in hubs:
                    try:
                        await hub.text(model).generate("?", retries=0)
                    except modelhub.Unreachable:
                        asked += 1
            {everybody_asks}
            assert (asked, len(made)) == (1000, 1), (asked, len(made))
        """
        run_program(program, installed_plugin(folder, "secure", SECURE))


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
