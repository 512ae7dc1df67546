#!/usr/bin/env python3
"""Two commands for a machine with nothing but Python 3.11 or newer.

    python3 run.py demo     set up .venv, then ask real documents real questions, with four configurations
    python3 run.py test     set up .venv, then run the whole test matrix (nox)

Further arguments go to the program that is run: ``python3 run.py test -s lint``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")

DEMO = ["-e", f"{HERE}[cli]", "-e", f"{HERE / 'plugins' / 'starter'}"]
TEST = ["nox>=2025.10", "uv"]


def main(arguments: list[str]) -> int:
    """Run one command; gives its exit status."""
    if sys.version_info < (3, 11):  # noqa: UP036  # whoever runs this may have an older one
        print("modelhub needs Python 3.11 or newer; this is", sys.version.split()[0], file=sys.stderr)
        return 2
    match arguments:
        case ["demo", *rest]:
            install(DEMO, proof="modelhub_starter")
            return run(PYTHON, HERE / "examples" / "handbook" / "compare.py", *rest)
        case ["test", *rest]:
            install(TEST, proof="nox")
            return run(PYTHON, "-m", "nox", *rest)
        case _:
            print(__doc__, file=sys.stderr)
            return 2


def install(requirements: list[str], *, proof: str) -> None:
    """Make ``.venv`` and install into it, once: a module that can be found is the proof that it has happened."""
    if not PYTHON.exists():
        print("Setting up .venv ...", file=sys.stderr)
        try:
            venv.create(VENV, with_pip=True)
        except subprocess.CalledProcessError:
            shutil.rmtree(VENV, ignore_errors=True)
            sys.exit("This Python cannot make virtual environments with pip; Debian and Ubuntu have python3-venv for it.")
    if subprocess.run([PYTHON, "-c", f"import {proof}"], capture_output=True, check=False).returncode != 0:
        print("Installing ...", file=sys.stderr)
        subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", *requirements], check=True)


def run(*command: str | Path) -> int:
    """Run a program from the repository's root, with ``.venv`` first on the path."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
    try:
        return subprocess.run(command, cwd=HERE, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
