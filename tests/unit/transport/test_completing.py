"""An endpoint completes its answers with what only the request tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from modelhub.errors import ModelhubError, StreamBroken
from modelhub.http import HttpRequest, HttpResponse
from modelhub.interfaces.content import Message, TextPart
from modelhub.interfaces.events import TextDelta
from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import Finished, ModelCard, Usage
from modelhub.testing import FakeRuntime
from modelhub.testing.driven import driven
from modelhub.transport.endpoint import HttpModel
from modelhub.transport.faults import fault

REQUEST = TextRequest(messages=(Message("user", "数えて"),))


@dataclass
class Plain:
    """The body is the answer, and ends in a full stop."""

    said: str = ""

    def feed(self, data: bytes) -> Iterable[Any]:
        self.said += data.decode()
        return [TextDelta(data.decode())]

    def close(self) -> Iterable[Any]:
        if not self.said.endswith("。"):
            raise StreamBroken("cut", partial=self.partial())
        return [Finished(self.partial())]

    def partial(self) -> TextResponse[Any]:
        return TextResponse(content=(TextPart(self.said),), finish_reason="stop")


class Uncounted:
    """An endpoint whose provider does not count; it counts characters itself."""

    card = ModelCard(model="plain:one", kind="text")

    def build(self, request: TextRequest, *, stream: bool) -> HttpRequest:
        return HttpRequest("POST", "https://plain.example/")

    def parse(self, response: HttpResponse) -> TextResponse[Any]:
        return TextResponse(content=(TextPart(response.body.decode()),), finish_reason="stop")

    def decoder(self) -> Plain:
        return Plain()

    def fault(self, response: HttpResponse) -> ModelhubError:
        return fault(response)

    def completed(self, request: TextRequest, response: TextResponse[Any]) -> TextResponse[Any]:
        usage = Usage(input_tokens=len(request.question), output_tokens=len(response.text), source="estimated")
        return replace(response, usage=usage)


def test_a_whole_answer_and_a_streamed_one_are_completed_alike() -> None:
    for manner in ("blocking", "asynchronous"):
        world = FakeRuntime([HttpResponse(200, body="はい。".encode()), ["は".encode(), "い。".encode()]])
        with driven(manner, world) as caller:
            called = caller.call(HttpModel(Uncounted()), REQUEST)
            *_, finished = caller.stream(HttpModel(Uncounted()), REQUEST)
        assert called.usage == finished.response.usage == Usage(input_tokens=3, output_tokens=3, source="estimated")


def test_what_had_come_of_a_broken_stream_is_completed() -> None:
    with driven("blocking", FakeRuntime([["は".encode()]])) as caller, pytest.raises(StreamBroken) as broken:
        caller.stream(HttpModel(Uncounted()), REQUEST)
    partial: Any = broken.value.partial
    assert partial.usage.output_tokens == 1
