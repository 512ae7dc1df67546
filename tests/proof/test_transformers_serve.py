"""``transformers serve`` as a dedicated endpoint: the real server of tiny models, asked in both runtimes."""

from __future__ import annotations

import asyncio
import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from modelhub import AsyncHub, Hub
from modelhub.plugin import OutputInvalid, ProviderDown, TextDelta
from modelhub.testing import collect

pytest.importorskip("torch", reason='torch is not installed: pip install "modelhub-huggingface[local]"')
pytest.importorskip("fastapi", reason='transformers serve is not installed: pip install "transformers[serving]"')
pytest.importorskip("modelhub_huggingface", reason="pip install modelhub-huggingface")

from transformers_server import WORDS, recogniser, serving, writer

pytestmark = pytest.mark.timeout(240)  # it imports torch before it listens, and loads a model when it is first asked for

QUESTION = "東京 の 天気 は"
SURE = {"temperature": 0, "max_output_tokens": 12}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def tiny(folder: Path) -> str:
    """The folder of a tiny Llama, which is its name as well."""
    return writer(folder / "writer")


@pytest.fixture(scope="module")
def url(folder: Path, tiny: str) -> Iterator[str]:
    with serving(folder) as url:
        yield url


def config(url: str, **options: Any) -> dict[str, Any]:
    return {"providers": {"huggingface": {"base_url": url, **options}}}


@pytest.mark.parametrize("suffix", ["", "/v1"])
def test_a_chat_is_answered_whole_and_streamed_alike(url: str, tiny: str, suffix: str) -> None:
    with Hub(config(url + suffix)) as hub:
        client = hub.text(f"huggingface:{tiny}")
        whole = client.generate(QUESTION, system="It rains", **SURE)
        events = list(client.stream(QUESTION, system="It rains", **SURE))
    streamed = collect(events)
    assert whole.text == streamed.text
    assert set(whole.text.split()) <= set(WORDS) | {"user", "system", "assistant"}
    assert len([event for event in events if isinstance(event, TextDelta)]) > 1
    for answer in (whole, streamed):
        assert (answer.finish_reason, answer.usage.output_tokens, answer.usage.source) == ("length", 12, "provider")
        assert answer.usage.input_tokens == 9
        assert answer.model == tiny


def test_both_runtimes_give_the_same_also_at_the_same_time(url: str, tiny: str) -> None:
    async def ask() -> list[str]:
        async with AsyncHub(config(url)) as hub:
            client = hub.text(f"huggingface:{tiny}")
            whole = [client.generate(QUESTION, **SURE) for _ in range(4)]
            streamed = "".join([event.text async for event in client.stream(QUESTION, **SURE) if isinstance(event, TextDelta)])
            return [*(answer.text for answer in await asyncio.gather(*whole)), streamed]

    with Hub(config(url)) as hub:
        first = hub.text(f"huggingface:{tiny}").generate(QUESTION, **SURE).text
    assert asyncio.run(ask()) == [first] * 5


def test_a_seed_makes_an_answer_repeat(url: str, tiny: str) -> None:
    with Hub(config(url)) as hub:
        client = hub.text(f"huggingface:{tiny}")
        drawn = [client.generate(QUESTION, temperature=2.0, seed=seed, max_output_tokens=12).text for seed in (7, 7, 8)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_text_is_continued_as_it_is(url: str, tiny: str) -> None:
    with Hub(config(url, prompt="plain")) as hub:
        client = hub.text(f"huggingface:{tiny}")
        whole = client.generate("It rains in", **SURE)
        streamed = collect(client.stream("It rains in", **SURE))
    assert whole.text == streamed.text
    assert (whole.usage.input_tokens, whole.finish_reason) == (3, "length")


def test_a_field_that_the_server_does_not_know_is_left_out_and_told(url: str, tiny: str) -> None:
    with Hub(config(url)) as hub:
        answer = hub.text(f"huggingface:{tiny}").generate(QUESTION, top_k=3, **SURE)
    assert [notice.setting for notice in answer.notices] == ["top_k"]
    assert answer.text


def test_a_schema_that_the_server_ignores_is_found_out(url: str, tiny: str) -> None:
    """It takes ``response_format`` and does nothing with it: the answer is held against the type all the same."""
    with Hub(config(url)) as hub, pytest.raises(OutputInvalid):
        hub.text(f"huggingface:{tiny}").generate(QUESTION, output_type=Literal["雨", "晴れ"], **SURE)


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_is_not_there_is_an_error(url: str, stream: bool) -> None:
    with Hub(config(url)) as hub, pytest.raises(ProviderDown) as failed:
        client = hub.text("huggingface:org/nowhere")
        if stream:
            list(client.stream(QUESTION, retries=0))
        client.generate(QUESTION, retries=0)
    assert failed.value.status == 500


def test_a_client_that_leaves_stops_the_model(url: str, tiny: str) -> None:
    """AT-C5: the server computes one answer after another, so that one it goes on with keeps all others waiting."""
    with Hub(config(url)) as hub:
        client = hub.text(f"huggingface:{tiny}")
        events = client.stream(QUESTION, temperature=0, max_output_tokens=60_000)
        assert isinstance(next(iter(events)), TextDelta)
        events.close()
        started = time.monotonic()
        assert client.generate(QUESTION, **SURE).text
    assert time.monotonic() - started < 20, "60,000 tokens take minutes"


def test_what_is_loaded_is_listed(url: str, tiny: str) -> None:
    from modelhub_huggingface.endpoints.listing import listing
    from modelhub_huggingface.options import HuggingFaceOptions

    from modelhub.plugin import BlockingRuntime
    from modelhub.testing import drive

    with Hub(config(url)) as hub:
        hub.text(f"huggingface:{tiny}").generate(QUESTION, **SURE)
    runtime = BlockingRuntime()
    try:
        cards = drive(listing(HuggingFaceOptions(base_url=url), runtime))
    finally:
        runtime.close()
    assert f"huggingface:{tiny}" in [card.model for card in cards]
    assert {card.data for card in cards} == {"this machine"}


@pytest.mark.skipif(importlib.util.find_spec("python_multipart") is None, reason="pip install python-multipart")
@pytest.mark.skipif(importlib.util.find_spec("soundfile") is None, reason="pip install soundfile soxr")
def test_a_sound_is_written_down(url: str, folder: Path) -> None:
    name = recogniser(folder / "recogniser")
    with Hub(config(url, server="openai")) as hub:
        client = hub.transcription(f"huggingface:{name}")
        whole = client.transcribe(_sound())
        streamed = collect(client.stream(_sound()))
    assert whole.text
    assert whole.text == streamed.text


def _sound() -> bytes:
    """A second of a rising and falling noise, as WAV."""
    import struct

    samples = [((moment * 37) % 200 - 100) * 100 for moment in range(16_000)]
    data = struct.pack(f"<{len(samples)}h", *samples)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + len(data), b"WAVE") + form + struct.pack("<4sI", b"data", len(data)) + data
