"""How a text becomes a vector, as the files of an embedding model say it and the options change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from modelhub.plugin import SetupError, Unsupported
from modelhub_huggingface.local.architecture import architecture, before_first, task
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.sentence_folder import Dense, Mode, Norm, SentenceFolder, Step, sentence_folder
from modelhub_huggingface.local.shortening import Shortening, shortening
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.tasks import kind_of

__all__ = ["Recipe", "recipe"]

Purpose = Literal["query", "document"]
_DECLARED: Mapping[str, Mode] = {"mean": "mean", "cls": "cls", "max": "max", "last": "lasttoken"}
_NAMES: Mapping[Purpose, tuple[str, ...]] = {"query": ("query",), "document": ("document", "passage", "corpus")}
_WIDTHS = ("hidden_size", "d_model", "n_embd", "dim")
_NO_LIMIT = 1 << 24
"""Tokenizers that were told no limit have one of 10 to the power of 30."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """``network`` is where the transformer lies; the vectors of its tokens are pooled by ``modes``, then come the ``steps``."""

    network: ModelFolder
    modes: tuple[Mode, ...]
    steps: tuple[Step, ...] = ()
    whole: bool = True
    """Whether what is put before a text is pooled like the text itself."""
    lower_case: bool = False
    input_tokens: int | None = None
    """What the longest text may have, the marks around it included."""
    dimensions: int | None = None
    shortening: Shortening = Shortening()
    similarity: str = "cosine"
    prompts: Mapping[Purpose | None, str] = field(default_factory=dict)
    """What is put before a text, by what it is embedded for."""

    def prompt(self, purpose: Purpose | None) -> str:
        """What is put before texts for that purpose."""
        return self.prompts.get(purpose, self.prompts.get(None, ""))

    @property
    def normalised(self) -> bool:
        """Whether a vector is one long."""
        return self.steps[-1:] == (Norm(),)

    @property
    def metadata(self) -> dict[str, Any]:
        """What responses say of their vectors."""
        return {"pooling": "+".join(self.modes), "normalised": self.normalised}


def recipe(folder: ModelFolder, options: HuggingFaceOptions) -> Recipe:
    """What the files say, under the options. Raises ``SetupError`` where neither says how tokens become one vector, or where
    a part of the model is none that is computed here, and ``Unsupported`` for a model that reads no text.
    """
    said = sentence_folder(folder)
    if not said.modes:
        _require_reader(said.network, options)
    modes = said.modes if options.pooling is None else (_DECLARED[options.pooling],)
    if not modes:
        raise _undeclared(said.network, options)
    return Recipe(
        network=said.network,
        modes=modes,
        steps=_steps(said, options),
        whole=said.whole,
        lower_case=said.lower_case,
        input_tokens=_longest(said, options),
        dimensions=_dimensions(said, modes),
        shortening=shortening(folder, said),
        similarity=said.similarity,
        prompts=_prompts(said, options),
    )


def _require_reader(network: ModelFolder, options: HuggingFaceOptions) -> None:
    purpose = task(network, replace(options, task=None))
    if kind_of(purpose) not in ("text", "embedding", "reranking"):
        message = f"{network.path} is for {purpose}: it makes no vectors of texts."
        raise Unsupported(message, feature="embedding", model=network.path)


def _undeclared(network: ModelFolder, options: HuggingFaceOptions) -> SetupError:
    name = architecture(network)
    usual = (
        '"last" is usual for one that writes' if name.endswith(("ForCausalLM", "LMHeadModel")) else '"mean" is the usual one'
    )
    return SetupError(
        f"{network.path} ({name}) does not say how the vectors of a text's tokens become one: set pooling in "
        f'[providers.{options.provider}] to "mean", "cls", "max" or "last" ({usual}; its makers know).'
    )


def _steps(said: SentenceFolder, options: HuggingFaceOptions) -> tuple[Step, ...]:
    if options.normalize is None:
        return said.steps
    steps = said.steps[:-1] if said.steps[-1:] == (Norm(),) else said.steps
    return (*steps, Norm()) if options.normalize else steps


def _prompts(said: SentenceFolder, options: HuggingFaceOptions) -> dict[Purpose | None, str]:
    """Those of the model, and over them those of the options."""
    known: dict[Purpose | None, str] = {None: said.prompts.get(said.default_prompt or "", "")}
    for purpose, names in _NAMES.items():
        own = next((said.prompts[name] for name in names if name in said.prompts), None)
        given: str | None = getattr(options.prompts, purpose)
        if (prompt := own if given is None else given) is not None:
            known[purpose] = prompt
    return known


def _longest(said: SentenceFolder, options: HuggingFaceOptions) -> int | None:
    """The least of what its makers set, what its tokenizer was told, what its positions allow and what the options say."""
    told = said.longest or said.network.json("tokenizer_config.json").get("model_max_length")
    limits = (told, _positions(said.network), options.context_window)
    return min((int(limit) for limit in limits if isinstance(limit, int | float) and 0 < limit < _NO_LIMIT), default=None)


def _positions(network: ModelFolder) -> int | None:
    config = network.config
    told = (config.get(name) for name in ("max_position_embeddings", "n_positions"))
    places: int | None = next((number for number in told if type(number) is int), None)
    if places is None or config.get("model_type") in ("t5", "mt5", "umt5"):
        return None
    return places - before_first(config)


def _dimensions(said: SentenceFolder, modes: tuple[Mode, ...]) -> int | None:
    if layers := [step for step in said.steps if isinstance(step, Dense)]:
        return layers[-1].dimensions
    told = (said.network.config.get(name) for name in _WIDTHS)
    width: int | None = next((number for number in told if type(number) is int), None)
    return None if width is None else width * len(modes)
