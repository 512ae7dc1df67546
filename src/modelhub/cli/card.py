"""``modelhub card MODEL``: all that is known of one model, and what is not."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from modelhub.cli.command import Command
from modelhub.cli.context import Context
from modelhub.cli.overview import COMMANDS

__all__ = ["COMMAND"]


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="an alias, an id (PROVIDER:MODEL), or the path of a model's file")


def run(arguments: Namespace, context: Context) -> int:
    from modelhub.catalog.describing import described
    from modelhub.cli.sheet import sheet
    from modelhub.transport.drive import drive

    hub = context.hub()
    card = drive(described(hub.assembly, arguments.model, hub.runtime, lambda why: context.note(f"modelhub: {why}")))
    if context.options.json:
        context.document({"card": card})
        return 0
    for line in sheet(card):
        context.say(line)
    return 0


COMMAND = Command("card", COMMANDS["card"], configure, run)
