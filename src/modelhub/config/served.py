"""Which plugin serves a provider's name, and the options it is built with."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from modelhub.config.aliases import option_stack
from modelhub.config.layers import Tree, merged
from modelhub.config.reader import read, setting_error
from modelhub.config.stack import Stack, table_at
from modelhub.providers import provider

if TYPE_CHECKING:
    from modelhub.config.loading import Loaded
    from modelhub.provider import Provider

__all__ = ["USES", "option_table", "plugin_of", "read_options", "served"]

T = TypeVar("T")
USES = "uses"
"""``[providers.NAME] uses = "PLUGIN"``: the plugin that serves a name which no plugin has."""


def plugin_of(loaded: Loaded, name: str) -> str:
    """The name of the plugin behind a provider's name: its own, or the one that its table uses. Raises ``ConfigError``."""
    place = ("providers", name)
    uses = table_at(loaded.tree, place).get(USES, name)
    if not isinstance(uses, str) or not uses:
        raise loaded.error((*place, USES), "expected the name of an installed plugin.")
    return uses


def served(loaded: Loaded, name: str) -> Provider:
    """The provider that answers to a name. Raises ``PluginMissing``, ``PluginBroken`` or ``ConfigError``."""
    return provider(plugin_of(loaded, name))


def read_options(
    loaded: Loaded, cls: type[T] | None, name: str, defaults: Mapping[str, Any] = MappingProxyType({})
) -> T | None:
    """The options of the provider behind ``name``: its ``[providers.NAME]`` table, and over it those of each alias.

    ``cls`` is the provider's own dataclass of options; ``None`` where it has none, and then any option is a ``ConfigError``.
    ``defaults`` are what its plugin gives where nothing is written.
    """
    stack = option_stack(loaded, name)
    table = option_table(stack, cls, defaults, loaded.folder)
    if cls is not None:
        return read(cls, table, origin=stack.origin, where=stack.where, folder=loaded.folder)
    for key in table:
        raise setting_error(stack.origin, (*stack.where, key), f"the provider {stack.places[0][-1]!r} takes no options.")
    return None


def option_table(stack: Stack, cls: type[Any] | None, defaults: Mapping[str, Any], folder: str) -> Tree:
    """What the dataclass ``cls`` is read from: what is written, over the provider's defaults, and what the core knows itself.

    That is the provider's own name, and the folder that relative paths start from.
    """
    written = {key: value for key, value in stack.table().items() if key != USES}
    own = {"provider": str(stack.places[0][-1]), "config_folder": folder}
    filled = {name: own[name] for name in own if name in getattr(cls, "__dataclass_fields__", ())}
    for name in filled.keys() & written.keys():
        raise setting_error(stack.origin, (*stack.where, name), f"there is no such setting: {_SAID[name]}.")
    return {**merged((defaults, written), depth=2), **filled}


_SAID = {"provider": "the table's own name says it", "config_folder": "it is where this file stands"}
