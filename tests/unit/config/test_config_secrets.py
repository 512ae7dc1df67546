"""Secrets among a provider's options."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from modelhub import Hub
from modelhub.config import load, read_options
from modelhub.errors import ConfigError, KeyMissing
from modelhub.http import Secret
from modelhub.transport.credentials import Plain, read_secret


@dataclass(frozen=True)
class Options:
    api_key: Secret = field(default_factory=lambda: read_secret({"env": "MODELHUB_TEST_KEY"}, folder=".", what="api_key"))
    spare: Secret | None = None


def options(table: dict[str, Any], folder: Path) -> Options:
    file = folder / "modelhub.toml"
    lines = [f"{key} = {value}" for key, value in table.items()]
    file.write_text("\n".join(["[providers.x]", *lines]), encoding="utf-8")
    found = read_options(load(file), Options, "x:y")
    assert found is not None
    return found


def revealed(secret: Secret) -> str:
    secret.load()
    return secret.reveal()


def test_an_explicit_key_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AT-T: and the environment fills in only where nothing is written."""
    monkeypatch.setenv("MODELHUB_TEST_KEY", "from-the-environment")
    assert revealed(options({"api_key": '"written"'}, tmp_path).api_key) == "written"
    assert revealed(options({}, tmp_path).api_key) == "from-the-environment"


def test_a_file_of_a_key_is_relative_to_the_configuration(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key.txt").write_text("from-a-file\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert revealed(options({"api_key": '{ file = "key.txt" }'}, tmp_path).api_key) == "from-a-file"


def test_an_unset_variable_is_told_with_file_line_and_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AT-T: before any request, and only of the provider that is asked for."""
    monkeypatch.delenv("MODELHUB_TEST_KEY", raising=False)
    with pytest.raises(KeyMissing) as caught:
        options({"spare": '"a"', "api_key": '{ env = "MODELHUB_TEST_KEY" }'}, tmp_path)
    place = f"{tmp_path / 'modelhub.toml'}:3: providers.x.api_key"
    assert str(caught.value) == f"{place}: the environment variable MODELHUB_TEST_KEY is not set."


@pytest.mark.parametrize(
    "value", ['{ envv = "A" }', "{ command = 1 }", "3", "true", '""', '{ env = "A", file = "b" }', "{ env = 3 }", "{}", "[]"]
)
def test_what_is_no_source_is_told_with_file_and_line(tmp_path: Path, value: str) -> None:
    with pytest.raises((ConfigError, KeyMissing)) as caught:
        options({"api_key": value}, tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'modelhub.toml'}:2: providers.x.api_key")


def test_false_is_no_secret(tmp_path: Path) -> None:
    assert options({"api_key": '"a"', "spare": "false"}, tmp_path).spare is None


def test_a_secret_made_in_code_is_taken_as_it_is() -> None:
    secret = Plain("sk-sentinel")
    found = read_options(load({"providers": {"x": {"api_key": secret, "spare": secret}}}), Options, "x:y")
    assert found == Options(secret, secret)
    assert "sentinel" not in repr(found)


def test_a_configuration_gives_its_keys_to_no_pickle_and_no_dump() -> None:
    """AT-H1: vars, repr and pickle of what a hub holds."""
    hub = Hub({"providers": {"parley": {"api_key": "sk-SENTINEL-0123"}}})
    assert "SENTINEL" not in repr((hub, vars(hub), hub.loaded))
    with pytest.raises(TypeError, match="may hold keys"):
        pickle.dumps(hub)
    with pytest.raises(TypeError):
        vars(hub.loaded)
