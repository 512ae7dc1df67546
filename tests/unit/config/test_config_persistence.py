"""Retries, fallbacks and circuits in the configuration: what holds, and what is wrong with file and line."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest

from modelhub.cli import main
from modelhub.cli.explanation import explain
from modelhub.config import load
from modelhub.config.fallbacks import fallbacks
from modelhub.config.loading import survey
from modelhub.config.persistence import CircuitSpec, RetrySpec, circuit_of, retry_of
from modelhub.config.schema import schema
from modelhub.errors import ConfigError
from modelhub.wrappers.circuit import Circuit
from modelhub.wrappers.retry import Retry


@pytest.fixture
def toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.delenv("MODELHUB_CONFIG", raising=False)
    monkeypatch.delenv("MODELHUB_RETRIES", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "modelhub.toml"


def test_what_an_alias_leaves_open_is_said_for_all_key_by_key(toml: Path) -> None:
    toml.write_text(
        '[models."助手"]\nmodel = "base"\nretry = { max_wait = 5 }\n'
        '[models.base]\nmodel = "starter:quote"\nretry = { times = 7 }\n[retry]\ntimes = 1\nmax_wait = 9\n',
        encoding="utf-8",
    )
    loaded = load()
    assert retry_of(loaded, "助手") == RetrySpec(times=7, max_wait=5.0)
    assert retry_of(loaded, "base") == RetrySpec(times=7, max_wait=9.0)
    assert retry_of(loaded, "starter:quote") == RetrySpec(times=1, max_wait=9.0)
    assert circuit_of(loaded) == CircuitSpec(failures=3, cool_down=30.0)


def test_the_defaults_are_those_of_the_wrappers() -> None:
    for spec, made in ((RetrySpec(), Retry), (CircuitSpec(), Circuit)):
        for name, parameter in inspect.signature(made).parameters.items():
            if hasattr(spec, name):
                assert parameter.default == getattr(spec, name)


def test_the_variable_stands_above_the_table_and_below_an_alias(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AT-D1: and a configuration in code is used alone."""
    toml.write_text(
        '[models.a]\nmodel = "starter:quote"\n[models.b]\nmodel = "a"\nretry = { times = 3 }\n'
        "[retry]\ntimes = 1\n[profiles.laptop.retry]\ntimes = 9\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("MODELHUB_RETRIES", "0")
    for loaded in (load(), load(profile="laptop")):
        assert (retry_of(loaded, "a").times, retry_of(loaded, "b").times) == (0, 3)
    assert retry_of(load({"models": {"a": {"model": "starter:quote"}}}), "a").times == 2


@pytest.mark.parametrize("text", ["many", "-1", "1.5", "²"])
def test_a_variable_that_is_no_number_is_refused(toml: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    toml.write_text("", encoding="utf-8")
    monkeypatch.setenv("MODELHUB_RETRIES", text)
    with pytest.raises(ConfigError, match=r"MODELHUB_RETRIES is .*whole number"):
        load()


WRONG = [
    ("retry = { time = 2 }", "models.a.retry.time: there is no such setting. Did you mean 'times'?", 3),
    ('retry = { times = "2" }', "models.a.retry.times: expected a whole number", 3),
    ("retry = { times = -1 }", "models.a.retry: times and max_wait have to be 0 or more.", 3),
    ("retry = 2", "models.a.retry: expected a table", 3),
    ("retries = 2", "models.a.retries: there is no such setting. Did you mean 'retry'?", 3),
    ('fallback = "b"', "models.a.fallback: expected a list", 3),
    ('fallback = ["bb"]', "models.a.fallback[0]: there is no alias 'bb'", 3),
    ('fallback = ["b", "starter:"]', "models.a.fallback[1]: 'starter:' is not a model id", 3),
    ('fallback = ["a"]', "models.a.fallback[0]: the fallbacks go round in a circle: a → a.", 3),
    ('fallback = ["c"]', "models.a.fallback[0]: the fallbacks go round in a circle: a → c → a.", 3),
    ('fallback = ["d"]', "models.a.fallback[0]: the fallbacks go round in a circle: a → d → a.", 3),
    ('fallback_on = ["ContentFilter"]', "there is no error of this name. Did you mean 'ContentFiltered'?", 3),
    ("[retry]\nmaxwait = 2", "retry.maxwait: there is no such setting. Did you mean 'max_wait'?", 4),
    ("[circuit]\nfailures = 0", "circuit: failures has to be 1 or more", 3),
]


@pytest.mark.parametrize(("lines", "words", "line"), WRONG)
def test_a_mistake_is_told_with_file_and_line(toml: Path, lines: str, words: str, line: int) -> None:
    """AT-T: before anything is asked; ``config check`` finds it as well."""
    toml.write_text(
        f'[models.a]\nmodel = "starter:quote"\n{lines}\n[models.b]\nmodel = "starter:quote"\n'
        '[models.c]\nmodel = "starter:quote"\nfallback = ["a"]\n[models.d]\nmodel = "c"\n',
        encoding="utf-8",
    )
    _, mistakes = survey()
    told = [error for error in mistakes if words in error.message]
    assert told, [error.message for error in mistakes]
    assert (told[0].file, told[0].line) == (str(toml), line)
    with pytest.raises(ConfigError):
        load()


def test_check_tells_of_a_circle_and_goes_on(toml: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toml.write_text(
        '[models.a]\nmodel = "starter:quote"\nfallback = ["b"]\n[models.b]\nmodel = "starter:quote"\nfallback = ["a", "x"]\n',
        encoding="utf-8",
    )
    assert main(["config", "check"]) == 2
    told = capsys.readouterr().err
    assert "a → b → a" in told
    assert "b → a → b" in told
    assert "there is no alias 'x'" in told


def test_fallbacks_stand_behind_those_they_stand_in_for() -> None:
    models = {
        "a": {"model": "starter:quote", "fallback": ["b", "x:1"]},
        "b": {"model": "x:2", "fallback": ["x:3", "x:1"]},
        "above": {"model": "a"},
        "alone": {"model": "a", "fallback": []},
    }
    loaded = load({"models": models})
    assert fallbacks(loaded, "a") == fallbacks(loaded, "above") == ("b", "x:3", "x:1")
    assert fallbacks(loaded, "alone") == fallbacks(loaded, "x:1") == ()


def test_explain_tells_who_said_how_often(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AT-D1: the precedence is shown, the nearest first."""
    toml.write_text(
        '[models.a]\nmodel = "starter:quote"\nretry = { times = 3 }\nfallback = ["starter:quote"]\n[retry]\ntimes = 1\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("MODELHUB_RETRIES", "0")
    found = {setting.name: setting for setting in explain(load(), "a")}
    times = [found["retry.times"].holds, *found["retry.times"].over]
    assert [(written.value, written.origin.layer, written.origin.line) for written in times] == [
        (3, "project file", 3),
        (0, "MODELHUB_RETRIES", None),
        (1, "project file", 6),
        (2, "default", None),
    ]
    assert found["retry.max_wait"].holds.value == 60.0
    assert found["models.a.fallback"].holds.value == ["starter:quote"]
    assert (found["circuit.failures"].holds.value, found["circuit.cool_down"].holds.value) == (3, 30.0)


def test_an_editor_knows_the_tables() -> None:
    properties = schema()["properties"]
    alias = properties["models"]["additionalProperties"]["properties"]
    assert set(properties["retry"]["properties"]) == set(alias["retry"]["properties"]) == {"times", "max_wait"}
    assert set(properties["circuit"]["properties"]) == {"failures", "cool_down"}
    assert alias["fallback"]["items"]
    assert json.dumps(properties)
