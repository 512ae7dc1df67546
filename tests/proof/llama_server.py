"""llama.cpp's own server in a process of its own: says its address, and serves until its standard input ends."""

from __future__ import annotations

import sys

import xllamacpp


def main(model: str, purpose: str, context: str = "1024") -> None:
    """Serve one model, for ``chat`` or for ``embedding``, with so many tokens for two requests together."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.n_ctx = int(context)
    parameters.n_parallel = 2
    parameters.cpuparams.n_threads = 1
    parameters.warmup = False
    parameters.use_jinja = True
    if purpose == "embedding":
        parameters.embedding = True
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(parameters)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
