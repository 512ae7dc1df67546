"""Laws: what every model keeps, whoever wrote it. A plugin that breaks one is named, and nothing is taken for an answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

from modelhub.errors import ModelhubError, PluginBroken, StreamBroken
from modelhub.model import Finished, Request, Response, Runtime, Wrapper

__all__ = ["Lawful"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")


class Lawful(Wrapper[RequestT, ResponseT, EventT]):
    """An answer is a response; a stream ends in ``Finished``, or raises; every error is a ``ModelhubError``."""

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        try:
            response: object = await self.inner.call(request, runtime)
        except ModelhubError:
            raise
        except Exception as error:
            raise self._broken(f"failed with {type(error).__name__}: {error}") from error
        if not isinstance(response, Response):
            raise self._broken(f"answered with {type(response).__name__}, which is no response")
        return response  # type: ignore[return-value]  # of the kind that the model says it is

    async def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        from modelhub.interfaces.events import TextDelta

        said: list[str] = []
        finished = False
        try:
            async with aclosing(self.inner.stream(request, runtime)) as events:
                async for event in events:
                    if finished:
                        raise self._broken("went on after Finished, which is the last event of a stream")
                    if isinstance(event, TextDelta):
                        said.append(event.text)
                    finished = isinstance(event, Finished)
                    yield event
        except ModelhubError:
            raise
        except Exception as error:
            raise self._broken(f"failed with {type(error).__name__}: {error}") from error
        if not finished:
            raise StreamBroken(f"The stream of {self.card.model} ended without its end.", partial=_partial(said))

    def _broken(self, what: str) -> PluginBroken:
        return PluginBroken(f"The plugin behind {self.card.model} {what}. This is for the plugin's author to mend.")


def _partial(said: list[str]) -> Response | None:
    """What had been said, as an answer that did not end."""
    from modelhub.interfaces.content import TextPart
    from modelhub.interfaces.text import TextResponse

    return TextResponse[None](content=(TextPart("".join(said)),), finish_reason="error") if said else None
