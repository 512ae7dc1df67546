"""One of our modules run in a process of its own, whose death is its own, and whose log can be read."""

from __future__ import annotations

import os
import subprocess
import sys

__all__ = ["run_apart"]


def run_apart(
    module: str, *arguments: str, seconds: float, given: bytes | None = None
) -> subprocess.CompletedProcess[bytes] | None:
    """What ``python -m module`` came to; ``None`` where no process can be started: a frozen program would start itself.

    Raises ``subprocess.TimeoutExpired``.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        return None
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folder for folder in sys.path if folder)}
    try:
        return subprocess.run(  # noqa: S603  # our own module, in our own interpreter
            command, input=given or b"", capture_output=True, timeout=seconds, check=False, env=environment
        )
    except OSError:
        return None
