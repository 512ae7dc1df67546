"""``modelhub image``: a picture made from words, or from another picture."""

from __future__ import annotations

import os
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, Any

from modelhub.cli.command import Command
from modelhub.cli.context import Context
from modelhub.cli.documents import described
from modelhub.cli.outputs import writable
from modelhub.cli.overview import COMMANDS
from modelhub.cli.printing import remarks
from modelhub.cli.retries import add_retries, retries
from modelhub.errors import InvalidRequest
from modelhub.interfaces.image import ImageResponse

if TYPE_CHECKING:
    from modelhub.clients.image import ImageClient

__all__ = ["COMMAND"]

_SETTINGS = ("size", "seed", "quality", "style", "background", "negative_prompt")


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="?", metavar="PROMPT", help="what to show; for --vary and --upscale none is needed")
    parser.add_argument("-m", "--model", metavar="MODEL", required=True, help="an alias or a model id")
    parser.add_argument("-o", "--output", metavar="PATH", required=True, help="the picture file; several get numbers")
    parser.add_argument("--size", type=size, metavar="WxH", help="in pixels, such as 512x512")
    parser.add_argument("--count", type=int, default=1, metavar="N", help="how many pictures")
    parser.add_argument("--seed", type=int, metavar="N")
    parser.add_argument("--quality", metavar="NAME")
    parser.add_argument("--style", metavar="NAME")
    parser.add_argument("--background", metavar="NAME")
    parser.add_argument("--negative-prompt", metavar="TEXT", help="what not to show")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--edit", metavar="PATH", help="change this picture as PROMPT says")
    source.add_argument("--vary", metavar="PATH", help="make variations of this picture")
    source.add_argument("--upscale", metavar="PATH", help="enlarge this picture")
    parser.add_argument("--mask", metavar="PATH", help="with --edit: transparent where the picture may change")
    parser.add_argument("--scale", type=int, default=2, metavar="N", help="with --upscale: how many times larger")
    add_retries(parser)


def size(text: str) -> tuple[int, int]:
    """``512x512`` as a pair of numbers."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})[x×]([1-9][0-9]{0,4})", text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is not a size; write it as 512x512")
    return int(found[1]), int(found[2])


def run(arguments: Namespace, context: Context) -> int:
    if not arguments.prompt and not (arguments.vary or arguments.upscale):
        raise InvalidRequest('Say what to show: modelhub image -m MODEL -o out.png "a lighthouse"')
    writable(arguments.output)
    response = made(context.hub().image(arguments.model), arguments)
    files = save(response, arguments.output)
    if context.options.json:
        pictures = [
            {"file": file, "media_type": image.media_type, "revised_prompt": image.revised_prompt}
            for file, image in zip(files, response.images, strict=True)
        ]
        context.document({"images": pictures, **described(response)})
        return 0
    for file, image in zip(files, response.images, strict=True):
        context.note(f"{file}: {image.media_type}, {len(image.bytes())} bytes")
    remarks(response, context)
    return 0


def made(client: ImageClient, arguments: Namespace) -> ImageResponse:
    """The pictures, by whichever of the four ways the command line asks for."""
    if arguments.upscale:
        return client.upscale(arguments.upscale, scale=arguments.scale, **retries(arguments))
    given: dict[str, Any] = {name: getattr(arguments, name) for name in _SETTINGS if getattr(arguments, name) is not None}
    given |= retries(arguments)
    if arguments.count != 1:
        given["count"] = arguments.count
    if arguments.vary:
        return client.vary(arguments.vary, **given)
    if arguments.edit:
        return client.edit(arguments.edit, arguments.prompt, mask=arguments.mask, **given)
    return client.generate(arguments.prompt, **given)


def save(response: ImageResponse, path: str) -> list[str]:
    """Write the pictures; give the files' names: ``out.png``, or ``out-1.png``, ``out-2.png``..."""
    stem, ending = os.path.splitext(path)
    many = len(response.images) > 1
    files = [f"{stem}-{number}{ending}" if many else path for number in range(1, len(response.images) + 1)]
    for file, image in zip(files, response.images, strict=True):
        image.save(file)
    return files


COMMAND = Command("image", COMMANDS["image"], configure, run)
