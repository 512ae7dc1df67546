"""What a model is looked for by: the one language of filters, whoever keeps the cards."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from modelhub.catalog.tasks import task_like
from modelhub.errors import InvalidRequest, did_you_mean
from modelhub.model import KINDS, Family, Kind

__all__ = ["FAMILIES", "INPUTS", "ORDERS", "OUTPUTS", "Order", "Query"]

Order = Literal["name", "downloads", "likes", "updated", "parameters", "context", "price"]
ORDERS: tuple[str, ...] = get_args(Order)
FAMILIES: tuple[str, ...] = get_args(Family)
INPUTS = ("text", "image", "audio", "file", "video")
OUTPUTS = ("text", "vector", "image", "audio", "order", "video")
_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is left out does not matter. A card on which something asked for is unknown is not found.

    Raises ``InvalidRequest`` for a value that no model can have.
    """

    search: str | None = None
    """Words that stand in the name, the title or the description, all of them."""
    kind: Kind | None = None
    task: str | None = None
    """In the words of model hubs: ``summarization``, ``text-to-image``."""
    licence: str | None = None
    """As on the card, in any case: ``apache-2.0``."""
    language: str | None = None
    """A language tag: ``ja`` finds ``ja`` and ``ja-JP``."""
    family: Family | None = None
    architecture: str | None = None
    library: str | None = None
    inputs: tuple[str, ...] = ()
    """What the model must take: ``("text", "image")``."""
    outputs: tuple[str, ...] = ()
    """What it must give: ``("vector",)``."""
    open_weights: bool | None = None
    local: bool | None = None
    """Whether the model runs on this machine."""
    fine_tunable: bool | None = None
    gated: bool | None = None
    data: str | None = None
    """A word of where what is sent goes."""
    min_context: int | None = None
    """Tokens."""
    max_parameters: int | None = None
    max_price: float | None = None
    """In US dollars for a million output tokens (of what has no output: input tokens)."""
    sort: Order | None = None
    """Most downloads, likes, context or the newest first; least parameters or price first; what is unknown comes last.

    Left out: as whoever keeps the cards has them. A model hub's own order is the most downloaded first.
    """
    limit: int = 50

    def __post_init__(self) -> None:
        for name in _TEXTS:
            _of_type(name, getattr(self, name), str, "a text")
        for name in _YES_OR_NO:
            _of_type(name, getattr(self, name), bool, "True or False")
        for name, known in _ONE_OF.items():
            _one_of(name, getattr(self, name), known)
        for name, known in _SOME_OF.items():
            given: Any = getattr(self, name)
            if isinstance(given, str) or not isinstance(given, Collection):
                raise InvalidRequest(f"{name} is {given!r}; write a tuple: ({given!r},).")
            object.__setattr__(self, name, tuple(given))
            for value in given:
                _one_of(name, value, known)
        for name in _NUMBERS:
            number: Any = getattr(self, name)
            if not (number is None and name != "limit") and (type(number) is not int or number < 1):
                raise InvalidRequest(f"{name} is {number!r}; it must be a whole number, 1 or more.")
        if self.max_price is not None and not (type(self.max_price) in (int, float) and 0 <= self.max_price < float("inf")):
            raise InvalidRequest(f"max_price is {self.max_price!r}; it must be an amount of US dollars.")
        if self.task is not None:
            task_like(self.task)
        if self.language is not None and not _TAG.fullmatch(self.language):
            raise InvalidRequest(f"language is {self.language!r}; it must be a tag, like 'ja' or 'pt-BR'.")

    def given(self) -> dict[str, Any]:
        """What is asked for, by name; without the order and the limit."""
        asked = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in ("sort", "limit")}
        return {name: value for name, value in asked.items() if value not in (None, ())}


_TEXTS = ("search", "task", "licence", "language", "architecture", "library", "data")
_YES_OR_NO = ("open_weights", "local", "fine_tunable", "gated")
_NUMBERS = ("limit", "min_context", "max_parameters")
_ONE_OF: dict[str, Sequence[str]] = {"kind": KINDS, "family": FAMILIES, "sort": ORDERS}
_SOME_OF: dict[str, Sequence[str]] = {"inputs": INPUTS, "outputs": OUTPUTS}


def _of_type(name: str, value: object, kind: type, words: str) -> None:
    if value is not None and not isinstance(value, kind):
        raise InvalidRequest(f"{name} is {value!r}; it must be {words}, or None.")


def _one_of(name: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        hint = did_you_mean(str(value), known)
        raise InvalidRequest(f"{name} has {value!r}; it can be {', '.join(known)}.{hint}")
