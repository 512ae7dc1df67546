"""``modelhub ask``: a question over the configured documents; the answer, then where it stands."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from modelhub.cli.choice import named
from modelhub.cli.command import Command
from modelhub.cli.context import Context
from modelhub.cli.documents import text_document
from modelhub.cli.overview import COMMANDS
from modelhub.cli.printing import print_citations, remarks
from modelhub.cli.reading import standard_input
from modelhub.cli.retries import add_retries, retries
from modelhub.errors import InvalidRequest

__all__ = ["COMMAND"]


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("question", nargs="?", metavar="QUESTION", help="left out: standard input")
    parser.add_argument("-m", "--model", metavar="MODEL", help="an alias or a model id (default: the alias 'assistant')")
    add_retries(parser)


def run(arguments: Namespace, context: Context) -> int:
    question = arguments.question if arguments.question is not None else standard_input(context.streams)
    if question is None or not question.strip():
        raise InvalidRequest('Ask something: modelhub ask "How do I rotate a key?"')
    model = named(arguments.model, context.hub().loaded.config)
    response = context.hub().text(model).generate(question, **retries(arguments))
    if context.options.json:
        context.document({"question": question, **text_document(response)})
        return 0
    context.say(response.text)
    print_citations(response, context)
    remarks(response, context)
    return 0


COMMAND = Command("ask", COMMANDS["ask"], configure, run)
