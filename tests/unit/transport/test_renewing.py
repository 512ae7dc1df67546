"""A token that is refused is fetched anew, and the refused call sent once more; a plain key is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from modelhub.errors import KeyRefused
from modelhub.http import HttpRequest, HttpResponse, Secret
from modelhub.model import Finished, ModelCard, Request, Response
from modelhub.testing.driven import MANNERS, Manner, driven
from modelhub.testing.fake import FakeRuntime
from modelhub.transport.credentials import Bearer
from modelhub.transport.endpoint import HttpModel


@dataclass
class Token:
    """Counts how often it is fetched."""

    renewable: bool = True
    fetched: int = 0
    loaded: bool = False

    def load(self, timeout: float | None = None) -> None:
        self.fetched += 1
        self.loaded = True

    def forget(self) -> None:
        self.loaded = False

    def reveal(self) -> str:
        return f"token-{self.fetched}"


@dataclass
class Decoder:
    def feed(self, data: bytes) -> Iterable[Any]:
        return []

    def close(self) -> Iterable[Any]:
        return [Finished(self.partial())]

    def partial(self) -> Response:
        return Response()


@dataclass(frozen=True)
class Endpoint:
    key: Secret
    card: ModelCard = field(default_factory=lambda: ModelCard(model="parley:small", kind="text"))

    def build(self, request: Request, *, stream: bool) -> HttpRequest:
        return HttpRequest("POST", "http://x", {"authorization": Bearer(self.key)})

    def parse(self, response: HttpResponse) -> Response:
        return Response()

    def decoder(self) -> Decoder:
        return Decoder()

    def fault(self, response: HttpResponse) -> KeyRefused:
        return KeyRefused("no", status=response.status)


def sent(runtime: FakeRuntime) -> list[str]:
    return [request.headers["authorization"].reveal() for request in runtime.requests]  # type: ignore[union-attr]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("manner", MANNERS)
def test_a_refused_token_is_renewed_within_the_call(manner: Manner, stream: bool) -> None:
    """AT-I2"""
    fake = FakeRuntime([HttpResponse(401), HttpResponse(200)])
    with driven(manner, fake) as runtime:
        ask = runtime.stream if stream else runtime.call
        ask(HttpModel(Endpoint(Token())), Request())
    assert sent(fake) == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("manner", MANNERS)
def test_a_renewed_token_that_is_refused_too_is_an_error(manner: Manner, stream: bool) -> None:
    """AT-I2: one forced refresh, not two."""
    fake, model = FakeRuntime(lambda _: HttpResponse(401)), HttpModel(Endpoint(Token()))
    with driven(manner, fake) as runtime, pytest.raises(KeyRefused):
        (runtime.stream if stream else runtime.call)(model, Request())
    assert sent(fake) == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize(("status", "renewable"), [(401, False), (403, True)])
def test_what_another_token_would_not_mend_is_sent_once(status: int, renewable: bool) -> None:
    fake = FakeRuntime(lambda _: HttpResponse(status))
    with driven("blocking", fake) as runtime, pytest.raises(KeyRefused):
        runtime.call(HttpModel(Endpoint(Token(renewable=renewable))), Request())
    assert sent(fake) == ["Bearer token-1"]
