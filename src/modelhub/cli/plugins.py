"""``modelhub plugins``: which are installed, and which of them are broken and why."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from modelhub.cli.command import Command
from modelhub.cli.context import Context
from modelhub.cli.documents import plain
from modelhub.cli.overview import COMMANDS
from modelhub.cli.printing import table
from modelhub.cli.reading import read_text

if TYPE_CHECKING:
    from modelhub.providers.doctor import Diagnosis

__all__ = ["COMMAND"]


def configure(parser: ArgumentParser) -> None:
    parser.set_defaults(action=list_plugins)
    actions = parser.add_subparsers(metavar="ACTION")
    listed = actions.add_parser("list", help="list them, importing none (the default)", description="List the plugins.")
    listed.set_defaults(action=list_plugins)
    about = "Load each plugin in a process of its own. Exit code 1 where one is broken, with its cause and how to remove it."
    doctor = actions.add_parser("doctor", help="load each, and say what is wrong with it", description=about)
    doctor.set_defaults(action=examine)
    export = actions.add_parser("export", help="print them as requirements", description="Print requirements lines for pip.")
    export.set_defaults(action=print_requirements)
    about = "Print the pip command that installs what 'export' printed into this environment; with --run, run it."
    restore = actions.add_parser("restore", help="print or run the command that installs them again", description=about)
    restore.add_argument("file", metavar="FILE", help="requirements lines, as 'export' prints them")
    restore.add_argument("--run", action="store_true", dest="at_once", help="run the command with this interpreter's pip")
    restore.set_defaults(action=restore_plugins)


def run(arguments: Namespace, context: Context) -> int:
    code: int = arguments.action(arguments, context)
    return code


def list_plugins(_: Namespace, context: Context) -> int:
    """Print name, distribution, version and module of each."""
    from modelhub.providers import installed

    found = installed()
    if context.options.json:
        context.document({"plugins": found})
        return 0
    if not found:
        context.note("modelhub: no plugin is installed. Start with: pip install modelhub-starter")
        return 0
    for line in table([(plugin.name, plugin.distribution, plugin.version, plugin.module) for plugin in found]):
        context.say(line)
    return 0


def examine(_: Namespace, context: Context) -> int:
    """Print what is wrong with each; give 1 where anything is."""
    from modelhub.providers.doctor import diagnose

    diagnoses = diagnose()
    code = 0 if all(diagnosis.ok for diagnosis in diagnoses) else 1
    if context.options.json:
        context.document({"plugins": [finding(diagnosis) for diagnosis in diagnoses]})
        return code
    for diagnosis in diagnoses:
        tell(diagnosis, context)
    return code


def finding(diagnosis: Diagnosis) -> dict[str, Any]:
    """A diagnosis as data; with the command that removes the plugin where it is broken."""
    data: dict[str, Any] = plain(diagnosis)
    return data if diagnosis.ok else {**data, "uninstall": diagnosis.uninstall}


def tell(diagnosis: Diagnosis, context: Context) -> None:
    """A line for a sound plugin; for a broken one its cause and its end, and with ``--verbose`` the traceback."""
    context.say(f"{'ok' if diagnosis.ok else 'broken':<6}  {diagnosis.name} ({diagnosis.distribution} {diagnosis.version})")
    if diagnosis.ok:
        return
    context.say(f"        {diagnosis.cause}")
    context.say(f"        to remove it: {diagnosis.uninstall}")
    if context.options.verbose and diagnosis.traceback:
        context.say(diagnosis.traceback.rstrip())


def print_requirements(_: Namespace, context: Context) -> int:
    """Print ``distribution==version`` of each, once."""
    from modelhub.providers import requirements

    lines = requirements()
    if context.options.json:
        context.document({"requirements": lines})
        return 0
    for line in lines:
        context.say(line)
    return 0


def restore_plugins(arguments: Namespace, context: Context) -> int:
    """Print the command that installs a file's plugins, or run it: then pip speaks on standard error, and 1 says it failed."""
    from modelhub.providers import restore_command

    command = restore_command(read_text(arguments.file).split("\n"))
    code = installed_by(command) if arguments.at_once else None
    if context.options.json:
        context.document({"command": command} if code is None else {"command": command, "exit_code": code})
    elif code is None:
        context.say(shlex.join(command))
    return 1 if code else 0


def installed_by(command: list[str]) -> int:
    """Run it, and give its exit code."""
    import subprocess

    return subprocess.run(command, stdout=2, check=False).returncode  # noqa: S603  # it names no program but this interpreter


COMMAND = Command("plugins", COMMANDS["plugins"], configure, run)
