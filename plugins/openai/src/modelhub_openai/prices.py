"""The list of prices: dated, local, and overridden by whatever the configuration says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from modelhub.plugin import Price

__all__ = ["listed_price"]

_FILE = Path(__file__).parent / "models" / "prices.json"
_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def listed_price(base_model: str) -> Price | None:
    """The price of a model, or of a dated version of it; ``None`` where the list has none. A mere likeness is no price."""
    row = _list()["models"].get(_DATE.sub("", base_model))
    if row is None:
        return None
    amounts = {name: _amounts(value) for name, value in row.items()}
    return Price(**amounts, as_of=_list()["as_of"], source=_list()["source"])


def _amounts(value: str | Mapping[str, str]) -> Any:
    return Decimal(value) if isinstance(value, str) else {name.strip(): Decimal(amount) for name, amount in value.items()}


@cache
def _list() -> Mapping[str, Any]:
    rows: Mapping[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return rows
