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


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not say how much memory was used")
def test_an_import_takes_little_memory() -> None:
    """AT-A1: at most 15 MB, with a hub; the most that a process has held, beside one that does nothing.

    ``ru_maxrss`` would not do: a process inherits it from the one that started it, which is large here.
    """
    nothing, imported = peak_megabytes("pass"), peak_megabytes("import modelhub; modelhub.Hub({})")
    assert 0 < imported - nothing <= 15
    assert peak_megabytes("kept = b'x' * 20_000_000") - nothing > 15, "what takes more is seen"


def peak_megabytes(code: str) -> float:
    told = "print(open('/proc/self/status', encoding='utf-8').read().split('VmHWM:')[1].split()[0])"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{told}"], capture_output=True, check=True, encoding="utf-8")
    return int(done.stdout) / 1000


GUARD = """
import os, sys
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
CHANGES = {"os." + name for name in "mkdir rename remove rmdir link symlink truncate chmod chown utime setxattr".split()}
NETWORK = {"socket." + name for name in "connect bind sendto getaddrinfo gethostbyname".split()}
OTHERS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.putenv", "os.unsetenv", "shutil.rmtree"}
def guard(event, arguments):
    if event in CHANGES | NETWORK | OTHERS or event.startswith(("tempfile.", "sqlite3.")):
        raise BaseException(f"{event} {arguments}")
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES:
        raise BaseException(f"writes {arguments[0]}")
sys.dont_write_bytecode = True
sys.addaudithook(guard)
"""
TOUCHES = [
    "import modelhub",
    "import modelhub; modelhub.Hub({})",
    "import modelhub; modelhub.AsyncHub()",
    "from modelhub.cli import main; assert main(['--help']) == 0",
    "from modelhub.cli import main; assert main(['models']) == 0",
]


@pytest.mark.parametrize("command", TOUCHES)
def test_an_import_touches_nothing(command: str, tmp_path: Path) -> None:
    """AT-A2: no network, environment, log handler, warning filter, thread, output, file or folder.

    That HOME cannot be written to proves nothing to an administrator, who may write anywhere; so whatever would write, anywhere
    at all, is refused from within.
    """
    (tmp_path / ".env").write_text("SECRET=from-dot-env\n", encoding="utf-8")
    program = f"""{GUARD}
import io, logging, threading, warnings
def state():
    return dict(os.environ), list(logging.root.handlers), list(warnings.filters), threading.enumerate(), os.getcwd()
before, real = state(), sys.stdout
if "main" in {command!r}:
    sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
{command}
sys.stdout = real
assert before == state(), (before, state())
"""
    home = tmp_path / "no-such-home"
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_CACHE_HOME": str(home)}
    environment.pop("MODELHUB_CONFIG", None)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", cwd=tmp_path, env=environment, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


@pytest.mark.parametrize(
    "deed", ["open('x', 'w')", "os.mkdir('x')", "__import__('pathlib').Path('x').touch()", "os.environ.__setitem__('X', '1')"]
)
def test_the_guard_refuses_who_writes(deed: str, tmp_path: Path) -> None:
    """The test above can fail: also for an administrator, who may write anywhere."""
    done = subprocess.run(
        [sys.executable, "-c", GUARD + deed], capture_output=True, encoding="utf-8", cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == []
