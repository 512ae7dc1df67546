"""``text-classification``: the best of a model's own labels, or JSON of it where a type of choices is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelhub.plugin import TextModel, TextRequest, TextResponse, Unsupported
from modelhub_huggingface.labels import answered as labelled
from modelhub_huggingface.labels import choices
from modelhub_huggingface.local.encoders.encoder import Encoder
from modelhub_huggingface.local.encoders.reader import answered, reader
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.given import only
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.pipelines.prompts import one_text

__all__ = ["model"]


def model(name: str, folder: ModelFolder, options: HuggingFaceOptions) -> TextModel:
    """The classifier of a folder."""
    named = f"{options.provider}:{name}"

    def answer(encoder: Encoder, request: TextRequest, _wanted: Callable[[], bool]) -> TextResponse[Any]:
        only((), request, options, named)
        if request.output is not None and choices(request.output) is None:
            message = (
                f"{named} answers with a label: output_type=Literal['a', 'b'] can be asked for, not {request.output.name}."
            )
            raise Unsupported(message, feature="structured_output", model=named)
        said, tokens = encoder.read([one_text(request, named)])
        scores = dict(zip(encoder.labels, _shares(encoder, said.logits[0].float()), strict=True))
        return answered(labelled(scores, request, named), int(tokens["attention_mask"].sum()), scores)

    return reader(name, folder, options, "AutoModelForSequenceClassification", answer, {"structured_output": True})


def _shares(encoder: Encoder, scores: Any) -> list[float]:
    """Probabilities: of each label by itself where several may be right, else of one among all."""
    alone = encoder.network.config.problem_type == "multi_label_classification" or len(scores) == 1
    shares: list[float] = (scores.sigmoid() if alone else scores.softmax(-1)).tolist()
    return shares
