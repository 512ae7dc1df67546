"""Tasks that choose: a label for a text, of the model's own or of those that are given; a word for a gap."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from modelhub.plugin import AnswerError, BadRequest, ModelhubError, TextPart, TextRequest, TextResponse, Unsupported
from modelhub_huggingface.labels import answered, choices, wanted
from modelhub_huggingface.pipelines.answers import rows, scores
from modelhub_huggingface.pipelines.prompts import one_text

__all__ = ["Classification", "FillMask", "ZeroShot"]

_ALL = 1_000
"""Labels that are asked for: more than any model has, since some servers tell the best one alone, or five."""
_MASK = re.compile(r"\[MASK\]|<mask>")


@dataclass(frozen=True, slots=True)
class Classification:
    """``text-classification``: the best of the model's labels, or JSON of it where a type of choices is asked for."""

    settings: ClassVar[frozenset[str]] = frozenset()
    capabilities: ClassVar[Mapping[str, bool]] = {"structured_output": True}

    def asked(self, request: TextRequest, model: str) -> tuple[Any, Mapping[str, Any]]:
        _refuse_what_is_no_choice(request, model)
        return one_text(request, model), {"top_k": _ALL}

    def read(self, said: Any) -> TextResponse[Any]:
        return _chosen(scores(said))

    def completed(self, request: TextRequest, response: TextResponse[Any], model: str) -> TextResponse[Any]:
        return _labelled(request, response, model)

    def learned(self, error: ModelhubError) -> None:  # noqa: ARG002
        return None


@dataclass(frozen=True, slots=True)
class ZeroShot:
    """``zero-shot-classification``: the best of the labels that the type asked for leaves to choose from.

    Servers differ in where they want the labels; ``form`` is what one has taught by its refusal.
    """

    form: Literal["parameters", "beside", "among"] = "parameters"
    settings: ClassVar[frozenset[str]] = frozenset()
    capabilities: ClassVar[Mapping[str, bool]] = {"structured_output": True}

    def asked(self, request: TextRequest, model: str) -> tuple[Any, Mapping[str, Any]]:
        labels = list(wanted(request, model).values)
        text = one_text(request, model)
        match self.form:
            case "parameters":
                return text, {"candidate_labels": labels}
            case "beside":
                return {"sequences": text, "parameters": {}}, {"candidate_labels": labels}
            case "among":
                return {"sequences": text, "candidate_labels": labels}, {}

    def read(self, said: Any) -> TextResponse[Any]:
        return _chosen(scores(said))

    def completed(self, request: TextRequest, response: TextResponse[Any], model: str) -> TextResponse[Any]:
        return _labelled(request, response, model)

    def learned(self, error: ModelhubError) -> ZeroShot | None:
        """The form that the Inference Toolkit asks for in its own words."""
        if self.form != "parameters" or not isinstance(error, BadRequest) or "`sequences`" not in error.message:
            return None
        return ZeroShot("beside" if "`parameters` to contain" in error.message else "among")


@dataclass(frozen=True, slots=True)
class FillMask:
    """``fill-mask``: the text with the likeliest word in each gap; ``scores`` has the others, of the first gap."""

    settings: ClassVar[frozenset[str]] = frozenset()
    capabilities: ClassVar[Mapping[str, bool]] = {}

    def asked(self, request: TextRequest, model: str) -> tuple[Any, Mapping[str, Any]]:
        return one_text(request, model), {}

    def read(self, said: Any) -> TextResponse[Any]:
        gaps = [rows(part) for part in said] if isinstance(said, list) and said and isinstance(said[0], list) else [rows(said)]
        filled = [[row for row in gap if isinstance(row.get("sequence"), str)] for gap in gaps]
        if not filled[0]:
            raise AnswerError("The answer fills no gap.", head=json.dumps(said, ensure_ascii=False).encode()[:200])
        words = {str(row.get("token_str", "")).strip(): float(row.get("score") or 0.0) for row in filled[0]}
        best = [str(gap[0].get("token_str", "")).strip() for gap in filled if gap]
        return TextResponse(
            content=(TextPart(filled[0][0]["sequence"]),),
            finish_reason="stop",
            provider_metadata={"scores": words, "words": best},
        )

    def completed(self, request: TextRequest, response: TextResponse[Any], model: str) -> TextResponse[Any]:  # noqa: ARG002
        """Where there are several gaps, servers fill each by itself: here all are filled."""
        words = list(response.provider_metadata["words"])
        if len(words) < 2:
            return response
        text = _MASK.sub(lambda gap: words.pop(0) if words else gap[0], request.messages[0].text)
        return replace(response, content=(TextPart(text),))

    def learned(self, error: ModelhubError) -> None:  # noqa: ARG002
        return None


def _refuse_what_is_no_choice(request: TextRequest, model: str) -> None:
    if request.output is not None and choices(request.output) is None:
        message = f"{model} answers with a label: output_type=Literal['a', 'b'] can be asked for, not {request.output.name}."
        raise Unsupported(message, feature="structured_output", model=model)


def _chosen(found: Mapping[str, float]) -> TextResponse[Any]:
    """A label is all of the answer: there is nothing that could have been cut."""
    best = next(iter(found))
    return TextResponse(content=(TextPart(best),), finish_reason="stop", provider_metadata={"scores": found})


def _labelled(request: TextRequest, response: TextResponse[Any], model: str) -> TextResponse[Any]:
    if request.output is None:
        return response
    return replace(response, content=(TextPart(answered(response.provider_metadata["scores"], request, model)),))
