"""The door for the shell: ``modelhub COMMAND``. A command's module is imported when the command is called, no sooner."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line ``words`` (the process's own where left out) and give its exit code.

    0: done. 1: the work failed. 2: the command line or the configuration has to change. 130: interrupted. 141: whoever read
    the output stopped reading.
    """
    words = sys.argv[1:] if words is None else list(words)
    if words in (["--help"], ["-h"], ["help"]):
        from modelhub.cli.overview import overview

        return _say(overview())
    if words == ["--version"]:
        from modelhub import __version__

        return _say(f"modelhub {__version__}")
    from modelhub.cli.shell import run

    return run(words)


def _say(text: str) -> int:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        from modelhub.cli.streams import abandon

        return abandon(sys.stdout)
    return 0
