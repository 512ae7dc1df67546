"""Which model answers when the command line names none."""

from __future__ import annotations

import pytest

from modelhub.cli.choice import default_model, named
from modelhub.cli.strictness import is_strict
from modelhub.config import load
from modelhub.errors import InvalidRequest


def chosen(models: dict[str, dict[str, str]]) -> str:
    return default_model(load({"models": models, "indexes": {"i": {"sources": ["*.md"]}}}).config)


def test_the_assistant_comes_first() -> None:
    assert chosen({"a": {"model": "x:y", "retrieval": "i"}, "assistant": {"model": "x:y"}}) == "assistant"


def test_then_the_only_one_that_retrieves() -> None:
    assert chosen({"a": {"model": "x:y", "retrieval": "i"}, "b": {"model": "x:y"}}) == "a"


def test_then_the_only_one() -> None:
    assert chosen({"a": {"model": "x:y"}}) == "a"


def test_else_the_choice_is_the_caller_s() -> None:
    with pytest.raises(InvalidRequest, match=r"Name one with -m: a, b\."):
        chosen({"b": {"model": "x:y"}, "a": {"model": "x:y"}})


@pytest.mark.parametrize("given", [None, ""])
def test_an_empty_name_names_none(given: str | None) -> None:
    config = load({"models": {"a": {"model": "x:y"}}}).config
    assert named(given, config) == "a"
    assert named("b", config) == "b"


@pytest.mark.parametrize(
    ("value", "meant"), [("1", True), ("TRUE", True), ("on", True), ("0", False), ("no", False), ("", False)]
)
def test_strictness_is_read_in_one_way(value: str, meant: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELHUB_STRICT_PLUGINS", value)
    assert is_strict() is meant
