"""docs/how-to/local-models.md, from a GGUF file to a cited answer, with a tiny file in the place of the one that is fetched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT, blocks, write_down

PAGE = ROOT / "docs" / "how-to" / "local-models.md"

pytest.importorskip("modelhub_llama", reason="the plugin is not installed: pip install -e plugins/llama")
pytest.importorskip("xllamacpp", reason='llama.cpp is not installed: pip install "modelhub-llama[engine]"')
pytest.importorskip("gguf", reason="gguf is not installed: pip install gguf")


def commands() -> list[str]:
    """What the page types, but for what is fetched and installed elsewhere."""
    typed = [
        line
        for block in blocks(PAGE)
        if block.language == "console"
        for line in re.findall(r"^\$ (.*)$", block.code, re.MULTILINE)
    ]
    return [line for line in typed if not line.startswith("pip ") and "package:" not in line]


def run(folder: Path, *command: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MODELHUB")}
    environment = {**kept, "HOME": str(folder), "MODELHUB_CACHE": str(folder / "cache"), "PYTHONUTF8": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=100)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.timeout(150)
def test_from_a_file_to_a_cited_answer(tmp_path: Path) -> None:
    """Each command and each line of Python, in the order of the page."""
    sys.path.insert(0, str(ROOT / "plugins" / "llama" / "tests"))
    from tiny_gguf import write

    write(tmp_path / "qwen.gguf", context=4096)
    program = write_down(PAGE, tmp_path)
    pull, *others = commands()
    assert pull.startswith("modelhub models pull https://")
    assert pull.endswith(".gguf --name qwen")
    add = re.search(r"`modelhub (models add \./qwen\.gguf --name qwen [^`]*)`", PAGE.read_text(encoding="utf-8"))
    assert add
    modelhub = [sys.executable, "-m", "modelhub"]
    run(tmp_path, *modelhub, *add[1].split())
    printed = [run(tmp_path, "sh", "-c", f'"{sys.executable}" -m {line}') for line in others]
    assert "qwen" in printed[0]
    assert "apache-2.0" in printed[0]
    assert printed[1].strip(), "the model said something"
    answered = run(tmp_path, sys.executable, "-W", "error", "-c", program)
    assert re.search(r"^\[1\] handbook/\S+\.md:\d+ \S", answered, re.MULTILINE)
