"""What a name stands for: an alias, a chain of aliases, or a model's own id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from modelhub.config.positions import Path
from modelhub.config.reader import dotted, read, setting_error
from modelhub.config.specs import ModelSpec
from modelhub.config.stack import Stack, table_at
from modelhub.errors import ConfigError, InvalidRequest, UnknownAlias, did_you_mean

if TYPE_CHECKING:
    from modelhub.config.loading import Loaded
    from modelhub.model import Kind

__all__ = ["alias_stack", "chain", "is_there", "option_stack", "resolve", "split_id", "wrong_model"]


def split_id(model: str) -> tuple[str, str]:
    """``"llama:C:/qwen.gguf"`` is ``("llama", "C:/qwen.gguf")``: the first colon separates a provider from its model."""
    provider, colon, name = model.partition(":")
    if not (provider and colon and name):
        raise InvalidRequest(f"{model!r} is not a model id: write 'provider:model', like 'starter:quote'.")
    return provider, name


def resolve(loaded: Loaded, name: str, kind: Kind | None = None) -> ModelSpec:
    """What ``name`` stands for: a spec whose ``model`` is an id, with the settings of every alias on the way.

    Of two aliases in a chain, the one nearer to the name wins, key by key. ``timeouts`` is complete: what the aliases leave
    open comes from the table ``[timeouts]``. An id stands for itself. With a ``kind``, the settings are checked against what
    models of that kind take. Raises ``UnknownAlias`` for a name that is neither, ``ConfigError`` for a wrong setting.
    """
    if ":" in name:
        split_id(name)
        return ModelSpec(model=name, timeouts=loaded.config.timeouts)
    aliases = chain(loaded, name)
    stack = alias_stack(loaded, aliases)
    table = stack.table()
    timeouts = {**table_at(loaded.tree, ("timeouts",)), **table_at(table, ("timeouts",))}
    table = {**table, "model": loaded.config.models[aliases[-1]].model, "timeouts": timeouts}
    spec = read(ModelSpec, table, origin=stack.origin, where=stack.where, folder=loaded.folder)
    return _for_kind(stack, spec, kind) if kind else spec


def alias_stack(loaded: Loaded, aliases: tuple[str, ...]) -> Stack:
    """The tables of a chain of aliases."""
    return Stack(loaded, tuple(("models", alias) for alias in reversed(aliases)))


def option_stack(loaded: Loaded, name: str) -> Stack:
    """The tables of options for a name: the provider's own, then those of the aliases."""
    aliases = () if ":" in name else chain(loaded, name)
    provider, _ = split_id(loaded.config.models[aliases[-1]].model if aliases else name)
    return Stack(loaded, (("providers", provider), *(("models", alias, "options") for alias in reversed(aliases))))


def chain(loaded: Loaded, name: str) -> tuple[str, ...]:
    """The aliases from ``name`` to the one that names a model id, in that order."""
    models = loaded.config.models
    if name not in models:
        raise UnknownAlias(_unknown_model(name, models))
    names = [name]
    while ":" not in (target := models[names[-1]].model):
        where = ("models", names[-1], "model")
        if target in names:
            circle = " → ".join([*names[names.index(target) :], target])
            raise loaded.error(where, f"the aliases go round in a circle: {circle}.")
        if target not in models:
            raise loaded.error(where, _unknown_model(target, models))
        names.append(target)
    return tuple(names)


def is_there(loaded: Loaded, table: str, name: str) -> bool:
    """Whether a table was read, or is not there at all; not where it is there and could not be read."""
    return name in getattr(loaded.config, table) or name not in table_at(loaded.tree, (table,))


def wrong_model(loaded: Loaded, path: Path, name: str | None) -> Iterator[ConfigError]:
    """What is wrong with the name of a model that the setting at ``path`` gives, if anything."""
    if name is None or name in loaded.config.models or not is_there(loaded, "models", name):
        return
    if ":" not in name:
        yield loaded.error(path, _unknown_model(name, loaded.config.models))
        return
    try:
        split_id(name)
    except InvalidRequest as error:
        yield loaded.error(path, error.message)


def _unknown_model(name: str, known: Mapping[str, object]) -> str:
    hint = did_you_mean(name, list(known)) or " Write an id, 'provider:model', or define the alias."
    return f"there is no alias {name!r}: no [{dotted(('models', name))}] in the configuration.{hint}"


def _for_kind(stack: Stack, spec: ModelSpec, kind: Kind) -> ModelSpec:
    """The spec with its settings read as those of a kind. A prompt and documents are for text alone."""
    from dataclasses import replace

    from modelhub.config.settings import read_settings

    for key in ("prompt", "retrieval"):
        if kind != "text" and getattr(spec, key) is not None:
            message = f"this is for text models, and {stack.where[-1]!r} was asked for as {kind}."
            raise setting_error(stack.origin, (*stack.where, key), message)
    settings = read_settings(kind, spec.settings, origin=stack.origin, where=(*stack.where, "settings"))
    return replace(spec, settings=settings)
