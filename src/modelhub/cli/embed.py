"""``modelhub embed``: texts into vectors, as JSON or as a numpy file."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from modelhub.cli.command import Command
from modelhub.cli.context import Context
from modelhub.cli.documents import described
from modelhub.cli.outputs import writable
from modelhub.cli.overview import COMMANDS
from modelhub.cli.printing import remarks
from modelhub.cli.reading import lines, read_text, standard_input
from modelhub.cli.retries import add_retries, retries
from modelhub.errors import InvalidRequest
from modelhub.interfaces.embedding import EmbeddingResponse

__all__ = ["COMMAND"]


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "texts", nargs="*", default=[], metavar="TEXT", help="left out: the lines of --file or of standard input"
    )
    parser.add_argument("-m", "--model", metavar="MODEL", required=True, help="an alias or a model id")
    parser.add_argument("--file", metavar="PATH", help="a file with one text a line")
    parser.add_argument("-o", "--output", metavar="PATH", help="write a .npy file (float32) or a .json file")
    parser.add_argument("--purpose", choices=("query", "document"), help="for models that make the difference")
    parser.add_argument("--dimensions", type=int, metavar="N", help="ask for shorter vectors")
    add_retries(parser)


def run(arguments: Namespace, context: Context) -> int:
    if arguments.output and not arguments.output.endswith((".npy", ".json")):
        raise InvalidRequest(f"{arguments.output}: --output takes a name that ends in .npy or .json.")
    if arguments.output:
        writable(arguments.output)
    inputs = texts(arguments, context)
    client = context.hub().embedding(arguments.model)
    response = client.embed(inputs, purpose=arguments.purpose, dimensions=arguments.dimensions, **retries(arguments))
    if arguments.output:
        save(response, arguments.output)
    if context.options.json:
        context.document(described(response) if arguments.output else document(response))
        return 0
    if arguments.output:
        context.note(f"{arguments.output}: {response.count} vectors of {response.dimensions} dimensions")
    else:
        for vector in vectors(response):
            context.document(vector)
    remarks(response, context)
    return 0


def texts(arguments: Namespace, context: Context) -> list[str]:
    """The texts of the command line, or those of the file, or those that were piped in."""
    found: list[str] = list(arguments.texts)
    if arguments.file:
        found += lines(read_text(arguments.file))
    if not found:
        found = lines(standard_input(context.streams) or "")
    if not found:
        raise InvalidRequest("There is no text to embed: give texts, --file PATH, or lines on standard input.")
    return found


def vectors(response: EmbeddingResponse) -> list[list[float]]:
    """The vectors as lists, each number in at most nine digits: as many as a 32-bit float holds."""
    return [[float(f"{number:.9g}") for number in response[row]] for row in range(len(response))]


def document(response: EmbeddingResponse) -> dict[str, Any]:
    """The vectors and what every response tells."""
    return {"dimensions": response.dimensions, "vectors": vectors(response), **described(response)}


def save(response: EmbeddingResponse, path: str) -> None:
    """A ``.npy`` file of shape (count, dimensions), float32; or the JSON document."""
    if path.endswith(".npy"):
        import numpy as np

        with open(path, "wb") as file:
            np.save(file, response.array(), allow_pickle=False)
        return
    import json

    from modelhub.cli.documents import plain

    with open(path, "w", encoding="utf-8") as text:
        json.dump(plain(document(response)), text, ensure_ascii=False, allow_nan=False)


COMMAND = Command("embed", COMMANDS["embed"], configure, run)
