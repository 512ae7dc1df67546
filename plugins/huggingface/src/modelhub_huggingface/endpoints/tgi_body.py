"""The chat-completions dialect as Text Generation Inference has it: where it writes the same in other words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["grammar", "tgi_body"]


def tgi_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body of the dialect, rewritten.

    A schema stands in ``value``, and ``json_object`` is the word for one that all versions know. A ``top_p`` of 1 cuts
    nothing off, and is refused: it is left out.
    """
    written = dict(body)
    if written.get("top_p") == 1:
        del written["top_p"]
    if (schema := _schema(written.get("response_format"))) is not None:
        written["response_format"] = {"type": "json_object", "value": schema}
    return written


def grammar(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What a plain completion is held to by a schema."""
    return {"type": "json", "value": schema}


def _schema(form: Any) -> Any:
    """The schema in an OpenAI-like ``response_format``; ``None`` where it has none, or is in TGI's form already."""
    inner = form.get("json_schema") if isinstance(form, Mapping) else None
    return inner.get("schema") if isinstance(inner, Mapping) else None
