"""``question-answering``: an answer is a stretch of the text that is asked about. Out of passages, it is a citation as well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from modelhub.plugin import ContextOverflow, InvalidRequest, TextModel, TextRequest, TextResponse
from modelhub_huggingface.local.encoders.encoder import Encoder
from modelhub_huggingface.local.encoders.reader import answered, reader
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.given import only
from modelhub_huggingface.local.watching import Left
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.pipelines.reading import cited, question_and_context

__all__ = ["model"]

_LONGEST = 15
"""Tokens of an answer, where ``max_answer_len`` does not allow more."""
_TOGETHER = 16
"""Pieces of a long text that are read at once."""


class _Stretch(NamedTuple):
    score: float
    start: int
    end: int


def model(name: str, folder: ModelFolder, options: HuggingFaceOptions) -> TextModel:
    """The model of a folder. A text that is longer than what it reads at once is read in pieces that overlap."""
    named = f"{options.provider}:{name}"

    def answer(encoder: Encoder, request: TextRequest, wanted: Callable[[], bool]) -> TextResponse[Any]:
        longest = only(("max_answer_len",), request, options, named).get("max_answer_len", _LONGEST)
        if type(longest) is not int or longest < 1:
            raise InvalidRequest(f"max_answer_len is {longest!r}; it is a number of tokens, from 1 on.")
        question, context = question_and_context(request, named)
        found, tokens = _stretches(encoder, question, context, longest, wanted)
        best = max(found)
        scores: dict[str, float] = {}
        for score, start, end in sorted(found, reverse=True):
            scores.setdefault(context[start:end], score)
        response = answered(context[best.start : best.end], tokens, scores, start=best.start, end=best.end)
        return replace(response, citations=cited(request.passages, best.start, best.end))

    return reader(name, folder, options, "AutoModelForQuestionAnswering", answer, {"passages": True})


def _stretches(
    encoder: Encoder, question: str, context: str, longest: int, wanted: Callable[[], bool]
) -> tuple[list[_Stretch], int]:
    """The best stretch of each piece of the text, and the tokens that were read. Raises ``Left``, no longer ``wanted``."""
    window = encoder.window or len(context) + len(question) + 16
    asked = len(encoder.tokenizer(question, verbose=False)["input_ids"])
    if asked > window // 2:
        raise ContextOverflow(
            f"The question has {asked} tokens; the model reads {window} at once, the text among them. Shorten it.",
            prompt_tokens=asked,
            context_window=window,
        )
    pieces = encoder.tokenizer(
        question,
        context,
        truncation="only_second",
        max_length=window,
        stride=min(128, (window - asked) // 3),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding=True,
        return_tensors="pt",
        verbose=False,
    )
    inputs = {name: pieces[name] for name in encoder.tokenizer.model_input_names if name in pieces}
    found: list[_Stretch] = []
    for first in range(0, len(pieces["input_ids"]), _TOGETHER):
        if not wanted():
            raise Left
        said = encoder.seen({name: tensor[first : first + _TOGETHER] for name, tensor in inputs.items()})
        for place, (starts, ends) in enumerate(zip(said.start_logits, said.end_logits, strict=True), first):
            inside = [part == 1 for part in pieces.sequence_ids(place)]
            found.append(_best(starts.float(), ends.float(), inside, pieces["offset_mapping"][place].tolist(), longest))
    return found, int(pieces["attention_mask"].sum())


def _best(starts: Any, ends: Any, inside: list[bool], offsets: list[list[int]], longest: int) -> _Stretch:
    """The likeliest beginning and end that stand in that order, not too far from each other, in the text and not beside it."""
    import torch

    beside = ~torch.tensor(inside, device=starts.device)
    begin, end = (scores.masked_fill(beside, -torch.inf).softmax(-1) for scores in (starts, ends))
    chances = (begin[:, None] * end[None, :]).triu().tril(longest - 1)
    first, last = divmod(int(chances.argmax()), len(begin))
    return _Stretch(float(chances[first, last]), offsets[first][0], offsets[last][1])
