"""Grounding: passages into the prompt of a model that takes messages alone, and the numbers in its answer into citations."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import Runtime, Wrapper

if TYPE_CHECKING:
    from modelhub.interfaces.events import TextEvent
    from modelhub.retrieval.grounded import Grounded

__all__ = ["Grounding"]


@dataclass(frozen=True, eq=False)
class Grounding(Wrapper[TextRequest, TextResponse[Any], "TextEvent"]):
    """The innermost wrapper of a text model: makes ``request.passages`` serve every model, and its citations exact.

    A model whose card supports ``passages`` gets them as they are; for any other they are written before the question,
    numbered, and the numbers in the answer become citations. Passages that do not fit into the model's context window beside
    the room for the answer are left out, the last first, and a notice says which. Raises ``ContextOverflow`` where the prompt
    does not fit without any.
    """

    count: Callable[[str], int] | None = None
    """The model's own token counter; left out, an estimate that errs upward."""

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        if not request.passages:
            return await self.inner.call(request, runtime)
        grounded = self._grounded(request)
        return grounded.completed(await self.inner.call(grounded.request, runtime))

    def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        return self._streamed(request, runtime) if request.passages else self.inner.stream(request, runtime)

    async def _streamed(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        grounded = self._grounded(request)
        reader = grounded.reader()
        async with aclosing(self.inner.stream(grounded.request, runtime)) as events:
            async for event in events:
                for passed in reader.read(event):
                    yield passed

    def _grounded(self, request: TextRequest) -> Grounded:
        from modelhub.retrieval.grounded import ground
        from modelhub.retrieval.tokens import count_tokens

        return ground(request, self.card, self.count or count_tokens)
