"""The conformance classes of any text model: a good one passes, and each broken one is caught by the check made for it."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest

from modelhub.errors import Unsupported
from modelhub.interfaces.events import TextDelta, TextEvent
from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import AnyModel, Finished, ModelCard, Notice, Runtime, Usage
from modelhub.plugin import TextPart
from modelhub.testing import FakeRuntime, TextConformance
from modelhub.testing.driven import Driven, driven

CARD = ModelCard(
    model="shout:loud",
    kind="text",
    capabilities=dict.fromkeys(("images", "audio", "files", "tools", "structured_output"), False),
    settings=frozenset({"max_output_tokens"}),
)


@dataclass(frozen=True)
class Shout:
    """Says the question in capitals: a good model, whose parts the broken ones below change."""

    card: ModelCard = CARD

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        return self.said(await runtime.in_thread(request.question.upper))

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        response = await self.call(request, runtime)
        for word in response.text.split(" "):
            yield TextDelta(word if response.text.startswith(word) else f" {word}")
        yield Finished(response)

    def said(self, text: str) -> TextResponse[Any]:
        usage = Usage(output_tokens=len(text.split()), source="estimated")
        return TextResponse(content=(TextPart(text),), finish_reason="stop", model="loud", provider="shout", usage=usage)


class TestShout(TextConformance):
    model_id = "shout:loud"

    def model(self) -> AnyModel:
        return Shout()


class Kit(TextConformance):
    """The kit, holding one broken model."""

    model_id: ClassVar[str] = "shout:loud"

    def __init__(self, broken: AnyModel) -> None:
        self.broken = broken

    def model(self) -> AnyModel:
        return self.broken


@dataclass(frozen=True)
class Changed(Shout):
    """Answers with something else than it should."""

    change: Callable[[TextResponse[Any]], TextResponse[Any]] = lambda response: response
    streamed: Callable[[TextResponse[Any]], TextResponse[Any]] = lambda response: response

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        return self.change(await Shout.call(self, request, runtime))

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        response = await self.call(request, runtime)
        yield TextDelta(response.text)
        yield Finished(self.streamed(response))


@dataclass(frozen=True)
class Spoken(Shout):
    """Streams exactly these events."""

    events: tuple[Any, ...] = ()

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[Any, None]:
        for event in self.events:
            yield event


@pytest.fixture
def here() -> Driven:
    with driven("blocking", FakeRuntime()) as caller:
        return caller


ANSWER = Shout().said("ABC")
BROKEN_STREAMS: Mapping[str, tuple[Any, ...]] = {
    "ended without Finished": (TextDelta("ABC"),),
    "gave Finished 2 times": (TextDelta("ABC"), Finished(ANSWER), Finished(ANSWER)),
    "came after Finished": (Finished(ANSWER), TextDelta("ABC")),
    "join to 'AB'": (TextDelta("AB"), Finished(ANSWER)),
    "join to ''": (Finished(ANSWER),),
}


@pytest.mark.parametrize("message", BROKEN_STREAMS)
def test_a_stream_that_tells_another_story_is_caught(message: str, here: Driven) -> None:
    kit = Kit(Spoken(events=BROKEN_STREAMS[message]))
    with pytest.raises(AssertionError, match=message):
        kit.test_a_stream_finishes_once_and_its_pieces_join_to_the_answer(here)


def test_a_stream_that_differs_from_the_call_is_caught(here: Driven) -> None:
    broken = Changed(streamed=lambda response: replace(response, finish_reason="other"))
    with pytest.raises(AssertionError, match="build both of the same parts"):
        Kit(broken).test_a_stream_collects_to_what_call_gives(here)


def test_a_model_that_remembers_the_last_call_is_caught(here: Driven) -> None:
    @dataclass(frozen=True)
    class Remembers(Shout):
        calls: list[str] = field(default_factory=list)

        async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
            self.calls.append(request.question)
            return self.said(" ".join(self.calls))

    kit = Kit(Remembers())
    with pytest.raises(AssertionError, match="keep no state between calls"):
        kit.test_a_stream_is_the_same_every_time(here)
    with pytest.raises(AssertionError, match="keep state in the call"):
        kit.test_asking_leaves_the_model_as_it_was(here)


def test_an_abandoned_stream_that_goes_on_is_caught(here: Driven) -> None:
    @dataclass(frozen=True)
    class GoesOn(Shout):
        async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
            try:
                yield TextDelta("A")
            except GeneratorExit:
                yield TextDelta("B")

    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        here.abandon(GoesOn(), Kit(GoesOn()).request())


def test_an_abandoned_stream_that_leaves_a_thread_is_caught(here: Driven) -> None:
    stop = threading.Event()

    @dataclass(frozen=True)
    class LeavesAThread(Shout):
        async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
            threading.Thread(target=stop.wait, args=(20,)).start()
            response = await self.call(request, runtime)
            yield TextDelta(response.text)
            stop.set()
            yield Finished(response)

    class Impatient(Kit):
        def events(self, runtime: Driven) -> list[Any]:
            return []

    try:
        with pytest.raises(AssertionError, match="still at work"):
            Impatient(LeavesAThread()).test_an_abandoned_stream_closes(here)
    finally:
        stop.set()


ZEROS = {
    "usage.input_tokens is 0": Usage(input_tokens=0),
    "usage.output_tokens is 0": Usage(output_tokens=0),
    r"usage.cached_tokens \(5\) exceeds": Usage(input_tokens=3, cached_tokens=5),
    r"usage.reasoning_tokens \(5\) exceeds": Usage(output_tokens=3, reasoning_tokens=5),
}


@pytest.mark.parametrize("message", ZEROS)
def test_a_dishonest_count_is_caught(message: str, here: Driven) -> None:
    broken = Changed(change=lambda response: replace(response, usage=ZEROS[message]))
    with pytest.raises(AssertionError, match=message):
        Kit(broken).test_usage_is_counted_or_unknown_never_zero(here)


def test_a_zero_of_cached_tokens_is_honest(here: Driven) -> None:
    told = Usage(input_tokens=3, cached_tokens=0, output_tokens=1, reasoning_tokens=0)
    Kit(Changed(change=lambda response: replace(response, usage=told))).test_usage_is_counted_or_unknown_never_zero(here)


def test_an_answer_without_its_provider_is_caught(here: Driven) -> None:
    with pytest.raises(AssertionError, match=r"response\.provider is ''"):
        Kit(Changed(change=lambda response: replace(response, provider=""))).test_the_answer_says_who_gave_it(here)
    with pytest.raises(AssertionError, match=r"response\.model is empty"):
        Kit(Changed(change=lambda response: replace(response, model=""))).test_the_answer_says_who_gave_it(here)


@pytest.mark.parametrize("text", ["A\ufffd", "\ud800"])
def test_half_a_character_is_caught(text: str, here: Driven) -> None:
    broken = Changed(change=lambda response: replace(response, content=(TextPart(text),)))
    with pytest.raises((AssertionError, UnicodeEncodeError)):
        Kit(broken).test_the_answer_is_text_that_can_be_written_down(here)


def test_an_answer_without_content_is_caught(here: Driven) -> None:
    with pytest.raises(AssertionError, match="no content"):
        Kit(Changed(change=lambda r: replace(r, content=()))).test_the_answer_is_text_that_can_be_written_down(here)


def test_runtimes_that_disagree_are_caught() -> None:
    @dataclass(frozen=True)
    class Asks(Shout):
        async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
            return self.said(type(runtime).__name__)

    with pytest.raises(AssertionError, match="Blocking gave"):
        Kit(Asks()).test_both_runtimes_give_the_same_answer()


def test_a_model_that_waits_by_itself_is_caught() -> None:
    import asyncio

    @dataclass(frozen=True)
    class Waits(Shout):
        async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
            await asyncio.sleep(0)
            return self.said("ABC")

    with pytest.raises(RuntimeError, match="await only"):
        Kit(Waits()).test_both_runtimes_give_the_same_answer()


@pytest.mark.parametrize(
    ("message", "card"),
    [
        ("The card's kind is 'embedding'", replace(CARD, kind="embedding")),
        ("The card's model is 'loud'", replace(CARD, model="loud")),
    ],
)
def test_a_card_of_another_model_is_caught(message: str, card: ModelCard) -> None:
    with pytest.raises(AssertionError, match=message):
        Kit(Shout(card)).test_the_card_says_kind_and_name()


@pytest.mark.parametrize(
    ("message", "card"),
    [
        ("Did you mean 'images'", replace(CARD, capabilities={"image": True})),
        ("no setting 'temprature'. Did you mean 'temperature'", replace(CARD, settings=frozenset({"temprature"}))),
    ],
)
def test_a_misspelt_card_is_caught(message: str, card: ModelCard) -> None:
    with pytest.raises(AssertionError, match=message):
        Kit(Shout(card)).test_the_card_speaks_the_words_of_requests()


def test_a_promise_that_the_model_breaks_is_caught(here: Driven) -> None:
    @dataclass(frozen=True)
    class Refuses(Shout):
        async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
            if request.tools:
                raise Unsupported("No tools.", feature="tools", model="shout:loud")
            return self.said("ABC")

    card = replace(CARD, capabilities={**CARD.capabilities, "tools": True})
    with pytest.raises(AssertionError, match="promises 'tools', and the model refuses"):
        Kit(Refuses(card)).test_what_the_card_promises_is_accepted(here)


def test_a_capability_ignored_in_silence_is_caught(here: Driven) -> None:
    with pytest.raises(AssertionError, match="'images': False"):
        Kit(Shout(replace(CARD, capabilities={}))).test_nothing_is_dropped_in_silence(here)


def test_a_card_without_settings_is_caught(here: Driven) -> None:
    with pytest.raises(AssertionError, match="name the settings on its card"):
        Kit(Shout(replace(CARD, settings=None))).test_nothing_is_dropped_in_silence(here)


def test_a_notice_that_contradicts_the_card_is_caught(here: Driven) -> None:
    doubt = (Notice("max_output_tokens", "ignored"),)
    with pytest.raises(AssertionError, match="says the opposite"):
        Kit(
            Changed(change=lambda response: replace(response, notices=doubt))
        ).test_a_setting_that_the_card_names_is_taken_and_any_other_is_a_notice(here)


def test_a_denial_that_the_card_takes_back_is_caught() -> None:
    """A card that says one thing when it is read and another when it is asked."""

    class Fickle(dict[str, bool]):
        def get(self, capability: str, default: Any = None) -> Any:
            self["asked"] = not self.setdefault("asked", True)
            return self["asked"] and None if self["asked"] else False

    with pytest.raises(AssertionError, match="The card denies"):
        Kit(Shout(replace(CARD, capabilities=Fickle()))).test_what_the_card_denies_is_refused_before_anything_is_sent()
