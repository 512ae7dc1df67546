"""Rankings of more documents than one request takes, as several: each document is scored by itself, so they go together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Never

from modelhub.plugin import BadRequest, RerankingRequest, RerankingResponse, Runtime, TimedOut, Timing, Usage, Wrapper
from modelhub_huggingface.pipelines.reranking import ordered

__all__ = ["InBatches"]

_MOST = re.compile(r"maximum allowed batch size (\d+)")


@dataclass(frozen=True, eq=False, repr=False)
class InBatches(Wrapper[RerankingRequest, RerankingResponse, Never]):
    """Asks with ``items`` documents at once, several requests beside each other; with fewer, where the server takes fewer."""

    items: int
    learned: list[int] = field(default_factory=list, init=False)

    async def call(self, request: RerankingRequest, runtime: Runtime) -> RerankingResponse:
        started = runtime.now()
        while True:
            size = min([self.items, *self.learned])
            try:
                return await self._ranked(request, runtime, size, started)
            except BadRequest as error:
                found = _MOST.search(error.message)
                most = int(found[1]) if found else max(size // 2, 1)
                if error.status != 413 or most >= size:
                    raise
                self.learned.append(most)

    async def _ranked(self, request: RerankingRequest, runtime: Runtime, size: int, started: float) -> RerankingResponse:
        count = len(request.documents)
        if count <= size:
            return await self.inner.call(request, runtime)
        starts = range(0, count, size)
        parts = [self._part(request, start, size, runtime, started) for start in starts]
        answers = await runtime.gather(*(partial(self.inner.call, part, runtime) for part in parts))
        found = [
            (start + ranked.index, ranked.score)
            for start, answer in zip(starts, answers, strict=True)
            for ranked in answer.ranking
        ]
        return replace(
            answers[0],
            ranking=ordered(found, request),
            usage=_summed(answers),
            timing=Timing(total=runtime.now() - started),
            raw=[answer.raw for answer in answers],
        )

    def _part(self, request: RerankingRequest, start: int, size: int, runtime: Runtime, started: float) -> RerankingRequest:
        """The request for some of the documents, with the time that is left."""
        total, passed = request.timeouts.total, runtime.now() - started
        if total is not None and passed >= total:
            raise TimedOut(f"The ranking was not done after {total:g} s (the time-out `total`).", phase="total", seconds=total)
        timeouts = request.timeouts if total is None else replace(request.timeouts, total=total - passed)
        return replace(request, documents=request.documents[start : start + size], top_n=None, timeouts=timeouts)

    def __repr__(self) -> str:
        return f"InBatches({self.inner!r})"


def _summed(answers: Sequence[RerankingResponse]) -> Usage:
    counts = [answer.usage.input_tokens for answer in answers]
    known = [count for count in counts if count is not None]
    return Usage(input_tokens=sum(known) if len(known) == len(counts) else None)
