"""No check of the kit is vacuous: for each there is a test that breaks the law and sees the check fail."""

from __future__ import annotations

import ast
from pathlib import Path

import modelhub.testing

HERE = Path(__file__).parent


def laws() -> set[str]:
    classes = (getattr(modelhub.testing, name) for name in dir(modelhub.testing) if name.endswith("Conformance"))
    return {name for found in classes for name in dir(found) if name.startswith("test_")}


def broken() -> set[str]:
    """The laws called inside a ``with pytest.raises(...)`` of this folder."""
    found: set[str] = set()
    for file in HERE.glob("test_*_kit.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.With) and "raises" in ast.unparse(node.items[0].context_expr):
                found |= {call.attr for call in ast.walk(node) if isinstance(call, ast.Attribute)}
    return found


def test_every_law_has_a_test_that_breaks_it() -> None:
    unbroken = sorted(laws() - broken())
    assert not unbroken, f"Nothing shows that {unbroken[0]} can fail: add a broken model to the tests of the kit."
