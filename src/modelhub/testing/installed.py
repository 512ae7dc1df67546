"""An installed plugin's model, built as a hub builds it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from modelhub.model import AnyModel, Kind

__all__ = ["build"]


def build(kind: Kind, model_id: str, options: Mapping[str, Any]) -> AnyModel:
    """The model ``provider:name`` with those provider options. Raises ``SetupError``, or ``AssertionError`` with what to do."""
    from modelhub.providers import imported, provider

    provider_name, _, name = model_id.partition(":")
    found = provider(provider_name)
    assert kind in found.kinds, f"Provider {provider_name!r} has no {kind} models: add {kind!r} to Provider(kinds=...)."
    model: AnyModel = imported(found.kinds[kind])(name, _options(found.options, options))
    return model


def _options(address: str | None, options: Mapping[str, Any]) -> Any:
    if address is None:
        assert not options, "This provider has no options: set Provider(options=...) or leave `options` empty."
        return None
    from modelhub.config.reader import read
    from modelhub.providers import imported

    return read(imported(address), options, folder=os.getcwd())
