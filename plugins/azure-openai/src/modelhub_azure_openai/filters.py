"""What the content filter found: in prompts, answers and the chunks of a stream, under whatever name it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from modelhub_openai.gathering import Extras

from modelhub.plugin import Response

__all__ = [
    "CONTENT_FILTER",
    "FilterExtras",
    "Finding",
    "findings",
    "merged",
    "prompt_results_in",
    "results_in",
    "with_findings",
]

CONTENT_FILTER = "content_filter"
"""``response.provider_metadata["content_filter"]``: ``{"prompt": {category: result}, "completion": {category: result}}``."""
_PROMPT = ("prompt_filter_results", "prompt_annotations")
_RESULTS = ("content_filter_results", "content_filter_result")
_OFFSETS = ("content_filter_offsets", "content_filter_raw")
_SEVERITIES = ("safe", "low", "medium", "high")

Results = Mapping[str, Mapping[str, Any]]
Source = Literal["prompt", "completion"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One category that the filter looked for."""

    category: str
    """``hate``, ``self_harm``, ``sexual``, ``violence``, ``jailbreak``, ``protected_material_text``..."""
    source: Source
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
        self._found("prompt", prompt_results_in([said]))
        super().answer({name: value for name, value in said.items() if name not in _PROMPT})

    def choice(self, said: Mapping[str, Any]) -> None:
        self._found("completion", results_in([said]))
        super().choice({name: value for name, value in said.items() if name not in (*_RESULTS, *_OFFSETS)})

    def _found(self, source: str, results: Results) -> None:
        if results:
            known = self.metadata.setdefault(CONTENT_FILTER, {})
            known[source] = merged(known.get(source, {}), results)


ResponseT = TypeVar("ResponseT", bound=Response)


def with_findings(response: ResponseT, told: Mapping[Source, Results]) -> ResponseT:
    """The response with what the filter found, where it found anything."""
    found = {source: results for source, results in told.items() if results}
    metadata = response.provider_metadata
    return replace(response, provider_metadata={**metadata, CONTENT_FILTER: found}) if found else response


def results_in(parts: Iterable[object]) -> Results:
    """The results in a list of prompts, or of choices, or of images: the worst of each category."""
    found: Results = {}
    for part in parts:
        for name in _RESULTS:
            results = part.get(name) if isinstance(part, Mapping) else None
            if isinstance(results, Mapping):
                found = merged(found, {category: value for category, value in results.items() if isinstance(value, Mapping)})
    return found


def prompt_results_in(parts: Iterable[object]) -> Results:
    """The same for what is told of the prompt beside each part; images tell it without a list."""
    found: Results = {}
    for part in parts:
        for name in _PROMPT:
            told = part.get(name) if isinstance(part, Mapping) else None
            results = results_in(told) if isinstance(told, list) else results_in([{_RESULTS[0]: told}])
            found = merged(found, results)
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
