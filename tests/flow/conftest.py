"""A small chat endpoint, as a plugin would write one: JSON both ways, server-sent events when it streams."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from modelhub.errors import ModelhubError, StreamBroken
from modelhub.http import HttpRequest, HttpResponse, Secret
from modelhub.interfaces.content import TextPart
from modelhub.interfaces.events import TextDelta, TextEvent
from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import Finished, ModelCard
from modelhub.transport.credentials import Bearer, Plain
from modelhub.transport.decoders import ServerSentEvent, SseDecoder
from modelhub.transport.endpoint import HttpModel
from modelhub.transport.faults import fault

ChatModel = HttpModel[TextRequest, TextResponse[Any], TextEvent]
MakeChat = Callable[..., ChatModel]


@dataclass(frozen=True)
class Chat:
    """``POST /chat`` with a question; ``{"text": ...}`` back, or ``{"delta": ...}`` events and ``[DONE]``."""

    url: str
    key: Secret = Plain("sk-chat")
    path: str = "/chat"

    @property
    def card(self) -> ModelCard:
        return ModelCard(model="chat:small", kind="text")

    def build(self, request: TextRequest, *, stream: bool) -> HttpRequest:
        body = json.dumps({"question": request.question, "stream": stream}, ensure_ascii=False).encode()
        return HttpRequest("POST", self.url + self.path, {"authorization": Bearer(self.key)}, body)

    def parse(self, response: HttpResponse) -> TextResponse[Any]:
        return answer(json.loads(response.body)["text"])

    def decoder(self) -> ChatDecoder:
        return ChatDecoder()

    def fault(self, response: HttpResponse) -> ModelhubError:
        return fault(response, provider="chat", model="small")


class ChatDecoder:
    def __init__(self) -> None:
        self._events = SseDecoder()
        self._text = ""
        self._done = False

    def feed(self, data: bytes) -> Iterable[TextEvent]:
        return [delta for event in self._events.feed(data) for delta in self._read(event)]

    def _read(self, event: ServerSentEvent) -> Iterable[TextEvent]:
        if event.name == "error":
            raise fault(HttpResponse(0, body=event.data.encode()), provider="chat", model="small")
        if event.data == "[DONE]":
            self._done = True
        elif event.name != "ping":
            delta = event.json()["delta"]
            self._text += delta
            yield TextDelta(delta)

    def close(self) -> Iterable[TextEvent]:
        late = [delta for event in self._events.close() for delta in self._read(event)]
        if not self._done:
            raise StreamBroken("No [DONE] came.", partial=self.partial())
        return [*late, Finished(self.partial())]

    def partial(self) -> TextResponse[Any]:
        return answer(self._text)


def answer(text: str) -> TextResponse[Any]:
    return TextResponse(content=(TextPart(text),), finish_reason="stop")


@pytest.fixture
def make_chat() -> MakeChat:
    """``make_chat(url, key=...)`` gives the model behind the endpoint."""
    return lambda url, **more: HttpModel(Chat(url, **more))
