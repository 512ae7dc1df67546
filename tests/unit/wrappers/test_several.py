"""More pictures than a model makes at once."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from modelhub.errors import ContentFiltered, RateLimited
from modelhub.interfaces.image import GeneratedImage, ImageEvent, ImageRequest, ImageResponse, PartialImage
from modelhub.model import Finished, ModelCard, Runtime, Usage
from modelhub.testing import Driven, FakeRuntime, drive
from modelhub.wrappers.retry import Retry
from modelhub.wrappers.several import Several


@dataclass
class Painter:
    """Paints at most ``images`` pictures a request, each another one; its ``fails`` fail at their turn."""

    images: int = 1
    fails: dict[int, Exception] = field(default_factory=dict)
    asked: list[ImageRequest] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def card(self) -> ModelCard:
        return ModelCard(model="host:painter", kind="image", limits={"images": self.images})

    async def call(self, request: ImageRequest, runtime: Runtime) -> ImageResponse:
        assert request.count <= self.images
        with self.lock:
            turn = len(self.asked)
            self.asked.append(request)
        await runtime.sleep(0.005 * (3 - turn % 3))
        if turn in self.fails:
            raise self.fails[turn]
        pictures = tuple(GeneratedImage(b"picture %d.%d" % (request.seed or 0, place)) for place in range(request.count))
        return ImageResponse(images=pictures, usage=Usage(images=request.count), cost=Decimal("0.04") * request.count)

    async def stream(self, request: ImageRequest, runtime: Runtime) -> AsyncGenerator[ImageEvent, None]:
        response = await self.call(request, runtime)
        yield PartialImage(0, b"preview")
        yield Finished(response)


def test_one_request_is_made_for_each_picture_and_the_costs_are_summed(runtime: Driven) -> None:
    """AT-M: n > 1 emulated where unsupported."""
    painter = Painter()
    response = runtime.call(Several(painter), ImageRequest(prompt="灯台", count=3, seed=5))
    assert [image.bytes() for image in response.images] == [b"picture 5.0", b"picture 6.0", b"picture 7.0"]
    assert len(painter.asked) == 3
    assert response.usage.images == 3
    assert response.cost == Decimal("0.12")
    assert [(notice.setting, "3 requests" in notice.message) for notice in response.notices] == [("count", True)]


def test_requests_are_as_large_as_the_model_allows() -> None:
    painter = Painter(images=10)
    response = drive(Several(painter).call(ImageRequest(prompt="a", count=23), FakeRuntime()))
    assert [asked.count for asked in painter.asked] == [10, 10, 3]
    assert len(response.images) == 23


def test_what_fits_into_one_request_stays_as_it_is(runtime: Driven) -> None:
    painter, request = Painter(images=4), ImageRequest(prompt="a", count=4)
    assert runtime.call(Several(painter), request).notices == ()
    assert painter.asked == [request]


def test_a_picture_that_fails_is_painted_again_and_the_others_are_not() -> None:
    """AT-D3: what is paid for is not submitted again."""
    painter = Painter(fails={1: RateLimited("slow down", retry_after=1)})
    response = drive(Several(Retry(painter)).call(ImageRequest(prompt="a", count=3, seed=1), FakeRuntime()))
    assert len(response.images) == 3
    assert sorted(asked.seed or 0 for asked in painter.asked) == [1, 2, 2, 3]


def test_an_error_carries_the_pictures_that_are_paid_for() -> None:
    painter = Painter(fails={2: ContentFiltered("no")})
    with pytest.raises(ContentFiltered) as failure:
        drive(Several(painter).call(ImageRequest(prompt="a", count=4), FakeRuntime()))
    partial = failure.value.partial
    assert isinstance(partial, ImageResponse)
    assert (len(partial.images), partial.cost) == (2, Decimal("0.08"))


def test_a_stream_makes_one_picture_after_another_and_collects_to_the_same(runtime: Driven) -> None:
    request = ImageRequest(prompt="a", count=3, seed=1)
    events = runtime.stream(Several(Painter(images=10)), request)
    assert [event.index for event in events if isinstance(event, PartialImage)] == [0, 1, 2]
    called = runtime.call(Several(Painter()), request)
    assert replace(events[-1].response, attempts=()) == called


def test_a_stream_that_breaks_carries_the_pictures_before() -> None:
    painter = Painter(fails={1: ContentFiltered("no")})
    with pytest.raises(ContentFiltered) as failure:
        Driven(FakeRuntime()).stream(Several(painter), ImageRequest(prompt="a", count=2))
    assert isinstance(failure.value.partial, ImageResponse)
    assert len(failure.value.partial.images) == 1
