"""Structured output: the answer's text becomes the type that was asked for, whoever answered."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelhub.errors import OutputInvalid
from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import Finished, Notice, Runtime, Wrapper

if TYPE_CHECKING:
    from modelhub.interfaces.events import TextEvent

__all__ = ["StructuredOutput"]


class StructuredOutput(Wrapper[TextRequest, TextResponse[Any], "TextEvent"]):
    """Fills ``response.output``. Raises ``OutputInvalid`` where the text does not fit, or was cut before its end."""

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        return _typed(await self.inner.call(request, runtime), request)

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        async with aclosing(self.inner.stream(request, runtime)) as events:
            async for event in events:
                yield Finished(_typed(event.response, request)) if isinstance(event, Finished) else event


def _typed(response: TextResponse[Any], request: TextRequest) -> TextResponse[Any]:
    if request.output is None or response.finish_reason == "tool_call":
        return response
    if response.finish_reason in _CUT:
        message = f"The answer ends before it is a whole {request.output.name}: {_CUT[response.finish_reason]}."
        raise OutputInvalid(message, text=response.text)
    notices = () if request.output.checked else (_UNCHECKED,)
    return replace(response, output=request.output.parse(response.text), notices=(*response.notices, *notices))


_CUT = {
    "length": "it was cut; allow more max_output_tokens",
    "content_filter": "the provider filtered it",
    "error": "the provider failed on its way",
}
_UNCHECKED = Notice(
    "output_type", 'Only its JSON was checked, not the schema, which needs: pip install "modelhub-core[schema]".'
)
