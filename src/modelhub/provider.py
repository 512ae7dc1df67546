"""What a provider says about itself: names and import strings, so that nothing is imported before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelhub.model import Kind

__all__ = ["Provider"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The answer to the hook ``modelhub_provider``.

    ``kinds`` maps each kind it serves to ``"package.module:function"``; the function is called as ``function(name, options)``
    with the model's name (what follows the colon) and gives a ``Model``.

    ``options`` names a frozen dataclass of settings, ``"package.module:Class"``, that the tables ``[providers.NAME]`` and
    ``[models.X.options]`` fill; without it, there are no settings and the function is called with ``None``. Of its
    fields, ``provider: str`` is filled with the word before the colon, and ``config_folder: str`` with the folder that the
    configuration's relative paths start from. ``defaults`` are settings that hold where the
    configuration gives none. ``cards`` names a function without arguments that gives the ``ModelCard`` of each model known
    beforehand; ``listing`` names an ``async`` function of the options and a ``Runtime`` that asks the provider for them.
    """

    name: str
    kinds: Mapping[Kind, str] = field(default_factory=dict)
    title: str = ""
    options: str | None = None
    cards: str | None = None
    listing: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
