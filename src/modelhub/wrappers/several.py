"""Several: more pictures than a model makes at once, as so many requests."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from modelhub.errors import ModelhubError
from modelhub.interfaces.image import ImageEvent, ImageRequest, ImageResponse, PartialImage
from modelhub.model import Finished, Notice, Runtime, Timing, Wrapper
from modelhub.wrappers.deadline import Deadline
from modelhub.wrappers.lanes import in_lanes
from modelhub.wrappers.summing import summed

__all__ = ["Several"]


@dataclass(frozen=True, eq=False)
class Several(Wrapper[ImageRequest, ImageResponse, ImageEvent]):
    """Where a request asks for more than the card's ``limits["images"]``, sends several, ``lanes`` of them beside each other.

    A stream makes one picture after another. Each request is charged for, and a notice says how many there were. An error
    carries in ``partial`` the response made of the pictures that are done, which are paid for.
    """

    lanes: int = 4

    async def call(self, request: ImageRequest, runtime: Runtime) -> ImageResponse:
        parts = _parts(request, self._at_once)
        if len(parts) == 1:
            return await self.inner.call(request, runtime)
        deadline = Deadline(request.timeouts, runtime)
        calls = [partial(self._one, part, deadline, runtime) for part in parts]
        outcomes = await in_lanes(runtime, calls, self.lanes)
        done = [outcomes.done[number] for number in sorted(outcomes.done)]
        if outcomes.error is not None:
            outcomes.error.partial = _joined(done, request) if done else None
            raise outcomes.error
        return replace(_joined(done, request), timing=Timing(total=deadline.passed))

    async def stream(self, request: ImageRequest, runtime: Runtime) -> AsyncGenerator[ImageEvent, None]:
        deadline, done = Deadline(request.timeouts, runtime), list[ImageResponse]()
        first_token: float | None = None
        for number, part in enumerate(_parts(request, 1)):
            try:
                asked = replace(part, timeouts=deadline.left())
                async with aclosing(self.inner.stream(asked, runtime)) as events:
                    async for event in events:
                        first_token = deadline.passed if first_token is None else first_token
                        if isinstance(event, Finished):
                            done.append(event.response)
                        else:
                            yield PartialImage(number, event.data)
            except ModelhubError as error:
                if done:
                    error.partial = _joined(done, request)
                raise
        whole = done[0] if len(done) == 1 else _joined(done, request)
        yield Finished(replace(whole, timing=Timing(first_token=first_token, total=deadline.passed)))

    @property
    def _at_once(self) -> int:
        return self.inner.card.limits["images"]

    async def _one(self, part: ImageRequest, deadline: Deadline, runtime: Runtime) -> ImageResponse:
        return await self.inner.call(replace(part, timeouts=deadline.left()), runtime)


def _parts(request: ImageRequest, at_once: int) -> list[ImageRequest]:
    """Requests of that many pictures at most. Each but the first has a seed of its own, where there is one: the next."""
    counts = [min(at_once, request.count - start) for start in range(0, request.count, at_once)]
    seeds = [None if request.seed is None else request.seed + number for number in range(len(counts))]
    return [replace(request, count=count, seed=seed) for count, seed in zip(counts, seeds, strict=True)]


def _joined(done: list[ImageResponse], request: ImageRequest) -> ImageResponse:
    images = tuple(image for response in done for image in response.images)
    message = f"{len(done)} requests were answered for {request.count} pictures; each is charged for."
    whole = summed(done)
    return replace(whole, images=images, notices=(*whole.notices, Notice("count", message)))
