"""The open models' example, whose app.py never changes: in this process, and through a scripted router, by configuration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "plugins" / "huggingface" / "tests"
sys.path.insert(0, str(TESTS))

pytest.importorskip("modelhub_huggingface", reason="the plugin is not installed: pip install -e plugins/huggingface")

NAMES = {"summariser", "coder", "classifier", "embedder", "reader", "listener", "painter"}


def worked(folder: Path, **environment: str) -> dict[str, Any]:
    """What the application reports, by model."""
    others = ("MODELHUB", "HF_", "PYTHONWARN")  # libraries that we stand on leave encodings to the platform
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / "open-models" / "app.py"), str(folder)],
        env={**kept, "HOME": str(folder), "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1", **environment},
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert not done.stderr, done.stderr
    lines = (line.partition(": ") for line in done.stdout.splitlines())
    return {name: json.loads(result) for name, _, result in lines}


def held(report: dict[str, Any], folder: Path) -> None:
    """Every model gave what its kind gives."""
    assert report.keys() == NAMES
    assert report["summariser"]["model"] == "facebook/bart-large-cnn"
    assert report["classifier"]["label"] in ("praise", "complaint", "question")
    assert report["embedder"]["shape"][0] == 3
    assert report["reader"]["type"] == "audio/wav"
    assert isinstance(report["listener"]["text"], str)
    assert report["painter"]["type"] == "image/png"
    assert (folder / "lighthouse.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.timeout(180)
def test_the_example_runs_in_this_process(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason='pip install "modelhub-huggingface[images]"')
    pytest.importorskip("diffusers", reason='pip install "modelhub-huggingface[images]"')
    from open_models import cache

    report = worked(tmp_path, MODELHUB_PROFILE="local", HF_HUB_CACHE=str(cache(tmp_path / "hub")), HF_HUB_OFFLINE="1")
    held(report, tmp_path)
    assert report["summariser"]["tokens"] > 0
    assert 0 < report["coder"]["tokens"] <= 24


def test_the_example_runs_through_a_router(tmp_path: Path) -> None:
    from open_models import routed

    with routed() as (hub, router):
        report = worked(tmp_path, MODELHUB_PROFILE="gateway", HF_ENDPOINT=hub, HF_ROUTER_URL=router, HF_TOKEN="hf_of_a_test")
    held(report, tmp_path)
