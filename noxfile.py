"""What a contributor runs: ``nox`` for everything, ``nox -s tests-3.12`` for one session, ``nox -l`` for the list."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.download_python = "never"  # what is tested is what is installed

PYTHONS = ["3.11", "3.12", "3.13"]
PLUGINS = sorted(folder.name for folder in Path("plugins").iterdir() if (folder / "pyproject.toml").is_file())
FOLDERS = [f"./plugins/{name}" for name in PLUGINS]
PLUGIN_TESTS = [f"plugins/{name}/tests" for name in PLUGINS]
TESTS = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "test")


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting and conventions."""
    session.install("ruff>=0.6")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session(python="3.11")
def types(session: nox.Session) -> None:
    """mypy, strict, over the core and the plugins; pyright on the doors."""
    types = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "types")
    session.install("-e", ".[cli]", *FOLDERS, *TESTS, *types)
    session.run("mypy", "src", *(f"plugins/{name}/src" for name in PLUGINS), "tests/types")
    session.run("pyright", "src/modelhub/__init__.py", "src/modelhub/plugin.py", "src/modelhub/clients", "tests/types")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Everything, with every plugin, and the starter's speech extra."""
    editable = [argument for folder in FOLDERS for argument in ("-e", f"{folder}[speech]" if "starter" in folder else folder)]
    session.install("-e", ".[cli]", *editable, *TESTS)
    strict = {"PYTHONWARNDEFAULTENCODING": "1"}  # a text file opened without an encoding is a warning, so an error
    session.run("pytest", "tests", *PLUGIN_TESTS, *session.posargs, env=strict)


@nox.session(python="3.11")
@nox.parametrize("name", PLUGINS)
def plugin(session: nox.Session, name: str) -> None:
    """The core and one plugin alone, or with the plugin that it stands on, in a fresh environment."""
    needed = nox.project.load_toml(f"plugins/{name}/pyproject.toml")["project"]["dependencies"]
    below = [
        folder for other, folder in zip(PLUGINS, FOLDERS, strict=True) if any(f"modelhub-{other}" in need for need in needed)
    ]
    session.install(".", *below, f"./plugins/{name}", *TESTS)
    session.run("pytest", f"plugins/{name}/tests", *session.posargs)


@nox.session(python="3.11")
@nox.parametrize("major", ["2", "3"])
def proof(session: nox.Session, major: str) -> None:
    """Our requests beside those of the official client, in two of its major versions; and against servers that others wrote."""
    official = f"openai=={major}.*"
    session.install(".", "./plugins/openai", "./plugins/azure-openai", official, "xllamacpp", "gguf", *TESTS)
    tools = session.create_tmp()
    if shutil.which("npm"):
        session.run("npm", "install", "--silent", "--prefix", tools, "@stoplight/prism-cli", external=True)
    path = os.pathsep.join((session.bin, f"{tools}/node_modules/.bin", os.environ["PATH"]))
    session.run("pytest", "tests/proof", *session.posargs, env={"PATH": path})


@nox.session(python="3.11", venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """The oldest dependencies that we claim to work with."""
    session.install("--resolution", "lowest-direct", ".", *FOLDERS, *TESTS)
    session.run("pytest", "tests/unit", "tests/flow", *PLUGIN_TESTS, *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The site, with every broken link an error."""
    session.install("-e", ".", *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "docs"))
    session.run("mkdocs", "build", "--strict", "--site-dir", "site")


@nox.session
def build(session: nox.Session) -> None:
    """Wheels and source archives of the core and of each plugin."""
    shutil.rmtree("dist", ignore_errors=True)
    session.install("build", "twine")
    for folder in (".", *(f"plugins/{name}" for name in PLUGINS)):
        session.run("python", "-m", "build", "--outdir", "dist", folder, silent=True)
    session.run("twine", "check", "--strict", *map(str, Path("dist").iterdir()))
