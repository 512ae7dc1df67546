"""Replicate's predictions: one form for every task, a model's fields under ``input``, files or texts under ``output``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelhub_huggingface.router.served import Served

__all__ = ["outputs", "predicted", "predictions"]


def predictions(served: Served) -> str:
    """Where a prediction is asked for: at the model, unless a version of it is named."""
    return "v1/predictions" if ":" in served.id else f"v1/models/{served.id}/predictions"


def predicted(served: Served, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a prediction."""
    version = served.id.partition(":")[2]
    return {"input": dict(fields), **({"version": version} if version else {})}


def outputs(said: Mapping[str, Any]) -> list[str]:
    """What a prediction gave: one text or address, or several."""
    found = said.get("output")
    given = found if isinstance(found, list) else [found]
    return [file for file in given if isinstance(file, str)]
