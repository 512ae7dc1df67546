"""What an image model takes, as the table says it: told before a request that would be refused is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelhub.plugin import ImagePart, ImageRequest, InvalidRequest

__all__ = ["check"]

_WORDS = ("quality", "style", "background", "output_format")


def check(request: ImageRequest, traits: Mapping[str, Any], model: str) -> None:
    """Raises ``InvalidRequest``, which lists what is taken instead. What the table does not know is the host's to judge."""
    for name in _WORDS:
        _check_word(name, getattr(request, name), traits.get(name), model)
    if request.size is not None:
        _check_size(request.size, traits.get("size"), model)
    most = traits.get("prompt", len(request.prompt))
    if len(request.prompt) > most:
        raise InvalidRequest(f"The prompt has {len(request.prompt)} characters, {model} takes {most}.")
    if files := traits.get("files"):
        _check_files(request, files, model)


def _check_word(name: str, value: str | None, taken: Sequence[str] | None, model: str) -> None:
    if value is not None and taken is not None and value not in taken:
        raise InvalidRequest(f"{name} is {value!r}; {model} takes {', '.join(taken)}.")


def _check_size(size: tuple[int, int], taken: Sequence[str] | Mapping[str, int] | None, model: str) -> None:
    if isinstance(taken, Mapping):
        _check_free_size(size, taken, model)
    elif taken is not None and _written(size) not in taken:
        raise InvalidRequest(f"size is {_written(size)}; {model} makes {', '.join(taken)}.")


def _check_free_size(size: tuple[int, int], rule: Mapping[str, int], model: str) -> None:
    """Any size that follows the rule."""
    fits = (
        not any(side % rule["multiple"] for side in size)
        and max(size) <= rule["ratio"] * min(size)
        and max(size) <= rule["longest"]
        and size[0] * size[1] <= rule["pixels"]
    )
    if not fits:
        raise InvalidRequest(
            f"size is {_written(size)}; {model} makes widths and heights that are multiples of {rule['multiple']}, at most "
            f"{rule['longest']}, at most {rule['ratio']} times each other, and {rule['pixels']} pixels in all."
        )


def _written(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _check_files(request: ImageRequest, files: Mapping[str, Any], model: str) -> None:
    if len(request.images) > files["most"]:
        raise InvalidRequest(f"{len(request.images)} pictures were given, {model} takes {files['most']}.")
    for image in request.images:
        _check_file(image, files, model)


def _check_file(image: ImagePart, files: Mapping[str, Any], model: str) -> None:
    if image.data is not None and len(image.data) >= files["bytes"]:
        raise InvalidRequest(f"A picture has {len(image.data)} bytes; {model} takes fewer than {files['bytes']}.")
    if image.data is not None and image.media_type not in files["types"]:
        kind = image.media_type or "of no known format"
        raise InvalidRequest(f"A picture is {kind}; {model} takes {', '.join(files['types'])}.")
