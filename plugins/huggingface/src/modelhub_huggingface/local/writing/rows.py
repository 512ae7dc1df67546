"""From a request to the row that answers it: its prompt, its choices, the room that it has, and what ends it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from modelhub.plugin import ContextOverflow, InvalidRequest, Notice, TextRequest
from modelhub_huggingface.local.given import given
from modelhub_huggingface.local.writing.choices import Choices, choices
from modelhub_huggingface.local.writing.network import Network
from modelhub_huggingface.local.writing.prompts import Prompt, Prompts
from modelhub_huggingface.local.writing.row import Row
from modelhub_huggingface.local.writing.sampling import Sampler, shapers
from modelhub_huggingface.local.writing.speaking import Speaker
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["Rows"]

_OURS = (
    *("inputs", "input_ids", "attention_mask", "stopping_criteria", "logits_processor", "streamer", "trust_remote_code"),
    *("custom_generate", "cache", "past_key_values", "generation_config", "tokenizer", "assistant_model", "seed"),
)
"""What ``generate`` is told by the request itself, or never."""
_ENDLESS = 512
"""Tokens of an answer whose model has no window and whose request no limit."""


@dataclass(frozen=True)
class Rows:
    """Makes rows for one model. ``own`` is what its files say about how it writes."""

    network: Network
    tokenizer: Any
    prompts: Prompts
    options: HuggingFaceOptions
    window: int | None
    own: Mapping[str, Any]

    def made(self, request: TextRequest, wanted: Callable[[], bool], *, streamed: bool) -> tuple[Row, tuple[Notice, ...]]:
        """The row, and what it will not heed. Raises ``RequestError`` or ``SetupError`` where it cannot be written."""
        prompt = self.prompts.made(request)
        chosen = choices(request.knobs, given(request, self.options, _OURS), self.own)
        before = [self._start()] if self.network.encodes else prompt.tokens
        ends = self._ends()
        alone = chosen.library is not None or not self.network.steps
        decode = partial(self.tokenizer.decode, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        row = Row(
            prompt=prompt.tokens,
            before=before,
            sampler=Sampler(chosen, [] if alone else self._shapers(chosen, len(before), ends)),
            speaker=Speaker(decode, prompt.tokens if prompt.goes_on else (), request.knobs.stop_sequences or ()),
            limit=self._limit(prompt, chosen, request),
            ends=frozenset(ends),
            word=lambda token: self.tokenizer.decode([token], clean_up_tokenization_spaces=False),
            wanted=wanted,
            streamed=streamed,
            alone=alone,
        )
        return row, _unheeded(request) if alone else ()

    def _shapers(self, chosen: Choices, begin: int, ends: list[int]) -> list[Callable[[Any, Any], Any]]:
        self._require_tokens(chosen.shaping)
        try:
            return shapers(chosen.shaping, begin, ends, self.network.device)
        except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
            raise InvalidRequest(f"An argument has a value that it cannot have: {error}") from error

    def _require_tokens(self, shaping: Mapping[str, Any]) -> None:
        """Raise for a token that the network has no score for: an accelerator would come to a halt over it."""
        last = self.network.module.get_output_embeddings()
        size = math.inf if last is None else last.weight.shape[0]
        forced, words = shaping.get("forced_bos_token_id"), shaping.get("bad_words_ids", ())
        named = [("forced_bos_token_id", forced)] if forced is not None else []
        if isinstance(words, list | tuple):
            named += [("bad_words_ids", token) for word in words if isinstance(word, list | tuple) for token in word]
        for name, token in named:
            if type(token) is not int or not 0 <= token < size:
                raise InvalidRequest(
                    f"{name} holds {token!r}, and the model's tokens are the whole numbers from 0 to {size - 1}."
                )

    def _limit(self, prompt: Prompt, chosen: Choices, request: TextRequest) -> int:
        """The most tokens that the answer may have. Raises ``ContextOverflow`` where there is no room for it."""
        used = 1 if self.network.encodes else len(prompt.tokens)
        room = _ENDLESS if self.window is None else self.window - used
        asked = request.knobs.max_output_tokens
        if self.window is not None and (len(prompt.tokens) > self.window or room < (1 if self.network.encodes else asked or 1)):
            raise _overflow(len(prompt.tokens), self.window, asked)
        if chosen.limit is not None:
            return max(1, chosen.limit if self.window is None else min(chosen.limit, room))
        return max(1, min(room, room if chosen.longest is None else chosen.longest - used))

    def _ends(self) -> list[int]:
        """The tokens that end an answer: all that the model's files name."""
        config = self.network.module.config
        told = (self.own.get("eos_token_id"), getattr(config, "eos_token_id", None), self.tokenizer.eos_token_id)
        found: Any = next((end for end in told if end is not None), [])
        return [int(token) for token in (found if isinstance(found, list | tuple) else [found])]

    def _start(self) -> int:
        """The mark that a decoder begins with whose prompt an encoder reads."""
        names = ("decoder_start_token_id", "bos_token_id")
        config = self.network.module.config
        found = [self.own.get(name, getattr(config, name, None)) for name in names]
        return next(int(mark[0] if isinstance(mark, list) else mark) for mark in (*found, 0) if mark is not None)


def _overflow(tokens: int, window: int, room: int | None) -> ContextOverflow:
    needed = f"{tokens} tokens" if room is None else f"{tokens} tokens, with {room} for the answer {tokens + room}"
    return ContextOverflow(
        f"The prompt has {needed}; the context window holds {window}. Shorten it, or take a model with a larger one.",
        prompt_tokens=tokens,
        context_window=window,
        max_output_tokens=room,
    )


_BY_TOKEN = ("logprobs", "presence_penalty", "frequency_penalty")


def _unheeded(request: TextRequest) -> tuple[Notice, ...]:
    """What takes a token at a time, which the library's own way of writing does not let anybody see."""
    words = "{!r} was left out: with these arguments the library chooses the tokens by itself."
    return tuple(Notice(name, words.format(name)) for name in _BY_TOKEN if getattr(request.knobs, name) is not None)
