"""``modelhub rank``: documents in the order in which they answer a query."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from modelhub.cli.command import Command
from modelhub.cli.context import Context
from modelhub.cli.documents import described
from modelhub.cli.overview import COMMANDS
from modelhub.cli.printing import remarks, shortened
from modelhub.cli.reading import lines, read_text, standard_input
from modelhub.cli.retries import add_retries, retries
from modelhub.errors import InvalidRequest

__all__ = ["COMMAND"]


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("query", metavar="QUERY")
    parser.add_argument(
        "texts", nargs="*", default=[], metavar="DOC", help="left out: the lines of --documents or of standard input"
    )
    parser.add_argument("-m", "--model", metavar="MODEL", required=True, help="an alias or a model id")
    parser.add_argument("--documents", metavar="PATH", help="a file with one document a line")
    parser.add_argument("--top-n", type=int, metavar="N", help="keep the best N")
    add_retries(parser)


def run(arguments: Namespace, context: Context) -> int:
    documents = found(arguments, context)
    client = context.hub().reranking(arguments.model)
    response = client.rank(arguments.query, documents, top_n=arguments.top_n, **retries(arguments))
    if context.options.json:
        rows = [{"index": place.index, "score": place.score, "document": documents[place.index]} for place in response.ranking]
        context.document({"ranking": rows, **described(response)})
        return 0
    for place in response.ranking:
        context.say(f"{place.score:8.4f}  {place.index + 1:>4}  {shortened(documents[place.index], 200)}")
    remarks(response, context)
    return 0


def found(arguments: Namespace, context: Context) -> list[str]:
    """The documents of the command line, or those of the file, or those that were piped in."""
    documents: list[str] = list(arguments.texts)
    if arguments.documents:
        documents += lines(read_text(arguments.documents))
    if not documents:
        documents = lines(standard_input(context.streams) or "")
    if not documents:
        raise InvalidRequest("There is nothing to rank: give documents, --documents PATH, or lines on standard input.")
    return documents


COMMAND = Command("rank", COMMANDS["rank"], configure, run)
