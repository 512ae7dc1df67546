"""Why llama.cpp does not take a model, asked in a process of its own, where what it logs can be read: ``python -m``."""

from __future__ import annotations

import os
import re
import sys
from subprocess import TimeoutExpired

from modelhub_llama.apart import run_apart

__all__ = ["main", "reason"]

_SECONDS = 60.0
_SAID = re.compile(r"error loading model: (?:error loading model \w+: )?(.+)|\bE \S*\s*(.+)")
_OTHERWISE = (
    "with its own settings it takes the file, so one of the options does not go with it: context_window, cache_type_k, "
    "cache_type_v, gpu_layers, mlock, adapters or projector"
)


def reason(path: str) -> str:
    """What llama.cpp says of the file, in its own words, as the end of a sentence."""
    try:
        done = run_apart("modelhub_llama.diagnosis", path, seconds=_SECONDS)
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
    """Load the file that is named on the command line, with as little as can be."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = sys.argv[1]
    parameters.n_ctx = 256
    parameters.n_gpu_layers = 0
    parameters.fit_params = False
    parameters.warmup = False
    parameters.verbosity = 1
    xllamacpp.Server(parameters)
    sys.stdout.write("taken\n")
    sys.stdout.flush()
    os._exit(0)  # its end may hang right behind its start


if __name__ == "__main__":
    main()
