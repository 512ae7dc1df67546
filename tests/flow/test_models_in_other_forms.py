"""``modelhub models add FOLDER``: a plugin makes a file of a model in another form, and the file is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelhub.catalog.converting import as_file
from modelhub.catalog.store import Store
from modelhub.errors import InvalidRequest

PLUGIN = """
import os
from modelhub.plugin import InvalidRequest, ModelCard, Provider, hookimpl

@hookimpl
def modelhub_provider():
    return Provider(name="aa", files={".toy": "aa_toys:inspect"}, conversion="aa_toys:converted")

def inspect(file):
    with open(file, encoding="utf-8") as stream:
        return ModelCard(model="aa:x", kind="embedding", licence="mit", description=stream.read(), file=file)

def converted(source, folder, form):
    if form == "wrong":
        raise InvalidRequest("There is no such form.")
    file = os.path.join(folder, "made.toy")
    with open(file, "w", encoding="utf-8") as stream:
        stream.write(f"{os.path.basename(source)} as {form}")
    return file
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with an installed plugin."""
    about = tmp_path / "site" / "modelhub_aa-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "entry_points.txt").write_text("[modelhub]\naa = aa_toys\n", encoding="utf-8")
    (about.parent / "aa_toys.py").write_text(PLUGIN, encoding="utf-8")
    return about.parent


def modelhub(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "MODELHUB_CACHE": str(site.parent / "cache")}
    command = [sys.executable, "-m", "modelhub", "models", "add", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False)


@pytest.mark.parametrize("given", [[], ["--type", "small"]])
def test_a_folder_is_written_as_a_file_and_kept(site: Path, given: list[str]) -> None:
    source = site.parent / "雨"
    source.mkdir()
    done = modelhub(site, str(source), "--name", "rain", *given, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["model"] == "aa:rain"
    assert told["card"]["description"] == f"雨 as {given[1] if given else None}"
    kept = Store(str(site.parent / "cache")).find("rain")
    assert kept is not None
    assert (kept.licence, kept.source) == ("mit", str(source))
    assert Path(kept.paths[0]).read_text(encoding="utf-8").startswith("雨 as")
    assert not list((site.parent / "cache" / "parts").iterdir())


def test_a_package_is_asked_for_by_its_name(site: Path) -> None:
    done = modelhub(site, "package:some-model", "--json")
    assert json.loads(done.stdout)["card"]["description"] == "package:some-model as None"


def test_what_the_plugin_refuses_is_told_and_leaves_nothing(site: Path) -> None:
    done = modelhub(site, "package:x", "--type", "wrong")
    assert done.returncode != 0
    assert "There is no such form." in done.stderr
    assert not list((site.parent / "cache" / "parts").iterdir())


def test_a_file_is_added_as_it_is(tmp_path: Path) -> None:
    store, file = Store(str(tmp_path)), str(tmp_path / "x.toy")
    with as_file(file, None, store) as found:
        assert found == file
    with pytest.raises(InvalidRequest, match="added as it is"), as_file(file, "small", store):
        pass
