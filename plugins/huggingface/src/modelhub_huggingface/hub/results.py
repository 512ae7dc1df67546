"""The results that a model's makers report: ``model-index`` of its front matter, and the hub's newer ``evalResults``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from modelhub.plugin import Metric
from modelhub_huggingface.hub.reading import tables, text, under

__all__ = ["reported"]

_MOST = 200


def reported(index: Any, evaluations: Any = None) -> tuple[Metric, ...]:
    """Each result once, in their order; a benchmark's hundreds are cut."""
    found = (*islice(_indexed(index), _MOST), *islice(_evaluated(evaluations), _MOST))
    return tuple(dict.fromkeys(found))[:_MOST]


def _indexed(index: Any) -> Iterator[Metric]:
    for model in tables(index):
        for result in tables(model.get("results")):
            dataset, task = under(result, "dataset"), under(result, "task")
            for metric in tables(result.get("metrics")):
                yield from _metric(
                    text(metric.get("name")) or text(metric.get("type")),
                    metric.get("value"),
                    _dataset(dataset),
                    text(task.get("type")) or text(task.get("name")),
                )


def _dataset(said: Mapping[str, Any]) -> str:
    name = text(said.get("name")) or text(said.get("type")) or ""
    parts = (text(said.get(part)) for part in ("config", "split"))
    return " ".join([name, *(part for part in parts if part and part not in ("default", name))])


def _evaluated(evaluations: Any) -> Iterator[Metric]:
    for entry in tables(evaluations):
        said = under(entry, "data") or entry
        dataset = under(said, "dataset")
        task = text(dataset.get("task_id"))
        name = task if task and task != "default" else "score"
        yield from _metric(name, said.get("value"), text(dataset.get("id")) or "", None)


def _metric(name: str | None, value: Any, dataset: str, task: str | None) -> Iterator[Metric]:
    number = _number(value)
    if name is not None and number is not None:
        yield Metric(name=name, value=number, dataset=dataset, task=task or "")


def _number(value: Any) -> float | str | None:
    """A number where it is one, also one in quotation marks; else the words."""
    said = None if isinstance(value, bool) else text(value)
    if said is None:
        return None
    try:
        number = float(said)
    except ValueError:
        return said
    return number if math.isfinite(number) else None
