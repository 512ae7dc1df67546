"""Tasks that write: a text is continued, shortened, translated, or turned into another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from modelhub.plugin import AnswerError, ModelhubError, TextPart, TextRequest, TextResponse, TextSettings
from modelhub_huggingface.pipelines.answers import rows
from modelhub_huggingface.pipelines.prompts import one_text

__all__ = ["Continuation", "Rewriting", "sampling"]

_KNOBS = frozenset({"max_output_tokens", "temperature", "top_p", "top_k"})


def sampling(knobs: TextSettings) -> dict[str, Any]:
    """How the next token is chosen. A temperature of 0 takes the likeliest, which goes by another name here."""
    chosen = (knobs.temperature, knobs.top_p, knobs.top_k)
    if knobs.temperature == 0:
        return {"max_new_tokens": knobs.max_output_tokens, "do_sample": False}
    return {
        "max_new_tokens": knobs.max_output_tokens,
        "temperature": knobs.temperature,
        "top_p": knobs.top_p,
        "top_k": knobs.top_k,
        "do_sample": True if any(value is not None for value in chosen) else None,
    }


@dataclass(frozen=True, slots=True)
class Continuation:
    """``text-generation``: the answer goes on where the text ends."""

    specified: bool
    capabilities: ClassVar[Mapping[str, bool]] = {}

    @property
    def settings(self) -> frozenset[str]:
        return _KNOBS | ({"stop_sequences", "seed"} if self.specified else frozenset())

    def asked(self, request: TextRequest, model: str) -> tuple[Any, Mapping[str, Any]]:
        knobs = request.knobs
        more = {"stop": list(knobs.stop_sequences) if knobs.stop_sequences else None, "seed": knobs.seed}
        return one_text(request, model), {
            "return_full_text": False,
            **sampling(knobs),
            **(more if self.specified else {}),
        }

    def read(self, said: Any) -> TextResponse[Any]:
        return _written(said, "generated_text")

    def completed(self, request: TextRequest, response: TextResponse[Any], model: str) -> TextResponse[Any]:  # noqa: ARG002
        return response

    def learned(self, error: ModelhubError) -> None:  # noqa: ARG002
        return None


@dataclass(frozen=True, slots=True)
class Rewriting:
    """``summarization``, ``translation``, ``text2text-generation``: another text in the place of the one that was given.

    ``member`` is where the answer has it.
    """

    member: str
    specified: bool
    capabilities: ClassVar[Mapping[str, bool]] = {}
    settings: ClassVar[frozenset[str]] = _KNOBS

    def asked(self, request: TextRequest, model: str) -> tuple[Any, Mapping[str, Any]]:
        given = {name: value for name, value in sampling(request.knobs).items() if value is not None}
        if self.specified:
            return one_text(request, model), {"generate_parameters": given or None}
        return one_text(request, model), given

    def read(self, said: Any) -> TextResponse[Any]:
        return _written(said, self.member)

    def completed(self, request: TextRequest, response: TextResponse[Any], model: str) -> TextResponse[Any]:  # noqa: ARG002
        return response

    def learned(self, error: ModelhubError) -> None:  # noqa: ARG002
        return None


_MEMBERS = ("generated_text", "summary_text", "translation_text")


def _written(said: Any, member: str) -> TextResponse[Any]:
    """The answer. Where it ends, such servers do not tell: the finish reason stays ``other``."""
    for row in rows(said):
        for name in (member, *_MEMBERS):
            if isinstance(text := row.get(name), str):
                return TextResponse(content=(TextPart(text),))
    raise AnswerError(f"The answer holds no {member}.", head=json.dumps(said, ensure_ascii=False).encode()[:200])
