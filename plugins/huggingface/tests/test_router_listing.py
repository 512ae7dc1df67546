"""What the router offers, as cards: a row for each provider that serves a model, with its price and what it can do there."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from modelhub_huggingface.listing import listing
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router.text import model
from scripted_router import ScriptedRouter

from modelhub import Hub
from modelhub.plugin import AnswerError, KeyRefused, ModelCard, Plain, Query
from modelhub.testing import FakeRuntime, Reply, drive

GROQ = "huggingface:openai/gpt-oss-20b:groq"


@pytest.fixture
def router(home: Path) -> Iterator[ScriptedRouter]:  # a machine that may ask
    with ScriptedRouter() as router:
        yield router


def cards(router: ScriptedRouter) -> dict[str, ModelCard]:
    with Hub({"providers": {"huggingface": router.options}}) as hub:
        return {card.model: card for card in hub.models("huggingface")}


def test_each_provider_that_serves_a_model_has_a_card(router: ScriptedRouter) -> None:
    found = cards(router)
    assert list(found) == [
        GROQ,
        "huggingface:openai/gpt-oss-20b:together",
        "huggingface:Qwen/Qwen2.5-VL-72B-Instruct:ovhcloud",
    ]
    card = found[GROQ]
    host = router.url.removeprefix("http://")
    assert card.price is not None
    assert (card.price.input, card.price.output) == (Decimal("0.1"), Decimal("0.5"))
    assert card.price.source == f"{router.url}/v1/models"
    assert card.capabilities == {"tools": True, "structured_output": True, "images": False, "audio": False}
    assert (card.context_window, card.kind, card.task) == (131_072, "text", "text-generation")
    assert (card.data, card.local, card.open_weights) == (f"{host}, then groq", False, True)
    assert card.description == "first token after 0.32 s, 99 tokens/s"
    assert card.url == "https://huggingface.co/openai/gpt-oss-20b"
    assert found["huggingface:openai/gpt-oss-20b:together"].capabilities["structured_output"] is False


def test_a_listed_name_is_one_that_can_be_asked(router: ScriptedRouter) -> None:
    with Hub({"providers": {"huggingface": router.options}}) as hub:
        for name in cards(router):
            by = name.rpartition(":")[2]
            assert hub.text(name).generate("東京").provider_metadata["inference_provider"] == by


def said(rows: Any) -> Reply:
    return Reply(json={"object": "list", "data": rows})


def test_what_a_router_leaves_out_is_unknown(router: ScriptedRouter) -> None:
    offers = [
        {"provider": "groq"},
        {"provider": "gone", "status": "error"},
        {"provider": "odd", "pricing": {"input": "free", "output": -1}, "context_length": "long", "throughput": None},
        {"no": "name"},
        7,
    ]
    router.on("/v1/models", said([{"id": "a/b", "providers": offers}, {"id": "c/d"}, {"x": 1}, 7]))
    found = cards(router)
    assert list(found) == ["huggingface:a/b:groq", "huggingface:a/b:odd"]
    for card in found.values():
        assert (card.price, card.context_window, card.capabilities, card.description) == (None, None, {}, "")


def test_a_picture_among_the_inputs_is_told(router: ScriptedRouter) -> None:
    row = {"id": "a/b", "architecture": {"input_modalities": ["text", "image"]}, "providers": [{"provider": "groq"}]}
    router.on("/v1/models", said([row]))
    (card,) = cards(router).values()
    assert (card.capabilities["images"], card.inputs, card.task) == (True, ("text", "image"), "image-text-to-text")


def test_anybody_may_ask_for_the_list(router: ScriptedRouter, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with Hub({"providers": {"huggingface": {"router_url": router.url}}}) as hub:
        assert len(hub.models("huggingface")) == 3
    assert "authorization" not in router.requests[0].headers


def test_what_is_no_list_is_none(router: ScriptedRouter) -> None:
    router.on("/v1/models", Reply(json={"data": "none"}))
    with pytest.raises(AnswerError, match="no list of models"):
        cards(router)
    router.on("/v1/models", Reply(401, json={"error": "Invalid credentials in Authorization header"}))
    with pytest.raises(KeyRefused):
        cards(router)


def test_models_in_this_process_are_not_asked_for_over_the_network() -> None:
    runtime = FakeRuntime()
    assert drive(listing(HuggingFaceOptions(engine="local"), runtime)) == ()
    assert not runtime.requests


def test_the_price_of_a_route_is_told_by_the_list_alone() -> None:
    """A model that is asked by its name costs what its provider charges: its card knows no price of its own."""
    assert model("openai/gpt-oss-20b", HuggingFaceOptions(api_key=Plain("hf_x"))).card.price is None


@pytest.mark.parametrize("said", ["variable", "option"])
def test_offline_the_router_is_not_asked_and_that_is_told(
    router: ScriptedRouter, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    if said == "variable":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    told = {**router.options, **({"offline": True} if said == "option" else {})}
    with Hub({"providers": {"huggingface": told}}) as hub:
        found = hub.models("huggingface")
    why = "HF_HUB_OFFLINE" if said == "variable" else "[providers.huggingface] offline"
    assert (list(found), router.requests) == ([], [])
    assert found.notes["huggingface"].startswith(f"the router was not asked ({why})")


def test_an_order_and_a_limit_alone_are_no_search_of_the_hub(router: ScriptedRouter) -> None:
    with Hub({"providers": {"huggingface": router.options}}) as hub:
        found = hub.models(Query(sort="price", limit=1), provider="huggingface")
    assert ([card.model for card in found], found.more) == ([GROQ], 2)
    assert router.paths == ["GET /v1/models"]
