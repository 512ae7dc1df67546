"""What pipelines answer, read: lists in lists, objects where lists are expected, errors under the status of a success."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from modelhub.plugin import AnswerError, HttpResponse, ModelhubError
from modelhub_huggingface.pipelines.site import PipelineSite

__all__ = ["parsed", "reported", "rows", "scores"]

_MANY = 65_536
"""Bytes of an answer from which on the fast parser is worth its import."""


def parsed(response: HttpResponse, site: PipelineSite, name: str) -> Any:
    """The answer's JSON. Raises the error that stands in its place, or ``AnswerError`` where it is none."""
    try:
        said = _json(response.body)
    except (ValueError, RecursionError):
        begins = " ".join(response.body[:80].decode("utf-8", "replace").split())
        raise AnswerError(f"The answer is not JSON; it begins with {begins!r}.", head=response.body[:200]) from None
    if isinstance(said, Mapping) and said.get("error"):
        raise reported(response, site, name)
    return said


def _json(body: bytes) -> Any:
    if len(body) < _MANY:
        return json.loads(body.decode("utf-8-sig", "replace"))
    from pydantic_core import from_json

    return from_json(body)


def reported(response: HttpResponse, site: PipelineSite, name: str) -> ModelhubError:
    """The error that came with the status of a success."""
    return site.fault(HttpResponse(0, response.headers, response.body), name)


def rows(said: Any) -> list[Mapping[str, Any]]:
    """The objects of an answer, from whichever lists they stand in, in their order."""
    if isinstance(said, Mapping):
        return [said]
    return [row for part in said for row in rows(part)] if isinstance(said, list) else []


def scores(said: Any) -> dict[str, float]:
    """Labels and their scores, the best first: rows of both, or ``labels`` beside ``scores``. Raises ``AnswerError``."""
    found = {label: score for row in rows(said) for label, score in _pairs(row)}
    if not found or not all(map(math.isfinite, found.values())):
        raise AnswerError("The answer holds no labels with scores.", head=json.dumps(said, ensure_ascii=False).encode()[:200])
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def _pairs(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    labels, values = row.get("labels"), row.get("scores")
    if isinstance(labels, list) and isinstance(values, list):
        for label, score in zip(labels, values, strict=False):
            yield str(label), float(score)
    elif isinstance(row.get("score"), int | float) and isinstance(row.get("label"), str):
        yield row["label"], float(row["score"])
