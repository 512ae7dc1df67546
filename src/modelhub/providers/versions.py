"""Whether a version is one of those that a plugin says it is made for: ``modelhub_api = ">=1,<2"``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne

__all__ = ["accepts"]

Version = tuple[int, ...]

_OPERATORS: Mapping[str, Callable[[Version, Version], bool]] = {">=": ge, "<=": le, "==": eq, "!=": ne, ">": gt, "<": lt}
_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+)*)\s*")


def accepts(wanted: object, version: Version) -> bool:
    """Whether ``version`` meets every comma-separated clause of ``wanted``. Raises ``ValueError`` where it is no such text."""
    if not isinstance(wanted, str):
        message = f"modelhub_api has to be a string like '>=1,<2', not a {type(wanted).__name__}"
        raise ValueError(message)
    return all(_meets(clause, version) for clause in wanted.split(","))


def _meets(clause: str, version: Version) -> bool:
    found = _CLAUSE.fullmatch(clause)
    if not found:
        message = f"modelhub_api has to be like '>=1,<2', not {clause!r}"
        raise ValueError(message)
    asked = tuple(int(part) for part in found[2].split("."))
    length = max(len(asked), len(version))
    return _OPERATORS[found[1]](_padded(version, length), _padded(asked, length))


def _padded(version: Version, length: int) -> Version:
    return version + (0,) * (length - len(version))
