"""What the tests of this plugin share: a tiny model, made once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the neighbours that are no tests


@pytest.fixture(scope="session", autouse=True)
def kept_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is kept among the models of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELHUB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a tiny language model."""
    from tiny_gguf import write

    return write(tmp_path_factory.mktemp("models") / "tiny.gguf")
