"""What the tests of this plugin share: a tiny model, made once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the neighbours that are no tests


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a tiny language model."""
    from tiny_gguf import write

    return write(tmp_path_factory.mktemp("models") / "tiny.gguf")
