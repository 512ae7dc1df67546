"""``--retries``: how often a command asks its model again."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TypedDict

__all__ = ["Retries", "add_retries", "retries"]


class Retries(TypedDict, total=False):
    """The option of every verb; empty where the command line says nothing."""

    retries: int


def add_retries(parser: ArgumentParser) -> None:
    """Let a command take ``--retries``."""
    about = "ask again so often after an error that passes (default: as configured, else 2)"
    parser.add_argument("--retries", type=int, metavar="N", help=about)


def retries(arguments: Namespace) -> Retries:
    """What the command line gives, for the verb."""
    return {} if arguments.retries is None else {"retries": arguments.retries}
