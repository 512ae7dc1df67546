"""The fixtures that come with modelhub: there when a test asks for them, and nothing before."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from modelhub.http import HttpRequest, HttpResponse
from modelhub.model import Timeouts
from modelhub.testing import Driven, FakeRuntime, drive

_SEEN: set[str] = set()


def test_runtime_is_each_of_the_two_in_turn(runtime: Driven) -> None:
    _SEEN.add(type(runtime.runtime).__name__)
    assert (runtime.loop is None) == (type(runtime.runtime).__name__ == "BlockingRuntime")


def test_both_had_their_turn() -> None:
    assert {"BlockingRuntime", "AsyncRuntime"} == _SEEN


def test_the_fake_runtime_takes_its_script_from_the_test(fake_runtime: FakeRuntime) -> None:
    fake_runtime.answers = [HttpResponse(204)]
    assert drive(fake_runtime.send(HttpRequest("GET", "https://example.invalid/"), Timeouts())).status == 204


def test_a_test_run_that_uses_no_fixture_loads_nothing(tmp_path: Path) -> None:
    """Whoever merely has modelhub installed pays for a table of names."""
    (tmp_path / "test_other.py").write_text(
        "import json, sys\n\n\ndef test_other():\n"
        "    with open('loaded.json', 'w', encoding='utf-8') as file:\n"
        "        json.dump([name for name in sys.modules if name.partition('.')[0] == 'modelhub'], file)\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout
    loaded = json.loads((tmp_path / "loaded.json").read_text(encoding="utf-8"))
    assert sorted(loaded) == ["modelhub", "modelhub.testing", "modelhub.testing.pytest_plugin"]
