"""Fallbacks: which models stand in for one another, in which order, and after which errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelhub import errors
from modelhub.config.aliases import chain, wrong_model
from modelhub.config.stack import table_at
from modelhub.errors import ConfigError, ModelhubError, did_you_mean

if TYPE_CHECKING:
    from modelhub.config.loading import Loaded

__all__ = ["error_classes", "fallbacks", "wrong_fallbacks"]


def fallbacks(loaded: Loaded, name: str) -> tuple[str, ...]:
    """Who stands in for a name, in order: each of its fallbacks, behind it that one's own. Nobody is named twice."""
    found: list[str] = []
    waiting = list(_named(loaded, name))
    while waiting:
        other = waiting.pop(0)
        if other not in (name, *found):
            found.append(other)
            waiting[:0] = _named(loaded, other)
    return tuple(found)


def error_classes(names: tuple[str, ...]) -> tuple[type[ModelhubError], ...]:
    """The classes of errors behind their names."""
    return tuple(getattr(errors, name) for name in names)


def wrong_fallbacks(loaded: Loaded, name: str) -> Iterator[ConfigError]:
    """What is wrong with the ``fallback`` and ``fallback_on`` of an alias."""
    model = loaded.config.models[name]
    for position, other in enumerate(model.fallback):
        place = ("models", name, "fallback", position)
        mistakes = list(wrong_model(loaded, place, other))
        yield from mistakes
        if not mistakes and (circle := _circle(loaded, (name, other))):
            yield loaded.error(place, f"the fallbacks go round in a circle: {' → '.join(circle)}.")
    for position, word in enumerate(model.fallback_on):
        if word not in _KNOWN:
            hint = did_you_mean(word, _KNOWN) or " They are listed in the documentation, under Errors."
            yield loaded.error(("models", name, "fallback_on", position), f"there is no error of this name.{hint}")


_KNOWN = [name for name in errors.__all__ if isinstance(getattr(errors, name), type)]


def _circle(loaded: Loaded, way: tuple[str, ...]) -> tuple[str, ...]:
    """The way back to where it began; empty where there is none."""
    if way[-1] == way[0]:
        return way
    for other in _named(loaded, way[-1]):
        if other not in way[1:] and (circle := _circle(loaded, (*way, other))):
            return circle
    return ()


def _named(loaded: Loaded, name: str) -> tuple[str, ...]:
    """The fallbacks of a name: those of the nearest alias that says any."""
    try:
        aliases = () if ":" in name else chain(loaded, name)
    except ModelhubError:  # told where it stands
        aliases = ()
    for alias in aliases:
        if "fallback" in table_at(loaded.tree, ("models", alias)):
            return loaded.config.models[alias].fallback
    return ()
