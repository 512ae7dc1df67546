"""Images: ``generate``, ``edit``, ``vary``, ``upscale``, and ``stream`` with previews."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

from modelhub.clients.client import Client
from modelhub.clients.requests import made
from modelhub.clients.streams import AsyncStream, Stream
from modelhub.errors import InvalidRequest
from modelhub.interfaces.checks import word
from modelhub.interfaces.image import ImageEvent, ImageModel, ImageOperation, ImageRequest, ImageResponse
from modelhub.interfaces.media import ImagePart
from modelhub.model import Timeouts
from modelhub.transport.drive import drive

__all__ = ["AsyncImageClient", "ImageClient", "ImageOptions", "Picture"]

Picture = str | os.PathLike[str] | bytes | ImagePart
"""A path, the bytes of a picture, or an ``ImagePart``."""


class ImageOptions(TypedDict, total=False):
    """What the verbs take beside prompt and pictures; see ``ImageRequest``."""

    size: tuple[int, int] | None
    count: int
    quality: str | None
    style: str | None
    background: str | None
    output_format: str | None
    negative_prompt: str | None
    strength: float | None
    seed: int | None
    timeouts: Timeouts
    retries: int | None
    extra: Mapping[str, Any]


class ImageClient(Client[ImageModel, ImageOptions]):
    """An image model by its name, blocking."""

    __slots__ = ()

    def generate(self, prompt: str, **options: Unpack[ImageOptions]) -> ImageResponse:
        """Pictures made from words; ``.save(path)`` writes the first."""
        return self._call("generate", prompt=prompt, options=options)

    def edit(
        self,
        image: Picture | Sequence[Picture],
        prompt: str,
        *,
        mask: Picture | None = None,
        **options: Unpack[ImageOptions],
    ) -> ImageResponse:
        """A picture changed by words, or made of several; only where ``mask`` is transparent in the first, if there is one."""
        return self._call("edit", *several(image), prompt=prompt, mask=mask, options=options)

    def vary(self, image: Picture, **options: Unpack[ImageOptions]) -> ImageResponse:
        """Pictures like this one."""
        return self._call("variation", image, options=options)

    def upscale(self, image: Picture, *, scale: int = 2, **options: Unpack[ImageOptions]) -> ImageResponse:
        """The picture, ``scale`` times as wide and as high."""
        return self._call("upscale", image, scale=scale, options=options)

    def stream(self, prompt: str, **options: Unpack[ImageOptions]) -> Stream[ImageEvent, ImageResponse]:
        """A picture as it becomes clear: ``PartialImage`` events where the model has previews, then ``Finished``."""
        request = image_request("generate", prompt=prompt, options={**self.defaults, **options})
        return Stream(self.model.stream(request, self.runtime))

    def _call(self, operation: ImageOperation, *images: Picture, options: ImageOptions, **fields: Any) -> ImageResponse:
        request = image_request(operation, *images, options={**self.defaults, **options}, **fields)
        return drive(self.model.call(request, self.runtime))


class AsyncImageClient(Client[ImageModel, ImageOptions]):
    """An image model by its name, awaited."""

    __slots__ = ()

    async def generate(self, prompt: str, **options: Unpack[ImageOptions]) -> ImageResponse:
        """Pictures made from words; ``.save(path)`` writes the first."""
        return await self._call("generate", prompt=prompt, options=options)

    async def edit(
        self,
        image: Picture | Sequence[Picture],
        prompt: str,
        *,
        mask: Picture | None = None,
        **options: Unpack[ImageOptions],
    ) -> ImageResponse:
        """A picture changed by words, or made of several; only where ``mask`` is transparent in the first, if there is one."""
        return await self._call("edit", *several(image), prompt=prompt, mask=mask, options=options)

    async def vary(self, image: Picture, **options: Unpack[ImageOptions]) -> ImageResponse:
        """Pictures like this one."""
        return await self._call("variation", image, options=options)

    async def upscale(self, image: Picture, *, scale: int = 2, **options: Unpack[ImageOptions]) -> ImageResponse:
        """The picture, ``scale`` times as wide and as high."""
        return await self._call("upscale", image, scale=scale, options=options)

    def stream(self, prompt: str, **options: Unpack[ImageOptions]) -> AsyncStream[ImageEvent, ImageResponse]:
        """A picture as it becomes clear: ``PartialImage`` events where the model has previews, then ``Finished``."""
        request = image_request("generate", prompt=prompt, options={**self.defaults, **options})
        return AsyncStream(self.model.stream(request, self.runtime), self.runtime)

    async def _call(self, operation: ImageOperation, *images: Picture, options: ImageOptions, **fields: Any) -> ImageResponse:
        request = image_request(operation, *images, options={**self.defaults, **options}, **fields)
        return await self.model.call(request, self.runtime)


def image_request(
    operation: ImageOperation,
    *images: Picture,
    options: Mapping[str, Any],
    prompt: str = "",
    mask: Picture | None = None,
    scale: int | None = None,
) -> ImageRequest:
    """A request from a caller's words and pictures. Raises ``InvalidRequest`` where something is empty or has no size."""
    word("prompt", prompt)
    if operation in ("generate", "edit") and not prompt.strip():
        raise InvalidRequest("The prompt is empty.")
    return made(
        ImageRequest,
        options,
        operation=operation,
        prompt=prompt,
        images=tuple(map(_picture, images)),
        mask=None if mask is None else _picture(mask),
        scale=scale,
    )


def several(image: Picture | Sequence[Picture]) -> Sequence[Picture]:
    """One picture or a list of them, as a list."""
    return (image,) if isinstance(image, (str, bytes, os.PathLike, ImagePart)) else image


def _picture(source: Picture) -> ImagePart:
    return source if isinstance(source, ImagePart) else ImagePart.read(source)
