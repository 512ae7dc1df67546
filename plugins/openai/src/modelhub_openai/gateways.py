"""Hosts that speak the dialect, as rows of data: each answers to a name of its own, ``groq:llama-3.3-70b-versatile``.

The rows stand in ``gateways.json``. Any other host needs no row: ``[providers.NAME] uses = "openai"`` with its address does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from modelhub.plugin import Provider, hookimpl

__all__ = ["Gateway", "names"]


class Gateway:
    """The plugin behind one name: the dialect, with that host's address, key and quirks where nothing else is written."""

    def __init__(self, name: str) -> None:
        self.name = name

    @hookimpl
    def modelhub_provider(self) -> Provider:
        """The dialect's provider as this host has it."""
        from modelhub_openai import modelhub_provider

        row, dialect = _rows()[self.name], modelhub_provider()
        return Provider(
            name=self.name,
            title=row["title"],
            kinds={kind: address for kind, address in dialect.kinds.items() if kind in row["kinds"]},
            options=dialect.options,
            listing=dialect.listing,
            defaults=row["defaults"],
        )


def names() -> tuple[str, ...]:
    """The names that have a row."""
    return tuple(_rows())


@cache
def _rows() -> Mapping[str, Mapping[str, Any]]:
    rows: Mapping[str, Mapping[str, Any]] = json.loads(Path(__file__).with_name("gateways.json").read_text(encoding="utf-8"))[
        "gateways"
    ]
    return rows


@cache
def __getattr__(name: str) -> Gateway:
    """``gateways.llama_server``: what an entry point names. A dash is written as an underscore."""
    row = name.replace("_", "-")
    if name.startswith("_") or row not in _rows():
        raise AttributeError(name)
    return Gateway(row)
