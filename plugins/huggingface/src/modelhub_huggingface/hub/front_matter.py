"""The front matter of a model's README: YAML between two lines of dashes, which anybody may have written.

It is read as text alone: no tag is heeded, ``no`` is Norwegian and not ``False``, ``2024-05-01`` and ``1.0`` stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["FrontMatter", "front_matter"]

_FENCED = re.compile(r"\s*---[ \t]*\n(.*?\n)??(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_LONGEST, _LONGEST_IN_PYTHON = 512 << 10, 64 << 10
"""Characters, with the parser in C and without. What is longer are mostly a benchmark's results, which are then left out."""
_RESULTS = re.compile(r"^model-index:.*\n(?:(?:[ \t\-#].*)?\n)*", re.MULTILINE)
_MOST = 100_000
_DEEPEST = 32
_NOTHING = ("", "~", "null", "Null", "NULL")


class FrontMatter(NamedTuple):
    """What it says, the text that follows it, and what is wrong with it, if something is."""

    said: Mapping[str, Any]
    text: str
    wrong: str | None = None


def front_matter(readme: str, *, results: bool = True) -> FrontMatter:
    """A README taken apart. What cannot be read is told in ``wrong``; nothing is raised.

    Without ``results``, those that its makers report (``model-index``), which may be long, are not read.
    """
    import yaml

    lines = readme.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    fenced = _FENCED.match(lines)
    if fenced is None:
        return FrontMatter({}, lines)
    block, text = fenced[1] or "", lines[fenced.end() :]
    most = _LONGEST if hasattr(yaml, "CBaseLoader") else _LONGEST_IN_PYTHON
    if not results or len(block) > most:
        block = _RESULTS.sub("", block)
    if len(block) > most:
        return FrontMatter({}, text, f"its front matter is too long ({len(block)} characters)")
    try:
        return FrontMatter(_read(block), text)
    except ValueError as error:
        return FrontMatter({}, text, f"its front matter cannot be read: {error}")


def _read(block: str) -> Mapping[str, Any]:
    """Raises ``ValueError`` with a few words."""
    import yaml

    try:
        said = _value(block)
    except yaml.MarkedYAMLError as error:
        at = f" in line {error.problem_mark.line + 2}" if error.problem_mark else ""
        raise ValueError(f"{error.problem or 'it is no YAML'}{at}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())[:100] or "it is no YAML") from None
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise ValueError("it is no table")
    return said


def _value(block: str) -> Any:
    """Texts, lists and tables, made of what stands there one after another: nothing is looked up, and nothing run."""
    import yaml

    stack: list[list[Any]] = [[]]
    for number, event in enumerate(yaml.parse(block, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))):
        if number > _MOST or len(stack) > _DEEPEST:
            raise ValueError("it holds too much")
        match event:
            case yaml.ScalarEvent():
                stack[-1].append(None if event.implicit[0] and event.value in _NOTHING else event.value)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                stack.append([])
            case yaml.SequenceEndEvent():
                items = stack.pop()
                stack[-1].append(items)
            case yaml.MappingEndEvent():
                items = stack.pop()
                stack[-1].append(
                    {key: value for key, value in zip(items[::2], items[1::2], strict=True) if isinstance(key, str)}
                )
            case yaml.AliasEvent():
                raise ValueError(f"a part of it stands for another (*{event.anchor})")
            case yaml.DocumentEndEvent():
                break
    return stack[0][0] if stack[0] else None
