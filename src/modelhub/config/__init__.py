"""From ``modelhub.toml`` to frozen specs, with errors that say file and line."""

from __future__ import annotations

from modelhub.config.aliases import resolve, split_id
from modelhub.config.layers import Origin
from modelhub.config.loading import Loaded, load
from modelhub.config.reader import read
from modelhub.config.served import plugin_of, read_options, served

__all__ = ["Loaded", "Origin", "load", "plugin_of", "read", "read_options", "resolve", "served", "split_id"]
