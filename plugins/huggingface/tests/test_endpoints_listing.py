"""What an endpoint runs, as cards: TGI and TEI tell of themselves, an OpenAI-like server lists, a plain one tells nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from modelhub_huggingface.endpoints.listing import listing
from modelhub_huggingface.options import HuggingFaceOptions
from scripted_endpoint import ScriptedEndpoint

from modelhub import Hub
from modelhub.plugin import AnswerError, KeyRefused, ModelCard, Query, UnknownModel
from modelhub.testing import Driven, FaultServer, Reply


def listed(runtime: Driven, url: str, **options: Any) -> tuple[ModelCard, ...]:
    asked = listing(HuggingFaceOptions(base_url=url, **options), runtime.runtime)
    if runtime.loop is not None:
        return runtime.loop.run(asked)
    from modelhub.testing import drive

    return drive(asked)


@pytest.mark.parametrize("server", ["tgi", None])
def test_tgi_tells_its_model_and_its_window(runtime: Driven, server: Any) -> None:
    with ScriptedEndpoint("tgi") as endpoint:
        (card,) = listed(runtime, endpoint.url, server=server)
    assert (card.model, card.kind, card.task) == ("huggingface:org/tiny", "text", "text-generation")
    assert (card.context_window, card.limits) == (2048, {"input_tokens": 2047})
    assert (card.revision, card.local, card.data, card.open_weights) == ("abc123", True, "this machine", True)
    assert card.url == "https://huggingface.co/org/tiny"
    assert card.settings is not None
    assert "seed" in card.settings


@pytest.mark.parametrize(
    ("task", "kind"), [("feature-extraction", "embedding"), ("text-ranking", "reranking"), ("text-classification", "text")]
)
@pytest.mark.parametrize("server", ["tei", None])
def test_tei_tells_what_it_is_and_its_limits(runtime: Driven, task: str, kind: str, server: Any) -> None:
    with ScriptedEndpoint("tei", task, window=512, batch=16) as endpoint:
        (card,) = listed(runtime, endpoint.url, server=server)
    assert (card.model, card.kind, card.task, card.family) == ("huggingface:org/tiny", kind, task, "encoder")
    assert card.limits == {"input_tokens": 512, "batch_tokens": 16_384}
    assert card.max_batch == (16 if kind == "embedding" else None)
    assert (card.quantization, card.revision) == ("float16", "abc123")


@pytest.mark.parametrize("server", ["openai", None])
def test_an_openai_like_server_lists_its_models(runtime: Driven, server: Any) -> None:
    with ScriptedEndpoint("openai") as endpoint:
        (card,) = listed(runtime, endpoint.url, server=server)
    assert (card.model, card.kind, card.context_window) == ("huggingface:org/tiny", "text", 2048)
    assert (card.local, card.open_weights) == (True, True)


def test_a_plain_one_tells_nothing_and_is_asked_nothing(runtime: Driven) -> None:
    with ScriptedEndpoint("plain") as endpoint:
        assert listed(runtime, endpoint.url, server="plain") == ()
        assert not endpoint.requests


@pytest.mark.parametrize(
    ("reply", "server", "kind"),
    [
        (Reply(404), "tgi", UnknownModel),
        (Reply(json=[]), "tei", AnswerError),
        (Reply(json={"model": "x"}), "tgi", AnswerError),
        (Reply(401), None, KeyRefused),
    ],
)
def test_a_server_that_does_not_answer_so_is_an_error(runtime: Driven, reply: Reply, server: Any, kind: type) -> None:
    with FaultServer(reply) as faulty, pytest.raises(kind):
        listed(runtime, faulty.url, server=server)


@pytest.mark.parametrize(
    "told",
    [{}, {"model_type": None}, {"model_type": "reranker"}, {"max_total_tokens": "many"}, {"max_input_length": 0, "new": {}}],
)
def test_at_e3_what_a_server_leaves_out_is_unknown(runtime: Driven, told: dict[str, Any]) -> None:
    with FaultServer(Reply(json={"model_id": "org/tiny", **told})) as server:
        (card,) = listed(runtime, server.url, server="tei")
    assert (card.context_window, card.limits, card.revision) == (None, {}, None)
    assert card.kind == (
        "reranking" if told.get("model_type") == "reranker" else "text" if "max_total_tokens" in told else "embedding"
    )


def test_a_search_at_an_endpoint_looks_through_what_it_runs_and_not_through_the_hub(home: Path) -> None:
    """The hub's other models cannot be asked there, so that none of them has its data at the endpoint."""
    with ScriptedEndpoint("tgi") as endpoint, FaultServer(Reply(json=[{"id": "org/other"}])) as elsewhere:
        told = {"base_url": endpoint.url, "hub_url": elsewhere.url}
        with Hub({"providers": {"huggingface": told}}) as hub:

            def names(**query: Any) -> list[str]:
                return [card.model for card in hub.models(Query(**query), provider="huggingface")]

            assert names(task="text-generation") == ["huggingface:org/tiny"]
            assert names(search="TINY", kind="text") == ["huggingface:org/tiny"]
            assert names(task="summarization") == names(search="other") == []
    assert elsewhere.requests == []
