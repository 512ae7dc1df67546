"""``modelhub models``: what can be asked by name; its actions add, fetch and remove what lies on this machine."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from modelhub.cli.command import Command
from modelhub.cli.context import Context
from modelhub.cli.local_models import configure_add, configure_remove, local, local_row
from modelhub.cli.model_cache import configure_cache
from modelhub.cli.model_pulling import configure_pull
from modelhub.cli.overview import COMMANDS
from modelhub.cli.printing import table
from modelhub.errors import PluginBroken
from modelhub.model import KINDS

if TYPE_CHECKING:
    from modelhub.model import ModelCard

__all__ = ["COMMAND"]


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--kind", choices=KINDS, help="models of this kind only")
    parser.add_argument("--provider", metavar="NAME", help="ask this provider for its whole list")
    parser.add_argument("--local", action="store_true", help="the models whose files lie on this machine, and what they need")
    parser.set_defaults(action=list_models)
    actions = parser.add_subparsers(metavar="ACTION")
    for name, about, configured in _ACTIONS:
        configured(actions.add_parser(name, help=about, description=f"{about[:1].upper()}{about[1:]}."))


_ACTIONS = (
    ("add", "keep a file of a model under a name", configure_add),
    ("pull", "fetch a model from a hub; called again, it goes on where it was left", configure_pull),
    ("remove", "take a model out of the cache", configure_remove),
    ("cache", "show what the cache holds, or clean it", configure_cache),
)


def run(arguments: Namespace, context: Context) -> int:
    code: int = arguments.action(arguments, context)
    return code


def list_models(arguments: Namespace, context: Context) -> int:
    """Print the models there are, or those on this machine."""
    if arguments.local:
        return list_local(arguments, context)
    found = listed(context) if arguments.provider is None else context.hub().models(arguments.provider)
    cards = [card for card in found if arguments.kind in (None, card.kind)]
    if context.options.json:
        context.document({"models": cards})
        return 0
    for line in table([row(card) for card in cards]):
        context.say(line)
    if not cards:
        context.note("modelhub: no installed plugin lists such a model. See: modelhub plugins")
    elif arguments.provider is None and (silent := unlisted(found)):
        context.detail(f"plugins that list no model beforehand: {', '.join(silent)}. Ask one: modelhub models --provider NAME")
    return 0


def list_local(arguments: Namespace, context: Context) -> int:
    """Print what lies on this machine, and what each needs."""
    mine = [card for card in local(context) if names_provider(arguments.provider, card)]
    cards = [card for card in mine if arguments.kind in (None, card.kind)]
    if context.options.json:
        context.document({"models": cards})
        return 0
    for line in table([local_row(card) for card in cards]):
        context.say(line)
    if not cards:
        context.note("modelhub: no such model lies on this machine. Fetch one: modelhub models pull URL")
    return 0


def names_provider(name: str | None, card: ModelCard) -> bool:
    """Whether the card is of that provider; of any where none is asked for."""
    return name is None or card.model.partition(":")[0] == name


def unlisted(cards: Sequence[ModelCard]) -> list[str]:
    """The installed plugins that none of the cards is from."""
    from modelhub.providers import installed

    heard = {card.model.partition(":")[0] for card in cards}
    return sorted({plugin.name for plugin in installed()} - heard)


def listed(context: Context) -> Sequence[ModelCard]:
    """Every card that can be read without importing a plugin; a plugin that cannot be used is named on standard error."""
    for complaint in complaints():
        context.streams.stderr.write(f"modelhub: {complaint}\n")
    return context.hub().models()


def complaints() -> Iterator[str]:
    """A line for each plugin that is broken for all to see: no module, a name that two claim, or cards that cannot be read."""
    from importlib.util import find_spec

    from modelhub.catalog.cards import cards_on_disk
    from modelhub.providers import installed

    plugins = installed()
    for plugin in plugins:
        top = plugin.module.partition(":")[0].partition(".")[0]
        if find_spec(top) is None:
            yield f"the plugin {plugin.name!r} ({plugin}) is broken: there is no module {top!r}. See: modelhub plugins doctor"
        elif any(other.name == plugin.name and other != plugin for other in plugins):
            yield f"the plugin {plugin.name!r} ({plugin}) shares its name with another. See: modelhub plugins doctor"
        try:
            cards_on_disk(plugin.module)
        except PluginBroken as error:
            yield error.message


def row(card: ModelCard) -> tuple[str, ...]:
    """Name, kind, what is known of its size, where it runs, and what it is."""
    window = f"{card.context_window} tokens" if card.context_window else ""
    dimensions = f"{card.dimensions} dimensions" if card.dimensions else ""
    where = {True: "local", False: "remote", None: ""}[card.local]
    return card.model, card.kind, window or dimensions, where, card.title or card.description


COMMAND = Command("models", COMMANDS["models"], configure, run)
