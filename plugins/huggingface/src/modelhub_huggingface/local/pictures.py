"""Pictures as bytes and as pixels: read whatever their format, made to a size, and written without anything beside."""

from __future__ import annotations

import io
from typing import Any

from modelhub.plugin import ImagePart, InvalidRequest, SetupError

__all__ = ["FORMATS", "pixels", "read", "resized", "written"]

FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "jpg": "image/jpeg", "webp": "image/webp"}
_READ = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
_MOST = 64_000_000
"""Pixels of a picture that is read."""


def read(part: ImagePart, what: str) -> Any:
    """The picture as Pillow has it, upright. Raises ``InvalidRequest``, where ``what`` ("The mask") says which one it is of."""
    image = _library()
    if part.data is None:
        raise InvalidRequest(f"{what} is an address, and a model on this machine reads bytes: fetch it first.")
    from PIL import ImageOps

    try:
        picture = image.open(io.BytesIO(part.data), formats=_READ)
        if picture.width * picture.height > _MOST:
            raise InvalidRequest(f"{what} has {picture.width} by {picture.height} pixels; {_MOST:,} in all are taken at most.")
        picture.load()
        return ImageOps.exif_transpose(picture)
    except InvalidRequest:
        raise
    except (image.DecompressionBombError, image.DecompressionBombWarning) as error:
        raise InvalidRequest(f"{what} is too large: {error}") from None
    except image.UnidentifiedImageError:
        raise InvalidRequest(f"{what} cannot be read: these bytes are no picture. Give PNG, JPEG or WebP.") from None
    except Exception as error:  # of a damaged file, Pillow may say anything
        raise InvalidRequest(f"{what} cannot be read: {error}") from error


def pixels(picture: Any) -> Any:
    """Red, green and blue alone; what is transparent is white."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        whole = picture.convert("RGBA")
        ground = _library().new("RGBA", whole.size, "white")
        ground.alpha_composite(whole)
        return ground.convert("RGB")
    return picture.convert("RGB")


def resized(picture: Any, size: tuple[int, int]) -> Any:
    """The same in another size."""
    return picture if picture.size == size else picture.resize(size, _library().Resampling.LANCZOS)


def written(picture: Any, form: str) -> bytes:
    """The bytes of a file of one of the ``FORMATS``, with nothing in it but the picture."""
    file = io.BytesIO()
    name = {"jpg": "jpeg"}.get(form, form)
    quality = {} if name == "png" else {"quality": 95}
    plain = _library().new(picture.mode, picture.size)
    plain.paste(picture)
    plain.save(file, format=name, **quality)
    return file.getvalue()


def _library() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise SetupError('Pillow is not installed: pip install "modelhub-huggingface[images]".') from None
    return Image
