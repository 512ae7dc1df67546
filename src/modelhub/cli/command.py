"""A command: its name, a line of help, the arguments it takes, and what it does with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from modelhub.cli.context import Context

__all__ = ["Command"]


@dataclass(frozen=True, slots=True)
class Command:
    """What ``modelhub NAME`` runs; also the answer of a plugin to the hook ``modelhub_command``.

    ``configure(parser)`` adds the command's arguments to an ``argparse`` parser that already has the options every command
    takes. ``run(arguments, context)`` does the work and gives the exit code; it writes through ``context``, takes the hub
    from ``context.hub()``, and raises ``ModelhubError`` where it cannot go on.
    """

    name: str
    help: str
    configure: Callable[[ArgumentParser], None]
    run: Callable[[Namespace, Context], int]
