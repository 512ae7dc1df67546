"""An encoder that is loaded: texts in, what its network says of them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from modelhub.plugin import ContextOverflow
from modelhub_huggingface.local.cards import trained_window
from modelhub_huggingface.local.engine import TorchEngine
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.loading import network, tokenizer_of
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["Encoder", "Engine", "load"]


@dataclass(frozen=True)
class Encoder:
    """A network with its tokenizer. ``window`` is how many tokens it reads at once, where that is known."""

    network: Any
    tokenizer: Any
    device: Any
    window: int | None

    @property
    def labels(self) -> list[str]:
        """The names of what it tells apart, in the order of its scores."""
        names = self.network.config.id2label
        return [str(names[place]) for place in range(len(names))]

    def within(self, limit: int | None) -> Encoder:
        """The same, which reads no more than ``limit`` tokens at once: who shares it may have limits of their own."""
        known = [found for found in (self.window, limit) if found is not None]
        return replace(self, window=min(known, default=None))

    def read(self, texts: Sequence[str], others: Sequence[str] | None = None) -> tuple[Any, Any]:
        """What the network says of texts, or of pairs of them, and the tokens that they were read as.

        Raises ``ContextOverflow`` where one is longer than what it reads at once.
        """
        tokens = self.tokenizer(
            list(texts), None if others is None else list(others), padding=True, return_tensors="pt", verbose=False
        )
        self.check(int(tokens["attention_mask"].sum(1).max()))
        return self.seen(tokens), tokens

    def check(self, longest: int) -> None:
        """Raises ``ContextOverflow`` where a text of so many tokens is longer than what it reads at once."""
        if self.window is not None and longest > self.window:
            raise ContextOverflow(
                f"The text has {longest} tokens; the model reads {self.window} at once. Shorten it.",
                prompt_tokens=longest,
                context_window=self.window,
            )

    def seen(self, tokens: Any) -> Any:
        """What the network says of tokens."""
        import torch

        with torch.inference_mode():
            return self.network(**{name: tensor.to(self.device) for name, tensor in tokens.items()}, return_dict=True)


Engine = TorchEngine[Encoder]


def load(loader: str, folder: ModelFolder, options: HuggingFaceOptions) -> Engine:
    """The encoder of a folder, its network by the name of the class that loads it."""
    module, device = network(loader, folder, options)
    tokenizer = tokenizer_of(folder)
    known = [found for found in (trained_window(folder), tokenizer.model_max_length) if found is not None and found < _ENDLESS]
    return TorchEngine(Encoder(module, tokenizer, device, min(known, default=None)))


_ENDLESS = 1 << 30
"""What a tokenizer that knows no limit has as its limit, or more."""
