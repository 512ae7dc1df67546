"""Finding files, laying layers over each other, profiles."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelhub.config import load, resolve
from modelhub.errors import ConfigError

BASE = """
[models.assistant]
model = "starter:quote"
settings = { temperature = 0.2 }

[providers.starter]
api_key = { env = "A" }
size = 1

[profiles.laptop.models.assistant]
settings = { seed = 7 }
[profiles.laptop.providers.starter]
api_key = { file = "key.txt" }
"""


@pytest.fixture(autouse=True)
def _no_other_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODELHUB_CONFIG", "MODELHUB_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_any_file_the_configuration_is_empty(tmp_path: Path) -> None:
    loaded = load()
    assert (loaded.file, loaded.folder, dict(loaded.config.models)) == (None, str(tmp_path), {})
    assert resolve(loaded, "starter:quote").model == "starter:quote"


def test_the_file_is_found_upwards_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "modelhub.toml", BASE)
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert (load().file, load().folder) == (str(file), str(tmp_path))


def test_a_variable_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "modelhub.toml", BASE)
    other = write(tmp_path / "elsewhere" / "other.toml", "")
    monkeypatch.setenv("MODELHUB_CONFIG", str(other))
    assert load().file == str(other)


def test_a_folder_stands_for_the_file_in_it(tmp_path: Path) -> None:
    file = write(tmp_path / "project" / "modelhub.toml", BASE)
    assert load(tmp_path / "project").file == str(file)


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_named_file_that_is_missing_is_an_error(by_variable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if by_variable:
        monkeypatch.setenv("MODELHUB_CONFIG", "nowhere.toml")
    with pytest.raises(ConfigError, match=r"nowhere\.toml: there is no such configuration file"):
        load(None if by_variable else "nowhere.toml")


def test_the_users_file_stands_below_the_projects(tmp_path: Path) -> None:
    user = write(
        tmp_path / "user" / "modelhub" / "modelhub.toml", '[models.mine]\nmodel = "a:b"\n[timeouts]\ntotal = 5\nidle = 1\n'
    )
    write(tmp_path / "modelhub.toml", BASE + "[timeouts]\ntotal = 9\n")
    loaded = load()
    assert sorted(loaded.config.models) == ["assistant", "mine"]
    assert (loaded.config.timeouts.total, loaded.config.timeouts.idle) == (9.0, 1.0)
    assert str(loaded.origin("timeouts", "idle")) == f"{user}:5 (user file)"
    assert loaded.folder == str(tmp_path)


def test_a_profile_is_laid_over_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "modelhub.toml", BASE)
    assert resolve(load(), "assistant").settings == {"temperature": 0.2}
    assert resolve(load(profile="laptop"), "assistant").settings == {"temperature": 0.2, "seed": 7}
    monkeypatch.setenv("MODELHUB_PROFILE", "laptop")
    loaded = load()
    assert loaded.profile == "laptop"
    assert resolve(loaded, "assistant").settings == {"temperature": 0.2, "seed": 7}
    origin = loaded.origin("models", "assistant", "settings", "seed")
    assert origin is not None
    assert (origin.line, origin.layer) == (11, "profile laptop")


def test_the_source_of_a_secret_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write(tmp_path / "modelhub.toml", BASE)
    assert load(profile="laptop").config.providers["starter"] == {"api_key": {"file": "key.txt"}, "size": 1}


def test_an_unknown_profile_is_told_with_the_known_ones(tmp_path: Path) -> None:
    write(tmp_path / "modelhub.toml", BASE)
    with pytest.raises(ConfigError, match=r"profiles\.labtop: there is no such profile\. Did you mean 'laptop'\?"):
        load(profile="labtop")


def test_a_mapping_is_used_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "modelhub.toml", BASE)
    monkeypatch.setenv("MODELHUB_PROFILE", "laptop")
    loaded = load({"models": {"only": {"model": "starter:quote"}}, "profiles": {"x": {"timeouts": {"total": 1}}}})
    assert (list(loaded.config.models), loaded.file, loaded.folder) == (["only"], None, os.getcwd())
    assert load({"profiles": {"x": {"timeouts": {"total": 1}}}}, profile="x").config.timeouts.total == 1


def test_a_mistake_in_a_mapping_is_told_with_its_keys() -> None:
    with pytest.raises(ConfigError, match=r"^models\.a\.modle: there is no such setting\. Did you mean 'model'\?$"):
        load({"models": {"a": {"modle": "starter:quote"}}})


def test_what_may_hold_a_key_is_in_no_repr() -> None:
    source = {
        "providers": {"x": {"api_key": "sk-sentinel"}},
        "models": {"a": {"model": "x:y", "options": {"api_key": "sk-sentinel"}}},
    }
    loaded = load(source)
    shown = [repr(part) for part in (loaded, loaded.config, loaded.layers, resolve(loaded, "a"))]
    assert not any("sentinel" in text for text in shown)
