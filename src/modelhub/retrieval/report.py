"""What bringing an index up to date did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["IndexReport", "Skipped"]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is not in the index, and why."""

    document: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexReport:
    """Documents by name; ``passages`` in the index now; ``embedded`` of them are new to the embedding model.

    ``rebuilt`` says why nothing of an earlier index could be used, and is empty where something could, or there was none. A
    passage has ``chunk_tokens`` at most, which the embedding model's own tokenizer has counted (``exact``), or an estimate
    that errs upward.
    """

    name: str
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    passages: int = 0
    embedded: int = 0
    seconds: float = 0.0
    rebuilt: str = ""
    chunk_tokens: int = 0
    counter: Literal["exact", "approximate"] = "approximate"

    @property
    def documents(self) -> int:
        """How many documents the index holds."""
        return len(self.added) + len(self.changed) + len(self.unchanged)
