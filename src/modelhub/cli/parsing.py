"""The command line's grammar: options that every command takes, and mistakes told in one sentence."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, Never

from modelhub.errors import InvalidRequest, did_you_mean

__all__ = ["Parser", "parse"]


class Parser(argparse.ArgumentParser):
    """A parser that knows the global options and raises ``InvalidRequest`` instead of leaving the process."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "allow_abbrev": False})
        _add_global_options(self)

    def error(self, message: str) -> Never:
        """Say what is wrong with the command line."""
        sentence = f"{message[:1].upper()}{message[1:]}".rstrip(".")
        raise InvalidRequest(f"{sentence}{'' if sentence.endswith('?') else '.'} See: {self.prog} --help")


def parse(parser: Parser, words: Sequence[str]) -> argparse.Namespace:
    """The arguments in ``words``. Raises ``InvalidRequest`` with a near option for one that does not exist."""
    arguments, unknown = parser.parse_known_args(words)
    if unknown:
        known = re.findall(r"--[a-z][a-z-]*", parser.format_help())
        parser.error(f"there is no place for {unknown[0]!r}.{did_you_mean(unknown[0].partition('=')[0], known)}")
    return arguments


def _add_global_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("options of every command")
    absent = argparse.SUPPRESS
    group.add_argument("--config", metavar="PATH", default=absent, help="read this configuration file")
    group.add_argument("--profile", metavar="NAME", default=absent, help="use [profiles.NAME] of the configuration")
    group.add_argument("--json", action="store_true", default=absent, help="print JSON")
    group.add_argument("--quiet", action="store_true", default=absent, help="print results only")
    group.add_argument("--verbose", action="store_true", default=absent, help="print model, tokens, times and notices as well")
