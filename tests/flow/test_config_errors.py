"""What can be wrong with a configuration file is told with file and line, before any request (AT-T, AT-A5, AT-H4)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from modelhub.config import load, resolve
from modelhub.errors import ConfigError
from modelhub.hub import Hub

HEAD = '# 設定\n[models.assistant]\nmodel = "starter:quote"\n'


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nobody"))
    for name in ("MODELHUB_CONFIG", "MODELHUB_PROFILE", "MODELHUB_TEST_UNSET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (
            HEAD + 'prompt = { env = "MODELHUB_TEST_UNSET" }',
            4,
            "models.assistant.prompt: the environment variable MODELHUB_TEST_UNSET",
        ),
        (
            HEAD + 'settings = { voice = { env = "MODELHUB_TEST_UNSET" } }',
            4,
            "models.assistant.settings.voice: the environment",
        ),
        (HEAD + 'promt = "x"', 4, "models.assistant.promt: there is no such setting. Did you mean 'prompt'?"),
        (HEAD + "\n[modls.x]\na = 1", 5, "modls: there is no such setting. Did you mean 'models'?"),
        (HEAD + '\n[timeouts]\n\n\ntotal = "60"', 8, "timeouts.total: expected a number, got a string."),
        (HEAD + "\n[timeouts]\n\ntotal = -3", 5, "timeouts: timeouts.total is -3.0; it must be"),
        (HEAD + "timeouts = { idle = 0 }", 4, "models.assistant.timeouts: timeouts.idle is 0.0; it must be"),
        (
            HEAD + '[indexes.a]\nsources = ["a"]\nsearch = { mode = "hybird" }',
            6,
            "indexes.a.search.mode: expected 'bm25', 'vector' or",
        ),
        (HEAD + 'model = "other:one"\n', 4, "is not TOML: Cannot overwrite a value (column "),
        (HEAD + "[models.assistant]", 4, "is not TOML: Cannot declare ('models', 'assistant') twice (column "),
        (HEAD + 'a = "unclosed\nb = 1', 4, "is not TOML: Illegal character '\\n' (column "),
        (HEAD + "a = '''never closed\n\n", 4, "is not TOML: Expected \"'''\" (at end of document)"),
        (HEAD + "a\tb = 1", 4, "is not TOML: Expected '=' after a key"),
        (HEAD + "a = \u30001", 4, "is not TOML: Invalid value (column 5)"),
        (HEAD + 'a = "\x00"', 4, "is not TOML: Illegal character"),
        (HEAD + "a = 1\rb = 2", 4, "is not TOML: Expected newline or end of document after a statement"),
        (
            HEAD + 'settings = { voice = "${VOICE}" }',
            4,
            'models.assistant.settings.voice: holds "${", which is not replaced here.',
        ),
        ('[providers.x]\nname = "a"\nkeys = ["b", "${KEY}"]', 3, 'providers.x.keys[1]: holds "${"'),
        (HEAD + "[profiles.p]\nmodels = 1\n", 5, "profiles.p.models: expected a table"),
        (
            HEAD + "[profiles.p.models.assistant]\nmdel = 'a:b'\n",
            5,
            "profiles.p.models.assistant.mdel: there is no such setting.",
        ),
    ],
)
def test_a_mistake_is_told_with_file_line_and_key(tmp_path: Path, text: str, line: int, message: str) -> None:
    """AT-T: before anything is sent or any plugin imported."""
    file = tmp_path / "modelhub.toml"
    file.write_bytes(text.encode())
    with pytest.raises(ConfigError) as caught:
        Hub(profile="p" if "profiles" in text else None)
    assert str(caught.value).startswith(f"{file}:{line}: {message}")
    assert (caught.value.file, caught.value.line) == (str(file), line)


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (
            HEAD.encode() + "prompt = '\u65e5'".encode("cp932"),
            4,
            "is not UTF-8 (byte 0x93, column 11). Save the file as UTF-8.",
        ),
        (HEAD.encode("utf-16"), 1, "is not UTF-8 (byte 0xff, column 1)."),
        (b"a = '\xed\xa0\x80'", 1, "is not UTF-8 (byte 0xed, column 6)."),
    ],
)
def test_a_file_in_another_encoding_is_told_with_its_first_wrong_byte(
    tmp_path: Path, data: bytes, line: int, message: str
) -> None:
    """AT-T, AT-A5."""
    file = tmp_path / "modelhub.toml"
    file.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load()
    assert str(caught.value).startswith(f"{file}:{line}: {message}")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_tabs_line_ends_and_a_byte_order_mark_are_no_mistake(tmp_path: Path, mark: bytes, newline: str) -> None:
    """What an editor on another system leaves in a file does not change what it says, nor its lines."""
    text = HEAD.replace("model =", "\tmodel\t=") + "settings = { sed = 1 }\n"
    (tmp_path / "modelhub.toml").write_bytes(mark + text.replace("\n", newline).encode())
    with pytest.raises(ConfigError, match=r"modelhub\.toml:4: models\.assistant\.settings\.sed: .*Did you mean 'seed'"):
        load()
    (tmp_path / "modelhub.toml").write_bytes(mark + text.replace("sed", "seed").replace("\n", newline).encode())
    assert resolve(load(), "assistant", "text").settings == {"seed": 1}


def test_an_unreadable_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "modelhub.toml"
    (tmp_path / "folder.toml").mkdir()
    link.symlink_to(tmp_path / "loop")
    (tmp_path / "loop").symlink_to(link)
    monkeypatch.setenv("MODELHUB_CONFIG", str(link))
    with pytest.raises(ConfigError, match="there is no such configuration file"):
        load()


def python(code: str, *flags: str, folder: Path, **environment: str) -> Any:
    done = subprocess.run(
        [sys.executable, *flags, "-c", textwrap.dedent(code)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("locale", ["C", "ja_JP.SJIS"])
def test_a_configuration_means_the_same_on_every_platform(tmp_path: Path, locale: str) -> None:
    """AT-A5: Japanese, emoji and U+2028 come back as written, and the platform's encoding is never asked."""
    words = "日本語 🚀 \u2028 \u0085 ｶﾅ é 髙"
    text = f'{HEAD}settings = {{ stop_sequences = ["{words}"] }}\n[models."別名 🚀"]\nmodel = "assistant"\n'
    (tmp_path / "modelhub.toml").write_bytes(text.encode())
    code = """
    import json
    from modelhub.config import load, resolve
    from modelhub.providers import installed
    installed()
    loaded = load()
    spec = resolve(loaded, "別名 🚀", "text")
    print(json.dumps([spec.settings["stop_sequences"], loaded.origin("models", "別名 🚀").line, spec.model]))
    """
    (tmp_path / "ask.py").write_text(textwrap.dedent(code), encoding="utf-8")
    flags = ("-X", "warn_default_encoding", "-W", "error::EncodingWarning")
    run = "import runpy; runpy.run_path('ask.py')"
    assert python(run, *flags, folder=tmp_path, PYTHONUTF8="0", LC_ALL=locale) == [[words], 5, "starter:quote"]


