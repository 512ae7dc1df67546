"""Plugins: which are installed, and the one that answers to a name. Nothing is imported before it is asked for."""

from __future__ import annotations

from modelhub.providers.installed import Installed, installed, requirements, restore_command
from modelhub.providers.loading import builtin_names, contribution, imported, provider

__all__ = [
    "Installed",
    "builtin_names",
    "contribution",
    "imported",
    "installed",
    "provider",
    "requirements",
    "restore_command",
]
