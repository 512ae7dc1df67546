"""llama.cpp's own server in a process of its own: says its address, and serves until its standard input ends."""

from __future__ import annotations

import sys

import xllamacpp


def main(model: str, *given: str) -> None:
    """Serve one model; each of ``given`` is ``n_ctx=512`` or the like."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.port = 0
    parameters.n_ctx = 4096
    parameters.n_parallel = 2
    parameters.cpuparams.n_threads = 1
    parameters.warmup = False
    parameters.use_jinja = True
    for name, _, value in (pair.partition("=") for pair in given):
        setattr(parameters, name, int(value))
    server = xllamacpp.Server(parameters)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
