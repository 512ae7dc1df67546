"""From words to a command: where options may stand, and what a mistake looks like."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from modelhub.cli.overview import COMMANDS, overview
from modelhub.cli.shell import find, run, split
from modelhub.cli.streams import Streams
from modelhub.errors import InvalidRequest


def called(*words: str, stdin: bytes | None = None, **options: Any) -> tuple[int, str, str]:
    streams = Streams(None if stdin is None else io.BytesIO(stdin), io.StringIO(), io.StringIO())
    code = run(words, streams, **options)
    return code, streams.stdout.getvalue(), streams.stderr.getvalue()  # type: ignore[attr-defined]


def test_global_options_may_stand_before_the_command() -> None:
    assert split(["--json", "--config", "a.toml", "ask", "q"]) == ("ask", ["--json", "--config", "a.toml", "q"])
    assert split(["--profile=p", "run"]) == ("run", ["--profile=p"])


def test_help_may_stand_before_the_command() -> None:
    assert split(["help", "run"]) == ("run", ["--help"])
    assert split(["--help", "run"]) == ("run", ["--help"])


def test_an_unknown_option_before_the_command_is_named() -> None:
    with pytest.raises(InvalidRequest, match=r"no option --jsn before a command\. Did you mean '--json'"):
        split(["--jsn", "ask"])


def test_every_command_of_the_table_is_there_under_its_name() -> None:
    for name, purpose in COMMANDS.items():
        command = find(name)
        assert (command.name, command.help) == (name, purpose)


def test_the_overview_names_every_command_and_is_ascii() -> None:
    """ASCII, so that no terminal's encoding can fail it."""
    assert overview().isascii()
    assert all(f"  {name} " in overview() for name in COMMANDS)


def test_no_command_is_a_mistake_and_shows_the_overview() -> None:
    assert called() == (2, "", overview() + "\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["run", "--streem", "x"],
            "modelhub: There is no place for '--streem'. Did you mean '--stream'? See: modelhub run --help",
        ),
        (["rank"], "modelhub: The following arguments are required: QUERY, -m/--model. See: modelhub rank --help"),
        (
            ["run", "--temperature", "warm", "x"],
            "modelhub: Argument --temperature: invalid float value: 'warm'. See: modelhub run",
        ),
        (
            ["image", "x", "-m", "a", "-o", "b", "--size", "5"],
            "modelhub: Argument --size: '5' is not a size; write it as 512x512",
        ),
        (["index", "search"], "modelhub: The following arguments are required: NAME, QUERY. See: modelhub index search --help"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line_and_code_2(words: list[str], told: str) -> None:
    code, out, err = called(*words)
    assert (code, out) == (2, "")
    assert err.startswith(told)
    assert err.count("\n") == 1


def test_an_unknown_command_suggests_a_near_one() -> None:
    code, _, err = called("trancribe", "x.wav")
    assert code == 2
    assert err == "modelhub: There is no command 'trancribe'. Did you mean 'transcribe'? See: modelhub --help\n"


def test_a_failing_plugin_is_code_1_and_one_line_without_a_traceback() -> None:
    def broken(options: object) -> Any:
        raise ZeroDivisionError("by\nzero")

    code, out, err = called("models", open_hub=broken)
    assert (code, out) == (1, "")
    assert err == "modelhub: ZeroDivisionError: by zero (MODELHUB_TRACEBACK=1 shows where)\n"


def test_with_json_a_failure_is_a_document_too() -> None:
    def gone(options: object) -> Any:
        raise PermissionError(13, "Permission denied", "鍵.toml")

    code, out, err = called("models", "--json", open_hub=gone)
    assert code == 1
    assert err == "modelhub: 鍵.toml: Permission denied.\n"
    assert json.loads(out) == {
        "error": {"type": "PermissionError", "message": "鍵.toml: Permission denied.", "retryable": False}
    }


def test_a_traceback_is_shown_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(options: object) -> Any:
        raise ZeroDivisionError

    monkeypatch.setenv("MODELHUB_TRACEBACK", "1")
    _, _, err = called("models", open_hub=broken)
    assert "Traceback (most recent call last)" in err


def test_an_interrupt_is_130_and_what_was_printed_stays() -> None:
    def interrupted(options: object) -> Any:
        raise KeyboardInterrupt

    assert called("models", open_hub=interrupted) == (130, "", "\nmodelhub: interrupted\n")


def test_a_reader_who_has_left_is_141() -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "w", encoding="utf-8") as nobody:
        assert run(["index", "show", "--json", "--config", os.devnull], Streams(None, nobody, io.StringIO())) == 141


def test_nothing_to_say_is_a_mistake(tmp_path: Path) -> None:
    for words in (["ask"], ["run", "-m", "a"], ["embed", "-m", "a"], ["speak", "-m", "a", "-o", "x.wav"]):
        code, _, err = called(*words, open_hub=lambda options: None)
        assert code == 2, words
        assert err.startswith("modelhub: "), words
