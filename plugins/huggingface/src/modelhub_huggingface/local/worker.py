"""A process that computes batches of vectors for another: it reads tokens, and writes rows, until nobody writes any more."""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any, BinaryIO

__all__ = ["work"]


def work(source: BinaryIO, sink: BinaryIO) -> None:
    """First comes what to load, then batch after batch. What fails is answered by a text that says why."""
    recipe, options = pickle.load(source)  # noqa: S301  # what the process that has started this one writes
    try:
        from modelhub_huggingface.local.vectors import load_embedder

        embedder = load_embedder(recipe, options)
    except Exception as error:  # noqa: BLE001  # told to whoever has asked
        _answer(sink, str(error) or type(error).__name__)
        return
    _answer(sink, None)
    while True:
        try:
            texts, before = pickle.load(source)  # noqa: S301
        except EOFError:
            return
        try:
            rows: Any = embedder.batch(texts, before)
        except Exception as error:  # noqa: BLE001
            rows = str(error) or type(error).__name__
        _answer(sink, rows)


def _answer(sink: BinaryIO, said: Any) -> None:
    pickle.dump(said, sink, protocol=pickle.HIGHEST_PROTOCOL)
    sink.flush()


def _main() -> None:
    """What libraries print must not come between the answers."""
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    work(sys.stdin.buffer, sink)


if __name__ == "__main__":
    _main()
