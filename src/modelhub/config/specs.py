"""What ``modelhub.toml`` may say, as frozen dataclasses. Field names are the file's keys; docstrings are the editor's help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from modelhub.model import Timeouts

__all__ = [
    "ChunkSpec",
    "Config",
    "IndexSpec",
    "ModelSpec",
    "PromptSpec",
    "SearchSpec",
    "SelectSpec",
    "Setting",
]

Setting = Annotated[Any, str | bool | int | float | tuple[Any, ...] | Mapping[str, Any]]
"""What a setting of a call may be in a file; ``Any`` to a type checker, since each kind has its own."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelSpec:
    """``[models.NAME]``: an alias that an application asks for."""

    model: str
    """A model id (``starter:quote``) or another alias."""
    prompt: str | None = None
    """The name of a ``[prompts.NAME]`` table."""
    retrieval: str | None = None
    """The name of an ``[indexes.NAME]`` table."""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    """Defaults of the call's own settings: ``{ temperature = 0.2, max_output_tokens = 500 }``."""
    timeouts: Timeouts | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Provider options for this model alone, over those of ``[providers.NAME]``."""
    context_window: int | None = None
    """Tokens; where the model's own card does not know."""
    price: Mapping[str, Setting] = field(default_factory=dict)
    """What it costs, in US dollars: ``{ input = "2.50", output = "10" }`` per million tokens; see ``[prices]``."""
    retry: Mapping[str, Setting] = field(default_factory=dict)
    """``{ times = 2, max_wait = 60 }``: how often the model is asked again, and how long it may ask to be left alone."""
    fallback: tuple[str, ...] = ()
    """Aliases and model ids that are asked, in this order, where this model cannot answer."""
    fallback_on: tuple[str, ...] = ()
    """Errors that lead on to the next model as well, by name: ``["ContentFiltered"]``."""

    def __post_init__(self) -> None:
        if self.context_window is not None and self.context_window < 1:
            raise ValueError(f"context_window = {self.context_window} cannot be: it is at least 1.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectSpec:
    """Which examples are shown: the first ``k``, ``k`` drawn with a seed, or the ``k`` most similar to the question."""

    by: Literal["fixed", "random", "similar"] = "fixed"
    k: int | None = None
    seed: int = 0
    embedding: str | None = None
    """An embedding alias for ``similar``; left out, words in common decide (BM25)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PromptSpec:
    """``[prompts.NAME]``: how a question is put."""

    strategy: str | None = None
    """``zero-shot``, ``one-shot``, ``few-shot``, or a plugin's. Left out: ``few-shot`` where there are examples."""
    system: str | None = None
    template: str | None = None
    """A file whose ``{{ input }}`` is replaced by the question."""
    examples: str | None = None
    """A JSON Lines file: ``{"input": ..., "output": ...}`` a line."""
    select: SelectSpec = SelectSpec()
    variables: Mapping[str, str] = field(default_factory=dict)
    """What else the template may name."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChunkSpec:
    """How documents are cut: at most ``tokens`` a piece, ``overlap`` tokens of it repeated from the piece before."""

    tokens: int = 256
    overlap: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.tokens:
            message = "tokens has to be above overlap, and overlap 0 or more."
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchSpec:
    """How passages are found. ``mode`` left out: ``hybrid`` where there is an embedding model, ``bm25`` where there is none."""

    mode: Literal["bm25", "vector", "hybrid"] | None = None
    top_k: int = 5

    def __post_init__(self) -> None:
        if self.top_k < 1:
            message = "top_k has to be 1 or more."
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndexSpec:
    """``[indexes.NAME]``: documents to answer from."""

    sources: tuple[str, ...]
    """Files, folders or glob patterns, relative to the configuration file."""
    chunk: ChunkSpec = ChunkSpec()
    embedding: str | None = None
    reranking: str | None = None
    """A reranking model that reorders what the search found."""
    search: SearchSpec = SearchSpec()
    store: str | None = None
    """A folder to keep the index in; left out, it is built in memory."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Config:
    """All of it, layers and profile merged. What may hold a key takes no part in the ``repr``."""

    models: Mapping[str, ModelSpec] = field(default_factory=dict)
    prompts: Mapping[str, PromptSpec] = field(default_factory=dict)
    indexes: Mapping[str, IndexSpec] = field(default_factory=dict)
    providers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """Free here: each provider's own options dataclass says what its table may hold."""
    timeouts: Timeouts = Timeouts()
    prices: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    """``[prices."PROVIDER:MODEL"]``: what models cost, over the prices that their plugins know."""
    retry: Mapping[str, Setting] = field(default_factory=dict)
    """What an alias's ``retry`` leaves open."""
    circuit: Mapping[str, Setting] = field(default_factory=dict)
    """``{ failures = 3, cool_down = 30 }``: when a model with a fallback is left alone, and for how many seconds."""
