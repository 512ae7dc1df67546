from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from modelhub.config.specs import PromptSpec, SelectSpec
from modelhub.errors import ConfigError, PluginMissing
from modelhub.interfaces.content import Message, TextPart
from modelhub.interfaces.events import TextDelta, TextEvent
from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import Finished, ModelCard, Runtime
from modelhub.prompting import prompting
from modelhub.testing.driven import MANNERS, Driven, driven
from modelhub.testing.fake import FakeRuntime


@dataclass(eq=False)
class Echo:
    """Says back all it was told."""

    asked: list[TextRequest] = field(default_factory=list)
    open_streams: int = 0
    card = ModelCard(model="test:echo", kind="text")

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        self.asked.append(request)
        text = "\n".join(f"{turn.role}: {turn.text}" for turn in request.messages)
        return TextResponse(content=(TextPart(text),), finish_reason="stop")

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        self.open_streams += 1
        try:
            response = await self.call(request, runtime)
            yield TextDelta(response.text)
            yield Finished(response)
        finally:
            self.open_streams -= 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "t.md").write_bytes("\ufeffAbout {{ product }}:\r\n{{ input }}\n".encode())
    (tmp_path / "a.jsonl").write_text('{"input": "q1", "output": "a1"}\n{"input": "鍵", "output": "a2"}\n', encoding="utf-8")
    return tmp_path


@pytest.fixture(params=MANNERS)
def way(request: pytest.FixtureRequest) -> Iterator[Driven]:
    with driven(request.param, FakeRuntime()) as found:
        yield found


def asking(question: str) -> TextRequest:
    return TextRequest(messages=(Message("user", question),))


FULL = PromptSpec(system="Be brief.", template="t.md", examples="a.jsonl", variables={"product": "灯"})


def test_the_same_question_is_put_as_the_configuration_says(way: Driven, folder: Path) -> None:
    answer = way.call(prompting(FULL, str(folder), Echo()), asking("{{ product }}?"))
    system, first, second, last = answer.text.split("\nuser: ")
    assert (system, last) == ("system: Be brief.", "About 灯:\n{{ product }}?")
    assert (first, second) == ("About 灯:\nq1\nassistant: a1", "About 灯:\n鍵\nassistant: a2")


def test_a_stream_is_put_the_same_way(way: Driven, folder: Path) -> None:
    model = prompting(FULL, str(folder), Echo())
    *deltas, finished = way.stream(model, asking("?"))
    assert finished.response == way.call(model, asking("?"))
    assert "".join(delta.text for delta in deltas) == finished.response.text


def test_an_abandoned_stream_is_closed_at_once(way: Driven, folder: Path) -> None:
    """AT-C5."""
    echo = Echo()
    way.abandon(prompting(FULL, str(folder), echo), asking("?"))
    assert echo.open_streams == 0


@pytest.mark.parametrize(
    ("spec", "turns"),
    [
        (PromptSpec(), 1),
        (PromptSpec(examples="a.jsonl"), 5),
        (PromptSpec(examples="a.jsonl", strategy="few-shot", select=SelectSpec(k=1)), 3),
        (PromptSpec(examples="a.jsonl", strategy="one-shot"), 3),
        (PromptSpec(examples="a.jsonl", strategy="zero-shot"), 1),
    ],
)
def test_the_strategy_says_how_many_examples_are_shown(way: Driven, folder: Path, spec: PromptSpec, turns: int) -> None:
    echo = Echo()
    way.call(prompting(spec, str(folder), echo), asking("?"))
    assert len(echo.asked[0].messages) == turns


def test_one_shot_and_similar_show_the_nearest(way: Driven, folder: Path) -> None:
    echo = Echo()
    way.call(
        prompting(PromptSpec(examples="a.jsonl", strategy="one-shot", select=SelectSpec(by="similar")), str(folder), echo),
        asking("鍵は？"),
    )
    assert echo.asked[0].messages[1].text == "a2"


@pytest.mark.parametrize("strategy", ["one-shot", "few-shot"])
def test_a_strategy_that_shows_examples_needs_some(folder: Path, strategy: str) -> None:
    with pytest.raises(ConfigError, match=f"'{strategy}' shows 1 or more examples: name a file"):
        prompting(PromptSpec(strategy=strategy), str(folder), Echo())


@pytest.mark.parametrize("strategy", ["few-shots", "modelhub.prompting.strategies:few_shot", "os.system"])
def test_only_a_registered_name_is_a_strategy(folder: Path, strategy: str) -> None:
    """AT-H4: configuration names plugins, never import paths."""
    with pytest.raises(PluginMissing):
        prompting(PromptSpec(strategy=strategy), str(folder), Echo())


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (PromptSpec(template="missing.md"), r"^missing\.md: The file cannot be read: No such file"),
        (PromptSpec(template="t.md"), r"^t\.md:1: \{\{ product \}\}: nothing has this name"),
        (PromptSpec(template="old.md"), r"^old\.md: The file is not UTF-8"),
        (PromptSpec(examples="t.md"), r"^t\.md:1: This line is not JSON"),
        (PromptSpec(variables={"input": "x"}), r"variables\.input cannot be set"),
        (PromptSpec(examples="a.jsonl", select=SelectSpec(k=0)), r"select\.k = 0 cannot be"),
    ],
)
def test_what_is_wrong_is_said_before_any_question(folder: Path, spec: PromptSpec, words: str) -> None:
    """AT-T: file and line, before any request."""
    (folder / "old.md").write_bytes("{{ input }} 表示".encode("cp932"))
    with pytest.raises(ConfigError, match=words):
        prompting(spec, str(folder), Echo())
