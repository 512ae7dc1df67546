"""What the sessions of continuous integration rely on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SKIPPING = {
    "a test": "import pytest\n\ndef test_a() -> None:\n    pytest.skip('not here')\n",
    "a marked test": "import pytest\n\n@pytest.mark.skipif(True, reason='not here')\ndef test_a() -> None: ...\n",
    "a file": "import pytest\n\npytest.importorskip('nowhere_to_be_found', reason='not here')\n",
}


@pytest.mark.parametrize("what", SKIPPING)
def test_a_session_that_is_to_prove_something_fails_where_it_is_skipped(what: str, tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(SKIPPING[what], encoding="utf-8")
    for plugin, code in (((), {0, 5}), (("-p", "no_skips"), {1, 2})):
        command = [sys.executable, "-m", "pytest", *plugin, "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(tmp_path)]
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=50,
        )
        assert done.returncode in code, done.stdout
