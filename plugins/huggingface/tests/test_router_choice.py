"""Who is asked: the hub says who serves a model, the first that this version knows is taken; nothing is sent before that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from modelhub_huggingface.hub.site import Site
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.pipelines.image import image_card
from modelhub_huggingface.pipelines.text import TASKS, text_task
from modelhub_huggingface.pipelines.transcription import transcription_card
from modelhub_huggingface.router.choosing import choose
from modelhub_huggingface.router.embedding import model as embedder
from modelhub_huggingface.router.image import model as painter
from modelhub_huggingface.router.mapping import Mapped, Offer, ProviderMapping
from modelhub_huggingface.router.providers import PROVIDERS
from modelhub_huggingface.tasks import TASKS as ALL
from scripted_router import ScriptedRouter

from modelhub import AsyncHub, Hub
from modelhub.plugin import (
    AnswerError,
    EmbeddingRequest,
    HttpResponse,
    ImageRequest,
    Plain,
    Request,
    TimedOut,
    Timeouts,
    UnknownModel,
    Unsupported,
)
from modelhub.testing import Driven, FakeRuntime, Reply

PAINT = ("text-to-image",)
ASKED = ImageRequest(prompt="灯台")
FLUX = "black-forest-labs/FLUX.1-dev"


@pytest.fixture
def router() -> Iterator[ScriptedRouter]:
    with ScriptedRouter() as router:
        yield router


def options(router: ScriptedRouter, **more: Any) -> HuggingFaceOptions:
    own = {**router.options, **more}
    return HuggingFaceOptions(**{**own, "api_key": Plain(own["api_key"])})


def mapped(*offers: tuple[str, str] | tuple[str, str, str]) -> Mapped:
    return Mapped(offers=tuple(Offer(offer[0], "own/name", offer[1], *offer[2:]) for offer in offers))


def chosen(found: Mapped, wanted: str = "auto", tasks: Sequence[str] = PAINT) -> tuple[str, list[str]]:
    choice = choose(found, tasks, wanted, "huggingface:m")
    return choice.offer.by, [notice.message for notice in choice.notices]


def test_the_first_that_is_live_in_the_hubs_order_is_asked() -> None:
    found = mapped(("fal-ai", "text-to-image", "error"), ("together", "text-to-image"), ("nscale", "text-to-image"))
    assert chosen(found) == ("together", [])


def test_at_j2_a_provider_that_is_newer_than_this_version_is_passed_over_with_a_notice() -> None:
    by, notices = chosen(mapped(("newcorp", "text-to-image"), ("novelco", "text-to-image"), ("together", "text-to-image")))
    assert by == "together"
    assert [notice.split()[0] for notice in notices] == ["newcorp", "novelco"]


def test_one_that_is_not_live_is_asked_where_there_is_no_other_and_a_notice_says_so() -> None:
    by, notices = chosen(mapped(("fal-ai", "text-to-image", "staging")))
    assert by == "fal-ai"
    assert "as 'staging' and not as live" in notices[0]


def test_a_policy_of_chat_chooses_the_first_and_says_so() -> None:
    found = mapped(("together", "text-to-image"), ("fal-ai", "text-to-image"))
    assert chosen(found, "preferred") == ("together", [])
    by, (notice,) = chosen(found, "cheapest")
    assert by == "together"
    assert "'cheapest' is a policy of chat" in notice


def test_a_provider_that_is_named_is_asked() -> None:
    assert chosen(mapped(("together", "text-to-image"), ("fal-ai", "text-to-image")), "fal-ai")[0] == "fal-ai"


@pytest.mark.parametrize(
    ("found", "wanted", "says"),
    [
        (mapped(("together", "text-to-image"), ("fal-ai", "text-to-image")), "nscale", "These do: together, fal-ai."),
        (mapped(("together", "text-to-image")), "togehter", "Did you mean 'together'?"),
        (mapped(("together", "text-to-image")), "newcorp", "These do: together."),
        (mapped(("newcorp", "text-to-image")), "auto", "by newcorp alone, which this version does not know how to ask"),
        (mapped(("newcorp", "text-to-image")), "newcorp", "by newcorp alone, which this version does not know how to ask"),
        (mapped(("groq", "conversational")), "auto", "but for conversational (by groq)"),
        (mapped(), "auto", 'Run it on an endpoint of your own (base_url), or on this machine (engine = "local")'),
    ],
)
def test_at_j2_what_cannot_be_asked_says_who_can(found: Mapped, wanted: str, says: str) -> None:
    with pytest.raises(Unsupported) as refused:
        chosen(found, wanted)
    assert says in refused.value.message


def test_models_of_sentences_serve_for_vectors_and_for_order_where_their_pipelines_run() -> None:
    found = mapped(("together", "sentence-similarity"), ("hf-inference", "sentence-similarity"))
    assert chosen(found, tasks=("feature-extraction",))[0] == "hf-inference"
    assert chosen(mapped(("hf-inference", "feature-extraction")), tasks=("sentence-similarity",))[0] == "hf-inference"


ROW = {"status": "live", "providerId": "own/name", "task": "text-to-image", "adapterWeightsPath": "w.safetensors"}


@pytest.mark.parametrize(
    "rows",
    [{"fal-ai": ROW, "odd": 7}, [{"provider": "fal-ai", **ROW}, {"provider": "odd"}, 7]],
    ids=["an object", "a list"],
)
def test_the_hub_tells_it_in_two_forms(rows: Any) -> None:
    said = json.dumps({"id": "m", "pipeline_tag": "text-to-image", "inferenceProviderMapping": rows}).encode()
    found = ProviderMapping(Site("huggingface", "https://huggingface.co"), "m").parse(HttpResponse(200, body=said))
    assert (found.task, found.offers) == (
        "text-to-image",
        (Offer("fal-ai", "own/name", "text-to-image", "live", "w.safetensors"),),
    )


def test_what_is_no_description_of_a_model_is_not_taken_for_one() -> None:
    mapping = ProviderMapping(Site("huggingface", "https://huggingface.co"), "m")
    with pytest.raises(AnswerError):
        mapping.parse(HttpResponse(200, body=b"[]"))
    request = mapping.build(Request(), stream=False)
    assert request.url == "https://huggingface.co/api/models/m?expand=inferenceProviderMapping&expand=pipeline_tag"


def test_at_j2_a_task_that_nobody_serves_fails_before_any_request_that_costs(router: ScriptedRouter, runtime: Driven) -> None:
    asked = painter(FLUX, options(router))
    with pytest.raises(Unsupported, match="not served for image-to-image") as refused:
        runtime.call(asked, ImageRequest(operation="edit", images=(), prompt="夜"))
    assert refused.value.feature == "image-to-image"
    assert [received.method for received in router.requests] == ["GET"]


def test_the_hub_is_asked_once_for_many_calls(router: ScriptedRouter, runtime: Driven) -> None:
    asked = painter(FLUX, options(router))
    for _ in range(3):
        runtime.call(asked, ASKED)
    assert [received.method for received in router.requests] == ["GET", "POST", "POST", "POST"]


def test_the_hub_is_asked_once_however_many_ask_at_the_same_time(router: ScriptedRouter) -> None:
    path = f"/api/models/{FLUX}?expand=inferenceProviderMapping&expand=pipeline_tag"
    router.on(path, lambda received: replace(router.answer(received), delay=0.1))

    async def together() -> None:
        async with AsyncHub({"providers": {"huggingface": router.options}}) as hub:
            painter = hub.image(f"huggingface:{FLUX}")
            await asyncio.gather(*(painter.generate("灯台") for _ in range(20)))

    asyncio.run(together())
    with Hub({"providers": {"huggingface": router.options}}) as hub, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: hub.image(f"huggingface:{FLUX}").generate("灯台"), range(8)))
    methods = [received.method for received in router.requests]
    assert (methods.count("GET"), methods.count("POST")) == (2, 28)


def test_where_the_one_who_asks_is_called_away_the_next_one_asks(router: ScriptedRouter) -> None:
    path = f"/api/models/{FLUX}?expand=inferenceProviderMapping&expand=pipeline_tag"
    router.on(path, Reply(fault="stall", at="headers"), router.answer)

    async def together() -> Any:
        async with AsyncHub({"providers": {"huggingface": router.options}}) as hub:
            painter = hub.image(f"huggingface:{FLUX}")
            first = asyncio.create_task(painter.generate("灯台"))
            while not router.requests:  # noqa: ASYNC110  # the server has no loop
                await asyncio.sleep(0.01)
            second = asyncio.create_task(painter.generate("灯台"))
            await asyncio.sleep(0.1)
            first.cancel()
            return await second

    assert asyncio.run(together()).provider_metadata["inference_provider"] == "together"


def test_one_who_waits_for_another_waits_no_longer_than_for_the_hub(router: ScriptedRouter) -> None:
    path = f"/api/models/{FLUX}?expand=inferenceProviderMapping&expand=pipeline_tag"
    router.on(path, lambda received: replace(router.answer(received), delay=0.5))

    async def together() -> list[Any]:
        async with AsyncHub({"providers": {"huggingface": router.options}}) as hub:
            painter = hub.image(f"huggingface:{FLUX}")
            hurried = painter.generate("灯台", timeouts=Timeouts(total=0.2), retries=0)
            return await asyncio.gather(painter.generate("灯台"), hurried, return_exceptions=True)

    patient, hurried = asyncio.run(together())
    assert patient.provider_metadata["inference_provider"] == "together"
    assert isinstance(hurried, TimedOut)


def test_the_hub_is_asked_again_after_a_while(router: ScriptedRouter) -> None:
    """The clock is the runtime's own, so that the test need not wait for it."""
    row = {"status": "live", "providerId": "bge", "task": "feature-extraction"}
    told = HttpResponse(200, body=json.dumps({"inferenceProviderMapping": {"scaleway": row}}).encode())
    vectors = HttpResponse(200, body=b'{"data": [{"index": 0, "embedding": [1.0]}]}')
    runtime = FakeRuntime(lambda request: told if request.method == "GET" else vectors)
    asked = embedder("BAAI/bge-m3", options(router))
    for passed in (0, 500, 200):
        runtime.clock += passed
        Driven(runtime).call(asked, EmbeddingRequest(inputs=("東京",)))
    assert [request.method for request in runtime.requests] == ["GET", "POST", "POST", "GET", "POST"]


