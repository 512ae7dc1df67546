"""``modelhub models``: what can be asked by name."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from modelhub.cli.command import Command
from modelhub.cli.context import Context
from modelhub.cli.overview import COMMANDS
from modelhub.cli.printing import table
from modelhub.model import KINDS

if TYPE_CHECKING:
    from modelhub.model import ModelCard

__all__ = ["COMMAND"]


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--kind", choices=KINDS, help="models of this kind only")
    parser.add_argument("--provider", metavar="NAME", help="ask this provider for its whole list")


def run(arguments: Namespace, context: Context) -> int:
    cards = [card for card in context.hub().models(arguments.provider) if arguments.kind in (None, card.kind)]
    if context.options.json:
        context.document({"models": cards})
        return 0
    if not cards:
        context.note("modelhub: no installed plugin lists such a model. See: modelhub plugins")
        return 0
    for line in table([row(card) for card in cards]):
        context.say(line)
    return 0


def row(card: ModelCard) -> tuple[str, ...]:
    """Name, kind, what is known of its size, where it runs, and what it is."""
    window = f"{card.context_window} tokens" if card.context_window else ""
    dimensions = f"{card.dimensions} dimensions" if card.dimensions else ""
    where = {True: "local", False: "remote", None: ""}[card.local]
    return card.model, card.kind, window or dimensions, where, card.title or card.description


COMMAND = Command("models", COMMANDS["models"], configure, run)
