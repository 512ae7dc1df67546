"""``MODELHUB_STRICT_PLUGINS=1``: an installation with a broken plugin is a failure, whatever else went well."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelhub.cli.context import Context

__all__ = ["strict"]


def strict(context: Context) -> int:
    """1 where it is set and a plugin is broken, each named on standard error; else 0. Each is loaded in its own process."""
    from modelhub.providers.doctor import diagnose, is_strict

    if not is_strict():
        return 0

    broken = [diagnosis for diagnosis in diagnose() if not diagnosis.ok]
    for diagnosis in broken:
        named = f"{diagnosis.name} ({diagnosis.distribution} {diagnosis.version})"
        context.streams.stderr.write(f"modelhub: the plugin {named} is broken: {diagnosis.cause}\n")
    return 1 if broken else 0
