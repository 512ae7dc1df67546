"""What a command is given beside its arguments: the hub, and the ways to speak to whoever called it."""

from __future__ import annotations

import io
import json
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelhub.cli.documents import plain
from modelhub.cli.streams import Streams

if TYPE_CHECKING:
    from modelhub.config import Loaded
    from modelhub.hub import Hub

__all__ = ["Context", "Options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options that every command takes."""

    config: str | None = None
    profile: str | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False

    @classmethod
    def of(cls, arguments: Namespace) -> Options:
        """Those among a command's arguments."""
        return cls(**{name: value for name, value in vars(arguments).items() if name in cls.__slots__})


def _open_hub(options: Options) -> Hub:
    from modelhub.hub import Hub

    return Hub(options.config, profile=options.profile)


@dataclass(slots=True)
class Context:
    """A command's surroundings. The hub is made when it is first asked for, and closed when the command ends."""

    streams: Streams
    options: Options = Options()
    open_hub: Callable[[Options], Hub] = _open_hub
    opened: Hub | None = field(default=None, init=False)
    began: float = field(default_factory=time.perf_counter, init=False)

    def hub(self) -> Hub:
        """The hub of the configuration that ``--config`` and ``--profile`` name."""
        if self.opened is None:
            self.opened = self.open_hub(self.options)
        return self.opened

    def configuration(self) -> Loaded:
        """That configuration, without a hub."""
        from modelhub.config import load

        return load(self.options.config, profile=self.options.profile)

    def close(self) -> None:
        """Close the hub, if one was made."""
        if self.opened is not None:
            self.opened.close()

    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.perf_counter() - self.began

    @property
    def to_terminal(self) -> bool:
        """Whether a person reads the output as it comes."""
        return self.streams.stdout.isatty()

    def write(self, text: str) -> None:
        """Text for standard output, at once and as it is."""
        self.streams.stdout.write(text)
        self.streams.stdout.flush()

    def say(self, text: str = "") -> None:
        """A line of the result, on standard output."""
        self.streams.stdout.write(text + "\n")

    def note(self, text: str) -> None:
        """A line beside the result, on standard error; ``--quiet`` leaves it out."""
        if not self.options.quiet:
            self._aside(text)

    def detail(self, text: str) -> None:
        """A line on standard error that only ``--verbose`` shows."""
        if self.options.verbose:
            self._aside(text)

    def document(self, value: Any) -> None:
        """The result as JSON on one line or, for a person at a terminal, indented: UTF-8, printable characters as they are."""
        stdout = self.streams.stdout
        if isinstance(stdout, io.TextIOWrapper) and not stdout.isatty():
            stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        indent = 2 if self.to_terminal else None
        stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=indent, allow_nan=False) + "\n")
        stdout.flush()

    def _aside(self, text: str) -> None:
        self.streams.stdout.flush()
        self.streams.stderr.write(text + "\n")
        self.streams.stderr.flush()
