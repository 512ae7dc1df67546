"""A prompt strategy, and the wrapper that puts every question to a model through one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import Runtime, Wrapper
from modelhub.prompting.examples import Example
from modelhub.prompting.selection import Selection
from modelhub.prompting.template import INPUT, Template

if TYPE_CHECKING:
    from modelhub.interfaces.events import TextEvent

__all__ = ["Prompt", "Prompting", "Strategy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a strategy has to work with: the configuration's system message and template, and the examples for this question."""

    system: str | None = None
    template: Template | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()

    def put(self, question: str) -> str:
        """The question in the template, or as it is where there is none."""
        return question if self.template is None else self.template.render({**self.variables, INPUT: question})


class Strategy(Protocol):
    """A way to put a question. A plugin answers the hook ``modelhub_prompt_strategy`` with one.

    ``fewest`` and ``most`` say how many examples it shows; ``most = None`` is as many as are selected.
    """

    @property
    def fewest(self) -> int: ...

    @property
    def most(self) -> int | None: ...

    def shape(self, request: TextRequest, prompt: Prompt) -> TextRequest:
        """The request in the strategy's form. Pure. It keeps the question as it was in ``asked``."""


@dataclass(frozen=True)
class Prompting(Wrapper[TextRequest, TextResponse[Any], "TextEvent"]):
    """A text model that is asked in a strategy's form."""

    strategy: Strategy
    prompt: Prompt
    selection: Selection

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        return await self.inner.call(await self._shaped(request, runtime), runtime)

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        shaped = await self._shaped(request, runtime)
        async with aclosing(self.inner.stream(shaped, runtime)) as events:
            async for event in events:
                yield event

    async def _shaped(self, request: TextRequest, runtime: Runtime) -> TextRequest:
        chosen = await self.selection.choose(request.question, runtime)
        return self.strategy.shape(request, replace(self.prompt, examples=chosen))
