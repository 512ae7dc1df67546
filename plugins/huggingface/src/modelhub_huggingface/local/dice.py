"""Chance that can be repeated: what a library draws in this thread comes from a generator of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from modelhub.plugin import InvalidRequest

__all__ = ["chance", "seeded", "within"]


def seeded(seed: int) -> AbstractContextManager[Any]:
    """While it lasts, noise that torch makes for this thread depends on ``seed`` alone, on the processor and the device alike.

    The generator that all threads of a process share is left as it is, so that models beside each other do not draw from each
    other's dice. It reaches ``rand``, ``randn`` and their like, and ``multinomial``.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    noise = {torch.randn_like: torch.randn, torch.rand_like: torch.rand}
    drawing = (torch.randn, torch.rand)

    class Dice(TorchFunctionMode):  # type: ignore[misc, unused-ignore]  # where torch is not installed
        def __init__(self) -> None:
            super().__init__()
            self.generator = torch.Generator("cpu").manual_seed(seed)

        def __torch_function__(self, function: Any, types: Any, given: Any = (), named: Any = None) -> Any:
            named = dict(named or {})
            if function in noise:
                like = given[0]
                named = {"dtype": like.dtype, "device": like.device, **named}
                function, given = noise[function], (like.shape,)
            if function in drawing and named.get("generator") is None:
                place = named.pop("device", None)
                drawn = function(*given, **named, generator=self.generator)
                return drawn if place is None else drawn.to(place)
            if function is torch.multinomial and named.get("generator") is None:
                chances, *rest = given
                return function(chances.cpu(), *rest, **named, generator=self.generator).to(chances.device)
            return function(*given, **named)

    return Dice()


def within(seed: int) -> int:
    """The seed. Raises ``InvalidRequest`` for one that some generator cannot take, or takes for another."""
    if not 0 <= seed < 1 << 63:
        raise InvalidRequest(f"seed is {seed}; it must be 0 or more, and less than 2 to the power of 63.")
    return seed


@contextmanager
def chance(arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The arguments without ``seed``; where there is one, what is drawn meanwhile depends on it. Raises ``InvalidRequest``."""
    rest = {name: value for name, value in arguments.items() if name != "seed"}
    seed = arguments.get("seed")
    if not isinstance(seed, int | None) or isinstance(seed, bool):
        raise InvalidRequest(f"seed is {seed!r}; it must be a whole number.")
    with nullcontext() if seed is None else seeded(within(seed)):
        yield rest
