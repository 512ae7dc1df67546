"""What the configuration of a network says of its sizes: tokens of one request, dimensions of its vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["context_window", "vector_dimensions"]

_WINDOWS = (
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_sequence_length",
    "max_seq_len",
    "seq_length",
    "max_encoder_position_embeddings",
    "max_target_positions",
)
_DIMENSIONS = ("hidden_size", "d_model", "n_embd", "dim", "word_embed_proj_dim", "projection_dim")
_OFFSET = (
    "camembert", "data2vec-text", "ibert", "layoutlmv3", "longformer", "luke", "markuplm", "mpnet", "roberta",
    "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod",
)  # fmt: skip
"""Those that count positions from the one after the padding's, so that two of them are never used."""
_MOST = 1 << 26
"""More is a way to say that there is no limit."""


def context_window(config: Mapping[str, Any]) -> int | None:
    """Tokens of one request, as the network was trained; ``None`` where its configuration does not say."""
    for table in _tables(config):
        found = _number(table, _WINDOWS)
        if found is not None:
            return found - 2 if table.get("model_type") in _OFFSET and found % 8 == 2 else found
    return None


def vector_dimensions(config: Mapping[str, Any]) -> int | None:
    """Numbers of one vector; ``None`` where the configuration does not say."""
    return next((found for table in _tables(config) if (found := _number(table, _DIMENSIONS)) is not None), None)


def _tables(config: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The configuration, and that of its part for text where it has several."""
    inner = config.get("text_config") or config.get("llm_config")
    return (inner, config) if isinstance(inner, Mapping) else (config,)


def _number(table: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    return next((value for name in names if type(value := table.get(name)) is int and 0 < value < _MOST), None)
