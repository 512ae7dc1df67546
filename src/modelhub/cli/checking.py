"""Every mistake of a configuration that shows without a request: in the file, in the files it names, in what plugins say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelhub.assembly import Assembly
from modelhub.config import plugin_of, read, resolve, served, split_id
from modelhub.config.aliases import alias_stack, chain, option_stack
from modelhub.config.fallbacks import wrong_fallbacks
from modelhub.config.persistence import wrong_persistence
from modelhub.config.positions import Path
from modelhub.config.served import option_table
from modelhub.config.settings import read_settings
from modelhub.errors import ConfigError, ModelhubError, PluginBroken, PluginMissing, UnknownModel, Unsupported, did_you_mean
from modelhub.model import KINDS, Kind
from modelhub.providers import contribution, imported, installed
from modelhub.retrieval.sources import find, loader_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelhub.config import Loaded
    from modelhub.config.specs import IndexSpec, PromptSpec
    from modelhub.provider import Provider

__all__ = ["problems"]

Mistake = tuple[Path, ModelhubError]
"""What is wrong, and the setting to name where the error itself does not say where."""


def problems(loaded: Loaded, told: Sequence[ConfigError]) -> list[str]:
    """A line for each mistake, with file and line where there is one: those that reading has ``told``, then all others.

    Loads the plugins that the configuration names and builds its models; sends nothing.
    """
    lines = {_setting(error.message): error.message for error in told}
    seen = {error.message for error in told}
    for path, error in _mistakes(loaded):
        line = error.message if _says_where(loaded, error) else loaded.error(path, error.message).message
        if error.message not in seen:
            lines.setdefault(_setting(line), line)
        seen.add(error.message)
    return list(lines.values())


def _setting(line: str) -> str:
    """``modelhub.toml:3: models.a.model``: of a setting that is wrong in two ways, the first is told."""
    return ": ".join(line.split(": ")[:2])


def _says_where(loaded: Loaded, error: ModelhubError) -> bool:
    return any(error.message.startswith(f"{layer.file}:") for layer in loaded.layers if layer.file)


def _mistakes(loaded: Loaded) -> Iterator[Mistake]:
    assembly, config = Assembly(loaded), loaded.config
    for name, prompt in config.prompts.items():
        yield from _prompt(assembly, name, prompt)
    for name, index in config.indexes.items():
        yield from _index(assembly, name, index)
    for alias in config.models:
        yield from _alias(assembly, alias)
    for name in config.providers:
        yield from _provider(loaded, name)


def _wrong(path: Path, function: Callable[..., object], *arguments: object) -> Iterator[Mistake]:
    """What the function raises. Whatever is no error of ours comes from a plugin."""
    try:
        function(*arguments)
    except ModelhubError as error:
        yield path, error
    except Exception as error:  # noqa: BLE001  # one plugin's mistake hides no other
        yield path, PluginBroken(f"the plugin fails: {type(error).__name__}: {error}")


def _prompt(assembly: Assembly, name: str, spec: PromptSpec) -> Iterator[Mistake]:
    """The template without the examples, and the examples without the template: each may be wrong."""
    from modelhub.prompting import prompting

    nobody: Any = None
    place: Path = ("prompts", name)
    folder = assembly.loaded.folder
    for part in (replace(spec, examples=None, strategy="zero-shot"), replace(spec, template=None)):
        for _, error in _wrong(place, prompting, part, folder, nobody):
            yield (*place, *_prompt_key(spec, error)), error
    if spec.select.embedding is not None:
        yield from _wrong((*place, "select", "embedding"), assembly.model, "embedding", spec.select.embedding)


def _prompt_key(spec: PromptSpec, error: ModelhubError) -> tuple[str, ...]:
    if isinstance(error, PluginMissing | PluginBroken):
        return ("strategy",)
    file = getattr(error, "file", None)
    return next(((key,) for key in ("template", "examples") if file and file == getattr(spec, key)), ())


def _index(assembly: Assembly, name: str, spec: IndexSpec) -> Iterator[Mistake]:
    for position, source in enumerate(spec.sources):
        yield from _wrong(("indexes", name, "sources", position), _source, source, assembly.loaded.folder, spec)
    for kind, key in (("embedding", "embedding"), ("reranking", "reranking")):
        if (model := getattr(spec, key)) is not None:
            yield from _wrong(("indexes", name, key), assembly.model, kind, model)
    yield from _wrong(("indexes", name), assembly.index, name)


def _source(source: str, folder: str, spec: IndexSpec) -> None:
    """A file that is named has to be readable; of a folder or a pattern, what cannot be read is left out."""
    files = find([source], folder, leave_out=spec.store)
    if source not in files:
        return
    try:
        contribution("modelhub_loader", loader_name(source))
    except PluginMissing:
        advice = "Leave the file out, or install a plugin that reads this format."
        raise PluginMissing(f"there is no loader for {source}. {advice}") from None


def _alias(assembly: Assembly, alias: str) -> Iterator[Mistake]:
    loaded = assembly.loaded
    try:
        last = chain(loaded, alias)[-1]
        model = loaded.config.models[last].model
        name = split_id(model)[0]
    except ModelhubError:  # told when the file was read
        return
    place: Path = ("models", last, "model")
    try:
        found = served(loaded, name)
    except ModelhubError as error:
        yield place, error
        return
    yield from ((place, error) for error in _wrong_options(loaded, found, alias))
    attempts = {kind: list(_wrong(place, assembly.model, kind, model)) for kind in KINDS if kind in found.kinds}
    kinds = [kind for kind, wrong in attempts.items() if not _is_another_kind(wrong)]
    if kinds:
        yield from _as_one_of(assembly, alias, kinds, place)
    else:
        every = [mistake for wrong in attempts.values() for mistake in wrong]
        yield from sorted(every, key=lambda mistake: "Did you mean" not in mistake[1].message)[:1]


def _is_another_kind(wrong: Sequence[Mistake]) -> bool:
    return any(isinstance(error, UnknownModel | Unsupported) for _, error in wrong)


def _as_one_of(assembly: Assembly, alias: str, kinds: Sequence[Kind], place: Path) -> Iterator[Mistake]:
    """What is wrong with an alias, unless it is right for a kind. A provider may have one name for models of several kinds."""
    attempts = {kind: [*_wrong_settings(assembly.loaded, alias, kind), *_built(assembly, alias, kind, place)] for kind in kinds}
    if all(attempts.values()):
        yield from min(attempts.values(), key=len)


def _wrong_settings(loaded: Loaded, alias: str, kind: Kind) -> Iterator[Mistake]:
    stack = alias_stack(loaded, chain(loaded, alias))
    where = (*stack.where, "settings")
    for key, value in stack.table().get("settings", {}).items():
        try:
            read_settings(kind, {key: value}, origin=stack.origin, where=where)
        except ConfigError as error:
            yield (*where, key), error


def _built(assembly: Assembly, alias: str, kind: Kind, place: Path) -> Iterator[Mistake]:
    """Built as a call would build it; where it has no sound prompt, documents, retries or fallbacks, that is told already."""
    loaded = assembly.loaded
    try:
        spec = resolve(loaded, alias)
    except ModelhubError:  # told when the file was read
        return
    there = spec.prompt in (None, *loaded.config.prompts) and spec.retrieval in (None, *loaded.config.indexes)
    if there and not any(_wrong_persistence(loaded)):
        yield from _wrong(place, assembly.model, kind, alias)


def _wrong_persistence(loaded: Loaded) -> Iterator[ConfigError]:
    yield from wrong_persistence(loaded)
    for name in loaded.config.models:
        yield from wrong_fallbacks(loaded, name)


def _wrong_options(loaded: Loaded, found: Provider, name: str) -> Iterator[ConfigError]:
    """Every option that the provider's own class refuses."""
    if found.options is None:
        return
    stack, mistakes = option_stack(loaded, name), list[ConfigError]()
    try:
        cls = imported(found.options)
        read(
            cls,
            option_table(stack, cls, found.defaults, loaded.folder),
            origin=stack.origin,
            where=stack.where,
            folder=loaded.folder,
            mistakes=mistakes,
        )
    except ConfigError as error:
        mistakes.append(error)
    except ModelhubError:  # told when the model is built
        return
    yield from mistakes


def _provider(loaded: Loaded, name: str) -> Iterator[Mistake]:
    known = sorted({plugin.name for plugin in installed()})
    place: Path = ("providers", name)
    try:
        plugin = plugin_of(loaded, name)
    except ConfigError as error:
        yield place, error
        return
    if plugin not in known:
        hint = did_you_mean(plugin, known) or f" Install it, or remove the table. Installed: {', '.join(known) or 'none'}."
        yield place, ConfigError(f"no plugin answers to {plugin!r}.{hint}")
        return
    try:
        yield from ((place, error) for error in _wrong_options(loaded, served(loaded, name), f"{name}:any"))
    except ModelhubError as error:
        yield place, error
