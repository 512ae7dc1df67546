"""``MODELHUB_STRICT_PLUGINS=1``: an installation with a broken plugin is a failure, whatever else went well."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelhub.cli.context import Context

__all__ = ["strict"]


def strict(context: Context) -> int:
    """1 where a plugin is broken, each named on standard error; 0 where all are sound. Each is loaded in its own process."""
    from modelhub.providers import diagnose

    broken = [diagnosis for diagnosis in diagnose() if not diagnosis.sound]
    for diagnosis in broken:
        context.streams.stderr.write(f"modelhub: plugin {diagnosis.name} is broken (MODELHUB_STRICT_PLUGINS is set)\n")
    return 1 if broken else 0
