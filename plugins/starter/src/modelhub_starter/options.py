"""What ``[providers.starter]`` may say."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["StarterOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterOptions:
    """Settings of the embedded models."""

    sentences: int = 3
    """How many sentences ``starter:quote`` quotes at most."""
