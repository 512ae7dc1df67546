"""Batching: any number of texts as requests of the size that the model takes, each vector with its own text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Never

from modelhub.errors import AnswerError, ContextOverflow, InvalidRequest, ModelhubError
from modelhub.interfaces.embedding import EmbeddingRequest, EmbeddingResponse
from modelhub.model import Model, Notice, Runtime, Timing, Wrapper
from modelhub.wrappers.batches import CountTokens, Limits, may_exceed, pieces
from modelhub.wrappers.deadline import Deadline
from modelhub.wrappers.lanes import in_lanes
from modelhub.wrappers.refusals import REFUSALS, about, counts_texts, too_long, too_much
from modelhub.wrappers.rows import joined, mean, spread, unreal
from modelhub.wrappers.summing import summed

__all__ = ["Batching"]

_MUCH = 100_000
_BEYOND_DOUBT = 2
"""An estimate of tokens is never this many times too high."""


@dataclass(frozen=True, eq=False)
class Batching(Wrapper[EmbeddingRequest, EmbeddingResponse, Never]):
    """Sends texts in batches of what the card says that one request takes, ``lanes`` of them beside each other.

    A batch that is refused as too large is sent again in halves, and those after it are smaller. Of a batch that is refused
    for another reason, the text that is at fault is found by halving: the error says its place in ``position``. What texts
    without words and texts that are too long come to, the request says (``on_empty``, ``on_long``). A vector that is not
    finite, or of another length than it should be, is an ``AnswerError``.
    """

    estimate: CountTokens
    lanes: int = 4
    exact: bool = False
    """Whether ``estimate`` is the model's own counter, so that what it finds too long is too long."""
    learned: list[int] = field(default_factory=list, init=False, repr=False)
    """How many texts a request takes at most, as refusals have told."""

    async def call(self, request: EmbeddingRequest, runtime: Runtime) -> EmbeddingResponse:
        call = _Call(self, request, runtime, Deadline(request.timeouts, runtime))
        empty = [place for place, text in enumerate(request.inputs) if not text or text.isspace()]
        if not empty:
            return await call.answered(range(len(request.inputs)))
        if request.on_empty == "error":
            message = 'It has no words; on_empty="skip" and on_empty="zero" go on without it.'
            raise about(empty[0], InvalidRequest(message))
        left_out = set(empty)
        kept = [place for place in range(len(request.inputs)) if place not in left_out]
        response = await call.answered(kept) if kept else self._nothing(request)
        return _without(response, empty, kept, request)

    def _nothing(self, request: EmbeddingRequest) -> EmbeddingResponse:
        provider, _, model = self.card.model.partition(":")
        return EmbeddingResponse(model=model, provider=provider, dimensions=request.dimensions or self.card.dimensions or 0)


def _without(
    response: EmbeddingResponse, empty: Sequence[int], kept: Sequence[int], request: EmbeddingRequest
) -> EmbeddingResponse:
    """The response, with what became of the texts that have no words."""
    named = ", ".join(f"inputs[{place}]" for place in empty[:8]) + (f" and {len(empty) - 8} more" if len(empty) > 8 else "")
    if request.on_empty == "skip":
        notice = Notice("on_empty", f"Without words: {named}. They have no vector; `skipped` lists them.")
        return replace(response, skipped=tuple(empty), notices=(*response.notices, notice))
    if not response.dimensions:
        raise InvalidRequest("None of the texts has words, and how many zeros a vector of this model has is not known.")
    notice = Notice("on_empty", f"Without words: {named}. Their vectors are zeros.")
    count, buffer = len(request.inputs), spread(response.buffer, kept, len(request.inputs), response.dimensions)
    return replace(response, buffer=buffer, count=count, notices=(*response.notices, notice))


@dataclass(frozen=True, slots=True)
class _Lesson:
    """A request with these texts was too large: one may hold ``items`` at most."""

    items: int
    places: Sequence[int]
    lasting: bool
    """Whether the number of texts was at fault, so that it holds for later calls as well."""


