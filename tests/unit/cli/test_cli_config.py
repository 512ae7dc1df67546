"""``modelhub config``: value and origin of each setting, by precedence, and no secret."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from modelhub.cli.explanation import Setting, explain, is_secret, shown
from modelhub.cli.shell import run
from modelhub.cli.streams import Streams
from modelhub.config import load
from modelhub.http import Secret

TOML = """\
[models.assistant]
model = "base"
settings = { temperature = 0.2 }
[models.base]
model = "starter:quote"
retrieval = "手引き"
settings = { temperature = 0.7, max_output_tokens = 9 }
options = { api_key = { env = "SAMPLE_KEY" } }
[indexes."手引き"]
sources = ["*.md"]
store = "pgvector:postgresql://me:hunter2@host/db"
[providers.starter]
api_key = "sk-hunter2"
endpoint = "https://x.example"
[profiles.laptop.models.assistant]
settings = { temperature = 0.0 }
[profiles.laptop.timeouts]
connect = 3
"""


@pytest.fixture
def toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.delenv("MODELHUB_PROFILE", raising=False)
    monkeypatch.delenv("MODELHUB_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "modelhub.toml"
    file.write_text(TOML, encoding="utf-8")
    return file


def settings(file: Path, name: str, profile: str | None = None) -> dict[str, Setting]:
    return {setting.name: setting for setting in explain(load(file, profile=profile), name)}


def called(*words: str) -> tuple[int, str, str]:
    streams = Streams(None, io.StringIO(), io.StringIO())
    code = run(words, streams)
    return code, streams.stdout.getvalue(), streams.stderr.getvalue()  # type: ignore[attr-defined]


def test_a_setting_tells_its_line_and_what_it_was_written_over(toml: Path) -> None:
    """AT-T: precedence is shown, the nearest first."""
    found = settings(toml, "assistant", "laptop")["models.assistant.settings.temperature"]
    assert [found.holds.value, *(below.value for below in found.over)] == [0.0, 0.2, 0.7]
    assert (found.holds.origin.layer, found.holds.origin.line) == ("profile laptop", 16)
    assert [below.origin.line for below in found.over] == [3, 7]


def test_a_timeout_that_nobody_wrote_is_a_default(toml: Path) -> None:
    assert settings(toml, "assistant")["timeouts.connect"].holds.origin.layer == "default"
    laptop = settings(toml, "assistant", "laptop")["timeouts.connect"]
    assert (laptop.holds.value, laptop.over[0].origin.layer) == (3, "default")


def test_the_chain_of_aliases_and_the_index_are_told(toml: Path) -> None:
    found = settings(toml, "assistant")
    assert found["models.assistant.model"].holds.value == "base"
    assert found["models.base.model"].holds.value == "starter:quote"
    assert found["indexes.手引き.sources"].holds.value == ["*.md"]


def test_a_model_id_has_the_provider_s_settings(toml: Path) -> None:
    assert "providers.starter.endpoint" in settings(toml, "starter:other")


def test_the_price_of_a_model_is_told_for_whoever_names_it(toml: Path) -> None:
    toml.write_text('[models."安い"]\nmodel = "starter:quote"\n[prices."starter:quote"]\ninput = 2.5\n', encoding="utf-8")
    for name in ("安い", "starter:quote"):
        found = settings(toml, name)["prices.starter:quote.input"].holds
        assert (found.value, found.origin.line) == (2.5, 4)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_secret_is_shown_as_its_source_alone(toml: Path, form: list[str]) -> None:
    """AT-T: ``env:NAME``, never the value."""
    code, out, err = called("config", "explain", "assistant", *form)
    assert code == 0
    assert "env:SAMPLE_KEY" in out
    assert "hunter2" not in out + err
    assert "hunter2" not in str(called("index", "show", *form))


@pytest.mark.parametrize("name", ["api_key", "token", "client-secret", "password", "keys"])
def test_a_text_under_a_secret_s_name_is_hidden(name: str) -> None:
    assert shown(name, "hunter2") == "(hidden)"
    assert shown(name, ["hunter2"]) == ["(hidden)"]


def test_what_is_no_secret_is_shown() -> None:
    assert shown("max_output_tokens", 500) == 500
    assert shown("deployments", {"gpt": "prod"}) == {"gpt": "prod"}
    assert shown("tokenizer", "words") == "words"


@dataclass(frozen=True)
class Inner:
    pin: Secret
    note: str = ""


@dataclass(frozen=True)
class Vault:
    """Options whose names do not say that they are secrets."""

    phrase: Secret
    spare: Secret | None = None
    more: tuple[Secret, ...] = ()
    by_name: Mapping[str, Secret] = field(default_factory=dict)
    inner: Inner | None = None
    region: str = ""


@pytest.mark.parametrize(
    ("key", "is_hidden"),
    [
        (("phrase",), True),
        (("spare",), True),
        (("more",), True),
        (("by_name", "a"), True),
        (("inner", "pin"), True),
        (("inner", "note"), False),
        (("region",), False),
        (("unknown",), False),
    ],
)
def test_an_option_is_secret_where_its_type_says_so(key: tuple[str, ...], is_hidden: bool) -> None:
    assert is_secret(Vault, key) is is_hidden


def test_a_secret_under_a_plain_name_is_hidden_by_the_word_of_an_installed_plugin(
    toml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AT-T: the plugin says what is secret; it is not imported where no text would be shown."""
    site = tmp_path / "site"
    (site / "modelhub_vault-1.dist-info").mkdir(parents=True)
    (site / "modelhub_vault-1.dist-info" / "entry_points.txt").write_text("[modelhub]\nvault = vaultish\n", encoding="utf-8")
    (site / "vaultish.py").write_text(
        "from dataclasses import dataclass\nfrom modelhub.plugin import Provider, Secret, hookimpl\n"
        "@dataclass(frozen=True)\nclass Options:\n    phrase: Secret\n    region: str = ''\n"
        "@hookimpl\ndef modelhub_provider():\n    return Provider(name='vault', options='vaultish:Options')\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(site))
    toml.write_text('[providers.vault]\nphrase = { env = "PHRASE" }\n', encoding="utf-8")
    assert settings(toml, "vault:x")["providers.vault.phrase"].holds.value == "env:PHRASE"
    assert "vaultish" not in sys.modules
    toml.write_text('[providers.vault]\nphrase = "hunter2"\nregion = "jp"\n', encoding="utf-8")
    found = settings(toml, "vault:x")
    assert found["providers.vault.phrase"].holds.value == "(hidden)"
    assert found["providers.vault.region"].holds.value == "jp"


def test_explain_stands_in_columns_with_file_and_line(toml: Path) -> None:
    _, out, _ = called("config", "explain", "assistant")
    line = next(line for line in out.splitlines() if line.startswith("models.base.retrieval"))
    assert line.split() == ["models.base.retrieval", '"手引き"', "modelhub.toml:6", "(project", "file)"]


def test_an_unknown_name_is_code_2_with_a_suggestion(toml: Path) -> None:
    code, out, err = called("config", "explain", "asistant")
    assert (code, out) == (2, "")
    assert "Did you mean 'assistant'?" in err


def test_path_tells_the_files_that_are_read(toml: Path) -> None:
    assert called("config", "path") == (0, f"{toml}\n", "")
    assert json.loads(called("config", "path", "--json", "--profile", "laptop")[1]) == {
        "files": [str(toml)],
        "profile": "laptop",
    }


def test_no_configuration_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.delenv("MODELHUB_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    code, out, err = called("config", "path")
    assert (code, out) == (0, "")
    assert "no modelhub.toml" in err


def test_a_mistake_in_the_file_names_file_and_line(toml: Path) -> None:
    """AT-T: before anything is asked."""
    toml.write_text('[models.a]\nmodel = "starter:quote"\nretrival = "x"\n', encoding="utf-8")
    for words in (["config", "check"], ["config", "explain", "a"], ["ask", "q"]):
        code, _, err = called(*words)
        assert code == 2, words
        assert f"{toml}:3: " in err, words
        assert "retrieval" in err, words


def test_which_model_answers_when_none_is_named(toml: Path) -> None:
    toml.write_text('[models.a]\nmodel = "starter:quote"\n[models.b]\nmodel = "starter:quote"\n', encoding="utf-8")
    code, _, err = called("ask", "why?")
    assert (code, err) == (2, "modelhub: Which model? Name one with -m: a, b.\n")
    toml.write_text("", encoding="utf-8")
    code, _, err = called("ask", "why?")
    assert code == 2
    assert err.startswith("modelhub: No model is configured.")
