"""``MODELHUB_STRICT_PLUGINS=1``: an installation with a broken plugin is a failure, whatever else went well."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelhub.cli.context import Context

__all__ = ["is_strict", "strict"]


def is_strict() -> bool:
    """Whether ``MODELHUB_STRICT_PLUGINS`` asks for it: ``1``, ``true``, ``yes`` or ``on``."""
    return os.environ.get("MODELHUB_STRICT_PLUGINS", "").lower() in ("1", "true", "yes", "on")


def strict(context: Context) -> int:
    """1 where it is set and a plugin is broken, each named on standard error; else 0. Each is loaded in its own process."""
    if not is_strict():
        return 0
    from modelhub.providers.doctor import diagnose

    broken = [diagnosis for diagnosis in diagnose() if not diagnosis.ok]
    for diagnosis in broken:
        named = f"{diagnosis.name} ({diagnosis.distribution} {diagnosis.version})"
        context.streams.stderr.write(f"modelhub: the plugin {named} is broken: {diagnosis.cause}\n")
    return 1 if broken else 0
