"""``modelhub models cache``: what the cache of model files holds, how much that is, and where; and how it gets less."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from modelhub.cli.printing import table

if TYPE_CHECKING:
    from modelhub.catalog.cleaning import CacheUse
    from modelhub.cli.context import Context

__all__ = ["configure_cache", "show_cache"]


def configure_cache(parser: ArgumentParser) -> None:
    """What ``models cache`` takes."""
    parser.add_argument("--clean", action="store_true", help="remove parts of files, and what broken processes have left")
    parser.add_argument("--all", action="store_true", dest="everything", help="with --clean: remove the models as well")
    parser.set_defaults(action=show_cache)


def show_cache(arguments: Namespace, context: Context) -> int:
    """Print a line for each thing in it, and what they take together."""
    from modelhub.catalog.cleaning import clean, use
    from modelhub.catalog.store import Store, cache_folder
    from modelhub.errors import InvalidRequest

    if arguments.everything and not arguments.clean:
        raise InvalidRequest("--all says what --clean removes: modelhub models cache --clean --all")
    store = Store(cache_folder())
    found = clean(store, everything=arguments.everything) if arguments.clean else use(store)
    if context.options.json:
        context.document({"removed" if arguments.clean else "cache": found})
        return 0
    for line in table(rows(found)):
        context.say(line)
    from modelhub.catalog.placing import amount

    context.say(f"{'removed ' if arguments.clean else ''}{amount(found.bytes)} in {found.folder}")
    return 0


def rows(found: CacheUse) -> list[tuple[str, ...]]:
    """A row for each model, and for each thing that no model needs."""
    from modelhub.catalog.placing import amount

    models = [
        (model.name, amount(model.bytes), f"licence {model.licence or 'unknown'}", model.added, model.source or "")
        for model in found.models
    ]
    rest = [(f"({left.what})", amount(left.bytes), "", "in use" if left.held else "", left.path) for left in found.leftovers]
    return [*models, *rest]