def test_a_provider_that_no_longer_knows_the_model_is_found_out(router: ScriptedRouter, runtime: Driven) -> None:
    gone = Reply(404, json={"error": {"message": "The model FLUX.1-dev does not exist", "code": "model_not_found"}})
    router.on("/together/v1/images/generations", gone, router.answer)
    asked = painter(FLUX, options(router))
    with pytest.raises(UnknownModel):
        runtime.call(asked, ASKED)
    runtime.call(asked, ASKED)
    assert [received.method for received in router.requests] == ["GET", "POST", "GET", "POST"]


def test_at_j2_who_served_and_what_was_passed_over_are_on_the_answer(router: ScriptedRouter) -> None:
    with Hub({"providers": {"huggingface": {**router.options, "bill_to": "acme"}}}) as hub:
        answer = hub.image("huggingface:stable-diffusion-v1-5/stable-diffusion-v1-5").generate("灯台")
    assert answer.provider_metadata["inference_provider"] == "hf-inference"
    assert answer.provider_metadata["bill_to"] == "acme"
    assert [notice.setting for notice in answer.notices] == ["inference_provider"]
    assert "newcorp" in answer.notices[0].message
    assert router.requests[-1].headers["x-hf-bill-to"] == "acme"


def test_a_model_that_the_hub_does_not_have_is_unknown(router: ScriptedRouter, runtime: Driven) -> None:
    with pytest.raises(UnknownModel, match="The hub has no model acme/nothing"):
        runtime.call(painter("acme/nothing", options(router)), ASKED)


