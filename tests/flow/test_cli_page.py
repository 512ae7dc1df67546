"""Every command on the page of the command line runs as it stands there, and prints what stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from modelhub.cli.overview import COMMANDS
from modelhub.providers import installed

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"\A(?:#|<!--) file: (?P<name>\S+)")
SPEECH = all(find_spec(name) for name in ("espeakng_loader", "pocketsphinx"))


def examples() -> Iterator[tuple[str, str]]:
    """Each command after a ``$``, and the lines shown below it."""
    for block in BLOCK.finditer(PAGE):
        if block["language"] == "console":
            for part in re.split(r"^\$ ", block["text"], flags=re.MULTILINE)[1:]:
                command, _, shown = part.partition("\n")
                yield command, shown


def matches(shown: str, printed: str) -> bool:
    """Whether what was printed is what stands on the page; ``...`` there stands for anything."""
    pattern = ".*".join(map(re.escape, shown.rstrip("\n").split("...")))
    return re.fullmatch(pattern, printed.rstrip("\n"), re.DOTALL) is not None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the page's files, and a ``modelhub`` that is this one."""
    for block in BLOCK.finditer(PAGE):
        if file := FILE.match(block["text"]):
            target = tmp_path / "here" / file["name"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(
                block["text"].partition("\n")[2] if block["language"] != "toml" else block["text"], encoding="utf-8"
            )
    program = tmp_path / "bin" / "modelhub"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m modelhub "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return tmp_path


@pytest.mark.skipif(all(plugin.name != "starter" for plugin in installed()), reason="the starter plugin is not installed")
def test_each_example_prints_what_stands_below_it(folder: Path) -> None:
    path = os.pathsep.join((str(folder / "bin"), os.environ["PATH"]))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MODELHUB")}
    environment = {**kept, "PATH": path, "HOME": str(folder), "PYTHONUTF8": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    for command, shown in examples():
        if command.startswith(("modelhub speak", "modelhub transcribe")) and not SPEECH:
            continue
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=folder / "here",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
            timeout=50,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        assert matches(shown, done.stdout), f"{command}\n{done.stdout}"


def test_every_command_has_an_example() -> None:
    called = {command.split("modelhub ")[1].split()[0] for command, _ in examples()}
    assert called >= set(COMMANDS)


def test_every_command_and_every_option_is_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    from modelhub.cli import main

    for name in COMMANDS:
        assert f"\n## {name}\n" in PAGE
        assert main([name, "--help"]) == 0
        missing = {option for option in re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out) if option not in PAGE}
        assert missing == set(), f"{name}: describe {missing} in docs/reference/cli.md"
