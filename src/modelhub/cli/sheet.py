"""A model card as a sheet for a person: every axis on which a team chooses, with ``unknown`` where it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from modelhub.catalog import axes
from modelhub.cli.model_rows import count, price_words
from modelhub.cli.printing import table, visible

if TYPE_CHECKING:
    from modelhub.model import Metric, ModelCard
    from modelhub.price import Price

__all__ = ["sheet"]

UNKNOWN = "unknown"
_FAMILIES = {"encoder-decoder": "encoder and decoder"}
_WIDTH = 100


def sheet(card: ModelCard) -> Iterator[str]:
    """The lines: the name, what it is in its makers' words, then a line an axis."""
    yield visible(f"{card.model}  {card.title}").rstrip()
    if card.description:
        yield from wrap(visible(card.description), _WIDTH, initial_indent="  ", subsequent_indent="  ")
    rows = [*_what(card), *_terms(card), *_sizes(card), *_making(card), *_keeping(card)]
    yield ""
    yield from table([(f"  {name}", value) for name, value in rows])


Rows = Iterator[tuple[str, str]]


def _what(card: ModelCard) -> Rows:
    yield "kind", card.kind
    yield "task", card.task or UNKNOWN
    yield "family", _FAMILIES.get(card.family or "", card.family or UNKNOWN)
    if card.architecture:
        yield "architecture", card.architecture
    yield "takes", _listed(axes.inputs(card))
    yield "gives", _listed(axes.outputs(card))
    for name, able in (("can", True), ("cannot", False)):
        if named := sorted(each for each, said in card.capabilities.items() if said is able):
            yield name, _listed(each.replace("_", " ") for each in named)
    yield "settings", UNKNOWN if card.settings is None else _listed(sorted(card.settings)) if card.settings else "none"
    yield "languages", _listed(card.languages)


def _terms(card: ModelCard) -> Rows:
    yield "weights", _either(axes.open_weights(card), "open", "proprietary")
    yield "runs", _either(card.local, "on this machine", "as a service")
    yield "data goes to", axes.data(card) or UNKNOWN
    yield "licence", card.licence or UNKNOWN
    yield "gated", _either(card.gated, "yes: its files are for those who accept its terms", "no")
    yield "fine-tunable", _either(card.fine_tunable, "yes", "no")
    yield "price", _price(card.price)


def _sizes(card: ModelCard) -> Rows:
    if axes.has_context(card):
        yield "context", _tokens(axes.context(card))
    if card.max_output_tokens:
        yield "longest answer", _tokens(card.max_output_tokens)
    if card.kind == "embedding":
        yield "dimensions", str(card.dimensions or UNKNOWN)
    yield "parameters", f"{count(card.parameters)} ({card.parameters:,})" if card.parameters else UNKNOWN
    if card.quantization:
        yield "stored as", card.quantization
    yield "size", _bytes(card.file_bytes)
    yield "memory", f"needs about {_bytes(card.memory_bytes)}" if card.memory_bytes else UNKNOWN
    for name, most in sorted(card.limits.items()):
        yield f"most {name.replace('_', ' ')}", f"{most:,}"


def _making(card: ModelCard) -> Rows:
    yield "base model", _listed(card.base_model)
    yield "trained on", _listed(card.datasets)
    reported = [_metric(metric) for metric in card.metrics] or [UNKNOWN]
    yield "reported", f"{reported[0]}" if reported == [UNKNOWN] else f"by its makers, and not checked here: {reported[0]}"
    yield from (("", line) for line in reported[1:])


def _keeping(card: ModelCard) -> Rows:
    yield "downloads", f"{card.downloads:,} in the last month" if card.downloads is not None else UNKNOWN
    rest = {
        "likes": f"{card.likes:,}" if card.likes is not None else None,
        "updated": card.updated,
        "revision": card.revision,
        "library": card.library,
        "file": card.file,
        "page": card.url,
    }
    yield from ((name, value) for name, value in rest.items() if value)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or UNKNOWN


def _either(value: bool | None, yes: str, no: str) -> str:
    return UNKNOWN if value is None else yes if value else no


def _tokens(number: int | None) -> str:
    return f"{number:,} tokens" if number else UNKNOWN


def _bytes(number: int | None) -> str:
    from modelhub.catalog.placing import amount

    return amount(number) if number else UNKNOWN


def _price(price: Price | None) -> str:
    if price is None or not (words := price_words(price)):
        return UNKNOWN
    per = " per million tokens" if price.input is not None or price.output is not None else ""
    return f"{words}{per}{f' (as of {price.as_of})' if price.as_of else ''}"


def _metric(metric: Metric) -> str:
    value = f"{metric.value:.4g}" if isinstance(metric.value, float) else metric.value
    on = f" on {metric.dataset}" if metric.dataset else ""
    return f"{metric.name} {value}{on}{f' ({metric.task})' if metric.task else ''}"
