"""``modelhub models``: what can be asked by name; its actions add, fetch and remove what lies on this machine."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelhub.cli.command import Command
from modelhub.cli.context import Context
from modelhub.cli.local_models import configure_add, configure_remove, local, local_row
from modelhub.cli.model_cache import configure_cache
from modelhub.cli.model_filters import configure_filters, provider_name, query_of
from modelhub.cli.model_pulling import configure_pull
from modelhub.cli.model_rows import card_table
from modelhub.cli.overview import COMMANDS
from modelhub.cli.printing import table
from modelhub.errors import InvalidRequest, PluginBroken

if TYPE_CHECKING:
    from modelhub.catalog.found import FoundModels
    from modelhub.catalog.query import Query
    from modelhub.errors import ModelhubError
    from modelhub.model import ModelCard

__all__ = ["COMMAND"]


def configure(parser: ArgumentParser) -> None:
    where = parser.add_argument_group("where they are looked for")
    where.add_argument("--provider", type=provider_name, metavar="NAME", help="ask this provider: its server, or its hub")
    where.add_argument("--everywhere", action="store_true", help="ask every provider, beside what is known here")
    here = "the models whose files lie on this machine, and what they need"
    where.add_argument("--local", action="store_true", dest="files", help=here)
    configure_filters(parser)
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
    if arguments.everywhere and (arguments.files or arguments.provider):
        raise InvalidRequest("--everywhere asks every provider: leave out --local and --provider, or --everywhere.")
    query = query_of(arguments)
    if arguments.files and query is not None and query.local is False:
        raise InvalidRequest(
            "--local shows models whose files lie here, and --service those that run elsewhere: leave one out."
        )
    if arguments.files:
        return list_local(arguments, query, context)
    for complaint in complaints() if arguments.provider is None else ():
        context.streams.stderr.write(f"modelhub: {complaint}\n")
    found = context.hub().models(query, provider=arguments.provider, everywhere=arguments.everywhere)
    show(found, query, card_table(found), context)
    if not found and query is None and arguments.provider is None:
        context.note("modelhub: no installed plugin lists such a model. See: modelhub plugins")
    elif not found:
        said = "among these, there is no such model." if found.notes else nowhere(arguments, query, context)
        context.note(f"modelhub: {said}")
    elif query is None and arguments.provider is None and (silent := unlisted(found)):
        context.detail(f"plugins that list no model beforehand: {', '.join(silent)}. Ask one: modelhub models --provider NAME")
    return 0


def nowhere(arguments: Namespace, query: Query | None, context: Context) -> str:
    """What is said where nothing fits."""
    if query is not None and (why := at_odds(query)):
        return why
    if arguments.provider is not None and query is None and keeps_files(arguments.provider, context):
        return f"{arguments.provider} has no model yet. Fetch one: modelhub models pull; keep a file: modelhub models add FILE"
    if arguments.provider is not None:
        return f"{arguments.provider} has no such model."
    if arguments.everywhere:
        return "no such model is known anywhere."
    return "no such model is known here. Ask providers: modelhub models --everywhere, or --provider NAME"


def at_odds(query: Query) -> str | None:
    """What in a query rules out all models, for the most part; ``None`` where nothing does."""
    from modelhub.catalog.tasks import TASKS

    kinds = TASKS.get(query.task or "", ())
    if query.kind is None or not kinds or query.kind in kinds:
        return None
    return f"no such model is known: {query.task} is a task of models for {' and '.join(kinds)}, not for {query.kind}."


def list_local(arguments: Namespace, query: Query | None, context: Context) -> int:
    """Print what lies on this machine, and what each needs."""
    from modelhub.catalog.found import FoundModels, selected

    cards = [card for card in local(context) if names_provider(arguments.provider, card)]
    found = FoundModels(cards) if query is None else selected(cards, query)
    show(found, query, table([local_row(card) for card in found]), context)
    if not found:
        context.note(f"modelhub: {no_file(cards)}")
    return 0


def no_file(cards: Sequence[ModelCard]) -> str:
    """What is said where no model lies here that fits, or that a provider runs."""
    from modelhub.catalog.store import stored

    if not cards and (kept := len(stored())):
        return f"what is kept here ({kept}) is run by no provider as it is configured. See: modelhub models cache"
    return "no such model lies on this machine. Fetch one: modelhub models pull URL, or PROVIDER:MODEL"


def keeps_files(name: str, context: Context) -> bool:
    """Whether it is a provider whose models may lie on this machine."""
    from modelhub.catalog.sources import keepers

    return any(name == keeper for keeper, _ in keepers(context.hub().assembly, lambda _name, _error: None))


def show(found: FoundModels, query: Query | None, lines: Sequence[str], context: Context) -> None:
    """The cards as a table or a document; beside it, what is not among them and why."""
    for line in failures(found.failures, context):
        context.streams.stderr.write(f"modelhub: {line}\n")
    for name, note in found.notes.items():
        context.note(f"modelhub: {name}: {note}")
    if context.options.json:
        context.document(document(found, query))
        return
    for line in lines:
        context.say(line)
    if found.more:
        context.note(f"modelhub: {found.more} more. Show them: --limit {len(found) + found.more}")
    if found.left_out:
        named = ", ".join(f"{name.replace('_', ' ')} ({count})" for name, count in found.unknown.items())
        context.note(f"modelhub: {found.left_out} left out, of which it is unknown: {named}")


def document(found: FoundModels, query: Query | None) -> dict[str, Any]:
    """What ``--json`` prints: the cards; of a search also what is not among them."""
    told: dict[str, Any] = {"models": list(found)}
    if query is not None:
        told |= {"more": found.more, "left_out": found.left_out, "unknown": found.unknown}
    if found.notes:
        told["notes"] = found.notes
    if found.failures:
        told["failures"] = {name: error.message for name, error in found.failures.items()}
    return told


def failures(found: Mapping[str, ModelhubError], context: Context) -> Iterator[str]:
    """A line for each provider that could not be asked; those that the configuration does not speak of in one."""
    config = context.hub().loaded.config
    configured = {*config.providers, *(model.model.partition(":")[0] for model in config.models.values())}
    strangers = [] if context.options.verbose else sorted(found.keys() - configured)
    if strangers:
        yield f"not configured, and could not be asked: {', '.join(strangers)} (--verbose says why)"
    yield from (f"{name}: {error.message}" for name, error in found.items() if name not in strangers)


def names_provider(name: str | None, card: ModelCard) -> bool:
    """Whether the card is of that provider; of any where none is asked for."""
    return name is None or card.model.partition(":")[0] == name


def unlisted(cards: Sequence[ModelCard]) -> list[str]:
    """The installed plugins that none of the cards is from."""
    from modelhub.providers import installed

    heard = {card.model.partition(":")[0] for card in cards}
    return sorted({plugin.name for plugin in installed()} - heard)


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


COMMAND = Command("models", COMMANDS["models"], configure, run)
