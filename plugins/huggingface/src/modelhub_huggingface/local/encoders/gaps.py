"""``fill-mask``: the text with the likeliest word in each gap: ``[MASK]`` or ``<mask>``, whatever the model calls it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from modelhub.plugin import InvalidRequest, TextModel, TextRequest, TextResponse
from modelhub_huggingface.local.encoders.encoder import Encoder
from modelhub_huggingface.local.encoders.reader import answered, reader
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.given import only
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.pipelines.prompts import one_text

__all__ = ["model"]

_GAP = re.compile(r"\[MASK\]|<mask>")
_WORDS = 5
"""Words that are told of each gap, where ``top_k`` does not ask for others."""


def model(name: str, folder: ModelFolder, options: HuggingFaceOptions) -> TextModel:
    """The model of a folder. ``scores`` has the words of the first gap, ``words`` the one that was put into each."""
    named = f"{options.provider}:{name}"

    def answer(encoder: Encoder, request: TextRequest, _wanted: Callable[[], bool]) -> TextResponse[Any]:
        count = only(("top_k",), request, options, named).get("top_k", _WORDS)
        if type(count) is not int or count < 1:
            raise InvalidRequest(f"top_k is {count!r}; it is a number of words, from 1 on.")
        text = one_text(request, named)
        if not _GAP.search(text):
            raise InvalidRequest(f"{named} fills gaps, and there is none: write [MASK] where a word is missing.")
        gaps, tokens = _gaps(encoder, _GAP.sub(lambda _: encoder.tokenizer.mask_token, text), count)
        words = [next(iter(gap)) for gap in gaps]
        return answered(_filled(text, list(words)), tokens, gaps[0], words=words)

    return reader(name, folder, options, "AutoModelForMaskedLM", answer)


def _gaps(encoder: Encoder, text: str, count: int) -> tuple[list[dict[str, float]], int]:
    """The likeliest words of each gap with their probabilities, and the tokens that were read."""
    said, tokens = encoder.read([text])
    places = (tokens["input_ids"][0] == encoder.tokenizer.mask_token_id).nonzero()[:, 0]
    shares = said.logits[0, places.to(said.logits.device)].float().softmax(-1)
    values, found = shares.topk(min(count, shares.shape[-1]))
    words = [[encoder.tokenizer.decode([token]).strip() for token in row] for row in found.tolist()]
    gaps: list[dict[str, float]] = []
    for row, chances in zip(words, values.tolist(), strict=True):
        gaps.append({})
        for word, chance in zip(row, chances, strict=True):
            gaps[-1].setdefault(word, chance)  # of two tokens that look alike, the likelier
    return gaps, int(tokens["attention_mask"].sum())


def _filled(text: str, words: list[str]) -> str:
    """The text with these words in its gaps; what continues a word is put to it."""

    def word(gap: re.Match[str]) -> str:
        found = words.pop(0)
        return gap[1] + found if not found.startswith("##") else found.removeprefix("##")

    return re.sub(rf"(\s*)(?:{_GAP.pattern})", word, text)
