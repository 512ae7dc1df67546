"""From ``modelhub.toml`` to frozen specs, with errors that say file and line."""

from __future__ import annotations

from modelhub.config.aliases import read_options, resolve, split_id
from modelhub.config.layers import Origin
from modelhub.config.loading import Loaded, load
from modelhub.config.reader import read

__all__ = ["Loaded", "Origin", "load", "read", "read_options", "resolve", "split_id"]
