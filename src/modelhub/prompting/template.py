"""Templates that put values in and do nothing else: ``{{ name }}`` is replaced, every other character is kept.

Nothing is evaluated, what is put in is never looked at again, and braces that do not hold a known name are just braces, so
JSON needs no escaping. Whoever needs a literal ``{{ name }}`` puts it in as the value of another name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from modelhub.errors import ConfigError, did_you_mean

__all__ = ["INPUT", "Template"]

INPUT = "input"
"""The name that stands for the question."""

_PLACE = re.compile(r"\{\{\s*([^\W\d]\w*)\s*\}\}")
_EXPRESSION = re.compile(r"\{\{[-~+]?\s*([^\W\d]\w*)")


@dataclass(frozen=True, slots=True)
class Template:
    """A text with places for values: what is kept and the names of what is put in take turns in ``pieces``."""

    pieces: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, names: Collection[str] = (), *, file: str | None = None) -> Template:
        """Read a template that may use ``names`` and must use ``input``.

        Raises ``ConfigError`` with file and line at a name that is not known, at an expression (``{{ input.upper() }}``), and
        where ``{{ input }}`` is missing, since the question would be lost.
        """
        known = {INPUT, *names}
        for match in _PLACE.finditer(text):
            if match.group(1) not in known:
                raise _error(_unknown(match.group(1), sorted(known)), text, match.start(), file)
        for match in _EXPRESSION.finditer(text):
            if match.group(1) in known and not _PLACE.match(text, match.start()):
                advice = f"a template only puts values in. Write {{{{ {match.group(1)} }}}}"
                raise _error(f"{match.group()}...: {advice}.", text, match.start(), file)
        pieces = tuple(_PLACE.split(text))
        if INPUT not in pieces[1::2]:
            raise ConfigError("The template has no {{ input }}, so the question would be lost.", file=file)
        return cls(pieces)

    def render(self, values: Mapping[str, str]) -> str:
        """The text with its values put in, as they are. ``values`` holds every name that the template uses."""
        return "".join(values[piece] if number % 2 else piece for number, piece in enumerate(self.pieces))


def _unknown(name: str, known: list[str]) -> str:
    others = f" There are: {', '.join(known)}."
    return f"{{{{ {name} }}}}: nothing has this name.{did_you_mean(name, known) or others}"


def _error(message: str, text: str, position: int, file: str | None) -> ConfigError:
    return ConfigError(message, file=file, line=text.count("\n", 0, position) + 1)
