"""Texts with what is put before those of their purpose, for a server that has no word for the purpose itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Never

from modelhub.plugin import EmbeddingRequest, EmbeddingResponse, Runtime, Wrapper
from modelhub_huggingface.options import Prompts
from modelhub_huggingface.pipelines.embedding import prefixed

__all__ = ["Prompted"]


@dataclass(frozen=True, eq=False, repr=False)
class Prompted(Wrapper[EmbeddingRequest, EmbeddingResponse, Never]):
    """Puts ``prompts`` before the texts."""

    prompts: Prompts

    async def call(self, request: EmbeddingRequest, runtime: Runtime) -> EmbeddingResponse:
        inputs = prefixed(request, self.prompts)
        return await self.inner.call(request if inputs is request.inputs else replace(request, inputs=inputs), runtime)

    def __repr__(self) -> str:
        return f"Prompted({self.inner!r})"
