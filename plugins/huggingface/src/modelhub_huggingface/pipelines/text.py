"""Text pipelines: each classic task in which a text comes in and a text goes out, as an endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Never, Protocol, Self

from modelhub_openai.usage import estimated

from modelhub.plugin import (
    Decoder,
    Family,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    TextRequest,
    TextResponse,
    Unsupported,
)
from modelhub_huggingface.pipelines.answers import parsed
from modelhub_huggingface.pipelines.classification import Classification, FillMask, ZeroShot
from modelhub_huggingface.pipelines.generation import Continuation, Rewriting
from modelhub_huggingface.pipelines.reading import QuestionAnswering
from modelhub_huggingface.pipelines.site import PipelineSite, body

__all__ = ["FAMILIES", "TASKS", "PipelineText", "TextTask", "text_card", "text_task"]


class TextTask(Protocol):
    """How one task is asked, and its answer read. Pure."""

    @property
    def settings(self) -> frozenset[str]:
        """The settings that it honours."""

    @property
    def capabilities(self) -> Mapping[str, bool]:
        """What it can do that a bare text task cannot."""

    def asked(self, request: TextRequest, model: str) -> tuple[Any, Mapping[str, Any]]:
        """``inputs`` and ``parameters``. Raises ``Unsupported`` or ``InvalidRequest``."""

    def read(self, said: Any) -> TextResponse[Any]:
        """The answer, as far as it tells itself. Raises ``AnswerError``."""

    def completed(self, request: TextRequest, response: TextResponse[Any], model: str) -> TextResponse[Any]:
        """The answer with what only the request tells."""

    def learned(self, error: ModelhubError) -> Self | None:
        """Another form of the same task, where a refusal asks for it."""


TASKS = (
    "text-generation",
    "text2text-generation",
    "summarization",
    "translation",
    "fill-mask",
    "text-classification",
    "zero-shot-classification",
    "question-answering",
)
"""Those that are asked as a text pipeline."""
FAMILIES: Mapping[str, Family] = {
    "text-generation": "decoder",
    "text2text-generation": "encoder-decoder",
    "summarization": "encoder-decoder",
    "translation": "encoder-decoder",
    "fill-mask": "encoder",
}
"""What a model for a task mostly is; where models of several families serve one, it says nothing."""


def text_task(task: str, *, specified: bool) -> TextTask:
    """The task of that name. Raises ``Unsupported`` where it is none of ``TASKS``."""
    match task:
        case "text-generation":
            return Continuation(specified)
        case "summarization":
            return Rewriting("summary_text", specified)
        case "translation":
            return Rewriting("translation_text", specified)
        case "text2text-generation":
            return Rewriting("generated_text", specified)
        case "text-classification":
            return Classification()
        case "zero-shot-classification":
            return ZeroShot()
        case "fill-mask":
            return FillMask()
        case "question-answering":
            return QuestionAnswering()
        case _:
            raise Unsupported(f"The task {task!r} is not asked as a text pipeline: these are {', '.join(TASKS)}.", feature=task)


def text_card(task: str, form: TextTask) -> dict[str, Any]:
    """The fields of a card that the task alone decides."""
    lacks = {"tools": False, "images": False, "audio": False, "files": False, "structured_output": False}
    return {
        "task": task,
        "family": FAMILIES.get(task),
        "settings": form.settings,
        "capabilities": {**lacks, **form.capabilities},
    }


@dataclass(frozen=True)
class PipelineText:
    """One task of one model. Its answers come whole; ``Whole`` makes streams of them.

    Tokens are estimated: such servers count none.
    """

    site: PipelineSite
    name: str
    task: TextTask
    card: ModelCard
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def build(self, request: TextRequest, *, stream: bool) -> HttpRequest:
        if stream:
            raise Unsupported("A pipeline's answer comes whole.", feature="stream", model=self.card.model)
        inputs, parameters = self.task.asked(request, self.card.model)
        return self.site.ask(body(inputs, parameters, self.arguments, request.extra.get(self.site.provider, {})))

    def parse(self, response: HttpResponse) -> TextResponse[Any]:
        said = parsed(response, self.site, self.name)
        return replace(self.task.read(said), model=self.name, provider=self.site.provider, raw=said)

    def decoder(self) -> Decoder[Never]:
        raise Unsupported("A pipeline's answer comes whole.", feature="stream", model=self.card.model)

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def learned(self, error: ModelhubError) -> Self | None:
        """The same in the form that a refusal asks for."""
        better = self.task.learned(error)
        return None if better is None else replace(self, task=better)

    def completed(self, request: TextRequest, response: TextResponse[Any]) -> TextResponse[Any]:
        return estimated(request, self.task.completed(request, response, self.card.model))
