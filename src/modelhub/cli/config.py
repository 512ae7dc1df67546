"""``modelhub config``: which files hold, what they say, and whether they can be right."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from modelhub.cli.command import Command
from modelhub.cli.context import Context
from modelhub.cli.overview import COMMANDS
from modelhub.cli.printing import table
from modelhub.errors import ModelhubError

if TYPE_CHECKING:
    from modelhub.cli.explanation import Setting, Written
    from modelhub.config import Origin

__all__ = ["COMMAND"]


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    about = "Show what holds for a name, where it was written, and what it was written over. Secrets are shown as their source."
    explain = actions.add_parser("explain", help="show each setting of a name and where it comes from", description=about)
    explain.add_argument("name", metavar="NAME", help="an alias or a model id")
    explain.set_defaults(action=explain_name)
    path = actions.add_parser("path", help="show which files are read", description="Show the files, the nearest first.")
    path.set_defaults(action=show_path)
    schema = actions.add_parser("schema", help="print a JSON Schema for editors", description="Print a JSON Schema.")
    schema.set_defaults(action=print_schema)
    about = "Check everything that can be checked without a request; plugins that the configuration names are loaded."
    check = actions.add_parser("check", help="check everything without a request", description=about)
    check.set_defaults(action=check_all)


def run(arguments: Namespace, context: Context) -> int:
    code: int = arguments.action(arguments, context)
    return code


def explain_name(arguments: Namespace, context: Context) -> int:
    """Print each setting, its value, its origin; below it, what it was written over."""
    from modelhub.cli.explanation import explain

    settings = explain(context.configuration(), arguments.name)
    if context.options.json:
        context.document({"name": arguments.name, "settings": settings})
        return 0
    for line in table([row for setting in settings for row in rows(setting)]):
        context.say(line)
    return 0


def rows(setting: Setting) -> Iterator[tuple[str, ...]]:
    """A setting's line, and one for each value it was written over."""
    yield setting.name, written(setting.holds), place(setting.holds.origin)
    for below in setting.over:
        yield "", f"over {written(below)}", place(below.origin)


def written(value: Written) -> str:
    """The value as TOML would have it, nearly: strings in quotes."""
    return json.dumps(value.value, ensure_ascii=False, default=str)


def place(origin: Origin) -> str:
    """``modelhub.toml:3 (project file)``, the file's path as short as it can be."""
    if origin.file is None:
        return origin.layer
    near = os.path.relpath(origin.file)
    file = origin.file if near.startswith("..") else near
    return f"{file}:{origin.line} ({origin.layer})" if origin.line else f"{file} ({origin.layer})"


def show_path(_: Namespace, context: Context) -> int:
    """Print the files that are read, the nearest first."""
    loaded = context.configuration()
    files = list(dict.fromkeys(layer.file for layer in reversed(loaded.layers) if layer.file))
    if context.options.json:
        context.document({"files": files, "profile": loaded.profile})
        return 0
    if not files:
        context.note("modelhub: there is no modelhub.toml in or above this folder, and none of the user's own.")
    for file in files:
        context.say(file)
    return 0


def print_schema(_: Namespace, context: Context) -> int:
    """Print the JSON Schema of ``modelhub.toml``, with the options of the providers that the configuration names."""
    from modelhub.config.schema import schema

    context.document(schema(named_options(context)))
    return 0


def named_options(context: Context) -> dict[str, type[Any]]:
    """The options of each provider that the configuration names; one that cannot be asked is named on standard error."""
    from modelhub.config import resolve, served, split_id
    from modelhub.providers import imported

    loaded = context.configuration()
    names = {split_id(resolve(loaded, alias).model)[0] for alias in loaded.config.models} | set(loaded.config.providers)
    found: dict[str, type[Any]] = {}
    for name in sorted(names):
        try:
            address = served(loaded, name).options
            if address is not None:
                found[name] = imported(address)
        except ModelhubError as error:
            context.note(f"modelhub: {error.message}")
    return found


def check_all(_: Namespace, context: Context) -> int:
    """Say what is wrong, a line each; or that nothing is."""
    from modelhub.cli.checking import problems
    from modelhub.config.loading import survey

    loaded, told = survey(context.options.config, profile=context.options.profile)
    found = problems(loaded, told)
    if context.options.json:
        context.document({"file": loaded.file, "problems": found})
    for problem in found:
        context.streams.stderr.write(f"modelhub: {problem}\n")
    if found:
        return 2
    config = loaded.config
    counted = f"{len(config.models)} models, {len(config.prompts)} prompts, {len(config.indexes)} indexes"
    context.note(f"{loaded.file or 'no file'}: {counted}: nothing is wrong")
    return 0


COMMAND = Command("config", COMMANDS["config"], configure, run)
