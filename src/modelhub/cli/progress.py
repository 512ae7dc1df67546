"""How far long work is: a bar for a person at a terminal, a line every tenth of the way for a log."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING, Any

from modelhub.catalog.placing import amount

if TYPE_CHECKING:
    from modelhub.cli.context import Context

__all__ = ["Bar", "Lines", "Silence", "progress"]


def progress(context: Context, *, sizes: bool = False) -> Bar | Lines | Silence:
    """Nothing with ``--quiet``; a bar at a terminal where ``tqdm`` (extra ``cli``) is installed; else lines.

    ``sizes``: what is counted is bytes.
    """
    stderr = context.streams.stderr
    if context.options.quiet:
        return Silence()
    if stderr.isatty() and find_spec("tqdm") is not None:
        return Bar(stderr, sizes=sizes)
    return Lines(stderr, sizes=sizes)


class Silence:
    """Says nothing."""

    def __call__(self, done: int, total: int, what: str) -> None:
        """Say nothing of a step."""

    def close(self) -> None:
        """Nothing was opened."""


class Lines:
    """A line each time another tenth of a step is done: ``embed 40 % (120 of 300)``."""

    def __init__(self, stream: IO[str], *, sizes: bool = False) -> None:
        self.stream = stream
        self.sizes = sizes
        self.shown: tuple[str, int] | None = None

    def __call__(self, done: int, total: int, what: str) -> None:
        """``done`` of ``total`` are through in the step that ``what`` names."""
        tenth = 10 * done // total if total else 10
        if self.shown == (what, tenth):
            return
        self.shown = (what, tenth)
        so_far, whole = (amount(done), amount(total)) if self.sizes else (done, total)
        self.stream.write(f"{what} {10 * tenth} % ({so_far} of {whole})\n")
        self.stream.flush()

    def close(self) -> None:
        """Each line is complete already."""


class Bar:
    """A bar for each step."""

    def __init__(self, stream: IO[str], *, sizes: bool = False) -> None:
        self.stream = stream
        self.unit: dict[str, Any] = {"unit": "B", "unit_scale": True, "unit_divisor": 1024} if sizes else {}
        self.what: str | None = None
        self.bar: Any = None

    def __call__(self, done: int, total: int, what: str) -> None:
        """``done`` of ``total`` are through in the step that ``what`` names."""
        if what != self.what:
            self.close()
            self.what = what
            begun = done if self.unit else 0  # a file may have been begun before
            self.bar = import_module("tqdm").tqdm(
                total=total, initial=begun, desc=what, file=self.stream, leave=False, **self.unit
            )
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """Take the bar off the screen."""
        if self.bar is not None:
            self.bar.close()
        self.bar = None
