"""``modelhub index``: build, search and show the documents that answers are drawn from."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from modelhub.cli.command import Command
from modelhub.cli.context import Context
from modelhub.cli.documents import plain
from modelhub.cli.explanation import shown
from modelhub.cli.overview import COMMANDS
from modelhub.cli.printing import place, shortened
from modelhub.cli.progress import progress
from modelhub.errors import UnknownAlias, did_you_mean

if TYPE_CHECKING:
    from modelhub.config.specs import IndexSpec
    from modelhub.interfaces.passages import Passage
    from modelhub.retrieval.report import IndexReport

__all__ = ["COMMAND"]


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    build = actions.add_parser("build", help="bring an index up to date with its sources", description="Build an index.")
    build.add_argument("name", metavar="NAME", help="of [indexes.NAME]")
    build.set_defaults(action=build_index)
    search = actions.add_parser("search", help="find the passages that answer a query", description="Search an index.")
    search.add_argument("name", metavar="NAME", help="of [indexes.NAME]")
    search.add_argument("query", metavar="QUERY")
    search.add_argument("--top-k", type=int, metavar="K", help="how many passages (default: as configured)")
    search.add_argument("--mode", choices=("bm25", "vector", "hybrid"), help="(default: as configured)")
    search.set_defaults(action=search_index)
    show = actions.add_parser("show", help="show how an index is configured", description="Show an index's configuration.")
    show.add_argument("name", metavar="NAME", nargs="?", help="of [indexes.NAME]; left out: all of them")
    show.set_defaults(action=show_indexes)


def run(arguments: Namespace, context: Context) -> int:
    code: int = arguments.action(arguments, context)
    return code


def build_index(arguments: Namespace, context: Context) -> int:
    """Build it, telling how far it is, and say what it holds."""
    client = context.hub().index(arguments.name)
    told = progress(context)
    try:
        report = client.build(told)
    finally:
        told.close()
    if context.options.json:
        context.document({"index": arguments.name, "report": report})
        return 0
    for line in account(report):
        context.say(line)
    if context.configuration().config.indexes[arguments.name].store is None:
        context.note(f"modelhub: [indexes.{arguments.name}] has no store, so nothing of it is kept.")
    return 0


def account(report: IndexReport) -> list[str]:
    """What was done, a line each."""
    first = f"{report.name}: {report.documents} documents, {report.passages} passages, {report.seconds:.2f} s"
    documents = {
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
    }
    counts = [f"{len(names)} {what}" for what, names in documents.items() if names]
    counts += [f"{report.embedded} passages embedded"] if report.embedded else []
    lines = [first, *([f"  {', '.join(counts)}"] if counts else [])]
    lines += [f"  a passage has {report.chunk_tokens} tokens at most ({report.counter})"]
    lines += [f"  built anew: {report.rebuilt}"] if report.rebuilt else []
    return [*lines, *(f"  skipped {skipped.document}: {skipped.reason}" for skipped in report.skipped)]


def search_index(arguments: Namespace, context: Context) -> int:
    """Print the passages found, the best first."""
    client = context.hub().index(arguments.name)
    passages = client.search(arguments.query, top_k=arguments.top_k, mode=arguments.mode)
    if context.options.json:
        context.document({"query": arguments.query, "passages": passages})
        return 0
    if not passages:
        context.note(f"modelhub: nothing in {arguments.name} answers to that.")
    for number, passage in enumerate(passages, 1):
        show_passage(number, passage, context)
    return 0


def show_passage(number: int, passage: Passage, context: Context) -> None:
    """Its place and score, the titles above it, and how it begins; all of it with ``--verbose``."""
    heading = f"  {passage.heading}" if passage.heading else ""
    context.say(f"[{number}] {place(passage.document, passage.span)}  {passage.score:.4f}{heading}")
    context.say(passage.text if context.options.verbose else f"    {shortened(passage.text, 200)}")


def show_indexes(arguments: Namespace, context: Context) -> int:
    """Print what the configuration says of one index, or of all."""
    indexes = context.configuration().config.indexes
    if arguments.name is not None and arguments.name not in indexes:
        raise UnknownAlias(f"There is no [indexes.{arguments.name}].{did_you_mean(arguments.name, sorted(indexes))}")
    chosen = {name: spec for name, spec in indexes.items() if arguments.name in (None, name)}
    if context.options.json:
        context.document({name: {**plain(spec), "store": shown("store", spec.store)} for name, spec in chosen.items()})
        return 0
    if not chosen:
        context.note("modelhub: the configuration has no [indexes.NAME].")
    for name, spec in chosen.items():
        context.say("\n".join(facts(name, spec)))
    return 0


def facts(name: str, spec: IndexSpec) -> list[str]:
    """What an index is made of, a line each."""
    mode = spec.search.mode or ("hybrid" if spec.embedding else "bm25")
    told = {
        "sources": ", ".join(spec.sources),
        "chunk": f"{spec.chunk.tokens} tokens, {spec.chunk.overlap} of them overlapping",
        "embedding": spec.embedding,
        "reranking": spec.reranking,
        "search": f"{mode}, the best {spec.search.top_k}",
        "store": shown("store", spec.store or "in memory"),
    }
    return [name, *(f"  {key:<10} {value}" for key, value in told.items() if value is not None)]


COMMAND = Command("index", COMMANDS["index"], configure, run)
