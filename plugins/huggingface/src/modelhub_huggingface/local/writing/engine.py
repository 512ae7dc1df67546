"""A loaded network and the one thread that writes with it: all who wait, beside each other, as many as a batch takes."""

from __future__ import annotations

from collections import deque
from threading import Condition, Thread
from typing import Any

from modelhub.plugin import ModelhubError, NotEnoughMemory, ProviderDown, ProviderError
from modelhub_huggingface.local.engine import give_back
from modelhub_huggingface.local.silence import be_silent
from modelhub_huggingface.local.writing.batch import Batch
from modelhub_huggingface.local.writing.encoded import EncodedBatch
from modelhub_huggingface.local.writing.library import write_alone
from modelhub_huggingface.local.writing.network import Network
from modelhub_huggingface.local.writing.row import Row

__all__ = ["WritingEngine"]


class WritingEngine:
    """At most ``rows`` are written at once, and so many that what is kept of them, each as long as the longest, is no more than
    ``room`` tokens; one alone always is. A request that comes while others are being written joins them at the next token,
    where the network ``joins``; else it waits until they are done, and so does one that only the library can write.
    """

    def __init__(self, network: Network, tokenizer: Any, name: str, rows: int, room: int) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.own = network.module.generation_config.to_diff_dict()
        """What the model's files say about how it writes."""
        self._name = name
        self._most = rows
        self._room = room
        self._queue: deque[Row] = deque()
        self._changed = Condition()
        self._closing = False
        self._thread = Thread(target=self._work, name="modelhub-write", daemon=True)
        self._thread.start()

    def submit(self, row: Row) -> None:
        """Have it written when there is room for it."""
        with self._changed:
            self._queue.append(row)
            self._changed.notify()
        if self._closing:
            row.fail(self._unloaded())

    def close(self) -> None:
        """Stop after the token that is being computed, and give the memory back."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        del self.network
        give_back()

    def forget(self) -> None:
        """In a forked child nothing runs here; what is loaded stays the parent's until one of them writes to it."""

    def _work(self) -> None:
        import torch

        be_silent()
        batch = self._batch()
        with torch.inference_mode():
            while (newcomers := self._newcomers(batch)) is not None:
                try:
                    self._advance(batch, newcomers)
                except Exception as error:  # noqa: BLE001  # told to each of those who wait
                    self._failed(error, [*batch.rows, *newcomers])
                    batch = self._batch()
        for row in (*batch.rows, *self._queue):
            row.fail(self._unloaded())

    def _batch(self) -> Batch | EncodedBatch:
        kind = EncodedBatch if self.network.encodes else Batch
        return kind(self.network, self._failed)

    def _advance(self, batch: Batch | EncodedBatch, newcomers: list[Row]) -> None:
        """One more token of each row; the first of those that begin."""
        if newcomers and newcomers[0].alone:
            write_alone(self.network.module, newcomers[0])
            return
        if batch.rows:
            batch.drop_unwanted()
        if batch.rows:
            batch.step()
        if newcomers:
            batch.admit(newcomers)

    def _newcomers(self, batch: Batch | EncodedBatch) -> list[Row] | None:
        """Who begins now: one who has to be alone, or as many as there is room for. ``None``: there is an end to it all."""
        with self._changed:
            while not self._closing:
                self._queue = deque(row for row in self._queue if row.wanted())
                if batch.rows or self._queue:
                    return self._next(batch)
                self._changed.wait()
            return None

    def _next(self, batch: Batch | EncodedBatch) -> list[Row]:
        found: list[Row] = []
        if batch.rows and not self.network.joins:
            return found
        while self._queue and self._fits([*batch.rows, *found], self._queue[0]):
            found.append(self._queue.popleft())
        return found

    def _fits(self, rows: list[Row], another: Row) -> bool:
        """Whether another may be written beside these."""
        if not rows:
            return True
        if another.alone or rows[0].alone or len(rows) >= self._most:
            return False
        return (len(rows) + 1) * max(row.kept for row in (*rows, another)) <= self._room

    def _failed(self, error: Exception, rows: list[Row]) -> None:
        provider, _, model = self._name.partition(":")
        for row in rows:
            if isinstance(error, ModelhubError):
                row.fail(error)
                continue
            told: ModelhubError
            if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__ or "allocate memory" in str(error):
                told = NotEnoughMemory(f"{self._name} found too little memory for {len(rows)} requests at once: lower batch.")
            else:
                message = f"{self._name} failed with {type(error).__name__}: {error}"
                told = ProviderError(message, provider=provider, model=model)
            told.__cause__ = error
            row.fail(told)

    def _unloaded(self) -> ProviderDown:
        provider, _, model = self._name.partition(":")
        return ProviderDown(f"{self._name} was unloaded while it was asked.", provider=provider, model=model)
