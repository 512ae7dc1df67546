"""What a plugin gets wrong is said of the plugin, and nothing of it is taken for an answer."""

from __future__ import annotations

import pickle
from collections.abc import AsyncGenerator
from dataclasses import FrozenInstanceError, dataclass
from typing import Any

import pytest

from modelhub.clients.streams import Stream
from modelhub.clients.text import text_request
from modelhub.errors import PluginBroken, StreamBroken
from modelhub.interfaces.content import TextPart
from modelhub.interfaces.events import TextDelta
from modelhub.interfaces.text import TextResponse
from modelhub.model import Finished, ModelCard, Runtime, Usage
from modelhub.testing.fake import FakeRuntime
from modelhub.transport.drive import drive
from modelhub.wrappers.laws import Lawful

END = Finished(TextResponse[Any](content=(TextPart("日本"),), finish_reason="stop"))


@dataclass(frozen=True)
class Lawless:
    """Answers and streams what it is given; an exception is raised."""

    answer: Any = None
    events: tuple[Any, ...] = ()
    card: ModelCard = ModelCard(model="x:y", kind="text")

    async def call(self, request: Any, runtime: Runtime) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def stream(self, request: Any, runtime: Runtime) -> AsyncGenerator[Any, None]:
        for event in self.events:
            if isinstance(event, Exception):
                raise event
            yield event


def call(answer: Any) -> Any:
    return drive(Lawful(Lawless(answer)).call(text_request("?", None, {}), FakeRuntime()))


def stream(*events: Any) -> list[Any]:
    return list(Stream[Any, Any](Lawful(Lawless(events=events)).stream(text_request("?", None, {}), FakeRuntime())))


@pytest.mark.parametrize("answer", [None, "hello", {"text": "hello"}])
def test_what_is_no_response_is_no_answer(answer: Any) -> None:
    with pytest.raises(PluginBroken, match="x:y answered with"):
        call(answer)


def test_an_error_of_the_plugin_names_it_and_keeps_its_cause() -> None:
    with pytest.raises(PluginBroken, match="x:y failed with ValueError: boom") as broken:
        call(ValueError("boom"))
    assert isinstance(broken.value.__cause__, ValueError)
    with pytest.raises(PluginBroken, match="boom"):
        stream(TextDelta("a"), ValueError("boom"))


def test_a_stream_without_its_end_is_broken_and_carries_what_it_said() -> None:
    with pytest.raises(StreamBroken) as broken:
        stream(TextDelta("日"), TextDelta("本"))
    partial = broken.value.partial
    assert isinstance(partial, TextResponse)
    assert (partial.text, partial.finish_reason) == ("日本", "error")


def test_nothing_comes_after_the_end() -> None:
    assert stream(TextDelta("日本"), END) == [TextDelta("日本"), END]
    with pytest.raises(PluginBroken, match="went on after Finished"):
        stream(END, TextDelta("more"))


def test_text_and_counts_are_what_they_are_called() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        TextPart(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="input_tokens"):
        Usage(input_tokens="1")  # type: ignore[arg-type]


def test_a_response_may_be_made_with_its_type_written_out() -> None:
    made = TextResponse[int](output=5)
    assert made == TextResponse(output=5) == pickle.loads(pickle.dumps(made))
    with pytest.raises(FrozenInstanceError):
        made.output = 6  # type: ignore[misc]
