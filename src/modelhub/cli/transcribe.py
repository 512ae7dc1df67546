"""``modelhub transcribe``: a sound file into text or subtitles."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from modelhub.cli.command import Command
from modelhub.cli.context import Context
from modelhub.cli.documents import described
from modelhub.cli.overview import COMMANDS
from modelhub.cli.printing import remarks
from modelhub.cli.retries import add_retries, retries
from modelhub.interfaces.transcription import TranscriptionResponse

__all__ = ["COMMAND"]


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the sound file")
    parser.add_argument("-m", "--model", metavar="MODEL", required=True, help="an alias or a model id")
    parser.add_argument("--phrase", action="append", default=[], metavar="TEXT", help="words that may occur; may be repeated")
    parser.add_argument("--language", metavar="TAG", help="such as en or ja")
    parser.add_argument("--prompt", metavar="TEXT", help="context or spelling, for models that take some")
    parser.add_argument("--translate", action="store_true", help="into English")
    parser.add_argument("--words", action="store_true", help="the times of words, in --json")
    subtitles = parser.add_mutually_exclusive_group()
    subtitles.add_argument("--srt", action="store_true", help="print SubRip subtitles")
    subtitles.add_argument("--vtt", action="store_true", help="print WebVTT subtitles")
    add_retries(parser)


def run(arguments: Namespace, context: Context) -> int:
    client = context.hub().transcription(arguments.model)
    response = client.transcribe(arguments.file, phrases=arguments.phrase, **settings(arguments), **retries(arguments))
    if context.options.json:
        context.document(document(response))
        return 0
    context.write(response.srt() if arguments.srt else response.vtt() if arguments.vtt else f"{response.text}\n")
    if not response.text.strip():
        context.note("modelhub: nothing was recognised.")
    remarks(response, context)
    return 0


def settings(arguments: Namespace) -> dict[str, Any]:
    """What the command line gives; subtitles need the times of segments."""
    wanted = {"segment"} if arguments.srt or arguments.vtt else set()
    wanted |= {"word"} if arguments.words else set()
    given = {"language": arguments.language, "prompt": arguments.prompt, "translate": arguments.translate or None}
    return {name: value for name, value in given.items() if value is not None} | (
        {"timestamps": frozenset(wanted)} if wanted else {}
    )


def document(response: TranscriptionResponse) -> dict[str, Any]:
    """The text, the segments and words with their times, and what every response tells."""
    facts = {
        "language": response.language,
        "duration": response.duration,
        "segments": response.segments,
        "words": response.words,
    }
    return {"text": response.text, **{name: value for name, value in facts.items() if value}, **described(response)}


COMMAND = Command("transcribe", COMMANDS["transcribe"], configure, run)
