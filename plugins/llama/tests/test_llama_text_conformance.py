"""The laws of text models and streams, of a real engine: in this process, and as a server in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from asking import serving
from scripted_gguf import HERMES, write

from modelhub.testing import TextConformance

pytest.importorskip("xllamacpp", reason='the engine is not installed: pip install "modelhub-llama[engine]"')

SCRIPT = ['{"answer": "東京は、', "日本の首都", 'です。🗼"}']
"""An answer that fits whatever the laws ask for."""
TEMPLATE = HERMES + "{# reasoning_effort #}"


class _Llama(TextConformance):
    """What a server adds to an answer that means nothing is left out: times, ids, what came out of its cache."""

    def comparable(self, response: Any) -> Any:
        return replace(response, provider_metadata={}, usage=replace(response.usage, cached_tokens=None))


@pytest.fixture(scope="session")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("models") / "scripted.gguf", SCRIPT, template=TEMPLATE)


class TestInProcess(_Llama):
    options: ClassVar[Mapping[str, Any]] = {"threads": 1, "context_window": 1024}

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _named(cls, scripted: str) -> None:
        cls.model_id = f"llama:{scripted}"


class TestPlain(_Llama):
    options: ClassVar[Mapping[str, Any]] = {"threads": 1, "context_window": 1024, "prompt": "plain"}

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _named(cls, scripted: str) -> None:
        cls.model_id = f"llama:{scripted}"

    def request(self) -> Any:
        from modelhub.plugin import Message, TextRequest

        return TextRequest(messages=(Message("user", "首都は？\n"),))


class TestServer(_Llama):
    model_id: ClassVar[str] = "llama:scripted"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _served(cls, scripted: str) -> Iterator[None]:
        with serving(scripted) as settings:
            cls.options = settings["providers"]["llama"]
            yield
