"""Why llama.cpp does not take a model, asked in a process of its own, where what it logs can be read: ``python -m``."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import asdict
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING

from modelhub_llama.apart import run_apart

if TYPE_CHECKING:
    from modelhub_llama.engine import Purpose
    from modelhub_llama.options import LlamaOptions

__all__ = ["main", "reason"]

_SECONDS = 60.0
_SAID = re.compile(r"error loading model: (?:error loading model \w+: )?(.+)|\bE \S*\s*(.+)")
_OTHERWISE = "asked once more, it took the file: ask again, memory may have been short"


def reason(path: str, purpose: Purpose, options: LlamaOptions, window: int) -> str:
    """What llama.cpp says of the file with these options, in its own words, as the end of a sentence."""
    given = json.dumps([path, purpose, window, options.loaded()], default=asdict).encode()
    try:
        done = run_apart("modelhub_llama.diagnosis", given=given, seconds=_SECONDS)
    except TimeoutExpired:
        done = None
    if done is None:
        return "it does not say why"
    if b"taken" in done.stdout:
        return _OTHERWISE
    return _words(done.stderr.decode("utf-8", "replace")) or f"its process ended with {done.returncode}"


def _words(log: str) -> str:
    found = next((match for match in map(_SAID.search, log.splitlines()) if match), None)
    return (found[1] or found[2]).strip().rstrip(".")[:300] if found else ""


def main() -> None:
    """Load the file that standard input names, with its options."""
    import xllamacpp

    from modelhub_llama.engine import parameters_for
    from modelhub_llama.options import Adapter, LlamaOptions

    path, purpose, window, given = json.load(sys.stdin)
    adapters = tuple(Adapter(**adapter) for adapter in given.pop("adapters"))
    parameters = parameters_for(xllamacpp, path, purpose, LlamaOptions(**given, adapters=adapters), window)
    parameters.verbosity = 1
    xllamacpp.Server(parameters)
    sys.stdout.write("taken\n")
    sys.stdout.flush()
    os._exit(0)  # its end may hang right behind its start


if __name__ == "__main__":
    main()
