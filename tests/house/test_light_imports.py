"""AT-A1, AT-A2: what an import loads and touches, read from ``sys.modules`` and not from a stopwatch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

GUESTS = ("httpx", "httpcore", "numpy", "pydantic", "pydantic_core", "pluggy", "tenacity", "asyncio", "importlib.metadata")


def loaded_by(code: str) -> set[str]:
    program = f"import sys\nbefore = set(sys.modules)\n{code}\nprint(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    return set(done.stdout.split())


def test_import_modelhub_loads_nothing_but_its_table() -> None:
    loaded = loaded_by("import modelhub")
    assert not loaded & {*GUESTS, "typing", "dataclasses", "re", "modelhub_starter"}
    assert {name for name in loaded if name.startswith("modelhub.")} == set()


def test_a_hub_loads_no_guest_and_no_plugin() -> None:
    """A hub reads its configuration; the first call loads what that call needs."""
    loaded = loaded_by("from modelhub import Hub\nHub({'models': {'a': {'model': 'starter:quote'}}})")
    assert not loaded & {*GUESTS, "modelhub_starter"}


def test_the_doors_for_authors_are_light() -> None:
    assert not loaded_by("import modelhub.plugin") & {"httpx", "numpy", "pydantic", "asyncio"}


@pytest.mark.parametrize("command", ["import modelhub", "import modelhub; modelhub.Hub({})"])
def test_an_import_touches_nothing(command: str, tmp_path: Path) -> None:
    """AT-A2: no network, environment, log handler, warning filter, thread, output or file."""
    (tmp_path / ".env").write_text("SECRET=from-dot-env\n", encoding="utf-8")
    program = f"""
import logging, os, sys, threading, warnings
def guard(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise RuntimeError(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise RuntimeError(f"writes {{arguments[0]}}")
before = dict(os.environ), list(logging.root.handlers), list(warnings.filters), threading.enumerate()
sys.dont_write_bytecode = True
sys.addaudithook(guard)
{command}
after = dict(os.environ), list(logging.root.handlers), list(warnings.filters), threading.enumerate()
assert before == after, (before, after)
"""
    environment = {**os.environ, "HOME": str(tmp_path / "no-such-home")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", cwd=tmp_path, env=environment, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == [".env"]
