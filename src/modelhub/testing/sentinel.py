"""A key that must be seen nowhere: what the conformance classes give to endpoints, and then look for."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

__all__ = ["SENTINEL", "Sentinel", "spilled"]

SENTINEL = "sk-sentinel-5cTq1vN8"


@dataclass(frozen=True, slots=True)
class Sentinel:
    """A ``Secret`` whose value is known to the tests."""

    @property
    def loaded(self) -> bool:
        return True

    def load(self, timeout: float | None = None) -> None:
        """Nothing to fetch."""

    def reveal(self) -> str:
        return SENTINEL

    def __repr__(self) -> str:
        return "Sentinel()"


def spilled(value: object) -> bool:
    """Whether a value shows the key: in its ``repr`` or ``str``, or, of an exception, anywhere in its traceback or fields."""
    shown = [repr(value), str(value)]
    if isinstance(value, BaseException):
        shown += traceback.format_exception(value)
        shown += [repr(field) for field in vars(value).values()]
    return any(SENTINEL in text for text in shown)
