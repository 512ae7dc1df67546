"""``modelhub --help`` costs next to nothing, imports no plugin, and leaves no trace."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("MODELHUB", "PYTHON"))}
SOURCE = str(Path(__file__).parents[2] / "src")


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A folder with 20 installed plugins that leave a mark when they are imported; the first sleeps for 5 s."""
    folder = tmp_path / "plugins"
    for number in range(20):
        package = folder / f"sample_{number}"
        package.mkdir(parents=True)
        nap = "import time\ntime.sleep(5)\n" if number == 0 else ""
        mark = f"open({str(tmp_path / 'imported')!r}, 'a', encoding='utf-8').write('{number} ')\n"
        (package / "__init__.py").write_text(nap + mark, encoding="utf-8")
        about = folder / f"modelhub_sample_{number}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: modelhub-sample-{number}\nVersion: 1.0\n", encoding="utf-8"
        )
        (about / "entry_points.txt").write_text(f"[modelhub]\nsample-{number} = sample_{number}\n", encoding="utf-8")
    return folder


def environment(*paths: str | Path, **more: str) -> dict[str, str]:
    return {**CLEAN, "PYTHONPATH": os.pathsep.join(map(str, (SOURCE, *paths))), **more}


def run(words: list[str], env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], env=env, cwd=cwd, capture_output=True, encoding="utf-8", check=False, timeout=50
    )


def cpu_seconds(words: list[str], env: dict[str, str], cwd: Path) -> float:
    """Median of seven runs, of the processor alone: what else the machine does has no say."""
    taken = []
    for _ in range(7):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run(words, env, cwd).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return sorted(taken)[3]


def test_help_takes_five_empty_pythons_at_most_with_twenty_plugins(crowded: Path, tmp_path: Path) -> None:
    """AT-B1, the start-up bar."""
    env = environment(crowded)
    started = time.monotonic()
    assert cpu_seconds(["-m", "modelhub", "--help"], env, tmp_path) <= 5 * cpu_seconds(["-c", "pass"], env, tmp_path)
    assert time.monotonic() - started < 25
    assert not (tmp_path / "imported").exists()


@pytest.mark.parametrize(
    "words", [["models"], ["plugins"], ["plugins", "list", "--json"], ["run", "--help"], ["config", "path"]]
)
def test_what_asks_no_plugin_imports_no_plugin(crowded: Path, tmp_path: Path, words: list[str]) -> None:
    """AT-B1."""
    done = run(["-m", "modelhub", *words], environment(crowded), tmp_path)
    assert (done.returncode, (tmp_path / "imported").exists()) == (0, False), done.stderr


def test_help_imports_nothing_that_it_does_not_show(tmp_path: Path) -> None:
    code = "import sys; before = {*sys.modules}; from modelhub.cli import main; main(['--help'])\n"
    done = run(["-c", code + "print(*sorted({*sys.modules} - before))"], environment(), tmp_path)
    assert set(done.stdout.splitlines()[-1].split()) <= {
        "__future__",
        "modelhub",
        "modelhub.cli",
        "modelhub.cli.overview",
    }


def test_a_command_imports_no_other_command(tmp_path: Path) -> None:
    code = "import sys; from modelhub.cli import main; code = main(['config', 'path'])\n"
    done = run(["-c", code + "print(*sorted(sys.modules)); sys.exit(code)"], environment(), tmp_path)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "modelhub.cli.config" in loaded
    assert not loaded & {
        "modelhub.cli.ask",
        "modelhub.cli.run",
        "modelhub.hub",
        "httpx",
        "numpy",
        "pluggy",
        "pydantic",
        "asyncio",
    }


LEAVES_NO_TRACE = """
import logging, os, socket, sys, threading, warnings

def guarded(*arguments):
    raise AssertionError("a socket was opened")

socket.socket.connect = guarded
from modelhub.cli import main

def state():
    streams = [(stream.encoding, stream.errors) for stream in (sys.stdout, sys.stderr)]
    return dict(os.environ), list(logging.root.handlers), list(warnings.filters), threading.enumerate(), streams

before = state()
codes = [main(words) for words in (["--help"], ["models"], ["--version"], ["plugins"])]
assert codes == [0, 0, 0, 0], codes
for was, now in zip(before, state(), strict=True):
    assert was == now, (was, now)
"""


def test_help_and_models_change_nothing_open_nothing_write_nothing(crowded: Path, tmp_path: Path) -> None:
    """AT-A2: with a guard on sockets, a ``.env`` in the working directory and a HOME that cannot be written."""
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    (here / ".env").write_text("OPENAI_API_KEY=from-dotenv\n", encoding="utf-8")
    home.chmod(0o500)
    done = run(["-c", LEAVES_NO_TRACE], environment(crowded, HOME=str(home), PYTHONDONTWRITEBYTECODE="1"), here)
    home.chmod(0o700)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.rglob("*") if crowded not in path.parents) == [
        ".env",
        "here",
        "home",
        "plugins",
    ]
