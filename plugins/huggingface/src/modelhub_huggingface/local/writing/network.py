"""A network that writes, and how it is called: one step, and what is kept of it for the next."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

__all__ = ["Kept", "Network", "layers"]

Kept = Any
"""The library's cache: for each layer, what has been seen of each row."""


class Network:
    """A module of transformers. ``encodes``: an encoder reads the prompt. ``steps``: it can be called token by token; where it
    cannot, only the library's ``generate`` knows how. ``joins``: rows that began at different times can go on together.
    """

    def __init__(self, module: Any) -> None:
        names = inspect.signature(module.forward).parameters
        self.module = module
        self.encodes = bool(module.config.is_encoder_decoder)
        module.generation_config.forced_eos_token_id = None  # it would hide that an answer was cut
        self._cache = "cache" if "cache" in names else "past_key_values"
        self._positioned = "position_ids" in names and not self.encodes
        self._fixed = {"use_cache": True, "return_dict": True, **({"logits_to_keep": 1} if "logits_to_keep" in names else {})}
        simple = self._cache in names and not getattr(module, "_is_stateful", False)
        kinds = [type(layer) for layer in layers(self.empty())] if simple else []
        self.steps = simple and all(hasattr(kind, "batch_select_indices") for kind in kinds)
        self.joins = self.steps and not self.encodes and all(kind.__name__ == "DynamicLayer" for kind in kinds)

    @property
    def device(self) -> Any:
        """Where it computes."""
        return self.module.device

    def empty(self) -> Kept:
        """A cache that holds nothing."""
        from transformers import DynamicCache, EncoderDecoderCache

        config = self.module.config
        if not self.encodes:
            return DynamicCache(config=config)
        return EncoderDecoderCache(DynamicCache(config=config), DynamicCache(config=config))

    def read(self, tokens: Any, mask: Any) -> Any:
        """What the encoder makes of prompts."""
        return self.module.get_encoder()(input_ids=tokens, attention_mask=mask, return_dict=True)

    def scores(self, tokens: Any, kept: Kept, mask: Any, positions: Any = None, **others: Any) -> Any:
        """The scores of what follows the last of these tokens, of each row; ``kept`` is added to."""
        named = {"decoder_input_ids" if self.encodes else "input_ids": tokens, "attention_mask": mask, self._cache: kept}
        if self._positioned:
            named["position_ids"] = positions
        return self.module(**named, **self._fixed, **others).logits[:, -1].float()


def layers(kept: Kept) -> Iterator[Any]:
    """The layers of a cache, or of both of an encoder-decoder's."""
    for cache in (kept.self_attention_cache, kept.cross_attention_cache) if hasattr(kept, "cross_attention_cache") else (kept,):
        yield from cache.layers
