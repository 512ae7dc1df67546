"""A model that answers with what an encoder says: the answer comes whole, and a stream has it in one piece."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from modelhub.plugin import (
    Finished,
    ModelCard,
    Plan,
    Runtime,
    TextDelta,
    TextEvent,
    TextModel,
    TextPart,
    TextRequest,
    TextResponse,
    Usage,
)
from modelhub_huggingface.local.cards import card
from modelhub_huggingface.local.devices import slow
from modelhub_huggingface.local.encoders.encoder import Encoder, Engine, load
from modelhub_huggingface.local.engine import computed
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.mishaps import told_apart
from modelhub_huggingface.local.plans import plan
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["Answer", "Reader", "answered", "reader"]

Answer = Callable[[Encoder, TextRequest, Callable[[], bool]], TextResponse[Any]]
"""Computes an answer, in the engine's thread; between two steps it looks whether one is still wanted."""


@dataclass(frozen=True, eq=False)
class Reader:
    """Asks an encoder."""

    name: str
    card: ModelCard
    plan: Plan[Engine]
    answer: Answer
    provider: str
    limit: int | None
    """Tokens of one text, as the options say."""

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        def run(encoder: Encoder, wanted: Callable[[], bool]) -> TextResponse[Any]:
            with told_apart(self.plan.name, "Send a shorter text."):
                answer = self.answer(encoder.within(self.limit), request, wanted)
                return replace(answer, notices=(*answer.notices, *slow(encoder.network)))

        return replace(await computed(self.plan, run, request, runtime), model=self.name, provider=self.provider)

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        response = await self.call(request, runtime)
        yield TextDelta(response.text)
        yield Finished(response)


def reader(
    name: str,
    folder: ModelFolder,
    options: HuggingFaceOptions,
    loader: str,
    answer: Answer,
    capabilities: Mapping[str, bool] | None = None,
) -> TextModel:
    """The model of a folder, whose network the class of that name loads when it is first asked."""
    lacks = dict.fromkeys(("tools", "images", "audio", "files", "structured_output"), False)
    known = card(name, "text", folder, options, capabilities={**lacks, **(capabilities or {})}, settings=frozenset())
    loaded = plan(name, folder, options, loader, lambda: load(loader, folder, options))
    return Reader(name, known, loaded, answer, options.provider, options.context_window)


def answered(text: str, tokens: int, scores: Mapping[str, float], **told: Any) -> TextResponse[Any]:
    """A whole answer, with the scores of all that it could have been, best first. Nothing of it could have been cut."""
    best_first = dict(sorted(scores.items(), key=lambda pair: -pair[1]))
    return TextResponse(
        content=(TextPart(text),),
        finish_reason="stop",
        usage=Usage(input_tokens=tokens),
        provider_metadata={"scores": best_first, **told},
    )
