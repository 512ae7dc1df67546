"""``zero-shot-classification``: the best of labels that no model was trained for: the one that follows from the text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelhub.plugin import InvalidRequest, SetupError, TextModel, TextRequest, TextResponse
from modelhub_huggingface.labels import answered as labelled
from modelhub_huggingface.labels import wanted
from modelhub_huggingface.local.cross_encoder import scores as scores_of
from modelhub_huggingface.local.encoders.encoder import Encoder
from modelhub_huggingface.local.encoders.reader import answered, reader
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.given import only
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.pipelines.prompts import one_text

__all__ = ["ARGUMENTS", "entailments", "model"]

ARGUMENTS = ("hypothesis_template", "multi_label")
_HYPOTHESIS = "This example is {}."


def model(name: str, folder: ModelFolder, options: HuggingFaceOptions) -> TextModel:
    """The model of a folder, as a classifier. ``hypothesis_template`` and ``multi_label`` are its arguments."""
    named = f"{options.provider}:{name}"

    def answer(encoder: Encoder, request: TextRequest, going_on: Callable[[], bool]) -> TextResponse[Any]:
        arguments = only(ARGUMENTS, request, options, named)
        labels = list(wanted(request, named).values)
        alone = bool(arguments.get("multi_label"))
        hypothesis = arguments.get("hypothesis_template", _HYPOTHESIS)
        shares, tokens = entailments(encoder, one_text(request, named), labels, going_on, hypothesis, alone=alone)
        scores = dict(zip(labels, shares, strict=True))
        return answered(labelled(scores, request, named), tokens, scores)

    return reader(name, folder, options, "AutoModelForSequenceClassification", answer, {"structured_output": True})


def entailments(
    encoder: Encoder,
    text: str,
    labels: list[str],
    wanted: Callable[[], bool],
    hypothesis: str = _HYPOTHESIS,
    *,
    alone: bool = False,
) -> tuple[list[float], int]:
    """How much each label follows from the text, as shares of one, or each by itself (``alone``); and the tokens read.

    No longer ``wanted``, what is told of the labels means nothing. Raises ``ContextOverflow`` where the text is too long.
    """
    if "{}" not in hypothesis:
        raise InvalidRequest(f"hypothesis_template is {hypothesis!r}; the label's place in it is {{}}.")
    names = [label.lower() for label in encoder.labels]
    follows = next((place for place, label in enumerate(names) if label.startswith("entail")), None)
    if follows is None:
        raise SetupError(f"The model has no label for what follows from a text; its labels are {', '.join(encoder.labels)}.")
    encoder.check(len(encoder.tokenizer(text, verbose=False)["input_ids"]))  # once, and not beside each label
    read = encoder.tokenizer([text] * len(labels), [hypothesis.replace("{}", label) for label in labels], verbose=False)
    lengths = list(map(len, read["input_ids"]))
    encoder.check(max(lengths))
    scores = scores_of(encoder, read, wanted)
    if alone or len(labels) == 1:
        against = next((place for place, label in enumerate(names) if label.startswith("contra")), -1 if follows == 0 else 0)
        shares = scores[:, [against, follows]].softmax(-1)[:, 1]
    else:
        shares = scores[:, follows].softmax(-1)
    return shares.tolist(), sum(lengths)
