"""A request that several compute: batches are taken one by one, and their rows come together in the order of the texts."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from threading import Condition
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]

__all__ = ["Share"]


class Share:
    """``batches`` are places among ``texts``, which are given by their tokens; ``before`` of each is its prompt's."""

    def __init__(self, texts: Sequence[Sequence[int]], batches: Sequence[Sequence[int]], before: int = 0) -> None:
        self.before = before
        self._texts = texts
        self._left = deque(batches)
        self._missing = len(batches)
        self._rows: list[Numbers | None] = [None] * len(texts)
        self._changed = Condition()

    @property
    def is_over(self) -> bool:
        """Whether all rows are there."""
        return not self._missing

    def take(self) -> Sequence[int] | None:
        """A batch to be computed; ``None`` where others have taken the rest."""
        with self._changed:
            return self._left.popleft() if self._left else None

    def texts(self, places: Sequence[int]) -> list[Sequence[int]]:
        """The texts of a batch."""
        return [self._texts[place] for place in places]

    def give_back(self, places: Sequence[int]) -> None:
        """Leave a batch to others."""
        with self._changed:
            self._left.appendleft(places)
            self._changed.notify_all()

    def done(self, places: Sequence[int], rows: Numbers) -> None:
        """The rows of a batch."""
        with self._changed:
            for place, row in zip(places, rows, strict=True):
                self._rows[place] = row
            self._missing -= 1
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Until something is done or given back, so long at most."""
        with self._changed:
            if self._missing:
                self._changed.wait(seconds)

    def give_up(self) -> None:
        """Nobody wants the rest."""
        with self._changed:
            self._left.clear()

    def vectors(self) -> Numbers:
        """All rows; of what was not computed, zeros."""
        import numpy as np

        width = next((len(row) for row in self._rows if row is not None), 0)
        return np.stack([np.zeros(width, np.float32) if row is None else row for row in self._rows])
