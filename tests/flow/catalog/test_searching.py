"""One catalog through both hubs: cards, files, hubs and servers looked through with one query."""

from __future__ import annotations

import json
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest
from catalog_calls import BART, Manner

import modelhub
from modelhub import Hub, Query
from modelhub.testing import FaultServer


def names(found: Any) -> list[str]:
    return [card.model for card in found]


def test_without_a_query_nothing_is_asked_and_no_file_is_read(hub: Manner, depot: FaultServer) -> None:
    assert names(hub.ask("models")) == ["depot:org/written"]
    assert depot.requests == []


def test_a_card_that_lies_beside_a_plugin_may_say_everything(hub: Manner) -> None:
    (card,) = hub.ask("models")
    assert (card.base_model, card.metrics[0].value, str(card.price.output)) == (("org/base",), 31.5, "0.40")


def test_a_query_looks_at_cards_and_files_alike_and_asks_no_server(hub: Manner, depot: FaultServer) -> None:
    assert names(hub.ask("models", Query(language="ja"))) == ["depot:org/written", "depot:small"]
    assert names(hub.ask("models", Query(search="モデル", local=True))) == ["depot:small"]
    assert names(hub.ask("models", Query(licence="apache-2.0", open_weights=True))) == ["depot:small"]
    assert depot.requests == []


def test_a_provider_that_is_named_searches_with_the_query(hub: Manner, depot: FaultServer) -> None:
    query = Query(task="summarization", search="bart large", licence="Apache-2.0", sort="downloads", limit=7)
    found = hub.ask("models", query, provider="depot")
    assert [request.path for request in depot.requests] == [
        "/search?search=bart%20large&task=summarization&licence=Apache-2.0&limit=7"
    ]
    assert names(found) == ["depot:facebook/bart-large-cnn"]
    assert (found.left_out, found.unknown) == (1, {"licence": 1}), "T5 is a summarizer whose licence nobody told"


def test_who_searched_by_words_knows_more_than_the_card(hub: Manner) -> None:
    """The depot finds T5 by words of its page; a file on this machine is found by its own card alone."""
    assert names(hub.ask("models", Query(search="colossal"), provider="depot"))[0] == "depot:google-t5/t5-small"
    assert names(hub.ask("models", Query(search="colossal"))) == []


def test_the_order_and_the_limit_hold_over_all_sources(hub: Manner) -> None:
    found = hub.ask("models", Query(sort="downloads", limit=2), provider="depot")
    assert names(found) == ["depot:google-t5/t5-small", "depot:facebook/bart-large-cnn"]
    assert found.more == 3


def test_a_provider_that_is_named_lists_without_a_query(hub: Manner, depot: FaultServer) -> None:
    assert names(hub.ask("models", "counter")) == names(hub.ask("models", provider="counter")) == ["counter:special"]
    assert names(hub.ask("models", Query(search="おすすめ"), provider="counter")) == ["counter:special"]
    assert {request.path for request in depot.requests} == {"/models"}
    assert len(hub.ask("models", "depot")) == 5, "a hub that has no list shows what it finds first"


def test_everywhere_asks_all_and_one_that_fails_stops_no_other(hub: Manner) -> None:
    found = hub.ask("models", Query(licence="apache-2.0"), everywhere=True)
    assert set(names(found)) == {
        "counter:special",
        "depot:facebook/bart-large-cnn",
        "depot:openai-community/gpt2",
        "depot:small",
    }
    assert list(found.failures) == ["grumpy"]
    assert isinstance(found.failures["grumpy"], modelhub.PluginBroken)
    assert "depot.search:broken failed: KeyError: '灯台'" in found.failures["grumpy"].message


