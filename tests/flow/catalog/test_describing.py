"""All that is known of one model, whatever it is named by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from catalog_calls import Manner

import modelhub
from modelhub.testing import FaultServer


def test_a_hub_describes_its_model_and_the_plugin_adds_what_it_honours(hub: Manner, depot: FaultServer) -> None:
    card = hub.ask("card", "depot:facebook/bart-large-cnn")
    assert (card.task, card.family, card.base_model, card.revision) == (
        "summarization",
        "encoder-decoder",
        ("facebook/bart-large",),
        "abc",
    )
    assert card.settings == {"temperature"}
    assert (card.inputs, card.outputs) == (("text",), ("text",))
    assert [request.path for request in depot.requests] == ["/models/facebook/bart-large-cnn"]


def test_an_alias_is_described_as_its_model_and_as_configured(hub: Manner) -> None:
    hub.config["models"] = {"要約": {"model": "depot:facebook/bart-large-cnn", "context_window": 900, "price": {"output": "1"}}}
    card = hub.ask("card", "要約")
    assert (card.model, card.context_window, str(card.price.output)) == ("要約", 900, "1")
    assert card.description == "alias of depot:facebook/bart-large-cnn."


def test_the_prices_of_the_configuration_hold_for_an_id(hub: Manner) -> None:
    hub.config["prices"] = {"depot:facebook/bart-large-cnn": {"output": "2"}}
    assert str(hub.ask("card", "depot:facebook/bart-large-cnn").price.output) == "2"


def test_a_file_is_described_by_its_path(hub: Manner, depot: FaultServer) -> None:
    card = hub.ask("card", "./棚/small.depot")
    assert (card.model, card.title, card.data, card.open_weights) == (
        "depot:./棚/small.depot",
        "棚のモデル",
        "this machine",
        True,
    )
    assert depot.requests == []


def test_a_list_tells_what_a_provider_does_not_describe(hub: Manner) -> None:
    card = hub.ask("card", "counter:special")
    assert (card.title, card.licence, card.settings) == ("本日のおすすめ", "Apache-2.0", {"temperature"})


def test_without_its_server_a_model_is_what_the_plugin_knows(hub: Manner, depot: FaultServer) -> None:
    depot.close()
    assert hub.ask("card", "counter:special").title == ""
    with pytest.raises(modelhub.Unreachable):
        hub.ask("card", "depot:facebook/bart-large-cnn")


@pytest.mark.parametrize(
    ("name", "error", "told"),
    [
        ("depot:no/such", modelhub.UnknownModel, "no such model"),
        ("counter:gone", modelhub.UnknownModel, "There is no counter:gone"),
        ("nobody", modelhub.UnknownAlias, "there is no alias 'nobody'"),
        ("./gone.depot", modelhub.InvalidRequest, r"There is no file \./gone\.depot"),
        ("org/gone", modelhub.InvalidRequest, r"no file org/gone\. If a model of a hub is meant: depot:org/gone\.$"),
        ("棚/gone.depot", modelhub.InvalidRequest, r"no file 棚/gone\.depot\. If"),
        ("some/longer/gone", modelhub.InvalidRequest, r"no file some/longer/gone\.$"),
        ("棚", modelhub.InvalidRequest, "is a folder: ask with its provider"),
        ("depott:x", modelhub.PluginMissing, "Did you mean 'depot'"),
        (7, modelhub.InvalidRequest, "not by 7"),
    ],
)
def test_a_model_that_is_not_there_is_told(hub: Manner, name: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        hub.ask("card", name)


def test_a_file_that_nobody_runs_is_told(hub: Manner, tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"\0")
    with pytest.raises(modelhub.PluginMissing, match=r"The installed ones run \.depot"):
        hub.ask("card", "a.onnx")
