"""Rows whose prompts an encoder has read: they begin together, and whoever comes later waits for the next batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelhub_huggingface.local.writing.batch import Failed, choose
from modelhub_huggingface.local.writing.network import Kept, Network
from modelhub_huggingface.local.writing.row import Row

__all__ = ["EncodedBatch"]


class EncodedBatch:
    """As ``Batch``, of an encoder-decoder: no decoder of that family can tell rows of different lengths apart."""

    def __init__(self, network: Network, failed: Failed) -> None:
        self.rows: list[Row] = []
        self._network = network
        self._failed = failed
        self._kept: Kept = None
        self._read: Any = None
        self._mask: Any = None

    def admit(self, rows: Sequence[Row]) -> None:
        """Have the prompts read, and choose the first tokens of the answers."""
        import torch

        device = self._network.device
        longest = max(len(row.prompt) for row in rows)
        filled = [(row.prompt, [0] * (longest - len(row.prompt))) for row in rows]
        self._mask = torch.tensor([[1] * len(tokens) + rest for tokens, rest in filled], device=device)
        self._read = self._network.read(torch.tensor([tokens + rest for tokens, rest in filled], device=device), self._mask)
        self.rows, self._kept = list(rows), self._network.empty()
        self._go_on([list(row.before) for row in rows])

    def step(self) -> None:
        """One more token of each row."""
        self._go_on([[row.tokens[-1]] for row in self.rows])

    def drop_unwanted(self) -> None:
        """Go on without rows that nobody waits for any more."""
        for row in self.rows:
            row.over = row.over or not row.wanted()
        self._leave_out()

    def _go_on(self, tokens: list[list[int]]) -> None:
        import torch

        fed = torch.tensor(tokens, device=self._network.device)
        choose(self.rows, self._network.scores(fed, self._kept, self._mask, encoder_outputs=self._read), self._failed)
        self._leave_out()

    def _leave_out(self) -> None:
        import torch

        left = [place for place, row in enumerate(self.rows) if not row.over]
        if len(left) == len(self.rows):
            return
        self.rows = [self.rows[place] for place in left]
        places = torch.tensor(left, device=self._network.device, dtype=torch.long)
        self._kept.batch_select_indices(places)
        self._read.last_hidden_state = self._read.last_hidden_state[places]
        self._mask = self._mask[places]
