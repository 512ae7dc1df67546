"""An endpoint says how a request becomes HTTP and HTTP an answer; ``HttpModel`` makes a model of any of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from modelhub.errors import ModelhubError
from modelhub.http import HttpRequest, HttpResponse
from modelhub.model import ModelCard, Request, Response

__all__ = ["Decoder", "Endpoint", "HttpModel"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")
RequestT_contra = TypeVar("RequestT_contra", bound=Request, contravariant=True)
ResponseT_co = TypeVar("ResponseT_co", bound=Response, covariant=True)
EventT_co = TypeVar("EventT_co", covariant=True)


class Decoder(Protocol[EventT_co]):
    """Turns the pieces of one streamed body into events. Its state is one stream's; pieces may be cut anywhere."""

    def feed(self, data: bytes) -> Iterable[EventT_co]:
        """The events that these bytes complete. Raises ``ModelhubError`` where the provider reports one."""

    def close(self) -> Iterable[EventT_co]:
        """The body has ended: the events still owed, ``Finished`` last. Raises ``StreamBroken`` where the end is missing."""

    def partial(self) -> Response:
        """The response made of what has come so far."""


class Endpoint(Protocol[RequestT_contra, ResponseT_co, EventT_co]):
    """How one operation of one provider looks on the wire. Pure: no I/O, no clock, no state."""

    @property
    def card(self) -> ModelCard:
        """What is known of the model behind it."""

    def build(self, request: RequestT_contra, *, stream: bool) -> HttpRequest:
        """The request as HTTP. Raises ``Unsupported`` or ``InvalidRequest``."""

    def parse(self, response: HttpResponse) -> ResponseT_co:
        """A successful answer, read. Raises ``AnswerError``."""

    def decoder(self) -> Decoder[EventT_co]:
        """A fresh decoder for one stream."""

    def fault(self, response: HttpResponse) -> ModelhubError:
        """The error that an unsuccessful answer means."""


@dataclass(frozen=True)
class HttpModel(Generic[RequestT, ResponseT, EventT]):
    """The model behind an endpoint."""

    endpoint: Endpoint[RequestT, ResponseT, EventT]
