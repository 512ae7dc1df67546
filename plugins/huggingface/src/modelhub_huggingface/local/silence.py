"""What libraries write on the screen while they work for us: errors alone. What they say in other threads is left alone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["be_silent", "hush", "silence"]


class _Listeners(threading.local):
    silent = False


_here = _Listeners()


class _ErrorsAlone(logging.Filter):
    """Lets pass what is an error, and whatever is said in a thread that is not ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _here.silent or record.levelno >= logging.ERROR


_FILTER = _ErrorsAlone()


def hush(library: str) -> None:
    """Put the filter before what the library itself writes on the screen; what the application listens with hears all."""
    for handler in logging.getLogger(library).handlers:
        handler.addFilter(_FILTER)  # one that is there already is not put on again


def be_silent() -> None:
    """From now on, this thread works for us."""
    _here.silent = True


@contextmanager
def silence() -> Iterator[None]:
    """While it lasts, this thread works for us."""
    before, _here.silent = _here.silent, True
    try:
        yield
    finally:
        _here.silent = before
