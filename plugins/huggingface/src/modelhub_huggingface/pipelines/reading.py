"""A task that reads: the answer to a question is a stretch of the text that it is asked about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from modelhub.plugin import (
    AnswerError,
    Citation,
    InvalidRequest,
    ModelhubError,
    Passage,
    Span,
    TextPart,
    TextRequest,
    TextResponse,
)
from modelhub_huggingface.pipelines.answers import rows
from modelhub_huggingface.pipelines.prompts import one_text

__all__ = ["QuestionAnswering", "cited", "question_and_context"]

_BETWEEN = "\n\n"


def question_and_context(request: TextRequest, model: str) -> tuple[str, str]:
    """What is asked, and about what: the passages, or what stands before the message's last paragraph.

    Raises ``InvalidRequest`` where there is neither.
    """
    text = one_text(request, model).strip()
    if request.passages:
        return text, _BETWEEN.join(passage.text for passage in request.passages)
    context, _, question = text.rpartition(_BETWEEN)
    if not context.strip() or not question.strip():
        message = f"{model} finds answers in a text: put it before the question, with an empty line between, or use retrieval."
        raise InvalidRequest(message)
    return question.strip(), context


@dataclass(frozen=True, slots=True)
class QuestionAnswering:
    """``question-answering``: a quotation. Out of passages, it is a citation as well."""

    settings: ClassVar[frozenset[str]] = frozenset()
    capabilities: ClassVar[Mapping[str, bool]] = {"passages": True}

    def asked(self, request: TextRequest, model: str) -> tuple[Any, Mapping[str, Any]]:
        question, context = question_and_context(request, model)
        return {"question": question, "context": context}, {}

    def read(self, said: Any) -> TextResponse[Any]:
        found = [row for row in rows(said) if isinstance(row.get("answer"), str)]
        if not found:
            raise AnswerError("The answer holds no answer.", head=json.dumps(said, ensure_ascii=False).encode()[:200])
        scores = {row["answer"]: float(row.get("score") or 0.0) for row in reversed(found)}
        told = {name: found[0][name] for name in ("start", "end") if isinstance(found[0].get(name), int)}
        return TextResponse(
            content=(TextPart(found[0]["answer"]),), finish_reason="stop", provider_metadata={"scores": scores, **told}
        )

    def completed(self, request: TextRequest, response: TextResponse[Any], model: str) -> TextResponse[Any]:  # noqa: ARG002
        start, end = response.provider_metadata.get("start"), response.provider_metadata.get("end")
        if not request.passages or start is None or end is None:
            return response
        return replace(response, citations=cited(request.passages, start, end))

    def learned(self, error: ModelhubError) -> None:  # noqa: ARG002
        return None


def cited(passages: tuple[Passage, ...], start: int, end: int) -> tuple[Citation, ...]:
    """The passage that these places of the joined passages are in, quoted; none where they are in no single one."""
    begins = 0
    for number, passage in enumerate(passages, 1):
        first, last = start - begins, end - begins
        if 0 <= first < last <= len(passage.text):
            line = passage.span.first_line + passage.text.count("\n", 0, first)
            lines = line + passage.text.count("\n", first, last)
            span = Span(passage.span.start + first, passage.span.start + last, line, lines)
            return (Citation(number, passage.id, passage.document, span, passage.text[first:last], passage.version),)
        begins += len(passage.text) + len(_BETWEEN)
    return ()
