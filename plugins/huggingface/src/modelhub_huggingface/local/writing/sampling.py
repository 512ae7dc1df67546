"""The next token of one answer: shaped scores, a draw that its seed repeats, and what the alternatives were."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelhub_huggingface.local.writing.choices import Choices

__all__ = ["Sampler", "drawn", "shapers"]

_LIKELY = 1024
"""Tokens that mostly make nearly all of the probability."""


class Sampler:
    """Chooses the tokens of one answer. What stands beside it in a batch has no say: its scores and its chance are its own."""

    def __init__(self, choices: Choices, shapers: Sequence[Callable[[Any, Any], Any]] = ()) -> None:
        self.choices = choices
        self._shapers = shapers
        self._random = random.Random(choices.seed)  # noqa: S311  # chance that can be repeated is meant
        self._counts: Counter[int] = Counter()

    def choose(self, scores: Any, before: Sequence[int]) -> int:
        """The token, of these scores of the whole vocabulary; ``before`` are all tokens up to now."""
        import torch

        choices = self.choices
        if self._shapers:
            row = torch.tensor([before], device=scores.device)
            for shape in self._shapers:
                scores = shape(row, scores[None])[0]
        if self._counts and (choices.presence or choices.frequency):
            places = torch.tensor(list(self._counts), device=scores.device)
            counts = torch.tensor(list(self._counts.values()), device=scores.device, dtype=scores.dtype)
            scores = scores.index_add(0, places, -(choices.presence + choices.frequency * counts))
        token = drawn(scores, choices, self._random.random()) if choices.temperature > 0 else int(scores.argmax())
        self._counts[token] += 1
        return token

    def likelihoods(self, scores: Any, token: int) -> tuple[float, list[tuple[int, float]]]:
        """The natural-log probability of a token as the model sees it, and of as many alternatives as are asked for."""
        told = scores.log_softmax(-1)
        count = min(self.choices.logprobs or 0, len(told))
        if not count:
            return float(told[token]), []
        values, places = told.topk(count)
        return float(told[token]), list(zip(places.tolist(), values.tolist(), strict=True))


def drawn(scores: Any, choices: Choices, chance: float) -> int:
    """The token whose share of the probability, laid out in a row, ``chance`` (0 to 1) falls on."""
    import torch

    wide = torch.float32 if scores.device.type == "mps" else torch.float64
    scores, places = scores.to(wide) / choices.temperature, None
    if choices.top_k is not None and choices.top_k < len(scores):
        scores, places = scores.topk(choices.top_k)
    shares = scores.softmax(-1)
    if choices.top_p is not None and choices.top_p < 1:
        shares, order = _ordered(shares, choices.top_p)
        places = order if places is None else places[order]
        shares = shares * (shares.cumsum(-1) - shares < choices.top_p)
    if choices.min_p is not None:
        shares = shares * (shares >= choices.min_p * shares.max())
    row = shares.cumsum(-1)
    place = int(torch.searchsorted(row, row[-1] * chance, right=True).clamp(max=len(row) - 1))
    return int(place if places is None else places[place])


def _ordered(shares: Any, most: float) -> tuple[Any, Any]:
    """The largest shares that make so much of the whole, or more of them, in order: to sort a whole vocabulary takes long."""
    if len(shares) > 2 * _LIKELY:
        largest, order = shares.topk(_LIKELY)
        if float(largest.sum()) >= most:
            return largest, order
    ordered: tuple[Any, Any] = shares.sort(descending=True)
    return ordered


def shapers(shaping: Mapping[str, Any], begin: int, ends: Sequence[int], device: Any) -> list[Callable[[Any, Any], Any]]:
    """The library's processors for these settings. ``begin`` tokens stand before the answer, and ``ends`` end it."""
    from transformers.generation import logits_process as library

    end: Any = list(ends)
    made: Mapping[str, Callable[[Any], Any]] = {
        "repetition_penalty": library.RepetitionPenaltyLogitsProcessor,
        "no_repeat_ngram_size": library.NoRepeatNGramLogitsProcessor,
        "min_new_tokens": lambda value: library.MinNewTokensLengthLogitsProcessor(begin, value, end, device),
        "min_length": lambda value: library.MinLengthLogitsProcessor(value, end, device),
        "forced_bos_token_id": library.ForcedBOSTokenLogitsProcessor,
        "suppress_tokens": lambda value: library.SuppressTokensLogitsProcessor(value, device),
        "begin_suppress_tokens": lambda value: library.SuppressTokensAtBeginLogitsProcessor(value, begin, device),
        "bad_words_ids": lambda value: library.NoBadWordsLogitsProcessor(value, end),
    }
    return [made[name](value) for name, value in shaping.items()]
