"""The pages about plugins: every file on them is written down and installed, its tests pass, and every other block runs."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[3] / "docs" / "plugins"
FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"\A# file: (?P<name>\S+)\n")


def write_down(page: str, folder: Path) -> str:
    """Writes the files of a page below ``folder``; gives the rest of its Python as one program."""
    program = []
    for fence in FENCE.finditer((PAGES / page).read_text(encoding="utf-8")):
        assert fence["language"] in ("python", "toml", "console"), f"{page}: what runs a {fence['language']} block?"
        if named := FILE.match(fence["code"]):
            file = folder / named["name"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(fence["code"], encoding="utf-8")
        elif fence["language"] == "python":
            program.append(fence["code"])
    return "\n".join(program)


def install(project: Path) -> list[str]:
    """What ``pip install -e`` does, without pip: the metadata beside the sources. Gives what belongs on the path."""
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    points = settings["entry-points"]["modelhub"]
    info = project / "installed" / f"{settings['name'].replace('-', '_')}-{settings['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Name: {settings['name']}\nVersion: {settings['version']}\n", encoding="utf-8")
    lines = [f"{name} = {address}" for name, address in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[modelhub]", *lines, ""]), encoding="utf-8")
    return [str(project / "src"), str(project / "installed")]


def run(arguments: list[str], folder: Path, path: list[str]) -> str:
    known = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join([*path, *known]), "PYTHONUTF8": "1", "HOME": str(folder)}
    surroundings.pop("MODELHUB_CONFIG", None)
    command = [sys.executable, "-W", "error", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=surroundings, capture_output=True, encoding="utf-8", check=False, timeout=120
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("writing")
    program = write_down("writing.md", folder)
    (folder / "application.py").write_text(program, encoding="utf-8")
    return folder


@pytest.mark.parametrize(("name", "least"), [("modelhub-shout", 30), ("modelhub-parley", 45)])
def test_a_plugin_of_the_page_passes_the_conformance_classes(name: str, least: int, projects: Path) -> None:
    path = on_the_path(projects / name)
    printed = run(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", "tests"], projects / name, path)
    passed = re.search(r"(\d+) passed", printed)
    assert passed, printed
    assert int(passed[1]) >= least, f"Only {passed[1]} checks ran:\n{printed}"


def test_the_applications_of_the_page_run(projects: Path, tmp_path: Path) -> None:
    path = [entry for name in ("modelhub-shout", "modelhub-parley") for entry in on_the_path(projects / name)]
    run([str(projects / "application.py")], tmp_path, path)


def on_the_path(project: Path) -> list[str]:
    installed = project / "installed"
    return [str(project / "src"), str(installed)] if installed.exists() else install(project)


def test_a_provider_of_the_page_is_short(projects: Path) -> None:
    for package in ("modelhub-shout/src/modelhub_shout", "modelhub-parley/src/modelhub_parley"):
        lines = (projects / package / "__init__.py").read_text(encoding="utf-8").splitlines()[1:]
        assert len([line for line in lines if line.strip()]) <= 15, f"{package}: a provider takes at most 15 lines."


def test_the_page_about_testing_runs(tmp_path: Path) -> None:
    program = write_down("testing.md", tmp_path)
    (tmp_path / "example.py").write_text(program, encoding="utf-8")
    run([str(tmp_path / "example.py")], tmp_path, [])
    printed = run(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", "test_quiet.py"], tmp_path, [])
    assert re.search(r"\d+ passed", printed), printed


def test_every_conformance_class_and_fixture_is_on_the_page() -> None:
    import modelhub.testing
    from modelhub.testing import pytest_plugin

    page = (PAGES / "testing.md").read_text(encoding="utf-8")
    kinds = [name for name in dir(modelhub.testing) if name.endswith("Conformance") and "Endpoint" not in name]
    tree = ast.parse(Path(str(pytest_plugin.__file__)).read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    fixtures = [node.name for node in functions if any("pytest.fixture" in ast.unparse(mark) for mark in node.decorator_list)]
    assert fixtures, "There is no fixture any more: mend this test."
    missing = [name for name in (*kinds, *fixtures) if f"`{name}`" not in page]
    assert not missing, f"docs/plugins/testing.md says nothing of {', '.join(missing)}."
