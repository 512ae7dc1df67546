"""``starter:placeholder``: a picture of the asked size that bears the prompt, and says that it stands for another."""

from __future__ import annotations

import colorsys
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from modelhub.plugin import (
    Finished,
    GeneratedImage,
    ImageEvent,
    ImageModel,
    ImageRequest,
    ImageResponse,
    InvalidRequest,
    ModelCard,
    Runtime,
    Unsupported,
    Usage,
)
from modelhub_starter.cards import card
from modelhub_starter.glyphs import HEIGHT, columns
from modelhub_starter.options import StarterOptions
from modelhub_starter.png import png

__all__ = ["Placeholder", "model"]

_SIZE = (512, 512)
_SMALLEST, _LARGEST = 16, 8192
_PIXELS = 16_777_216
_MOST = 16
_LABEL = "PLACEHOLDER"
_GROUND, _INK, _BAND = 0, 1, 2


def model(name: str, options: StarterOptions | None) -> ImageModel:  # noqa: ARG001  # nothing to set
    """``starter:placeholder``. Raises ``UnknownModel`` for any other name."""
    return Placeholder(card("image", name))


@dataclass(frozen=True)
class Placeholder:
    """PNG, 512 by 512 pixels or as asked: sides of 16 to 8,192, 16 megapixels at most. Seed or prompt decide the colour."""

    card: ModelCard

    async def call(self, request: ImageRequest, runtime: Runtime) -> ImageResponse:
        width, height = _checked(request)
        seed = crc32(request.prompt.encode("utf-8", "replace")) if request.seed is None else request.seed
        pictures = [await runtime.in_thread(_drawn, request.prompt, width, height, seed + k) for k in range(request.count)]
        return ImageResponse(
            model="placeholder",
            provider="starter",
            images=tuple(GeneratedImage(data, media_type="image/png") for data in pictures),
            usage=Usage(images=request.count, source="estimated"),
        )

    async def stream(self, request: ImageRequest, runtime: Runtime) -> AsyncGenerator[ImageEvent, None]:
        yield Finished(await self.call(request, runtime))


def _checked(request: ImageRequest) -> tuple[int, int]:
    if request.operation != "generate":
        message = f"starter:placeholder makes pictures; it has no {request.operation}."
        raise Unsupported(message, feature=request.operation, model="starter:placeholder")
    if request.output_format not in (None, "png"):
        raise InvalidRequest(f"starter:placeholder gives png, not {request.output_format}.")
    if not 1 <= request.count <= _MOST:
        raise InvalidRequest(f"count is {request.count}: ask for 1 to {_MOST} pictures.")
    width, height = _SIZE if request.size is None else request.size
    if not (min(width, height) >= _SMALLEST and max(width, height) <= _LARGEST and width * height <= _PIXELS):
        limits = f"sides of {_SMALLEST} to {_LARGEST} pixels, {_PIXELS:,} pixels in all"
        raise InvalidRequest(f"size is {width} by {height}: starter:placeholder has {limits}.")
    return width, height


def _drawn(prompt: str, width: int, height: int, seed: int) -> bytes:
    texts = (("Title", _LABEL), ("Description", prompt), ("Software", "modelhub starter:placeholder"))
    return png(width, _rows(prompt, width, height), _palette(seed), texts)


def _palette(seed: int) -> bytes:
    hue = seed * 0.618034 % 1.0
    colours = (colorsys.hls_to_rgb(hue, 0.85, 0.45), (0.1, 0.1, 0.12), colorsys.hls_to_rgb(hue, 0.65, 0.5))
    return bytes(round(255 * part) for colour in colours for part in colour)


def _rows(prompt: str, width: int, height: int) -> Iterator[bytes]:
    """A band with the label, then the prompt, as large as fits; what does not fit even small is left out."""
    prompt = prompt[: width * height // (4 * (HEIGHT + 2))]
    scale = next((size for size in range(max(width // 100, 1), 0, -1) if _fits(prompt, width, height, size)), 1)
    label = max(min(width // (6 * len(_LABEL) + 4), height // 40, 12), 1)
    band = _text_rows([_LABEL], width, label, _BAND)
    text = _text_rows(_lines(prompt, width, scale), width, scale, _GROUND)
    empty = bytes([_GROUND]) * width
    rows = [*band, *text][:height]
    yield from rows
    for _ in range(height - len(rows)):
        yield empty


def _fits(prompt: str, width: int, height: int, scale: int) -> bool:
    return (len(_lines(prompt, width, scale)) * (HEIGHT + 2) + 2) * scale + height // 4 <= height


def _lines(prompt: str, width: int, scale: int) -> list[str]:
    """The prompt in lines that fit, broken between words where it has any."""
    room = width // scale - 4
    lines = [""]
    for word in prompt.replace("\n", " \n ").split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if word == "\n":
            lines.append("")
        elif _width(joined) <= room:
            lines[-1] = joined
        else:
            lines += _broken(word, room)
    return [line for line in lines if line]


def _broken(word: str, room: int) -> list[str]:
    lines = [""]
    for character in word:
        if lines[-1] and _width(lines[-1] + character) > room:
            lines.append("")
        lines[-1] += character
    return lines


def _width(line: str) -> int:
    return sum(len(columns(character)) for character in line)


def _text_rows(lines: Sequence[str], width: int, scale: int, ground: int) -> Iterator[bytes]:
    empty = bytes([ground]) * width
    for line in lines:
        drawn = [0, 0, *(column for character in line for column in columns(character))]
        yield from [empty] * scale
        for dot in range(HEIGHT):
            row = b"".join(bytes([_INK if column >> dot & 1 else ground]) * scale for column in drawn)
            yield from [row[:width].ljust(width, bytes([ground]))] * scale
        yield from [empty] * scale
