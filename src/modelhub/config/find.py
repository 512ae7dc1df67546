"""Where the configuration is: the project's file, found upwards from the working directory, and the user's own."""

from __future__ import annotations

import os

from modelhub.errors import ConfigError

__all__ = ["FILE_NAME", "named_file", "project_file", "user_file"]

FILE_NAME = "modelhub.toml"


def project_file() -> str | None:
    """The file that ``MODELHUB_CONFIG`` names; else the nearest ``modelhub.toml`` in or above the working directory."""
    named = os.environ.get("MODELHUB_CONFIG")
    return named_file(named, said_by="MODELHUB_CONFIG") if named else _upwards(os.getcwd())


def named_file(path: str | os.PathLike[str], *, said_by: str = "config") -> str:
    """The absolute path of a file that was asked for by name; a folder stands for the ``modelhub.toml`` in it."""
    absolute = os.path.abspath(os.path.expanduser(path))
    file = os.path.join(absolute, FILE_NAME) if os.path.isdir(absolute) else absolute
    if not os.path.isfile(file):
        raise ConfigError(f"there is no such configuration file ({said_by} names it).", file=file)
    return file


def user_file() -> str | None:
    """The user's own file, whose settings stand below the project's: ``~/.config/modelhub/modelhub.toml``."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    file = os.path.join(home, "modelhub", FILE_NAME)
    return file if os.path.isfile(file) else None


def _upwards(folder: str) -> str | None:
    while True:
        file = os.path.join(folder, FILE_NAME)
        if os.path.isfile(file):
            return file
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
