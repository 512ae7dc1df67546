"""Against servers that nobody here wrote: llama.cpp's, and Prism on the vendor's own description of its API."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from modelhub import AsyncHub, BadRequest, ContextOverflow, Finished, Hub, ModelhubError, TextDelta

pytest.importorskip("modelhub_openai", reason="the plugin is not installed: pip install -e plugins/openai")

HERE = Path(__file__).parent
SPECIFICATION = Path(os.environ.get("OPENAI_OPENAPI", HERE.parents[2] / "shared" / "specs" / "openai-openapi.yaml"))


class Answer(BaseModel):
    """Short whatever a model of random numbers makes of it."""

    city: Literal["東京", "京都"]
    certain: bool


@contextmanager
def llama(folder: Path, purpose: str) -> Iterator[dict[str, Any]]:
    """The configuration of a provider that llama.cpp's server stands behind."""
    model = folder / "tiny.gguf"
    subprocess.run([sys.executable, str(HERE / "tiny_model.py"), str(model)], check=True, timeout=50)
    command = [sys.executable, str(HERE / "llama_server.py"), str(model), purpose]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        try:
            yield {"providers": {"local": {"uses": "openai", "base_url": f"{address}/v1", "api_key_env": False}}}
        finally:
            server.kill()


@pytest.fixture(scope="module")
def chatting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    pytest.importorskip("xllamacpp", reason="llama.cpp is not installed: pip install xllamacpp gguf")
    with llama(tmp_path_factory.mktemp("llama"), "chat") as config:
        yield config


@pytest.fixture(scope="module")
def embedding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    pytest.importorskip("xllamacpp", reason="llama.cpp is not installed: pip install xllamacpp gguf")
    with llama(tmp_path_factory.mktemp("llama"), "embedding") as config:
        yield config


def test_llama_cpp_answers_and_counts(chatting: dict[str, Any]) -> None:
    with Hub(chatting) as hub:
        response = hub.text("local:tiny").generate("こんにちは 🗼", max_output_tokens=12, seed=7, temperature=0.8)
    assert response.text
    assert response.finish_reason in ("stop", "length")
    assert response.usage.source == "provider"
    assert response.usage.input_tokens
    assert response.usage.output_tokens


def test_llama_cpp_streams_what_it_would_have_answered(chatting: dict[str, Any]) -> None:
    options: Any = {"max_output_tokens": 24, "seed": 7, "temperature": 0.0}
    with Hub(chatting) as hub:
        whole = hub.text("local:tiny").generate("東京", **options)
        events = list(hub.text("local:tiny").stream("東京", **options))
    assert isinstance(events[-1], Finished)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == whole.text
    assert events[-1].response.usage.output_tokens == whole.usage.output_tokens
    assert events[-1].response.finish_reason == whole.finish_reason


def test_llama_cpp_answers_many_at_once(chatting: dict[str, Any]) -> None:
    async def main() -> list[str]:
        async with AsyncHub(chatting) as hub:
            model = hub.text("local:tiny")
            answers = await asyncio.gather(*(model.generate(f"質問 {n}", max_output_tokens=4) for n in range(8)))
            return [answer.text for answer in answers]

    assert len(asyncio.run(main())) == 8


def test_llama_cpp_holds_itself_to_a_type(chatting: dict[str, Any]) -> None:
    with Hub(chatting) as hub:
        response = hub.text("local:tiny").generate("首都は？", output_type=Answer, max_output_tokens=300, temperature=0.0)
    assert isinstance(response.output, Answer)


def test_llama_cpp_tells_log_probabilities(chatting: dict[str, Any]) -> None:
    with Hub(chatting) as hub:
        response = hub.text("local:tiny").generate("東京", logprobs=2, max_output_tokens=4)
    assert response.logprobs
    assert all(token.logprob <= 0 for token in response.logprobs)


def test_llama_cpp_says_that_a_prompt_is_too_long(chatting: dict[str, Any]) -> None:
    with Hub(chatting) as hub, pytest.raises(ContextOverflow):
        hub.text("local:tiny").generate("長い話です。" * 400)


def test_llama_cpp_embeds(embedding: dict[str, Any]) -> None:
    with Hub(embedding) as hub:
        vectors = hub.embedding("local:tiny").embed(["猫", "犬", "猫"])
    assert (vectors.count, vectors.dimensions) == (3, 64)
    assert vectors[0] == pytest.approx(vectors[2], abs=1e-4)
    assert vectors[0] != pytest.approx(vectors[1], abs=1e-4)


@pytest.fixture(scope="module")
def described() -> Iterator[dict[str, Any]]:
    """Prism, which holds every request against the vendor's OpenAPI document and makes answers up from it."""
    prism = shutil.which("prism")
    if prism is None:
        pytest.skip("Prism is not installed: npm install -g @stoplight/prism-cli")
    if not SPECIFICATION.is_file():
        pytest.skip("There is no OpenAPI document: set OPENAI_OPENAPI to the path of the vendor's openapi.yaml.")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [prism, "mock", "-p", str(port), str(SPECIFICATION)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(port, server)
            yield {
                "providers": {"openai": {"base_url": f"http://127.0.0.1:{port}", "api_key": "sk-anything"}},
                "models": {"responses": {"model": "openai:gpt-4o", "options": {"api": "responses"}}},
            }
        finally:
            server.kill()


def _wait_for(port: int, server: subprocess.Popen[Any]) -> None:
    for _ in range(900):
        assert server.poll() is None, "Prism ended before it listened."
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("Prism did not listen within 90 seconds.")


def accepted(call: Callable[[], object]) -> None:
    """Make a call whose request has to be right. Its answer need not be: Prism makes answers up."""
    try:
        call()
    except BadRequest:
        raise
    except ModelhubError:
        pass


@pytest.mark.timeout(120)
def test_prism_answers_a_chat_and_its_answer_is_understood(described: dict[str, Any]) -> None:
    """It does not hold chats and images against the document (its validator cannot read those two schemas)."""
    with Hub(described) as hub:
        response = hub.text("openai:gpt-4o").generate("東京", temperature=0.5, max_output_tokens=5, stop_sequences=["。"])
    assert response.raw["object"] == "chat.completion"
    assert response.text.startswith("string")


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "call",
    [
        lambda hub: hub.text("responses").generate("東京", system="日本語で。", temperature=0.5, max_output_tokens=16),
        lambda hub: hub.text("responses").generate("東京", output_type=Answer, reasoning_effort="low"),
        lambda hub: hub.embedding("openai:text-embedding-3-small").embed(["猫", "犬"], dimensions=8),
        lambda hub: hub.speech("openai:gpt-4o-mini-tts").speak("はい", voice="coral", speed=1.5, instructions="静かに"),
    ],
    ids=["responses", "responses-with-a-type", "embeddings", "speech"],
)
def test_prism_finds_no_fault_with_what_is_written(call: Callable[[Hub], object], described: dict[str, Any]) -> None:
    with Hub(described) as hub:
        accepted(lambda: call(hub))


@pytest.mark.timeout(120)
def test_prism_finds_fault_where_there_is_one(described: dict[str, Any]) -> None:
    """That it holds requests against the document at all."""
    with Hub(described) as hub, pytest.raises(BadRequest):
        hub.embedding("openai:text-embedding-3-small").embed(["猫"], extra={"openai": {"dimensions": "八"}})