PATHS = [
    "os:system",
    "subprocess:Popen",
    "builtins:eval",
    "trap:spring",
    "modelhub.providers:imported",
    "trap.inner:spring",
    "../trap:x",
]


def test_no_word_of_a_configuration_is_imported(tmp_path: Path) -> None:
    """AT-H4: configuration names what is registered; an import path is an unknown provider like any other."""
    (tmp_path / "trap.py").write_text("open('sprung', 'w', encoding='utf-8').close()\n", encoding="utf-8")
    code = """
    import json, sys
    sys.path.insert(0, "")
    from modelhub.config import load
    from modelhub.hub import Hub
    from modelhub.errors import PluginMissing
    started, kinds = [], []
    def note(event, _):
        if event.startswith(("subprocess", "os.system", "os.exec", "os.posix_spawn")):
            started.append(event)
    sys.addaudithook(note)
    for path in %r:
        source = {
            "models": {"a": {"model": path, "prompt": "p"}},
            "prompts": {"p": {"strategy": path}},
            "providers": {path.partition(":")[0]: {"options": path}},
        }
        for name in ("a", path):
            try:
                Hub(source).text(name)
            except PluginMissing:
                kinds.append("PluginMissing")
    print(json.dumps([kinds, started, "trap" in sys.modules]))
    """
    kinds, started, sprung = python(code % (PATHS,), folder=tmp_path)
    assert kinds == ["PluginMissing"] * 2 * len(PATHS)
    assert started == []
    assert not sprung
    assert not (tmp_path / "sprung").exists()
