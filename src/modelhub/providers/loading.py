"""The plugin that answers to a name: found, imported, checked, and asked through pluggy for what it contributes.

Each plugin has a plugin manager of its own, since each is asked by its own name. So nothing that a broken one does to its
manager can reach another, and threads that load different plugins never meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from modelhub.errors import PluginBroken, PluginMissing, did_you_mean
from modelhub.providers.installed import Installed, installed
from modelhub.providers.versions import accepts

if TYPE_CHECKING:
    import pluggy

    from modelhub.provider import Provider

__all__ = ["HOOKS_VERSION", "ask", "builtin_names", "contribution", "imported", "plugin_manager", "provider"]

HOOKS_VERSION = (1, 0)
"""What a plugin's ``modelhub_api`` is compared with: the first number changes when a hook goes or changes its meaning."""

_BUILT_IN: Mapping[str, Mapping[str, str]] = {
    "modelhub_loader": {
        "text": "modelhub.retrieval.loaders:text",
        "markdown": "modelhub.retrieval.loaders:markdown",
        "html": "modelhub.retrieval.loaders:html",
    },
    "modelhub_prompt_strategy": {
        "zero-shot": "modelhub.prompting.strategies:zero_shot",
        "one-shot": "modelhub.prompting.strategies:one_shot",
        "few-shot": "modelhub.prompting.strategies:few_shot",
    },
}

_WORDS = {
    "modelhub_provider": "a provider of models",
    "modelhub_loader": "a reader of documents",
    "modelhub_prompt_strategy": "a prompt strategy",
    "modelhub_command": "a command",
}

_managers: dict[str, pluggy.PluginManager] = {}
_answers: dict[tuple[str, str], Any] = {}


def provider(name: str) -> Provider:
    """The provider ``name``, which is what stands before the colon of a model id; its plugin is loaded, and no other.

    Raises ``PluginMissing``, which says what to install, or ``PluginBroken``, which says why it cannot be used.
    """
    found: Provider = contribution("modelhub_provider", name)
    return found


def contribution(hook: str, name: str) -> Any:
    """What the plugin or built-in ``name`` answers to ``hook``: ``contribution("modelhub_loader", "markdown")``.

    It is asked once in a process. Raises ``PluginMissing`` or ``PluginBroken``.
    """
    key = (hook, name)
    if key not in _answers:
        _answers.setdefault(key, _contributed(hook, name))
    return _answers[key]


def builtin_names(hook: str) -> tuple[str, ...]:
    """The names that need no plugin."""
    return tuple(_BUILT_IN.get(hook, ()))


def imported(address: str) -> Any:
    """What ``"package.module:attribute"`` names. Raises ``PluginBroken`` where it cannot be had.

    For what an installed plugin says about itself; never for a word from the configuration.
    """
    module, _, attribute = address.partition(":")
    try:
        return _attribute(import_module(module), attribute)
    except (Exception, SystemExit) as error:
        raise PluginBroken(f"{address} cannot be imported: {in_a_line(error)}") from error


def plugin_manager(plugin: Installed) -> pluggy.PluginManager:
    """A manager in which this plugin alone is registered. Raises ``PluginBroken``, and then nothing is left of it."""
    try:
        return _registered(plugin.name, _checked(plugin))
    except (Exception, SystemExit) as error:
        raise _broken(plugin, error) from error


def ask(plugin: Installed, manager: pluggy.PluginManager, hook: str) -> Any:
    """What a registered plugin answers to a hook. Raises ``PluginBroken`` for an error inside it or a wrong answer."""
    try:
        return _checked_answer(hook, plugin.name, _call(manager, hook))
    except (Exception, SystemExit) as error:
        raise _broken(plugin, error) from error


def in_a_line(error: BaseException) -> str:
    """An exception as one line: its type and the first line of what it says."""
    if isinstance(error, PluginBroken):
        return error.message
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code!r})"
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _contributed(hook: str, name: str) -> Any:
    if name in _BUILT_IN.get(hook, ()):
        return _call(_registered(name, imported(_BUILT_IN[hook][name])), hook)
    plugin = _only(name, hook)
    if name not in _managers:
        _managers.setdefault(name, plugin_manager(plugin))
    manager = _managers[name]
    if not getattr(manager.hook, hook).get_hookimpls():
        raise PluginMissing(f"The plugin {name!r} ({plugin}) is not {_WORDS.get(hook, hook)}: it has no {hook}().")
    return ask(plugin, manager, hook)


def _only(name: str, hook: str) -> Installed:
    everything = installed()
    claims = [plugin for plugin in everything if plugin.name == name]
    if not claims:
        raise PluginMissing(_missing(name, sorted({*builtin_names(hook), *(plugin.name for plugin in everything)})))
    if len(claims) > 1:
        raise PluginBroken(f"Two distributions claim the name {name!r}: {' and '.join(map(str, claims))}. Uninstall one.")
    return claims[0]


def _missing(name: str, known: list[str]) -> str:
    start = f"No plugin answers to {name!r}."
    hint = did_you_mean(name, known)
    if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
        return start + (hint or f" Installed: {', '.join(known)}.")
    return f"{start}{hint} {'If not, install it' if hint else 'Install it'}: pip install modelhub-{name}."


def _checked(plugin: Installed) -> Any:
    """The plugin's object, if it is made for these hooks."""
    module_name, _, attribute = plugin.module.partition(":")
    module = import_module(module_name)
    found = _attribute(module, attribute)
    wanted = getattr(found, "modelhub_api", None) or getattr(module, "modelhub_api", None)
    if wanted is not None and not accepts(wanted, HOOKS_VERSION):
        ours = ".".join(map(str, HOOKS_VERSION))
        message = f"it is made for modelhub_api {wanted!r}, and this modelhub has {ours}. Upgrade one of the two"
        raise PluginBroken(message)
    return found


def _attribute(found: Any, attribute: str) -> Any:
    for part in attribute.split(".") if attribute else ():
        found = getattr(found, part)
    return found


def _registered(name: str, plugin: Any) -> pluggy.PluginManager:
    import pluggy

    from modelhub import hookspecs

    manager = pluggy.PluginManager("modelhub")
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name)
    hooks = manager.get_hookcallers(plugin)
    if not hooks:
        raise PluginBroken("it implements no hook: decorate a function with @modelhub.plugin.hookimpl")
    for caller in hooks:
        if not caller.has_spec() and not all(implementation.optionalhook for implementation in caller.get_hookimpls()):
            raise PluginBroken(f"there is no hook {caller.name!r}.{did_you_mean(caller.name, list(_WORDS))}")
    return manager


def _call(manager: pluggy.PluginManager, hook: str) -> Any:
    answers = getattr(manager.hook, hook)()
    if not answers:
        raise PluginBroken(f"{hook}() answered None")
    return answers[0]


def _checked_answer(hook: str, name: str, answer: Any) -> Any:
    from modelhub.provider import Provider

    if hook == "modelhub_provider" and not isinstance(answer, Provider):
        raise PluginBroken(f"{hook}() answered a {type(answer).__name__}, not a Provider")
    if isinstance(answer, Provider) and answer.name != name:
        raise PluginBroken(f"its entry point is named {name!r} and its Provider {answer.name!r}: name both alike")
    return answer


def _broken(plugin: Installed, error: BaseException) -> PluginBroken:
    return PluginBroken(f"The plugin {plugin.name!r} ({plugin}) cannot be used: {in_a_line(error)}.".replace("..", "."))
