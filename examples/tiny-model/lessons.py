"""What is learnt from: Markdown as conversations. A heading asks, what stands below it answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_FENCE = re.compile(r"^```.*?^```$\n?", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,4} (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def conversations(files: list[Path]) -> Iterator[list[tuple[str, str]]]:
    """One for each paragraph: its section's heading, and the paragraph."""
    for file in files:
        text = _LINK.sub(r"\1", _FENCE.sub("", file.read_text(encoding="utf-8")))
        _, *sections = _HEADING.split(text)
        for heading, body in zip(sections[::2], sections[1::2], strict=True):
            for paragraph in filter(None, map(str.strip, body.split("\n\n"))):
                if not paragraph.startswith("|"):  # a table
                    yield [("user", heading.strip()), ("assistant", " ".join(paragraph.split()))]
