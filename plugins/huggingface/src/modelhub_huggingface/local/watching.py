"""Computing that ends between two layers of a network when nobody waits for it any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Left", "Watch"]


class Left(Exception):
    """Nobody waits any more for what was being computed."""


class Watch:
    """Looks, before each layer of the networks that it was put on, whether somebody still waits.

    Libraries that sample, denoise or decode have no common way to be stopped; every one of them calls layers.
    """

    def __init__(self) -> None:
        self._wanted: Callable[[], bool] | None = None

    def put_on(self, *networks: Any) -> None:
        """Watch networks of torch: each of their layers, where a list of them is kept, and each as a whole."""
        import torch

        for network in networks:
            layers = [layer for part in network.modules() if isinstance(part, torch.nn.ModuleList) for layer in part]
            for layer in (network, *layers):
                layer.register_forward_pre_hook(self._look)

    @contextmanager
    def during(self, wanted: Callable[[], bool]) -> Iterator[None]:
        """While this lasts, a layer that is reached when ``wanted()`` is no longer true raises ``Left``."""
        self._wanted = wanted
        try:
            self._look()
            yield
        finally:
            self._wanted = None

    def _look(self, *_: object) -> None:
        if self._wanted is not None and not self._wanted():
            raise Left
