"""Several processes that share a large request: each loads the weights, and computes on one thread.

They are started when a request is worth it, and kept until the model is unloaded. Until one of them is ready this process
computes by itself; then it does nothing but hand out batches. One that fails leaves its batch to the others.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from modelhub_huggingface.local.share import Share
from modelhub_huggingface.options import HuggingFaceOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from modelhub_huggingface.local.recipe import Recipe

__all__ = ["Crew"]

_WORTH = 10**12
"""Additions that a request takes, some seconds of one core: less is done sooner than a process has loaded its weights."""
_BATCHES = 4
"""A request of fewer is not shared."""
_PAUSE = 0.05


class Crew:
    """``count`` processes for one model."""

    def __init__(self, count: int, recipe: Recipe, options: HuggingFaceOptions, parameters: int) -> None:
        own = replace(options, api_key=None, headers={}, extra_body={}, arguments={}, processes=1, threads=1, device="cpu")
        self._begin = pickle.dumps((recipe, own))
        self._count = count
        self._parameters = parameters
        self._workers: list[_Worker] = []

    @property
    def ready(self) -> int:
        """How many can be given something."""
        return sum(worker.ready for worker in self._workers)

    @property
    def failure(self) -> str | None:
        """Why one of them computes no more."""
        return next((worker.failure for worker in self._workers if worker.failure), None)

    def is_worth(self, batches: int, tokens: int) -> bool:
        """Whether so much is shared."""
        return batches >= _BATCHES and (self.ready > 0 or self._parameters * tokens >= _WORTH)

    def compute(self, share: Share, here: Callable[[Share], bool], wanted: Callable[[], bool]) -> None:
        """Have it computed, as long as it is wanted; ``here`` computes a batch in this process, if there is one left."""
        if not self._workers:
            self._workers = [_Worker(self._begin) for _ in range(self._count)]
        for worker in self._workers:
            if worker.failure is None:
                worker.shares.put(share)
        try:
            while wanted() and not share.is_over:
                if self.ready or not here(share):
                    share.wait(_PAUSE)
        finally:
            share.give_up()

    def close(self) -> None:
        """End the processes."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.close()


class _Worker:
    """A process, and the thread that talks with it."""

    def __init__(self, begin: bytes) -> None:
        self.shares: SimpleQueue[Share | None] = SimpleQueue()
        self.ready = False
        self.failure: str | None = None
        self._process = _started()
        self._thread = Thread(target=self._live, args=(begin,), name="modelhub-process", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """It keeps nothing that would be lost."""
        self.ready = False
        self._process.kill()
        self.shares.put(None)
        self._thread.join()

    def _live(self, begin: bytes) -> None:
        try:
            self.failure = self._asked(begin)
            self.ready = self.failure is None
            while self.ready and (share := self.shares.get()) is not None:
                self._take_part(share)
        finally:
            self.ready = False
            self._process.kill()
            with suppress(OSError), self._process:  # closes what it was written to and read from, and waits for its end
                pass

    def _take_part(self, share: Share) -> None:
        while self.ready and (places := share.take()) is not None:
            rows = self._computed(share, places)
            if rows is None:
                self.ready = False
                share.give_back(places)
            else:
                share.done(places, rows)

    def _computed(self, share: Share, places: Any) -> NDArray[np.float32] | None:
        answer = self._asked(pickle.dumps((share.texts(places), share.before)))
        if isinstance(answer, str):
            self.failure = answer
            return None
        rows: NDArray[np.float32] = answer
        return rows

    def _asked(self, question: bytes) -> Any:
        """What it answers; a text, where it does not."""
        to, back = self._process.stdin, self._process.stdout
        assert to is not None
        assert back is not None
        try:
            to.write(question)
            to.flush()
            return pickle.load(back)  # noqa: S301  # what our own process has written
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            return f"it ended ({type(error).__name__})"


def _started() -> subprocess.Popen[bytes]:
    """It ends when this process does: then nobody holds the other end of what it reads."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    path = os.pathsep.join(folder for folder in sys.path if folder)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "modelhub_huggingface.local.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **one, "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": path},
        start_new_session=os.name == "posix",
    )
