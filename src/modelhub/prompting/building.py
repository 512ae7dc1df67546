"""From ``[prompts.NAME]`` to the wrapper that it describes: files are read and checked here, before the first question."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from modelhub.errors import ConfigError
from modelhub.prompting.examples import Example, examples
from modelhub.prompting.selection import selection
from modelhub.prompting.strategy import Prompt, Prompting, Strategy
from modelhub.prompting.template import INPUT, Template

if TYPE_CHECKING:
    from modelhub.config.specs import PromptSpec
    from modelhub.interfaces.embedding import EmbeddingModel
    from modelhub.interfaces.events import TextModel

__all__ = ["prompting"]


def prompting(spec: PromptSpec, folder: str, inner: TextModel, embedder: EmbeddingModel | None = None) -> Prompting:
    """``inner``, asked in the way that ``spec`` describes. Its files are relative to ``folder``.

    Raises ``ConfigError``, with file and line where a file is at fault, and ``PluginMissing`` for a strategy that nobody has.
    """
    found = _examples(spec, folder)
    strategy = _strategy(spec)
    if len(found) < strategy.fewest:
        raise ConfigError(
            f"The strategy {_name(spec)!r} shows {strategy.fewest} or more examples: name a file of them as `examples`."
        )
    if spec.select.k is not None and spec.select.k < max(strategy.fewest, 1):
        raise ConfigError(f"select.k = {spec.select.k} cannot be: it is at least {max(strategy.fewest, 1)}.")
    prompt = Prompt(system=spec.system, template=_template(spec, folder), variables=dict(spec.variables))
    return Prompting(inner, strategy, prompt, selection(spec.select, found, embedder, strategy.most))


def _name(spec: PromptSpec) -> str:
    return spec.strategy or ("zero-shot" if spec.examples is None else "few-shot")


def _strategy(spec: PromptSpec) -> Strategy:
    from modelhub.providers import contribution

    strategy: Strategy = contribution("modelhub_prompt_strategy", _name(spec))
    return strategy


def _examples(spec: PromptSpec, folder: str) -> tuple[Example, ...]:
    return () if spec.examples is None else examples(_read(spec.examples, folder), file=spec.examples)


def _template(spec: PromptSpec, folder: str) -> Template | None:
    if INPUT in spec.variables:
        raise ConfigError("variables.input cannot be set: {{ input }} is the question.")
    if spec.template is None:
        return None
    return Template.parse(_read(spec.template, folder).removesuffix("\n"), spec.variables, file=spec.template)


def _read(name: str, folder: str) -> str:
    try:
        with open(os.path.join(folder, name), encoding="utf-8-sig", newline="") as file:
            return file.read().replace("\r\n", "\n")
    except OSError as error:
        raise ConfigError(f"The file cannot be read: {error.strerror}.", file=name) from error
    except UnicodeDecodeError:
        raise ConfigError("The file is not UTF-8. Save it as UTF-8.", file=name) from None
