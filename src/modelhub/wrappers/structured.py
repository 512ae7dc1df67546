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
    """Fills ``response.output``. Raises ``OutputInvalid`` where the text does not fit, or was cut before its end.

    A model whose card says that it takes no schema is asked in words, and a notice says so.
    """

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        asked, notices = self._asked(request)
        return _typed(await self.inner.call(asked, runtime), request, notices)

    def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        return self.inner.stream(request, runtime) if request.output is None else self._streamed(request, runtime)

    async def _streamed(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        asked, notices = self._asked(request)
        async with aclosing(self.inner.stream(asked, runtime)) as events:
            async for event in events:
                yield Finished(_typed(event.response, request, notices)) if isinstance(event, Finished) else event

    def _asked(self, request: TextRequest) -> tuple[TextRequest, tuple[Notice, ...]]:
        """The request as the model can take it."""
        if request.output is None or self.card.supports("structured_output") is not False:
            return request, ()
        from modelhub.interfaces.instructions import instructed

        words = f"{self.card.model} takes no schema: it was put into the prompt, and the answer checked against it."
        return replace(instructed(request), output=None), (Notice("output_type", words),)


def _typed(response: TextResponse[Any], request: TextRequest, notices: tuple[Notice, ...]) -> TextResponse[Any]:
    if request.output is None:
        return response
    response = replace(response, notices=(*response.notices, *notices)) if notices else response
    if response.finish_reason == "tool_call":
        return response
    try:
        if response.finish_reason in _CUT:
            message = f"The answer ends before it is a whole {request.output.name}: {_CUT[response.finish_reason]}."
            raise OutputInvalid(message, text=response.text)
        output = request.output.parse(response.text)
    except OutputInvalid as error:
        error.partial = response
        raise
    unchecked = () if request.output.checked else (_UNCHECKED,)
    return replace(response, output=output, notices=(*response.notices, *unchecked))


_CUT = {
    "length": "it was cut; allow more max_output_tokens",
    "content_filter": "the provider filtered it",
    "error": "the provider failed on its way",
}
_UNCHECKED = Notice(
    "output_type", 'Only its JSON was checked, not the schema, which needs: pip install "modelhub-core[schema]".'
)
