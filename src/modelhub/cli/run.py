"""``modelhub run``: a prompt, with files and images, to a text model; the answer as it comes."""

from __future__ import annotations

import os
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from typing import Any

from modelhub.cli.choice import named
from modelhub.cli.command import Command
from modelhub.cli.context import Context
from modelhub.cli.documents import plain, text_document
from modelhub.cli.overview import COMMANDS
from modelhub.cli.printing import print_citations, remarks
from modelhub.cli.reading import decoded, read_bytes, standard_input
from modelhub.cli.retries import add_retries
from modelhub.clients.text import TextClient, TextOptions
from modelhub.errors import InvalidRequest, ModelhubError
from modelhub.interfaces.content import FilePart, ImagePart, Part
from modelhub.interfaces.events import TextDelta, TextEvent
from modelhub.interfaces.media import sniff
from modelhub.interfaces.text import TextResponse
from modelhub.model import Finished

__all__ = ["COMMAND"]


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="?", metavar="PROMPT", help="text that is piped in is put before it")
    parser.add_argument("-m", "--model", metavar="MODEL", help="an alias or a model id (default: the alias 'assistant')")
    parser.add_argument("-s", "--system", metavar="TEXT", help="how the model shall behave")
    parser.add_argument("--file", action="append", default=[], metavar="PATH", help="a file to read; may be repeated")
    parser.add_argument("--image", action="append", default=[], metavar="PATH", help="a picture to see; may be repeated")
    parser.add_argument("--stream", action=BooleanOptionalAction, help="print the answer as it comes (default: to a terminal)")
    parser.add_argument("--temperature", type=float, metavar="T")
    parser.add_argument("--top-p", type=float, metavar="P")
    parser.add_argument("--max-output-tokens", type=int, metavar="N")
    parser.add_argument("--seed", type=int, metavar="N")
    parser.add_argument("--stop", action="append", metavar="TEXT", help="end the answer before this text; may be repeated")
    add_retries(parser)


def run(arguments: Namespace, context: Context) -> int:
    parts = prompt_parts(arguments, standard_input(context.streams))
    model = named(arguments.model, context.hub().loaded.config)
    client = context.hub().text(model)
    streaming = arguments.stream
    if streaming is None:
        streaming = context.to_terminal and not context.options.json
    if streaming:
        return _stream(client, parts, settings(arguments), context)
    response = client.generate(parts, **settings(arguments))
    if context.options.json:
        context.document(text_document(response))
        return 0
    context.say(response.text)
    _below(response, context)
    return 0


def prompt_parts(arguments: Namespace, piped: str | None) -> list[Part | str]:
    """What the user's message is made of: piped text, files, pictures, and the prompt last."""
    parts: list[Part | str] = [piped] if piped and piped.strip() else []
    parts += [file_part(path) for path in arguments.file]
    parts += [ImagePart.read(path) for path in arguments.image]
    if arguments.prompt and arguments.prompt.strip():
        parts.append(arguments.prompt)
    if not parts:
        raise InvalidRequest('Say something: modelhub run -m MODEL "a prompt", or pipe text in.')
    return _spaced(parts)


def file_part(path: str) -> Part | str:
    """A text file as its name and its text; any other kind of file as it is, for models that read files."""
    data = read_bytes(path)
    if sniff(data) is not None:
        return FilePart(data=data, name=os.path.basename(path))
    return f"{os.path.basename(path)}:\n{decoded(data, path)}"


def _spaced(parts: list[Part | str]) -> list[Part | str]:
    last = len(parts) - 1
    return [f"{part.rstrip()}\n\n" if isinstance(part, str) and place < last else part for place, part in enumerate(parts)]


def settings(arguments: Namespace) -> TextOptions:
    """The settings that the command line gives; the others are left to the configuration and the provider."""
    given: dict[str, Any] = {
        "system": arguments.system,
        "temperature": arguments.temperature,
        "top_p": arguments.top_p,
        "max_output_tokens": arguments.max_output_tokens,
        "seed": arguments.seed,
        "stop_sequences": arguments.stop,
        "retries": arguments.retries,
    }
    options: Any = {name: value for name, value in given.items() if value is not None}
    return options  # type: ignore[no-any-return]


def _stream(client: TextClient, parts: list[Part | str], options: TextOptions, context: Context) -> int:
    with client.stream(parts, **options) as events:
        try:
            for event in events:
                _tell(event, context)
        except ModelhubError:
            _end_line(context)
            raise
    return 0


def _tell(event: TextEvent, context: Context) -> None:
    if isinstance(event, Finished):
        _finish(event.response, context)
    elif context.options.json:
        context.document({"event": type(event).__name__, **plain(event)})
    elif isinstance(event, TextDelta):
        context.write(event.text)


def _end_line(context: Context) -> None:
    """Below a piece of an answer, an error begins on a line of its own."""
    if not context.options.json:
        context.write("\n")


def _finish(response: TextResponse[Any], context: Context) -> None:
    if context.options.json:
        return context.document({"event": "Finished", **text_document(response)})
    if not response.text.endswith("\n"):
        context.write("\n")
    return _below(response, context)


def _below(response: TextResponse[Any], context: Context) -> None:
    for call in response.tool_calls:
        context.say(f"{call.name}({call.arguments})")
    print_citations(response, context)
    remarks(response, context)


COMMAND = Command("run", COMMANDS["run"], configure, run)
