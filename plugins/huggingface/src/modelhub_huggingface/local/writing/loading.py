"""A network that writes, loaded with its tokenizer, and what is known of it before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelhub_huggingface.local.cards import card, trained_window
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.loading import network, tokenizer_of
from modelhub_huggingface.local.plans import plan
from modelhub_huggingface.local.writing.engine import WritingEngine
from modelhub_huggingface.local.writing.model import Writer
from modelhub_huggingface.local.writing.network import Network
from modelhub_huggingface.local.writing.purpose import purpose
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["model"]

_SETTINGS = frozenset(
    {"max_output_tokens", "temperature", "top_p", "top_k", "stop_sequences", "seed", "presence_penalty", "frequency_penalty"}
    | {"logprobs"}
)
_CAPABILITIES = dict.fromkeys(("images", "audio", "files", "tools", "structured_output"), False)
_USUAL = 2048
"""Tokens of a request for which memory is set aside."""


def model(name: str, folder: ModelFolder, options: HuggingFaceOptions) -> Writer:
    """The model of a folder, loaded when it is first asked."""
    known = card(name, "text", folder, options, capabilities=_CAPABILITIES, settings=_SETTINGS)

    room = min(trained_window(folder) or _USUAL, _USUAL) * options.batch

    def load() -> WritingEngine:
        return _load(name, folder, options, room)

    loaded = plan(name, folder, options, "text", load, room * _kept(folder.config))
    return Writer(name, known, loaded, options, purpose(folder, options), folder)


def _load(name: str, folder: ModelFolder, options: HuggingFaceOptions, room: int) -> WritingEngine:
    loader = "AutoModelForSeq2SeqLM" if folder.config.get("is_encoder_decoder") is True else "AutoModelForCausalLM"
    module, _ = network(loader, folder, options)
    tokenizer = tokenizer_of(folder)
    tokenizer("")  # it sets itself up at its first text, and from then on many threads may use it
    return WritingEngine(Network(module), tokenizer, f"{options.provider}:{name}", options.batch, room)


def _kept(config: Mapping[str, Any]) -> int:
    """Bytes that are kept of one token: keys and values of each layer, four bytes a number at most."""

    def told(*names: str, otherwise: int = 0) -> int:
        return next((found for name in names if type(found := config.get(name)) is int), otherwise)

    count = told("num_hidden_layers", "n_layer", "decoder_layers", "num_layers", otherwise=12)
    width = told("hidden_size", "n_embd", "d_model", otherwise=768)
    heads = told("num_attention_heads", "n_head", "decoder_attention_heads", "num_heads", otherwise=1)
    kept_heads = told("num_key_value_heads", otherwise=heads)
    return 2 * 4 * count * kept_heads * told("head_dim", "d_kv", otherwise=width // max(heads, 1))
