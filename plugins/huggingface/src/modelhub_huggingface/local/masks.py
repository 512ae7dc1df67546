"""Masks: transparent where a picture may change, as requests have them; white there, as pipelines want them."""

from __future__ import annotations

from typing import Any

from modelhub.plugin import ImagePart, InvalidRequest
from modelhub_huggingface.local.pictures import read

__all__ = ["everything", "kept", "opened"]


def opened(part: ImagePart, size: tuple[int, int]) -> Any:
    """How far each pixel may change, from black to white. Raises ``InvalidRequest`` for a mask of another size, or of none."""
    mask = read(part, "The mask")
    if mask.size != size:
        raise InvalidRequest(
            f"The mask has {mask.width} by {mask.height} pixels, and the picture {size[0]} by {size[1]}: they must be alike."
        )
    if "A" not in mask.getbands() and "transparency" not in mask.info:
        raise InvalidRequest("The mask is opaque: make those places transparent where the picture may change.")
    open_places = mask.convert("RGBA").getchannel("A").point([255 - opaque for opaque in range(256)])
    if open_places.getextrema()[1] == 0:
        raise InvalidRequest("The mask is opaque everywhere: make those places transparent where the picture may change.")
    return open_places


def everything(size: tuple[int, int]) -> Any:
    """A mask that leaves the whole picture open."""
    from PIL import Image

    return Image.new("L", size, 255)


def kept(painted: Any, before: Any, mask: Any) -> Any:
    """What was painted, where the mask is open, and elsewhere the very pixels that were there before."""
    from PIL import Image

    return Image.composite(painted, before, mask)
