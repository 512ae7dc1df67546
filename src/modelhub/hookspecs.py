"""The hooks a plugin may implement. Each is asked for one thing by one name: the name of the plugin's entry point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from modelhub.cli.command import Command
    from modelhub.prompting.strategy import Strategy
    from modelhub.provider import Provider
    from modelhub.retrieval.loaders import Loader

__all__ = [
    "hookimpl",
    "hookspec",
    "modelhub_command",
    "modelhub_loader",
    "modelhub_prompt_strategy",
    "modelhub_provider",
]

hookimpl = pluggy.HookimplMarker("modelhub")
hookspec = pluggy.HookspecMarker("modelhub")


@hookspec
def modelhub_provider() -> Provider:  # type: ignore[empty-body]
    """A provider of models: ``name:model`` in the configuration finds it."""


@hookspec
def modelhub_prompt_strategy() -> Strategy:  # type: ignore[empty-body]
    """A way to put a question: ``strategy = "name"`` in ``[prompts.X]`` finds it."""


@hookspec
def modelhub_loader() -> Loader:  # type: ignore[empty-body]
    """A reader of documents: files whose suffix is the plugin's name are read by it."""


@hookspec
def modelhub_command() -> Command:  # type: ignore[empty-body]
    """A command: ``modelhub name`` runs it."""
