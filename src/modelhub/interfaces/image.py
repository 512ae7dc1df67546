"""Images: made from words, edited, varied, enlarged."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from modelhub.errors import AnswerError, InvalidRequest
from modelhub.interfaces.checks import number, texts, whole, word
from modelhub.interfaces.media import ImagePart, sniff
from modelhub.model import Finished, Model, Request, Response

__all__ = ["GeneratedImage", "ImageEvent", "ImageModel", "ImageOperation", "ImageRequest", "ImageResponse", "PartialImage"]

ImageOperation = Literal["generate", "edit", "variation", "upscale"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest(Request):
    """A picture to be made.

    ``size`` is (width, height) in pixels. ``mask`` (for ``edit``) is transparent where the picture may change. ``images`` are
    what an edit, a variation or an enlargement starts from. ``scale`` is how many times larger an upscaled picture is.
    """

    operation: ImageOperation = "generate"
    prompt: str = ""
    images: tuple[ImagePart, ...] = ()
    mask: ImagePart | None = None
    size: tuple[int, int] | None = None
    count: int = 1
    scale: int | None = None
    quality: str | None = None
    style: str | None = None
    background: str | None = None
    output_format: str | None = None
    negative_prompt: str | None = None
    strength: float | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        Request.__post_init__(self)
        texts("prompt", (self.prompt,))
        for name in ("quality", "style", "background", "output_format", "negative_prompt"):
            word(name, getattr(self, name))
        if self.size is not None and not (isinstance(self.size, tuple) and len(self.size) == 2):
            raise InvalidRequest(f"size is {self.size!r}; it must be (width, height) in pixels.")
        for name, pixels in zip(("width", "height"), self.size or (), strict=False):
            whole(f"size: {name}", pixels, least=1)
        whole("count", self.count, least=1)
        whole("scale", self.scale, least=2)
        whole("seed", self.seed)
        number("strength", self.strength, least=0, most=1)

    def needs(self) -> frozenset[str]:
        return frozenset({self.operation, *(["mask"] if self.mask else [])})

    def settings(self) -> Mapping[str, Any]:
        names = ("size", "quality", "style", "background", "output_format", "negative_prompt", "strength", "seed", "scale")
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        return given if self.count == 1 else {**given, "count": self.count}


@dataclass(frozen=True, slots=True)
class GeneratedImage:
    """One picture: bytes, or an address that may expire. ``revised_prompt`` is what the model made of the prompt."""

    data: bytes | None = field(default=None, repr=False)
    url: str | None = None
    media_type: str | None = None
    revised_prompt: str | None = None

    def __post_init__(self) -> None:
        if self.data is None and self.url is None:
            raise AnswerError("The provider sent a picture with neither bytes nor an address.")
        if self.media_type is None and self.data is not None:
            object.__setattr__(self, "media_type", sniff(self.data))

    def bytes(self) -> bytes:
        """The picture's bytes. Raises ``AnswerError`` where only an address came."""
        if self.data is None:
            raise AnswerError(f"The provider sent an address, not the picture itself: {self.url}")
        return self.data

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the bytes to a file."""
        with open(path, "wb") as file:
            file.write(self.bytes())


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageResponse(Response):
    """Pictures. ``bytes`` and ``save`` speak of the first."""

    images: tuple[GeneratedImage, ...]

    def __post_init__(self) -> None:
        if not self.images:
            raise AnswerError("The provider sent no picture.")

    def bytes(self) -> bytes:
        """The first picture's bytes."""
        return self.images[0].bytes()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the first picture to a file."""
        self.images[0].save(path)


@dataclass(frozen=True, slots=True)
class PartialImage:
    """A preview of picture ``index``."""

    index: int
    data: bytes = field(repr=False)


ImageEvent = PartialImage | Finished[ImageResponse]
ImageModel = Model[ImageRequest, ImageResponse, ImageEvent]
