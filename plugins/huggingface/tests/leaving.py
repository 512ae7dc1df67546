"""Somebody who presses Ctrl-C while something goes on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

__all__ = ["interrupted_after"]


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """The main thread is interrupted after so many seconds, unless it is done by then, which is an error."""
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(seconds, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        timer.cancel()
        timer.join()
