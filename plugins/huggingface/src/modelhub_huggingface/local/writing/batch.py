"""Rows that are decoded beside each other: what the network has kept of them, filled up from the left to one length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from modelhub_huggingface.local.writing.network import Kept, Network, layers
from modelhub_huggingface.local.writing.row import Row

__all__ = ["Batch", "Failed", "choose"]

Failed = Callable[[Exception, list[Row]], None]
"""Tells those who wait for these rows what went wrong."""

_PIECE = 512
"""Tokens of a prompt that are taken in at once: between two such pieces somebody may leave."""
_SHORT = 128
"""Prompts of so few tokens are taken in together; a longer one fills a processor alone."""


class Batch:
    """Rows that have begun, in one cache. The engine's thread is the only one that touches it."""

    def __init__(self, network: Network, failed: Failed) -> None:
        self.rows: list[Row] = []
        self._network = network
        self._failed = failed
        self._kept: Kept = None
        self._width = 0
        """Tokens that are kept of each row, what fills shorter ones up among them."""

    def admit(self, rows: Sequence[Row]) -> None:
        """Take in prompts, choose their first tokens, and go on with those that are not over."""
        for group in _groups(rows):
            begun = Batch(self._network, self._failed)
            begun._begin(group)
            begun._leave_out()
            self._join(begun)

    def step(self) -> None:
        """One more token of each row."""
        import torch

        tokens = torch.tensor([[row.tokens[-1]] for row in self.rows], device=self._network.device)
        self._width += 1
        mask, positions = self._seen(self._width, 1)
        choose(self.rows, self._network.scores(tokens, self._kept, mask, positions), self._failed)
        self._leave_out()

    def drop_unwanted(self) -> None:
        """Go on without rows that nobody waits for any more."""
        for row in self.rows:
            row.over = row.over or not row.wanted()
        self._leave_out()

    def _begin(self, rows: list[Row]) -> None:
        """Take the prompts in, piece by piece, as long as anybody waits for one of them."""
        import torch

        self.rows, self._kept = rows, self._network.empty()
        longest = max(row.length for row in rows)
        lines = [[0] * (longest - row.length) + row.prompt for row in rows]
        tokens = torch.tensor(lines, device=self._network.device)
        scores: Any = None
        while self._width < longest and any(row.wanted() for row in rows):
            piece = tokens[:, self._width : self._width + _PIECE]
            self._width += piece.shape[1]
            mask, positions = self._seen(self._width, piece.shape[1], longest - self._width)
            scores = self._network.scores(piece, self._kept, mask, positions)
        if self._width == longest:
            choose(rows, scores, self._failed)
        else:
            for row in rows:
                row.over = True

    def _seen(self, width: int, new: int, rest: int = 0) -> tuple[Any, Any]:
        """Which of so many places hold tokens (nothing where all do, which is computed faster), and the places' numbers.

        ``rest`` tokens of each row are still to come.
        """
        import torch

        lengths = torch.tensor([[row.length - rest] for row in self.rows], device=self._network.device)
        places = torch.arange(width, device=self._network.device) - (width - lengths)
        filled = any(row.length - rest != width for row in self.rows)
        return (places >= 0).long() if filled else None, places[:, -new:].clamp(min=0)

    def _leave_out(self) -> None:
        """Go on without the rows that are over, and without what filled up shorter rows beside them."""
        import torch

        left = [place for place, row in enumerate(self.rows) if not row.over]
        if len(left) == len(self.rows):
            return
        self.rows = [self.rows[place] for place in left]
        if not left:
            self._kept, self._width = None, 0
            return
        self._kept.batch_select_indices(torch.tensor(left, device=self._network.device))
        filling = self._width - max(row.length - 1 for row in self.rows)
        if filling and self._network.joins:
            _change(self._kept, lambda tensor: tensor[:, :, filling:])
            self._width -= filling

    def _join(self, other: Batch) -> None:
        """Go on with the other's rows beside one's own."""
        if not self.rows:
            self.rows, self._kept, self._width = other.rows, other._kept, other._width
        elif other.rows:
            _put_beside(self._kept, other._kept, other._width - self._width)
            self.rows = [*self.rows, *other.rows]
            self._width = max(self._width, other._width)


def _groups(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows whose prompts are taken in together."""
    short = [row for row in rows if row.length <= _SHORT]
    if short:
        yield short
    yield from ([row] for row in rows if row.length > _SHORT)


def choose(rows: Sequence[Row], scores: Any, failed: Failed) -> None:
    """The next token of each: the likeliest of all rows at once, where that is what they want.

    A row for which there can be none has ``failed``; those beside it go on.
    """
    likeliest = scores.argmax(-1).tolist()
    for row, line, token in zip(rows, scores, likeliest, strict=True):
        try:
            row.take(line, token)
        except Exception as error:  # noqa: BLE001  # told to whoever waits for this row
            failed(error, [row])


def _put_beside(ours: Kept, theirs: Kept, longer: int) -> None:
    """Their rows behind our own; ``longer`` is by how much theirs are longer, and the shorter are filled up from the left."""
    import torch
    from torch.nn.functional import pad

    others = iter([tensor for layer in layers(theirs) for tensor in (layer.keys, layer.values)])

    def beside(tensor: Any) -> Any:
        return torch.cat([pad(tensor, (0, 0, max(longer, 0), 0)), pad(next(others), (0, 0, max(-longer, 0), 0))])

    _change(ours, beside)


def _change(kept: Kept, change: Callable[[Any], Any]) -> None:
    for layer in layers(kept):
        layer.keys = change(layer.keys)
        layer.values = change(layer.values)