def test_a_provider_that_fails_shows_no_key(hub: Manner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRUMPY_KEY", "a-key-that-is-seen-nowhere")
    hub.config["providers"]["grumpy"] = {"key": {"env": "GRUMPY_KEY"}}
    error = hub.ask("models", Query(), everywhere=True).failures["grumpy"]
    assert "KeyError" in error.message
    assert "seen-nowhere" not in repr(error) + "".join(traceback.format_exception(error))


def test_a_server_that_is_away_is_told_and_files_are_found_nevertheless(hub: Manner, depot: FaultServer) -> None:
    depot.close()
    found = hub.ask("models", Query(licence="apache-2.0"), everywhere=True)
    assert names(found) == ["depot:small"]
    assert {name: type(error) for name, error in found.failures.items()} == {
        "counter": modelhub.Unreachable,
        "depot": modelhub.Unreachable,
        "grumpy": modelhub.PluginBroken,
    }


def test_a_provider_that_is_named_and_fails_raises(hub: Manner, depot: FaultServer) -> None:
    depot.close()
    with pytest.raises(modelhub.Unreachable):
        hub.ask("models", Query(), provider="depot")
    with pytest.raises(modelhub.PluginMissing, match="Did you mean 'depot'"):
        hub.ask("models", Query(), provider="depott")


def test_a_shelf_that_is_not_there_is_told(hub: Manner, tmp_path: Path) -> None:
    hub.config["providers"]["depot"]["shelf"] = str(tmp_path / "gone")
    found = hub.ask("models", Query(kind="text"))
    assert names(found) == ["depot:org/written"]
    assert "There is no shelf" in found.failures["depot"].message


def test_aliases_are_found_with_what_the_configuration_says_of_them(hub: Manner) -> None:
    price = {"input": "0.2", "output": "0.3"}
    hub.config["models"] = {
        "writer": {"model": "depot:org/written", "context_window": 100, "price": price},
        "gone": {"model": "depot:gone"},
    }
    hub.config["prices"] = {"depot:org/written": {"output": "9"}}
    assert names(hub.ask("models", Query(max_price=0.3))) == ["writer"]
    assert names(hub.ask("models", Query(max_price=9))) == ["writer", "depot:org/written"]
    assert "writer" not in names(hub.ask("models", Query(min_context=101)))
    assert "There is no depot:gone" in next(card for card in hub.ask("models") if card.model == "gone").description


def test_one_model_of_two_sources_is_one_card_with_what_both_know(hub: Manner, tmp_path: Path) -> None:
    """The list does not say where its model runs: the file does."""
    said = {"model": "depot:org/written", "memory_bytes": 5}
    (tmp_path / "棚" / "twin.depot").write_text(json.dumps(said), encoding="utf-8")
    (card,) = hub.ask("models", Query(search="書かれた", local=True))
    assert (card.memory_bytes, card.licence, card.languages) == (5, "MIT", ("ja", "en"))


def test_a_model_that_lies_here_and_is_served_elsewhere_is_found_either_way(hub: Manner, tmp_path: Path) -> None:
    (tmp_path / "棚" / "twin.depot").write_text(json.dumps({"model": BART["model"], "memory_bytes": 5}), encoding="utf-8")
    for local, memory in ((True, 5), (False, None)):
        found = hub.ask("models", Query(search="bart", local=local), provider="depot")
        assert [card.memory_bytes for card in found if card.model == BART["model"]] == [memory]


def test_what_models_are_asked_for_with_has_to_be_a_query(hub: Manner) -> None:
    with pytest.raises(modelhub.InvalidRequest, match="with a Query, or listed by a provider's name"):
        hub.ask("models", {"task": "summarization"})
    with pytest.raises(modelhub.InvalidRequest, match="Two providers are named"):
        hub.ask("models", "depot", provider="counter")


def test_what_was_found_survives_pickling(tables: dict[str, Any]) -> None:
    with Hub({"providers": tables}) as hub:
        found = hub.models(Query(min_context=10))
    again = pickle.loads(pickle.dumps(found))
    assert (again, again.left_out, again.unknown) == (found, 1, {"min_context": 1})
    assert found == tuple(found)
