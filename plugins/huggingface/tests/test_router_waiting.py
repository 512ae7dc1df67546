"""AT-J1 at the router: a cold model is waited for, three requests at most, never past a limit, never twice over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from scripted_router import PNG, WAV, ScriptedRouter

from modelhub import AsyncHub, Hub
from modelhub.plugin import Finished, ModelLoading, Timeouts

NAME = "openai/gpt-oss-20b"
SUMMARY, PAINTER = "facebook/bart-large-cnn", "stable-diffusion-v1-5/stable-diffusion-v1-5"
VECTORS = "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"
VOICE, EAR = "facebook/mms-tts-eng", "openai/whisper-tiny"
FOR_EVER = 99


def config(router: ScriptedRouter, **more: Any) -> dict[str, Any]:
    return {"providers": {"huggingface": {**router.options, "inference_provider": "hf-inference", **more}}}


def posts(router: ScriptedRouter) -> int:
    """Requests to the model itself."""
    return sum(received.method == "POST" for received in router.requests)


ASKED = {
    "text": (SUMMARY, lambda hub, model: hub.text(model).generate("灯台は閉まっています。The end.")),
    "embedding": (VECTORS, lambda hub, model: hub.embedding(model).embed(["東京"])),
    "image": (PAINTER, lambda hub, model: hub.image(model).generate("灯台")),
    "speech": (VOICE, lambda hub, model: hub.speech(model).speak("灯台")),
    "transcription": (EAR, lambda hub, model: hub.transcription(model).transcribe(WAV)),
    "reranking": (VECTORS, lambda hub, model: hub.reranking(model).rank("雨", ["東京は雨です。", "パン"])),
}


@pytest.mark.parametrize("kind", ASKED)
def test_at_j1_a_cold_model_of_any_kind_is_waited_for(kind: str) -> None:
    name, ask = ASKED[kind]
    with (
        ScriptedRouter(cold={name: 1}) as router,
        Hub(config(router, **({"task": "summarization"} if kind == "text" else {}))) as hub,
    ):
        answer = ask(hub, f"huggingface:{name}")
        assert "cold_start" in [notice.setting for notice in answer.notices]
        assert posts(router) == 2
        errors = [type(attempt.error) for attempt in answer.attempts]
        assert errors == [ModelLoading, type(None)]


def test_at_j1_a_cold_chat_model_is_waited_for_whole_and_streamed() -> None:
    for streamed in (False, True):
        with ScriptedRouter(cold={NAME: 2}) as router, Hub({"providers": {"huggingface": router.options}}) as hub:
            asked = hub.text(f"huggingface:{NAME}")
            if streamed:
                (answer,) = [event.response for event in asked.stream("東京") if isinstance(event, Finished)]
            else:
                answer = asked.generate("東京")
            assert answer.text == "You said: 東京 👩‍🚀"
            assert len(router.requests) == 3


def test_at_j1_three_requests_are_all_and_nobody_above_asks_again() -> None:
    """The hub's own retries do not multiply them."""
    with ScriptedRouter(cold={NAME: FOR_EVER}) as router, Hub({"providers": {"huggingface": router.options}}) as hub:
        with pytest.raises(ModelLoading) as cold:
            hub.text(f"huggingface:{NAME}").generate("東京")
        assert len(router.requests) == 3
        assert cold.value.retry_after == 0.05
        assert "Its provider estimates 0.05 s more" in cold.value.message


def test_at_j1_a_model_that_is_cold_for_ever_stops_at_the_deadline() -> None:
    with (
        ScriptedRouter(cold={NAME: FOR_EVER}, estimate=0.4) as router,
        Hub({"providers": {"huggingface": router.options}}) as hub,
    ):
        started = time.monotonic()
        with pytest.raises(ModelLoading) as cold:
            hub.text(f"huggingface:{NAME}").generate("東京", timeouts=Timeouts(total=0.6))
        assert time.monotonic() - started < 3
        assert cold.value.retry_after == 0.4
        assert len(router.requests) <= 2


def test_at_j1_no_more_than_cold_start_is_waited() -> None:
    with ScriptedRouter(cold={NAME: FOR_EVER}, estimate=30) as router:
        config = {"providers": {"huggingface": {**router.options, "cold_start": 0.2}}}
        with Hub(config) as hub:
            started = time.monotonic()
            with pytest.raises(ModelLoading):
                hub.text(f"huggingface:{NAME}").generate("東京")
            assert time.monotonic() - started < 10
            assert len(router.requests) == 2


def test_at_j1_a_cold_start_of_nothing_raises_at_once() -> None:
    with ScriptedRouter(cold={NAME: FOR_EVER}) as router:
        with Hub({"providers": {"huggingface": {**router.options, "cold_start": 0}}}) as hub, pytest.raises(ModelLoading):
            hub.text(f"huggingface:{NAME}").generate("東京")
        assert len(router.requests) == 1


def test_at_j1_progress_is_told() -> None:
    told: list[float] = []
    with ScriptedRouter(cold={PAINTER: 2}) as router, Hub(config(router)) as hub:
        hub.image(f"huggingface:{PAINTER}").generate(
            "灯台", extra={"huggingface": {"on_loading": lambda seconds, error: told.append(error.retry_after)}}
        )
        assert told == [0.05, 0.05]
        assert all("on_loading" not in received.body.decode() for received in router.requests)


def test_at_j1_the_next_model_answers_for_one_that_stays_cold() -> None:
    with ScriptedRouter(cold={SUMMARY: FOR_EVER}) as router:
        models = {
            "m": {"model": f"huggingface:{SUMMARY}", "options": {"task": "summarization"}, "fallback": [f"huggingface:{NAME}"]}
        }
        with Hub({"providers": {"huggingface": router.options}, "models": models}) as hub:
            answer = hub.text("m").generate("東京")
        assert answer.text == "You said: 東京 👩‍🚀"
        assert [type(attempt.error) for attempt in answer.attempts][-1] is type(None)


@pytest.fixture
def cold() -> Iterator[ScriptedRouter]:
    with ScriptedRouter(cold={PAINTER: 1}) as router:
        yield router


async def _painted(router: ScriptedRouter) -> Any:
    async with AsyncHub(config(router)) as hub:
        return await hub.image(f"huggingface:{PAINTER}").generate("灯台")


def test_at_j1_a_cold_model_is_waited_for_beside_an_event_loop(cold: ScriptedRouter) -> None:
    import asyncio

    answer = asyncio.run(_painted(cold))
    assert answer.bytes() == PNG
    assert posts(cold) == 2
