"""Which model answers when the command line names none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelhub.errors import InvalidRequest

if TYPE_CHECKING:
    from modelhub.config.specs import Config

__all__ = ["default_model", "named"]


def default_model(config: Config) -> str:
    """The alias ``assistant``; else the only alias that retrieves; else the only alias. Raises ``InvalidRequest``."""
    aliases = list(config.models)
    retrieving = [name for name in aliases if config.models[name].retrieval]
    for candidates in ([name for name in aliases if name == "assistant"], retrieving, aliases):
        if len(candidates) == 1:
            return candidates[0]
    if not aliases:
        raise InvalidRequest("No model is configured. Name one with -m, or write [models.assistant] into modelhub.toml.")
    raise InvalidRequest(f"Which model? Name one with -m: {', '.join(sorted(aliases))}.")


def named(model: str | None, config: Config) -> str:
    """The model of the command line, or the default one. An empty name names none: a variable of the shell may be unset."""
    return model or default_model(config)
