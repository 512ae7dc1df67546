"""Tables of one configuration that are laid over each other: an alias over the alias that it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from modelhub.config.layers import Origin, Tree, merged
from modelhub.config.positions import Path

if TYPE_CHECKING:
    from modelhub.config.loading import Loaded

__all__ = ["Stack", "table_at"]


class Stack(NamedTuple):
    """Where the tables stand, the farthest first. A key that several have is the nearest one's."""

    loaded: Loaded
    places: tuple[Path, ...]

    @property
    def where(self) -> Path:
        """What the whole is called where no single place is meant: the nearest table."""
        return self.places[-1]

    def table(self) -> Tree:
        """The tables merged."""
        return merged((table_at(self.loaded.tree, place) for place in self.places), depth=2)

    def origin(self, *keys: str | int) -> Origin | None:
        """Where a key was written. ``keys`` begin with ``where``."""
        rest = keys[len(self.where) :]
        found = (self.loaded.origin(*place, *rest) for place in reversed(self.places))
        return next((origin for origin in found if origin), None)


def table_at(tree: Any, path: Path) -> Tree:
    """The table at a path; an empty one where there is none."""
    for key in path:
        tree = tree.get(key, {}) if isinstance(tree, Mapping) else {}
    return tree if isinstance(tree, Mapping) else {}
