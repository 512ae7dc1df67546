"""Where results go: told before a model is asked, so that nothing that was paid for is lost."""

from __future__ import annotations

import os

from modelhub.errors import InvalidRequest

__all__ = ["writable"]


def writable(path: str) -> str:
    """The path, if a file can be written there. Raises ``InvalidRequest``."""
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise InvalidRequest(f"{path}: there is no folder {folder}. Make it first.")
    if os.path.isdir(path):
        raise InvalidRequest(f"{path} is a folder; name a file in it.")
    return path
