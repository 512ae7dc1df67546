"""Image models and image endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from modelhub.interfaces.image import ImageRequest, ImageResponse
from modelhub.model import Kind
from modelhub.testing.conformance.decoding import StreamedEndpointConformance
from modelhub.testing.conformance.samples import GREETING, picture
from modelhub.testing.conformance.stream import OptionalStreamConformance
from modelhub.testing.driven import Driven

__all__ = ["ImageConformance", "ImageEndpointConformance"]


class ImageConformance(OptionalStreamConformance):
    """For any image model. A model that cannot generate overrides ``request`` with what it can do."""

    kind: ClassVar[Kind] = "image"
    knobs: ClassVar[Mapping[str, Any]] = {
        "count": 2,
        "size": (64, 48),
        "quality": "high",
        "style": "vivid",
        "background": "transparent",
        "output_format": "png",
        "negative_prompt": "fog",
        "strength": 0.5,
        "seed": 7,
        "scale": 2,
    }

    def request(self) -> ImageRequest:
        return ImageRequest(prompt=GREETING)

    def needing(self) -> Mapping[str, ImageRequest]:
        request = self.request()
        start = (picture(),)
        edit = replace(request, operation="edit", images=start)
        return {
            "generate": replace(request, operation="generate", images=()),
            "edit": edit,
            "mask": replace(edit, mask=picture()),
            "variation": replace(request, operation="variation", images=start, prompt=""),
            "upscale": replace(request, operation="upscale", images=start, prompt="", scale=2),
        }

    def test_every_picture_is_one(self, runtime: Driven) -> None:
        request = self.request()
        response = runtime.call(self.model(), request)
        assert isinstance(response, ImageResponse), f"call() gave {type(response).__name__}: give an ImageResponse."
        assert len(response.images) <= request.count, f"{len(response.images)} pictures came, {request.count} were asked for."
        strange = [image for image in response.images if image.data is not None and image.media_type is None]
        assert not strange, "A picture's bytes are of no known format: decode them, or set media_type."


class ImageEndpointConformance(StreamedEndpointConformance, ImageConformance):
    """For an image endpoint."""
