"""How persistent a model is: ``retry`` and ``[circuit]``, which most configurations leave out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelhub.config.aliases import alias_stack, chain
from modelhub.config.layers import Layer
from modelhub.config.reader import read
from modelhub.config.stack import table_at
from modelhub.errors import ConfigError, ModelhubError

if TYPE_CHECKING:
    from modelhub.config.loading import Loaded

__all__ = ["CircuitSpec", "RetrySpec", "circuit_of", "retry_of", "variable", "wrong_persistence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySpec:
    """``[retry]``, or ``retry`` of an alias: how often a model is asked again after an error that passes.

    ``times`` beside the first. ``max_wait``: where a provider asks to be left alone for longer than so many seconds, the error
    is raised at once.
    """

    times: int = 2
    max_wait: float = 60.0

    def __post_init__(self) -> None:
        if self.times < 0 or self.max_wait < 0:
            message = "times and max_wait have to be 0 or more."
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitSpec:
    """``[circuit]``: when a model that others stand in for is left alone.

    After ``failures`` attempts in a row that failed, for ``cool_down`` seconds; then one call tries it.
    """

    failures: int = 3
    cool_down: float = 30.0

    def __post_init__(self) -> None:
        if self.failures < 1 or self.cool_down < 0:
            message = "failures has to be 1 or more, cool_down 0 or more."
            raise ValueError(message)


def retry_of(loaded: Loaded, name: str) -> RetrySpec:
    """How often a name's model is asked again: what its aliases say, and for what they leave open the table ``[retry]``."""
    for_all = table_at(loaded.tree, ("retry",))
    if ":" in name:
        return read(RetrySpec, for_all, origin=loaded.origin, where=("retry",))
    stack = alias_stack(loaded, chain(loaded, name))
    own = table_at(stack.table(), ("retry",))
    return read(RetrySpec, {**for_all, **own}, origin=stack.origin, where=(*stack.where, "retry"))


def circuit_of(loaded: Loaded) -> CircuitSpec:
    """When a model with a fallback is left alone."""
    return read(CircuitSpec, table_at(loaded.tree, ("circuit",)), origin=loaded.origin, where=("circuit",))


def variable(name: str) -> Layer:
    """``MODELHUB_RETRIES``, as the layer over every file that it is. Raises ``ConfigError`` for what is no number."""
    text = os.environ[name].strip()
    if not (text.isascii() and text.isdigit()):
        raise ConfigError(f"The environment variable {name} is {text!r}; it has to be a whole number, 0 or more.")
    return Layer(name, {"retry": {"times": int(text)}})


def wrong_persistence(loaded: Loaded) -> Iterator[ConfigError]:
    """Every mistake in the tables ``[retry]`` and ``[circuit]`` and in ``retry`` of each alias."""
    places: list[tuple[type[Any], tuple[str, ...], Mapping[str, Any]]] = [
        (RetrySpec, ("retry",), loaded.config.retry),
        (CircuitSpec, ("circuit",), loaded.config.circuit),
        *((RetrySpec, ("models", name, "retry"), model.retry) for name, model in loaded.config.models.items()),
    ]
    for cls, where, table in places:
        mistakes: list[ConfigError] = []
        try:
            read(cls, table, origin=loaded.origin, where=where, mistakes=mistakes)
        except ModelhubError as error:
            mistakes += [error] if isinstance(error, ConfigError) else []
        yield from mistakes
