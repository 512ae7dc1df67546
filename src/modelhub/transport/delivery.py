"""Whether what was written to a socket came to the other side at all."""

from __future__ import annotations

import struct
import sys
from typing import Any

__all__ = ["unreceived"]


def unreceived(stream: Any) -> bool:
    """Asked when the other side has ended the connection: is the last of what was written still unacknowledged?

    Then its system, which closed before the bytes came, gave them to no program there, and never will: they may be sent again
    elsewhere. ``False`` where that is not certain, which is everywhere but on Linux, and after a reset on Linux too: a reset
    acknowledges nothing, so what a program had read before it would look the same.
    """
    if sys.platform != "linux" or stream is None:
        return False
    import fcntl
    import termios

    try:
        waiting: int = struct.unpack("i", fcntl.ioctl(stream.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0]
    except (OSError, ValueError):
        return False
    return waiting > 0
