"""Plain completion at providers that speak OpenAI's older operation: a text is continued where it ends."""

from __future__ import annotations

from typing import Any, cast

from modelhub.plugin import HttpModel, TextModel
from modelhub_huggingface.endpoints.completions import Completions
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router.dialect import at_prefix
from modelhub_huggingface.router.served import Served

__all__ = ["model"]


def model(served: Served, options: HuggingFaceOptions) -> TextModel:  # noqa: ARG001  # none of them is about a provider's own
    """``completions``, whole or as they come."""
    return HttpModel(Completions(cast("Any", at_prefix(served)), served.model, served.card("text")))
