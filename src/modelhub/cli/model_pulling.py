"""``modelhub models pull URL``: a model fetched from a hub into the cache."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from modelhub.cli.local_models import tell_kept
from modelhub.cli.progress import progress
from modelhub.errors import InvalidRequest, ProviderError, SetupError, TransportError, Unreachable

if TYPE_CHECKING:
    from modelhub.cli.context import Context

__all__ = ["configure_pull", "pull_model"]

_KEPT = "what has come is kept, and the same command goes on from there. To throw it away: modelhub models cache --clean"


def configure_pull(parser: ArgumentParser) -> None:
    """What ``models pull`` takes."""
    parser.add_argument("url", metavar="URL", help="of a file, or of a hub's page about it; or PROVIDER:NAME")
    parser.add_argument("--name", metavar="NAME", help="what it is to be called (default: as the file)")
    parser.add_argument("--licence", metavar="LICENCE", help="(default: as the file says)")
    parser.add_argument("--sha256", metavar="DIGITS", help="what the file must be (default: as its hub says)")
    parser.add_argument("--replace", action="store_true", help="put it in the place of the model that has the name")
    parser.set_defaults(action=pull_model)


def pull_model(arguments: Namespace, context: Context) -> int:
    """Fetch it, telling how far it is. Whatever breaks it off, what has come stays."""
    from modelhub.catalog.pulling import Wanted, begun, pull
    from modelhub.transport.drive import drive

    if "://" not in arguments.url:
        return have_pulled(arguments, context)
    wanted = Wanted(
        url=arguments.url,
        name=arguments.name,
        licence=arguments.licence,
        sha256=arguments.sha256,
        replace=arguments.replace,
    )
    told = progress(context, sizes=True)
    try:
        model, card = drive(pull(wanted, context.hub().runtime, progress=told))
    except (KeyboardInterrupt, TransportError, ProviderError, SetupError) as error:
        told.close()
        if begun(arguments.url) and (getattr(error, "retryable", True) or isinstance(error, TransportError)):
            context.note(f"modelhub: {_KEPT}")
        raise
    finally:
        told.close()
    return tell_kept(
        model, card, context, f"in the cache; sha256 {', '.join(file.sha256 or 'unknown' for file in model.files)}"
    )


def have_pulled(arguments: Namespace, context: Context) -> int:
    """Have a provider fetch the model, for its own server or for this machine, telling how far it is."""
    from modelhub.config import read_options, served
    from modelhub.providers import imported
    from modelhub.transport.drive import drive

    provider, colon, name = arguments.url.partition(":")
    if not colon or not name:
        raise InvalidRequest(f"{arguments.url!r} is neither an address, https://HOST/PATH/FILE, nor a model, PROVIDER:NAME.")
    if given := [option for option in ("name", "licence", "sha256", "replace") if getattr(arguments, option)]:
        raise InvalidRequest(f"--{given[0]} is of a file that comes into the cache, and not of what {provider}'s server keeps.")
    hub = context.hub()
    found = served(hub.loaded, provider)
    if found.pull is None:
        raise InvalidRequest(f"{provider} has no server that fetches models. Give a file's address: https://HOST/PATH/FILE.")
    options = read_options(hub.loaded, imported(found.options) if found.options else None, arguments.url, found.defaults)
    told = progress(context, sizes=True)
    try:
        card = drive(imported(found.pull)(name, options, hub.runtime, told))
    except (KeyboardInterrupt, TransportError) as error:
        told.close()
        if not isinstance(error, Unreachable):
            context.note("modelhub: what has come is kept, and the same command goes on from there.")
        raise
    finally:
        told.close()
    if context.options.json:
        context.document({"model": card})
    else:
        context.say(f"{card.model} is {'on the server' if card.file is None else f'in {card.file}'}")
    return 0
