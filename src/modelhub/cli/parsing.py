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
        message = self._no_action(message) or message
        sentence = f"{message[:1].upper()}{message[1:]}".rstrip(".")
        raise InvalidRequest(f"{sentence}{'' if sentence.endswith('?') else '.'} See: {self.prog} --help")

    def _no_action(self, message: str) -> str | None:
        """What is said of a word that stands where an action may; ``None`` for any other mistake."""
        found = _NO_ACTION.fullmatch(message)
        if found is None:
            return None
        known = re.findall(r"[\w-]+", found["known"])
        quotes = "; several search words go in quotes" if "--search" in self._option_string_actions else ""
        return f"{found['word']} is no action ({', '.join(known)}){quotes}.{did_you_mean(found['word'][1:-1], known)}"


_NO_ACTION = re.compile(r"argument ACTION: invalid choice: (?P<word>.+) \(choose from (?P<known>.+)\)", re.DOTALL)


def parse(parser: Parser, words: Sequence[str]) -> argparse.Namespace:
    """The arguments in ``words``. Raises ``InvalidRequest`` with a near option for one that does not exist."""
    try:
        arguments, unknown = parser.parse_known_args(words)
    except InvalidRequest:
        if strange := [word for word in words if word.startswith("--") and word.partition("=")[0] not in _options(parser)]:
            _no_place(parser, strange[0])  # its value was taken for something else, and that was told
        raise
    if unknown:
        _no_place(parser, unknown[0])
    return arguments


def _no_place(parser: Parser, word: str) -> Never:
    known = re.findall(r"--[a-z][a-z-]*", parser.format_help())
    parser.error(f"there is no place for {word!r}.{did_you_mean(word.partition('=')[0], known)}")


def _options(parser: argparse.ArgumentParser) -> set[str]:
    """Every option of a command, and of its actions."""
    inner = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
    return {"--", *parser._option_string_actions}.union(  # noqa: SLF001  # argparse tells it nowhere else
        *(_options(each) for choices in inner for each in choices.values())
    )


def _add_global_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("options of every command")
    absent = argparse.SUPPRESS
    group.add_argument("--config", metavar="PATH", default=absent, help="read this configuration file")
    group.add_argument("--profile", metavar="NAME", default=absent, help="use [profiles.NAME] of the configuration")
    group.add_argument("--json", action="store_true", default=absent, help="print JSON")
    group.add_argument("--quiet", action="store_true", default=absent, help="print results only")
    group.add_argument("--verbose", action="store_true", default=absent, help="print model, tokens, times and notices as well")
