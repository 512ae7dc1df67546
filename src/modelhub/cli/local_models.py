"""``modelhub models --local``, ``add`` and ``remove``: the models whose files lie on this machine."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from modelhub.cli.model_rows import count
from modelhub.cli.progress import progress
from modelhub.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelhub.catalog.placing import Progress
    from modelhub.catalog.store import Store
    from modelhub.cli.context import Context
    from modelhub.errors import ModelhubError
    from modelhub.model import ModelCard

__all__ = ["add_model", "configure_add", "configure_remove", "local", "local_row", "remove_model", "tell_kept"]


def local(context: Context) -> list[ModelCard]:
    """The card of each; a plugin that cannot tell is named on standard error."""
    from modelhub.catalog.inspecting import local_models

    def complain(_: str, error: ModelhubError) -> None:
        context.streams.stderr.write(f"modelhub: {error.message}\n")

    return list(local_models(context.hub().assembly, complain))


def local_row(card: ModelCard) -> tuple[str, ...]:
    """Name, kind, size, how its weights are stored, window, the memory it needs, licence, file."""
    from modelhub.catalog.placing import amount

    if card.file_bytes is None:
        return card.model, "unusable", *[""] * 5, card.description or card.file or ""
    return (
        card.model,
        card.kind,
        f"{count(card.parameters)} parameters" if card.parameters else "",
        card.quantization or "",
        f"{card.context_window} tokens" if card.context_window else "",
        f"needs {amount(card.memory_bytes)}" if card.memory_bytes else "",
        f"licence {card.licence or 'unknown'}",
        card.file or "",
    )


def configure_add(parser: ArgumentParser) -> None:
    """What ``models add`` takes."""
    parser.add_argument("file", metavar="FILE", help="a file of a model (any of several), a folder, or package:NAME")
    parser.add_argument("--name", metavar="NAME", help="what it is to be called (default: as the file)")
    parser.add_argument("--licence", metavar="LICENCE", help="(default: as the file says)")
    parser.add_argument("--type", metavar="TYPE", help="f16, q8_0...: how a folder's or a package's model is stored")
    parser.add_argument("--sha256", metavar="DIGITS", help="what the file must be; then all of it is read")
    parser.add_argument("--replace", action="store_true", help="put it in the place of the model that has the name")
    parser.set_defaults(action=add_model)


def add_model(arguments: Namespace, context: Context) -> int:
    """Keep the model in the cache, by hard links where that can be."""
    from modelhub.catalog.converting import as_file
    from modelhub.catalog.store import Store, cache_folder

    store = Store(cache_folder())
    with as_file(arguments.file, arguments.type, store) as file:
        return _add_file(store, file, arguments, context)


def _add_file(store: Store, file: str, arguments: Namespace, context: Context) -> int:
    import os

    from modelhub.catalog.inspecting import inspector
    from modelhub.catalog.shards import shards, stem

    files = shards(os.path.abspath(os.path.expanduser(file)))
    card = inspector(files[0])(files[0])
    told = progress(context, sizes=True)
    try:
        known = checked(files, arguments.sha256, told) if arguments.sha256 else ()
        model, placing = store.add(
            files,
            name=arguments.name or stem(files[0]),
            licence=arguments.licence or card.licence,
            source=files[0] if file == arguments.file else source(arguments.file),
            replace=arguments.replace,
            checksums=known,
            progress=told,
        )
    finally:
        told.close()
    how = "by a hard link, which takes no room; whoever writes over the file in its place changes the model, too"
    how = how if placing == "link" else "as a copy: no hard link can be made there"
    return tell_kept(model, card, context, how)


def source(given: str) -> str:
    """Where a model came from, as it is kept: a folder's whole path, or the name of a package."""
    import os

    return given if given.startswith("package:") else os.path.abspath(os.path.expanduser(given))


def checked(files: Sequence[str], sha256: str, told: Progress) -> tuple[str, ...]:
    """The checksum, if the file has it. Raises ``InvalidRequest``."""
    from modelhub.catalog.placing import checksum

    if len(files) > 1:
        raise InvalidRequest(f"--sha256 is of one file, and this model has {len(files)}.")
    found = checksum(files[0], told)
    if found != sha256.lower():
        raise InvalidRequest(f"{files[0]} has the SHA-256 {found}, and not {sha256}.")
    return (found,)


def tell_kept(model: Any, card: ModelCard, context: Context, how: str) -> int:
    """Say what is kept now, and under which name it is asked for."""
    asked = f"{card.model.partition(':')[0]}:{model.name}"
    if context.options.json:
        context.document({"model": asked, "stored": model, "card": card})
        return 0
    context.say(f"{asked}  {card.kind}, licence {model.licence or 'unknown'}, {model.paths[0]}")
    context.note(f"modelhub: kept {how}.")
    return 0


def configure_remove(parser: ArgumentParser) -> None:
    """What ``models remove`` takes."""
    parser.add_argument("name", metavar="NAME", help="of a model that was added or pulled")
    parser.set_defaults(action=remove_model)


def remove_model(arguments: Namespace, context: Context) -> int:
    """Take a model out of the cache. A file that it was linked from stays where it is, and takes its room."""
    from modelhub.catalog.placing import amount, shared
    from modelhub.catalog.store import Store, cache_folder

    store = Store(cache_folder())
    stays = (found := store.find(arguments.name)) is not None and all(map(shared, found.paths))
    model = store.remove(arguments.name)
    if context.options.json:
        context.document({"removed": model})
        return 0
    size = amount(model.bytes)
    context.say(f"removed {model.name} ({f'a link to {size} that stay where they were added from' if stays else size})")
    return 0