def test_the_time_that_finding_takes_is_part_of_the_calls(router: ScriptedRouter, runtime: Driven) -> None:
    router.on(f"/api/models/{FLUX}?expand=inferenceProviderMapping&expand=pipeline_tag", Reply(delay=0.5, json={}))
    with pytest.raises(TimedOut):
        runtime.call(painter(FLUX, options(router)), ImageRequest(prompt="灯台", timeouts=Timeouts(total=0.2)))
    assert [received.method for received in router.requests] == ["GET"], "nothing was paid for"


def test_the_rows_of_pipelines_say_what_the_pipelines_themselves_do() -> None:
    rows = PROVIDERS["hf-inference"]
    for task in TASKS:
        form = text_task(task, specified=True)
        assert frozenset(rows[task].settings) - {"top_n"} == form.settings, task
        assert set(rows[task].abilities) == {name for name, had in form.capabilities.items() if had}, task
    for task in ("text-to-image", "image-to-image"):
        card = image_card(task)  # type: ignore[arg-type]
        assert frozenset(rows[task].settings) == card["settings"], task
        assert set(rows[task].abilities) == {name for name, had in card["capabilities"].items() if had}, task
    card = transcription_card(specified=True)
    assert frozenset(rows["automatic-speech-recognition"].settings) == card["settings"]
    abilities = rows["automatic-speech-recognition"].abilities
    assert set(abilities) == {name for name, had in card["capabilities"].items() if had}


def test_every_row_leads_to_what_makes_a_model() -> None:
    for by, tasks in PROVIDERS.items():
        for task, form in tasks.items():
            module, _, name = form.home.partition(":")
            for kind in [name] if name else ALL[task].kinds:
                made = getattr(import_module(f"modelhub_huggingface.router.{module}"), kind)
                assert callable(made), (by, task)
