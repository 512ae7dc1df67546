"""Models that run elsewhere, and whose tokenizer lies on this machine: what is cut for them is counted exactly."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from modelhub.plugin import EmbeddingRequest, Kind, Model, Request, Runtime, UnknownModel, Wrapper
from modelhub_huggingface.local.files import find
from modelhub_huggingface.local.tokens import counter
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["Counted", "counted"]

_KINDS: tuple[Kind, ...] = ("text", "embedding")


def counted(model: Model[Any, Any, Any], kind: Kind, name: str, options: HuggingFaceOptions) -> Model[Any, Any, Any]:
    """The model, with a counter where the hub's cache holds its ``tokenizer.json``: nothing is fetched for it."""
    if kind not in _KINDS:
        return model
    try:
        own = counter(find(name.partition(":")[0], options))
    except UnknownModel:
        return model
    return model if own is None else Counted(model, own)


@dataclass(frozen=True, eq=False)
class Counted(Wrapper[Any, Any, Any]):
    """Counts the texts of embeddings whole. Of a conversation only its server knows what stands around the turns: it counts the
    turns for budgets, and leaves the whole to an estimate.
    """

    own: Callable[[str], int]

    @property
    def counter(self) -> Callable[[str], int] | None:
        return self.own

    async def count_tokens(self, request: Request, runtime: Runtime) -> int | None:
        if isinstance(request, EmbeddingRequest):
            return await runtime.in_thread(lambda: sum(map(self.own, request.inputs)))
        return await super().count_tokens(request, runtime)

    def stream(self, request: Request, runtime: Runtime) -> AsyncGenerator[Any, None]:
        return self.inner.stream(request, runtime)  # nobody stands between a stream and its reader