@dataclass(frozen=True, eq=False)
class _Call:
    """One call, and what it has met with."""

    owner: Batching
    request: EmbeddingRequest
    runtime: Runtime
    deadline: Deadline
    notices: dict[int, Notice] = field(default_factory=dict)
    served: list[int] = field(default_factory=list)
    """Places of texts that were answered: where there is one, a refusal is not about the request as such."""
    lessons: list[_Lesson] = field(default_factory=list)
    counted: dict[int, int] = field(default_factory=dict)
    """The tokens of texts that may be too long, by their places: each is counted once."""

    @property
    def inner(self) -> Model[EmbeddingRequest, EmbeddingResponse, Never]:
        return self.owner.inner

    @property
    def texts(self) -> tuple[str, ...]:
        return self.request.inputs

    @property
    def limits(self) -> Limits:
        """What one request may hold, as far as is known by now."""
        limits = Limits.of(self.inner.card, self.owner.estimate)
        return limits.with_items(min(self.owner.learned + [lesson.items for lesson in self.lessons], default=limits.items))

    async def answered(self, places: Sequence[int]) -> EmbeddingResponse:
        """One vector for each of these places."""
        batches = await self._planned(places)
        if len(batches) == 1:
            return self._whole(await self._batch(batches[0]))
        outcomes = await in_lanes(self.runtime, [partial(self._batch, batch) for batch in batches], self.owner.lanes)
        if outcomes.error is not None:
            raise outcomes.error
        return self._whole([part for number in range(len(batches)) for part in outcomes.done.pop(number)])

    async def _planned(self, places: Sequence[int]) -> list[Sequence[int]]:
        """What goes together; long texts are counted where that stops nobody else."""
        if sum(map(len, self.texts)) < _MUCH:
            return list(self._batches(places))
        return await self.runtime.in_thread(list, self._batches(places))

    def _batches(self, places: Sequence[int]) -> Iterator[Sequence[int]]:
        """What goes together; a text that is surely too long goes alone. Raises where such a one is not wanted."""
        limit = self.inner.card.limits.get("input_tokens")
        long = [] if limit is None else [place for place in places if self._surely_too_long(place, limit)]
        if long and self.request.on_long == "error":
            raise self._overlong(long[0])
        start = 0
        for place in long:
            end = places.index(place)
            yield from self.limits.batches(self.texts, places[start:end])
            yield (place,)
            start = end + 1
        yield from self.limits.batches(self.texts, places[start:])

    def _surely_too_long(self, place: int, limit: int) -> bool:
        most = limit if self.owner.exact else limit * _BEYOND_DOUBT
        return may_exceed(self.texts[place], most) and self._tokens(place) > most

    def _tokens(self, place: int) -> int:
        if place not in self.counted:
            self.counted[place] = self.owner.estimate(self.texts[place])
        return self.counted[place]

    def _whole(self, parts: Sequence[EmbeddingResponse]) -> EmbeddingResponse:
        self.owner.learned.extend(lesson.items for lesson in self.lessons if lesson.lasting)
        whole = parts[0] if len(parts) == 1 else replace(summed(parts), **joined(parts))
        told = tuple(self.notices[place] for place in sorted(self.notices))
        return replace(whole, notices=(*whole.notices, *told), timing=Timing(total=self.deadline.passed))

    async def _batch(self, places: Sequence[int]) -> list[EmbeddingResponse]:
        """The answers to these texts, in their order: one, where nothing is refused."""
        limit = self.inner.card.limits.get("input_tokens")
        if len(places) == 1 and limit is not None and self._surely_too_long(places[0], limit):
            return [await self._long(places[0], None)]
        parts: list[EmbeddingResponse] = []
        while places:  # one by one: a refusal makes those after it smaller
            batch = next(self.limits.batches(self.texts, places))
            parts += await self._asked(batch)
            places = places[len(batch) :]
        return parts

    async def _asked(self, places: Sequence[int]) -> list[EmbeddingResponse]:
        try:
            response = await self._sent([self.texts[place] for place in places])
        except REFUSALS as error:
            refusal = error
        else:
            self._check(response, places)
            self.served.append(places[0])
            return [response]
        if len(places) == 1:
            return [await self._refused(places[0], refusal)]
        half = len(places) // 2
        if too_much(refusal):
            self.lessons.append(_Lesson(half, places, counts_texts(refusal)))
            return await self._batch(places)
        return [*await self._asked(places[:half]), *await self._asked(places[half:])]

    async def _sent(self, texts: Sequence[str]) -> EmbeddingResponse:
        part = replace(self.request, inputs=tuple(texts), timeouts=self.deadline.left())
        return await self.inner.call(part, self.runtime)

    def _check(self, response: EmbeddingResponse, places: Sequence[int]) -> None:
        model = self.inner.card.model
        if len(response) != len(places):
            raise AnswerError(f"{model} gave {len(response)} vectors for {len(places)} texts.")
        wanted = self.request.dimensions or (None if self.request.extra else self.inner.card.dimensions)
        if wanted not in (None, response.dimensions):
            raise AnswerError(f"{model} gave vectors of {response.dimensions} numbers instead of {wanted}.")
        row = unreal(response)
        if row is not None:
            raise about(places[row], AnswerError(f"{model} gave a vector with NaN or infinity in it."))

    async def _refused(self, place: int, refusal: ModelhubError) -> EmbeddingResponse:
        """What becomes of a text that is refused by itself."""
        self.lessons[:] = [lesson for lesson in self.lessons if place not in lesson.places]
        if self.request.on_long != "error" and too_long(refusal):
            return await self._long(place, refusal)
        raise about(place, refusal) if self.served or await self._another_is_taken(place) else refusal

    async def _another_is_taken(self, place: int) -> bool:
        """Whether some other text is not refused: otherwise the request as such is at fault, not one of its texts."""
        others = [other for other, text in enumerate(self.texts) if other != place and not text.isspace() and text]
        for other in sorted({*others[:1], *others[len(others) // 2 :][:1], *others[-1:]}):
            try:
                await self._sent([self.texts[other]])
            except REFUSALS:
                continue
            return True
        return False

    def _overlong(self, place: int) -> ContextOverflow:
        tokens = self._tokens(place)
        limit = self.inner.card.limits["input_tokens"]
        told = f"It has {'' if self.owner.exact else 'about '}{tokens} tokens, the model takes {limit}"
        message = f'{told}; on_long="truncate" and on_long="mean" go on with it.'
        return about(place, ContextOverflow(message, prompt_tokens=tokens, context_window=limit))

    async def _long(self, place: int, refusal: ModelhubError | None) -> EmbeddingResponse:
        """The vector of a text that is too long, made as the request says."""
        tokens = await self.runtime.in_thread(self._tokens, place)
        told = refusal.context_window if isinstance(refusal, ContextOverflow) else None
        limit = self.inner.card.limits.get("input_tokens") or told or tokens // 2
        if refusal is not None:
            limit = min(limit, tokens * 3 // 4)
        cut, vector = await self._shortened(place, limit)
        truncated, about = self.request.on_long == "truncate", "" if self.owner.exact else "about "
        how = "only its beginning was embedded" if truncated else f"its vector is the mean of those of {len(cut)} pieces"
        self.notices[place] = Notice("on_long", f"inputs[{place}] is too long ({about}{tokens} tokens): {how}.")
        self.served.append(place)
        return vector

    async def _shortened(self, place: int, limit: int) -> tuple[list[str], EmbeddingResponse]:
        """The text's beginning or all its pieces, and one vector for them. Pieces grow smaller until they are taken."""
        while True:
            cut, weights = await self.runtime.in_thread(self._cut, place, max(limit, 1))
            try:
                parts = [
                    await self._sent([cut[piece] for piece in batch]) for batch in self.limits.batches(cut, range(len(cut)))
                ]
            except REFUSALS as error:
                if limit <= 1 or not too_long(error):
                    raise about(place, error)  # noqa: B904  # the same error, naming its text
                limit = _smaller(limit, error)
                continue
            for part in parts:
                self._check(part, [place] * len(part))
            return cut, replace(summed(parts), **mean(parts, weights))

    def _cut(self, place: int, limit: int) -> tuple[list[str], list[int]]:
        """The pieces of a text that are wanted, and the tokens of each."""
        found = pieces(self.texts[place], limit, self.owner.estimate)
        cut = list(islice(found, 1 if self.request.on_long == "truncate" else None))
        return cut, [self.owner.estimate(piece) for piece in cut] if len(cut) > 1 else [1]


def _smaller(limit: int, refusal: ModelhubError) -> int:
    """A limit for the next try: as much smaller as the refusal says that a piece was too long, and a quarter at least."""
    had, takes = getattr(refusal, "prompt_tokens", None), getattr(refusal, "context_window", None)
    return min(limit * 3 // 4, limit * takes // had) if had and takes else limit * 3 // 4
