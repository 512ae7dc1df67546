"""``starter:placeholder`` gives real PNG files that bear the prompt and say what they are."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest
from modelhub_starter.placeholder import model

from modelhub.plugin import ImageRequest, ImageResponse, InvalidRequest, Unsupported
from modelhub.testing import FakeRuntime
from modelhub.transport.drive import drive


def make(prompt: str = "夕暮れの灯台, a lighthouse", **fields: Any) -> ImageResponse:
    return drive(model("placeholder", None).call(ImageRequest(prompt=prompt, **fields), FakeRuntime()))


def chunks(data: bytes) -> dict[bytes, bytes]:
    """The chunks of a PNG file by their names, those of one name joined; each checksum is checked."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    found: dict[bytes, bytes] = {}
    place = 8
    while place < len(data):
        (size,), name = struct.unpack_from(">I", data, place), data[place + 4 : place + 8]
        body = data[place + 8 : place + 8 + size]
        assert struct.unpack_from(">I", data, place + 8 + size)[0] == zlib.crc32(name + body)
        found[name] = found.get(name, b"") + body
        place += size + 12
    return found


def rows(data: bytes) -> list[bytes]:
    found = chunks(data)
    width, height = struct.unpack(">II", found[b"IHDR"][:8])
    pixels = zlib.decompress(found[b"IDAT"])
    assert len(pixels) == height * (width + 1)
    return [pixels[start + 1 : start + 1 + width] for start in range(0, len(pixels), width + 1)]


@pytest.mark.parametrize("size", [(16, 16), (640, 200), (333, 777), (1024, 1024)])
def test_the_picture_has_the_asked_size(size: tuple[int, int]) -> None:
    drawn = rows(make(size=size).bytes())
    assert (len(drawn[0]), len(drawn)) == size


def test_the_file_holds_the_prompt_and_says_what_it_is() -> None:
    text = chunks(make().bytes())[b"iTXt"].decode("utf-8")
    assert "夕暮れの灯台, a lighthouse" in text
    assert "PLACEHOLDER" in text


def test_the_pixels_show_the_label_and_the_prompt() -> None:
    one, other = rows(make("a").bytes()), rows(make("b").bytes())
    label = [row for row in one if 2 in row]
    assert any(1 in row for row in label), "the label is written on its band"
    assert label == [row for row in other if 2 in row]
    assert one != other


def test_a_seed_repeats_and_changes_the_colour() -> None:
    assert make(seed=7).bytes() == make(seed=7).bytes()
    assert chunks(make(seed=7).bytes())[b"PLTE"] != chunks(make(seed=8).bytes())[b"PLTE"]


def test_several_pictures_differ() -> None:
    response = make(count=3)
    assert len({image.bytes() for image in response.images}) == 3
    assert response.usage.images == 3


def test_a_very_long_prompt_is_cut_not_refused() -> None:
    assert len(rows(make("word " * 50_000, size=(200, 100)).bytes())) == 100
    assert len(rows(make("字" * 50_000, size=(200, 100)).bytes())) == 100


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": (8, 100)}, "size is 8 by 100"),
        ({"size": (8192, 8192)}, "size is 8192 by 8192"),
        ({"count": 0}, "count is 0"),
        ({"output_format": "webp"}, "gives png, not webp"),
    ],
)
def test_what_it_cannot_make_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        make(**fields)


def test_it_does_not_edit() -> None:
    with pytest.raises(Unsupported, match="no upscale"):
        make(operation="upscale")
