"""What the content filter found: in prompts, answers and the chunks of a stream, under whatever name it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from modelhub_openai.gathering import Extras

from modelhub.plugin import Response

__all__ = ["CONTENT_FILTER", "FilterExtras", "Finding", "findings", "merged", "results_in"]

CONTENT_FILTER = "content_filter"
"""``response.provider_metadata["content_filter"]``: ``{"prompt": {category: result}, "completion": {category: result}}``."""
_PROMPT = ("prompt_filter_results", "prompt_annotations")
_RESULTS = ("content_filter_results", "content_filter_result")
_OFFSETS = ("content_filter_offsets", "content_filter_raw")
_SEVERITIES = ("safe", "low", "medium", "high")

Results = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One category that the filter looked for."""

    category: str
    """``hate``, ``self_harm``, ``sexual``, ``violence``, ``jailbreak``, ``protected_material_text``..."""
    source: Literal["prompt", "completion"]
    filtered: bool
    """Whether something was kept back for it."""
    severity: str | None = None
    """``safe``, ``low``, ``medium`` or ``high``, where the category has degrees."""
    detected: bool | None = None
    """Whether it was found, where the category has none."""


def findings(response: Response) -> tuple[Finding, ...]:
    """What the filter found in the prompt and the completion of a response; empty where nothing was told."""
    told = response.provider_metadata.get(CONTENT_FILTER, {})
    return tuple(
        Finding(category, source, result.get("filtered") is True, result.get("severity"), result.get("detected"))
        for source in ("prompt", "completion")
        for category, result in told.get(source, {}).items()
    )


class FilterExtras(Extras):
    """Gathers the filter's results into one place, from wherever they stand; in a stream, the worst of each category."""

    def answer(self, said: Mapping[str, Any]) -> None:
        for name, value in said.items():
            if name in _PROMPT and isinstance(value, list):
                self._found("prompt", results_in(value))
        super().answer({name: value for name, value in said.items() if name not in _PROMPT})

    def choice(self, said: Mapping[str, Any]) -> None:
        self._found("completion", results_in([said]))
        super().choice({name: value for name, value in said.items() if name not in (*_RESULTS, *_OFFSETS)})

    def _found(self, source: str, results: Results) -> None:
        if results:
            known = self.metadata.setdefault(CONTENT_FILTER, {})
            known[source] = merged(known.get(source, {}), results)


def results_in(parts: Iterable[object]) -> Results:
    """The results in a list of prompts, or of choices, or of images: the worst of each category."""
    found: Results = {}
    for part in parts:
        for name in _RESULTS:
            results = part.get(name) if isinstance(part, Mapping) else None
            if isinstance(results, Mapping):
                found = merged(found, {category: value for category, value in results.items() if isinstance(value, Mapping)})
    return found


def merged(known: Results, more: Results) -> Results:
    """The worse of both, category by category."""
    both = dict(known)
    for category, result in more.items():
        if category not in both or _rank(result) > _rank(both[category]):
            both[category] = result
    return both


def _rank(result: Mapping[str, Any]) -> tuple[bool, bool, int]:
    severity = result.get("severity")
    return (
        result.get("filtered") is True,
        result.get("detected") is True,
        _SEVERITIES.index(severity) if severity in _SEVERITIES else -1,
    )
