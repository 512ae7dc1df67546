"""The handbook, whose app.py never changes, on models of one's own machine: by configuration alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from local_servers import CONTEXT, SERVERS, Server, serving

pytest.importorskip("modelhub_llama", reason="the plugin is not installed: pip install -e plugins/llama")
pytest.importorskip("gguf", reason="gguf is not installed: pip install gguf")

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "plugins" / "llama" / "tests"))

from scripted_ollama import ScriptedOllama  # noqa: E402

QUESTION = "Where does modelhub look for its configuration file?"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example and its documents, beside a model that is as tiny, and not trained."""
    from tiny_model import write

    project = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "examples" / "handbook", project / "examples" / "handbook")
    shutil.copytree(ROOT / "docs" / "explanation", project / "docs" / "explanation")
    (project / "examples" / "tiny-model").mkdir()
    write(str(project / "examples" / "tiny-model" / "tiny.gguf"), context=CONTEXT)
    return project


def asked(project: Path, profile: str, **environment: str) -> Mapping[str, Any]:
    """What the application answers with a profile."""
    app = project / "examples" / "handbook" / "app.py"
    names = ("MODELHUB_CONFIG", "LLAMA_BASE_URL", "OLLAMA_BASE_URL")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [sys.executable, str(app), "--json", QUESTION],
        env={**kept, **environment, "MODELHUB_PROFILE": profile, "HOME": str(project), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    answer: Mapping[str, Any] = json.loads(done.stdout)
    return answer


def is_cited(answer: Mapping[str, Any]) -> None:
    """A model's own text, and the place in a document that its number stands for."""
    numbers = re.findall(r"\[(\d)\]", answer["text"])
    assert numbers
    places = [re.fullmatch(r"\[(\d)\] \S*docs/explanation/\S+\.md:\d+-\d+", source) for source in answer["citations"]]
    assert [place and place[1] for place in places] == numbers
    assert answer["input_tokens"] > 100, "the passages were in the prompt"


def test_the_handbook_runs_on_a_file_in_process(project: Path) -> None:
    pytest.importorskip("xllamacpp", reason='llama.cpp is not installed: pip install "modelhub-llama[engine]"')
    is_cited(asked(project, "local"))


@pytest.mark.parametrize("server", SERVERS)
def test_the_handbook_runs_on_a_server(project: Path, server: Server) -> None:
    with serving(server, str(project / "examples" / "tiny-model" / "tiny.gguf")) as url:
        is_cited(asked(project, "llama-server", LLAMA_BASE_URL=url))


def test_the_handbook_runs_on_ollama(project: Path) -> None:
    with ScriptedOllama(say=lambda _: "In the working directory first [1].") as ollama:
        is_cited(asked(project, "ollama", OLLAMA_BASE_URL=ollama.url))
        (request,) = ollama.asked("chat")
    assert "working directory" in json.dumps(request["messages"]), "the passages were in the prompt"
