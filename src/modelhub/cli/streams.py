"""The three streams of a process, made fit for any terminal and any pipe, and given back as they were."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

__all__ = ["Streams", "abandon", "steady"]

BROKEN_PIPE = 141
"""What a shell reports for a process that SIGPIPE ended."""


@dataclass(frozen=True, slots=True)
class Streams:
    """Where a command reads and writes. ``stdin`` gives bytes, so that its encoding is ours to decide."""

    stdin: IO[bytes] | None
    stdout: IO[str]
    stderr: IO[str]

    @classmethod
    def of_process(cls) -> Streams:
        """The process's own; a stream that was closed before the start is an empty one."""
        stdin = getattr(sys.stdin, "buffer", None)
        return cls(stdin, sys.stdout or io.StringIO(), sys.stderr or io.StringIO())


@contextmanager
def steady(streams: Streams) -> Iterator[None]:
    """While inside, a character that the terminal's encoding lacks is written as an escape and is no error."""
    changed = [stream for stream in (streams.stdout, streams.stderr) if isinstance(stream, io.TextIOWrapper)]
    before = [(stream, stream.encoding, stream.errors) for stream in changed]
    for stream in changed:
        stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, encoding, errors in before:
            _restore(stream, encoding, errors)


def _restore(stream: io.TextIOWrapper, encoding: str, errors: str | None) -> None:
    try:
        stream.reconfigure(encoding=encoding, errors=errors)
    except (OSError, ValueError):  # the pipe is gone: nothing to restore
        return


def abandon(stream: IO[str]) -> int:
    """Whoever read ``stream`` has left: send what is still in its buffer nowhere, and give the exit code."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):  # not a stream of the process: it has no number
        pass
    return BROKEN_PIPE
