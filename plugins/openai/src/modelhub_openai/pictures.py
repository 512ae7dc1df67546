"""Pictures out of an answer: their base64 goes from the body straight to bytes, and stands in memory once."""

from __future__ import annotations

import json
import re
from binascii import a2b_base64
from collections.abc import Mapping
from typing import Any

from modelhub.plugin import AnswerError, GeneratedImage, ImageResponse, Usage
from modelhub_openai.chat_answer import error_in, reported
from modelhub_openai.site import Site
from modelhub_openai.usage import read_usage

__all__ = ["lifted", "pictures", "understood"]

_BEGINS = re.compile(rb'("b64_json"\s*:\s*)"(?:data:[^",]{0,100},)?')
_TOLD = ("background", "output_format", "quality", "size")


def lifted(body: bytes) -> tuple[Any, list[bytes]]:
    """The body as JSON with a number in the place of each picture, and the pictures that these numbers count."""
    found: list[bytes] = []
    rest: list[bytes] = []
    view, place = memoryview(body), 0
    for match in _BEGINS.finditer(body):
        end = body.find(b'"', match.end())
        if end < 0:
            break
        found.append(a2b_base64(view[match.end() : end]))
        rest += [body[place : match.end(1)], b"%d" % (len(found) - 1)]
        place = end + 1
    rest.append(body[place:])
    return json.loads(b"".join(rest).decode("utf-8-sig", "replace")), found


def understood(body: bytes, site: Site, name: str) -> ImageResponse:
    """The response that an answer's body is. Raises the error that may stand in its place, or ``AnswerError``."""
    said, found = lifted(body)
    if not isinstance(said, dict):
        raise AnswerError("The answer is not a JSON object.", head=body[:200])
    if not said.get("data") and error_in(said):
        raise reported(site, name, said)
    said = said.get("result") or said  # a job's answer has it there
    data = [item for item in said.get("data") or () if isinstance(item, dict)]
    return pictures(said, [_picture(item, found) for item in data])


def pictures(said: Mapping[str, Any], images: list[GeneratedImage]) -> ImageResponse:
    """The response of these images. Images are counted where the host counts no tokens: one of the two is charged for."""
    if not images:
        raise AnswerError("The provider sent no picture.")
    counted = said.get("usage")
    return ImageResponse(
        images=tuple(images),
        model=said.get("model") or "",
        usage=read_usage(counted) if counted else Usage(images=len(images)),
        provider_metadata={name: said[name] for name in _TOLD if said.get(name)},
        raw=said,
    )


def _picture(item: dict[str, Any], found: list[bytes]) -> GeneratedImage:
    """``raw`` keeps what is told of the picture, and not the picture itself."""
    number = item.pop("b64_json", None)
    data = found[number] if isinstance(number, int) else None
    url = item.get("url")
    if data is None and isinstance(url, str) and url.startswith("data:"):  # an address that is the picture
        data, url = a2b_base64(url.partition(",")[2]), None
    return GeneratedImage(data or None, url, revised_prompt=item.get("revised_prompt"))
