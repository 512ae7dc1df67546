from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import pytest

from modelhub.clients.text import text_request
from modelhub.errors import OutputInvalid, Unsupported
from modelhub.interfaces.content import TextPart, Tool
from modelhub.interfaces.events import TextDelta, TextEvent
from modelhub.interfaces.image import ImageRequest
from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import Finished, ModelCard, Notice, Runtime
from modelhub.testing.fake import FakeRuntime
from modelhub.transport.drive import drive, iterate
from modelhub.wrappers.negotiation import Negotiation, negotiate
from modelhub.wrappers.structured import StructuredOutput

CARD = ModelCard(model="x:y", kind="text", capabilities={"tools": False}, settings=frozenset({"temperature"}))


@dataclass
class Parrot:
    """Answers with a fixed text, and keeps what it was asked."""

    text: str = "hello"
    reason: Any = "stop"
    card: ModelCard = CARD
    asked: list[TextRequest] = field(default_factory=list)

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        self.asked.append(request)
        return TextResponse(content=(TextPart(self.text),), finish_reason=self.reason, notices=(Notice("own", "mine"),))

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        yield TextDelta(self.text)
        yield Finished(await self.call(request, runtime))


def test_what_the_model_lacks_is_refused_before_it_is_asked() -> None:
    parrot = Parrot()
    request = text_request("?", None, {"tools": [Tool("t")]})
    with pytest.raises(Unsupported, match="x:y does not support tools") as refusal:
        drive(Negotiation(parrot).call(request, FakeRuntime()))
    assert (refusal.value.feature, refusal.value.model, parrot.asked) == ("tools", "x:y", [])
    with pytest.raises(Unsupported):
        list(iterate(Negotiation(parrot).stream(request, FakeRuntime())))


def test_a_capability_that_is_not_known_is_tried() -> None:
    card = ModelCard(model="x:y", kind="text")
    request = text_request("?", None, {"tools": [Tool("t")], "seed": 3})
    assert negotiate(request, card) == (request, ())


def test_a_setting_that_is_not_honoured_is_left_out_and_noticed() -> None:
    parrot = Parrot()
    request = text_request("?", None, {"temperature": 0.5, "seed": 3, "top_k": 9})
    response = drive(Negotiation(parrot).call(request, FakeRuntime()))
    assert [notice.setting for notice in response.notices] == ["seed", "top_k", "own"]
    assert parrot.asked[0].settings() == {"temperature": 0.5}
    *_, last = iterate(Negotiation(parrot).stream(request, FakeRuntime()))
    assert last == Finished(response)


def test_settings_of_other_kinds_are_unset_too() -> None:
    request, notices = negotiate(
        ImageRequest(prompt="p", seed=4, size=(8, 8)), ModelCard(model="x:i", kind="image", settings=frozenset({"size"}))
    )
    assert (request.seed, request.size, [notice.setting for notice in notices]) == (None, (8, 8), ["seed"])


def test_the_output_has_the_type_that_was_asked_for() -> None:
    for text in ('{"city": "東京"}', '```json\n{"city": "東京"}\n```', '\ufeff{"city": "東京"}'):
        model = StructuredOutput(Parrot(text))
        request = text_request("?", {"type": "object"}, {})
        assert drive(model.call(request, FakeRuntime())).output == {"city": "東京"}
        *_, last = iterate(model.stream(request, FakeRuntime()))
        assert isinstance(last, Finished)
        assert last.response.output == {"city": "東京"}


def test_an_answer_of_the_wrong_type_carries_its_text() -> None:
    with pytest.raises(OutputInvalid, match="not a valid int") as invalid:
        drive(StructuredOutput(Parrot("twelve")).call(text_request("?", int, {}), FakeRuntime()))
    assert invalid.value.text == "twelve"


def test_a_cut_answer_says_that_it_was_cut() -> None:
    with pytest.raises(OutputInvalid, match="max_output_tokens"):
        drive(StructuredOutput(Parrot('{"a": 1', "length")).call(text_request("?", {}, {}), FakeRuntime()))
