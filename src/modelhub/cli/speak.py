"""``modelhub speak``: text into a sound file."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from modelhub.cli.command import Command
from modelhub.cli.context import Context
from modelhub.cli.documents import described
from modelhub.cli.outputs import writable
from modelhub.cli.overview import COMMANDS
from modelhub.cli.printing import remarks
from modelhub.cli.reading import standard_input
from modelhub.cli.retries import add_retries, retries
from modelhub.errors import InvalidRequest

__all__ = ["COMMAND"]

_SETTINGS = ("voice", "language", "speed", "instructions")


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", metavar="TEXT", help="left out: standard input")
    parser.add_argument("-m", "--model", metavar="MODEL", required=True, help="an alias or a model id")
    parser.add_argument("-o", "--output", metavar="PATH", required=True, help="the sound file to write")
    parser.add_argument("--voice", metavar="NAME")
    parser.add_argument("--language", metavar="TAG", help="such as en or ja")
    parser.add_argument("--speed", type=float, metavar="FACTOR", help="1.0 is the voice's own")
    parser.add_argument("--instructions", metavar="TEXT", help="how to say it, for models that follow such words")
    parser.add_argument("--format", metavar="NAME", help="wav, mp3, opus, flac (default: what the file's name ends in)")
    add_retries(parser)


def run(arguments: Namespace, context: Context) -> int:
    text = arguments.text if arguments.text is not None else standard_input(context.streams)
    if not text or not text.strip():
        raise InvalidRequest('Give it words: modelhub speak -m MODEL -o hello.wav "Hello"')
    writable(arguments.output)
    given: dict[str, Any] = {name: getattr(arguments, name) for name in _SETTINGS if getattr(arguments, name) is not None}
    given |= retries(arguments)
    response = context.hub().speech(arguments.model).speak(text, output_format=wanted_format(arguments), **given)
    response.save(arguments.output)
    if context.options.json:
        facts = {"duration": response.duration, "sample_rate": response.sample_rate, "media_type": response.media_type}
        known = {name: value for name, value in facts.items() if value is not None}
        context.document({"file": arguments.output, "bytes": len(response.audio), **known, **described(response)})
        return 0
    length = "" if response.duration is None else f", {response.duration:.1f} s"
    context.note(f"{arguments.output}: {response.media_type}, {len(response.audio)} bytes{length}")
    remarks(response, context)
    return 0


def wanted_format(arguments: Namespace) -> str | None:
    """The format that was asked for, or the ending of the file's name."""
    name: str = arguments.format or arguments.output.rpartition(".")[2]
    return name.lower() if arguments.format or "." in arguments.output else None


COMMAND = Command("speak", COMMANDS["speak"], configure, run)
