"""Classification on TEI: ``predict``, which takes a text and nothing besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelhub.plugin import TextRequest
from modelhub_huggingface.pipelines.classification import Classification

__all__ = ["Prediction"]


@dataclass(frozen=True, slots=True)
class Prediction(Classification):
    """All labels come, whatever is asked for."""

    def asked(self, request: TextRequest, model: str) -> tuple[Any, Mapping[str, Any]]:
        inputs, _ = Classification.asked(self, request, model)
        return inputs, {}
