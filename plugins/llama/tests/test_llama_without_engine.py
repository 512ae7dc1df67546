"""Without the extra ``engine``: the line that installs it, and everything that needs no engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_reranker import reranker

PROGRAM = """
import sys
sys.modules["xllamacpp"] = None  # as if it were not installed
from modelhub import Hub, SetupError
from modelhub_llama.gguf.header import read
path = sys.argv[1]
print(read(path).architecture)
with Hub() as hub:
    try:
        getattr(hub, sys.argv[2])(f"llama:{path}").KIND
    except SetupError as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("kind", "ask"), [("text", 'generate("灯台？")'), ("embedding", 'embed(["灯台"])'), ("reranking", 'rank("灯台", ["塔"])')]
)
def test_who_has_no_engine_is_told_how_to_install_it(tiny: str, tmp_path: Path, kind: str, ask: str) -> None:
    """The header is read all the same."""
    file = reranker(tmp_path) if kind == "reranking" else tiny
    command = [sys.executable, "-c", PROGRAM.replace("KIND", ask), file, kind]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=50)
    architecture, told = done.stdout.splitlines()
    assert architecture == ("bert" if kind == "reranking" else "llama")
    assert told.endswith('pip install "modelhub-llama[engine]".')
