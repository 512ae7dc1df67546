"""What a configuration names and does not have, and what else is wrong with its parts taken together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from modelhub.config.aliases import chain, is_there, split_id, wrong_model
from modelhub.config.positions import Path
from modelhub.config.reader import dotted
from modelhub.config.settings import NAMES
from modelhub.errors import ConfigError, InvalidRequest, did_you_mean

if TYPE_CHECKING:
    from modelhub.config.loading import Loaded

__all__ = ["wrong_references"]


def wrong_references(loaded: Loaded) -> Iterator[ConfigError]:
    """Each alias, prompt, index or setting that is named and not there.

    A name whose own table could not be read is passed over: what is wrong with that table is told where it stands.
    """
    config = loaded.config
    for name in config.models:
        yield from _wrong_alias(loaded, name)
    for name, index in config.indexes.items():
        yield from wrong_model(loaded, ("indexes", name, "embedding"), index.embedding)
        yield from wrong_model(loaded, ("indexes", name, "reranking"), index.reranking)
    for name, prompt in config.prompts.items():
        yield from wrong_model(loaded, ("prompts", name, "select", "embedding"), prompt.select.embedding)
    if config.retry or config.circuit or any(model.retry for model in config.models.values()):
        from modelhub.config.persistence import wrong_persistence

        yield from wrong_persistence(loaded)
    if config.prices or any(model.price for model in config.models.values()):
        from modelhub.config.prices import wrong_prices

        yield from wrong_prices(loaded)


def _wrong_alias(loaded: Loaded, name: str) -> Iterator[ConfigError]:
    config, model = loaded.config, loaded.config.models[name]
    if ":" in name:
        yield loaded.error(("models", name), "an alias has no colon: a colon separates a provider from its model.")
    try:
        if ":" in model.model:
            split_id(model.model)
        elif is_there(loaded, "models", model.model):
            chain(loaded, name)
    except InvalidRequest as error:
        yield loaded.error(("models", name, "model"), error.message)
    except ConfigError as error:
        yield error
    yield from _wrong_table(loaded, ("models", name, "prompt"), model.prompt, "prompts", config.prompts)
    yield from _wrong_table(loaded, ("models", name, "retrieval"), model.retrieval, "indexes", config.indexes)
    if model.fallback or model.fallback_on:
        from modelhub.config.fallbacks import wrong_fallbacks

        yield from wrong_fallbacks(loaded, name)
    for key in model.settings:
        if key not in NAMES:
            hint = did_you_mean(key, sorted(NAMES)) or " No kind of model has one of this name."
            yield loaded.error(("models", name, "settings", key), f"there is no such setting.{hint}")


def _wrong_table(
    loaded: Loaded, path: Path, name: str | None, table: str, known: Mapping[str, object]
) -> Iterator[ConfigError]:
    if name is not None and name not in known and is_there(loaded, table, name):
        hint = did_you_mean(name, list(known)) or (f" Known: {', '.join(known)}." if known else "")
        yield loaded.error(path, f"there is no [{dotted((table, name))}].{hint}")
