"""Keys come from where they are said to, and show themselves to nobody."""

from __future__ import annotations

import copy
import json
import os
import pickle
import sys
import threading
import time
import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from modelhub.errors import ConfigError, KeyMissing
from modelhub.http import Secret
from modelhub.transport.credentials import Bearer, Fetched, Plain, read_secret

KEY = "sk-0123-日本語-sentinel"


def read(value: str | Mapping[str, Any], folder: str = "") -> Secret:
    return read_secret(value, folder=folder, what="providers.parley.api_key")


@pytest.fixture(params=["plain", "env", "file", "command", "keyring"])
def secret(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Secret:
    """A secret of each source, all with the same value."""
    (tmp_path / "key.txt").write_text(KEY + "\n", encoding="utf-8")
    monkeypatch.setenv("PARLEY_KEY", KEY)
    monkeypatch.setitem(sys.modules, "keyring", fake_keyring({("parley", "me@example.com"): KEY}))
    return {
        "plain": lambda: read(KEY),
        "env": lambda: read({"env": "PARLEY_KEY"}),
        "file": lambda: read({"file": "key.txt"}, str(tmp_path)),
        "command": lambda: read(
            {"command": [sys.executable, "-c", "import sys; print(open(sys.argv[1]).read())", str(tmp_path / "key.txt")]}
        ),
        "keyring": lambda: read({"keyring": "parley/me@example.com"}),
    }[request.param]()


def fake_keyring(entries: dict[tuple[str, str], str]) -> types.ModuleType:
    module = types.ModuleType("keyring")
    module.errors = types.SimpleNamespace(KeyringError=type("KeyringError", (Exception,), {}))  # type: ignore[attr-defined]
    module.get_password = lambda service, username: entries.get((service, username))  # type: ignore[attr-defined]
    return module


def test_every_source_gives_its_key(secret: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    monkeypatch.setenv("PYTHONUTF8", "1")
    secret.load()
    assert secret.loaded
    assert secret.reveal() == KEY


@dataclass(frozen=True)
class Options:
    api_key: Secret
    authorization: Secret


def test_no_key_shows_itself(secret: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    """AT-H1: repr, str, format, vars, dataclass and JSON forms of secrets and of what holds them."""
    monkeypatch.setenv("PYTHONUTF8", "1")
    secret.load()
    options = Options(secret, Bearer(secret))
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        repr(options),
        repr(asdict(options)),
        repr(Bearer(secret)),
        repr(copy.deepcopy(secret)),
    ]
    shown += [
        repr(getattr(secret, name)) for name in dir(secret) if name not in ("reveal", "load") and not name.startswith("__")
    ]
    assert KEY[:8] not in "".join(shown)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        vars(secret)


def test_a_pickle_holds_the_source_and_not_the_key(secret: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUTF8", "1")
    secret.load()
    if isinstance(secret, Plain):
        with pytest.raises(TypeError, match="env"):
            pickle.dumps(secret)
        return
    data = pickle.dumps(Bearer(secret))
    assert KEY.encode()[:8] not in data
    back = pickle.loads(data)
    assert back.reveal() == f"Bearer {KEY}"
    assert back == Bearer(secret)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("sk-secret", "given"),
        ({"env": "A_KEY"}, "env:A_KEY"),
        ({"keyring": {"service": "parley", "username": "me"}}, "keyring:parley/me"),
        ({"command": ["get-token", "--password", "hunter2"]}, "command:get-token"),
    ],
)
def test_a_repr_says_where_the_key_comes_from(value: Any, shown: str) -> None:
    assert repr(read(value)) == shown


def test_a_file_is_looked_for_beside_the_configuration(tmp_path: Path) -> None:
    assert repr(read({"file": "keys/a.txt"}, str(tmp_path))) == f"file:{os.path.join(tmp_path, 'keys/a.txt')}"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"env": "MODELHUB_TEST_UNSET"}, "MODELHUB_TEST_UNSET"),
        ({"file": "nowhere.txt"}, "does not exist"),
        ({"command": [sys.executable, "-c", "print('sk-halfway'); raise SystemExit(3)"]}, "exit status 3"),
        ({"command": [sys.executable, "-c", ""]}, "printed nothing"),
        ({"command": ["no-such-program-anywhere"]}, "cannot be run"),
        ({"keyring": "parley/me"}, "modelhub-core[keyring]"),
        ({"file": "a\ud800b"}, "cannot be read"),
        ({"command": ["a\ud800b"]}, "cannot be run"),
    ],
)
def test_a_missing_key_says_what_to_do(value: Any, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    secret = read(value, str(tmp_path))
    with pytest.raises(KeyMissing) as caught:
        secret.load()
        secret.reveal()
    assert says in caught.value.message
    assert "providers.parley.api_key" in caught.value.message
    assert "sk-halfway" not in caught.value.message


def test_an_entry_that_the_keyring_lacks_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", fake_keyring({}))
    with pytest.raises(KeyMissing, match="holds nothing"):
        read({"keyring": "parley/me"}).load()


def test_a_failed_fetch_is_tried_again(tmp_path: Path) -> None:
    secret = read({"file": "late.txt"}, str(tmp_path))
    with pytest.raises(KeyMissing):
        secret.load()
    (tmp_path / "late.txt").write_text("sk-late", encoding="utf-8")
    secret.load()
    assert secret.reveal() == "sk-late"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("${PARLEY_KEY}", '{ env = "PARLEY_KEY" }'),
        ({}, "env, file, keyring, command"),
        ({"env": "A", "file": "b"}, "one of"),
        ({"evn": "sk-secret-value"}, "'env'"),
        ({"env": ""}, "not empty"),
        ({"env": 5}, "a string"),
        ({"command": "get-token"}, "list of strings"),
        ({"keyring": "parley"}, "service/username"),
        ({"keyring": {"service": "parley"}}, "service/username"),
        ({"env": "A\0B"}, "null character"),
        ({"file": "a\0b"}, "null character"),
        ({"command": ["get-token", "\0"]}, "null character"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_use(value: Any, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(value)
    assert says in caught.value.message
    assert "sk-secret-value" not in caught.value.message


def test_a_command_runs_once_however_many_threads_ask(tmp_path: Path) -> None:
    count = tmp_path / "count"
    program = f"import time; open({str(count)!r}, 'a').write('x'); time.sleep(0.1); print('sk-once')"
    secret = read({"command": [sys.executable, "-c", program]})
    assert isinstance(secret, Fetched)
    revealed: list[str] = []
    threads = [threading.Thread(target=lambda: revealed.append(secret.reveal())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert revealed == ["sk-once"] * 8
    assert count.read_text(encoding="utf-8") == "x"


def test_a_command_is_run_without_a_shell() -> None:
    assert (
        read({"command": [sys.executable, "-c", "import sys; print(sys.argv[1])", "$HOME; echo x"]}).reveal() == "$HOME; echo x"
    )


def test_bearer_puts_the_word_before_the_key() -> None:
    assert Bearer(read("sk-1")).reveal() == "Bearer sk-1"
    assert repr(Bearer(read({"env": "THE_KEY"}))) == "env:THE_KEY"


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "key.txt"
    file.write_text("sk-one", encoding="utf-8")
    secret = read({"file": "key.txt"}, str(tmp_path))
    secret.load()
    assert secret.loaded
    file.write_text("sk-second", encoding="utf-8")
    assert not secret.loaded
    secret.load()
    assert secret.reveal() == "sk-second"


def test_a_forgotten_key_is_fetched_anew_also_behind_bearer(tmp_path: Path) -> None:
    secret = Fetched("file", (str(tmp_path / "key.txt"),))
    (tmp_path / "key.txt").write_text("sk-one", encoding="utf-8")
    bearer = Bearer(secret)
    bearer.load()
    assert bearer.loaded
    bearer.forget()
    assert not bearer.loaded
    assert bearer.reveal() == "Bearer sk-one"
    Bearer(read("sk-given")).forget()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_file_that_never_answers_is_waited_for_no_longer_than_allowed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    secret = read({"file": "pipe"}, str(tmp_path))
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        secret.load(0.2)
    assert time.monotonic() - started < 0.6
    with open(tmp_path / "pipe", "w", encoding="utf-8") as pipe:
        pipe.write("sk-late")


def test_whoever_waits_for_anothers_fetching_waits_no_longer_than_allowed() -> None:
    secret = read({"command": [sys.executable, "-c", "import time; time.sleep(0.8); print('sk')"]})
    first = threading.Thread(target=secret.load)
    first.start()
    time.sleep(0.1)
    with pytest.raises(TimeoutError):
        secret.load(0.1)
    first.join()
    assert secret.reveal() == "sk"
