"""The pages about open models run, with tiny models of the same architectures under the same names, and a scripted router."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "plugins" / "huggingface" / "tests"), str(ROOT / "tests" / "docs")]

pytest.importorskip("modelhub_huggingface", reason="the plugin is not installed: pip install -e plugins/huggingface")

from pages import write_down  # noqa: E402

KEY = '{ env = "HF_TOKEN" }'
HOW_TO, FAMILIES = ROOT / "docs" / "how-to" / "huggingface.md", ROOT / "docs" / "explanation" / "model-families.md"


def run(page: Path, folder: Path, **environment: str) -> str:
    """What the page's Python prints, run top to bottom beside the page's files."""
    program = write_down(page, folder)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MODELHUB", "HF_", "PYTHONWARN"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=folder,
        env={**kept, "HOME": str(folder), "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, f"{page.name}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a machine that has the models."""
    pytest.importorskip("torch", reason='pip install "modelhub-huggingface[images]"')
    pytest.importorskip("diffusers", reason='pip install "modelhub-huggingface[images]"')
    from open_models import cache

    return {"HF_HUB_CACHE": str(cache(tmp_path_factory.mktemp("hub"))), "HF_HUB_OFFLINE": "1"}


@pytest.mark.timeout(180)
def test_the_page_of_families_runs(tmp_path: Path, fetched: dict[str, str]) -> None:
    printed = run(FAMILIES, tmp_path, **fetched)
    assert "praise" in printed or "complaint" in printed


@pytest.mark.timeout(180)
def test_the_how_to_runs_in_this_process(tmp_path: Path, fetched: dict[str, str]) -> None:
    run(HOW_TO, tmp_path, **fetched, MODELHUB_PROFILE="local")
    assert (tmp_path / "lighthouse.png").read_bytes().startswith(b"\x89PNG")


def test_the_how_to_runs_through_the_router(tmp_path: Path) -> None:
    """The user's own configuration, which lies below the page's, says where the router is; that alone is another here."""
    from open_models import routed

    with routed() as (hub, router):
        own = tmp_path / ".config" / "modelhub" / "modelhub.toml"
        own.parent.mkdir(parents=True)
        own.write_text(f'[providers.huggingface]\nrouter_url = "{router}"\nhub_url = "{hub}"\napi_key = {KEY}\n', "utf-8")
        run(HOW_TO, tmp_path, HF_TOKEN="hf_of_a_test", XDG_CONFIG_HOME=str(tmp_path / ".config"))
    assert (tmp_path / "lighthouse.png").read_bytes().startswith(b"\x89PNG")
