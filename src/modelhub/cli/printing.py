"""Responses for a person: citations, what a call used, what it could not honour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelhub.cli.context import Context
    from modelhub.interfaces.passages import Citation, Span
    from modelhub.interfaces.text import TextResponse
    from modelhub.model import Response, Usage

__all__ = ["citation_line", "place", "print_citations", "remarks", "shortened", "summary", "table", "visible"]

_INCOMPLETE = {
    "length": "the answer was cut: it reached its limit of tokens",
    "content_filter": "the provider's content filter cut the answer",
    "error": "the provider reported an error while it answered",
}


def citation_line(citation: Citation) -> str:
    """``[1] docs/x.md:12-14  "quote"``."""
    return f'[{citation.number}] {place(citation.document, citation.span)}  "{shortened(citation.quote, 200)}"'


def place(document: str, span: Span) -> str:
    """``docs/x.md:12-14``, or ``docs/x.md:12`` for a single line."""
    lines = str(span.first_line) if span.first_line == span.last_line else f"{span.first_line}-{span.last_line}"
    return f"{document}:{lines}"


def shortened(text: str, width: int) -> str:
    """The text on one line, of at most ``width`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 3] + "..."


def summary(response: Response, elapsed: float) -> str:
    """``model starter:quote, 120 tokens in, 34 tokens out, $0.0012, 0.05 s``: as much of it as is known.

    The time is the call's own; where the response does not tell it, ``elapsed``: that of the command.
    """
    name = ":".join(part for part in (response.provider, response.model) if part)
    facts = [f"model {name or 'unknown'}", *_used(response.usage)]
    if response.cost is not None:
        facts.append(f"${response.cost}")
    seconds = elapsed if response.timing.total is None else response.timing.total
    return ", ".join([*facts, f"{seconds:.2f} s"])


def _used(usage: Usage) -> list[str]:
    about = "about " if usage.source == "estimated" else ""
    counts = (
        (usage.input_tokens, "tokens in"),
        (usage.output_tokens, "tokens out"),
        (usage.images, "images"),
        (usage.characters, "characters"),
        (usage.audio_seconds, "seconds of sound"),
    )
    return [f"{about}{round(count, 2):g} {what}" for count, what in counts if count is not None]


def remarks(response: Response, context: Context) -> None:
    """What is said beside a result: that it is incomplete; with ``--verbose``, what it took and what was not honoured."""
    reason = getattr(response, "finish_reason", "stop")
    if reason in _INCOMPLETE:
        context.note(f"modelhub: {_INCOMPLETE[reason]}.")
    for notice in response.notices:
        context.detail(f"notice: {notice.setting}: {notice.message}")
    for attempt in response.attempts:
        if attempt.error is not None:
            context.detail(f"failed: {attempt.model}: {shortened(str(attempt.error), 200)}")
    context.detail(summary(response, context.elapsed()))


def print_citations(response: TextResponse[Any], context: Context) -> None:
    """The citations below an answer, one a line."""
    if response.citations:
        context.say()
    for citation in response.citations:
        context.say(citation_line(citation))


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """The rows as lines, each column as wide as its widest cell; wide characters take two places."""
    seen = [tuple(map(visible, row)) for row in rows]
    widths = [max(map(_width, column)) for column in zip(*seen, strict=True)]
    return ["  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in seen]


def visible(text: str) -> str:
    """What strangers have written, on one line and without what a terminal obeys or what turns its letters round."""
    return text if text.isprintable() else "".join(map(_seen, text))


def _seen(letter: str) -> str:
    from unicodedata import category

    if letter.isprintable() or letter in _JOINERS:
        return letter
    kind = category(letter)
    if kind in ("Zl", "Zp") or (kind == "Cc" and letter.isspace()):
        return " "
    return "" if kind in ("Cc", "Cf", "Cs") else letter


_JOINERS = "\u200c\u200d"
"""They are seen in what they join: in Persian, in Hindi, in a family of emojis."""


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(mark) else 2 if east_asian_width(mark) in "WF" else 1 for mark in text)
