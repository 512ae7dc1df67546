"""The three addresses of the options: each is checked alike, and a password in one is seen nowhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from modelhub_huggingface import models
from modelhub_huggingface.addresses import host
from modelhub_huggingface.options import HuggingFaceOptions
from scripted_router import ScriptedRouter

import modelhub
from modelhub.plugin import ConfigError, KeyMissing

KINDS = ("text", "embedding", "image", "speech", "transcription", "reranking")


@pytest.mark.parametrize("place", ["base_url", "router_url", "hub_url"])
@pytest.mark.parametrize(
    "address",
    [
        "ftp://me:s3cret@example.com",
        "https://",
        "https://[::1",
        "https://host:port/x",
        "https://host:0",
        "https://two words",
        "https://host/x?key=s3cret",
        "https://host/x#s3cret",
        "models.example.com",
    ],
)
def test_an_address_that_is_none_is_said_with_its_place_whichever_it_is(place: str, address: str) -> None:
    given: dict[str, Any] = {place: address}
    with pytest.raises(ConfigError) as wrong:
        models.text("org/model", HuggingFaceOptions(**given))
    assert wrong.value.message.startswith(f"[providers.huggingface] {place} is ")
    assert "s3cret" not in wrong.value.message


def test_a_hub_that_the_environment_names_wrongly_is_said_to_be_named_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HF_ENDPOINT", "hub.example.com")
    with pytest.raises(ConfigError, match=r"HF_ENDPOINT is 'hub\.example\.com'"):
        models.text("org/model", HuggingFaceOptions())


def test_a_mistake_in_the_hubs_address_is_told_of_an_endpoint_too(home: Path) -> None:
    told = {"base_url": "http://127.0.0.1:9", "hub_url": "hub.example.com"}
    with modelhub.Hub({"providers": {"huggingface": told}}) as hub, pytest.raises(ConfigError, match="hub_url is"):
        hub.card("huggingface:org/model")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["base_url", "router_url"])
def test_a_model_shows_no_password_of_an_address(kind: str, place: str) -> None:
    addresses: dict[str, Any] = {
        place: "https://me:s3cret@example.com",
        "hub_url": "https://me:s3cret@hub.example.com",
        "proxy": "http://me:s3cret@proxy.example.com",
    }
    model = getattr(models, kind)("org/model", HuggingFaceOptions(**addresses))
    assert "s3cret" not in f"{model!r} {model.card!r} {HuggingFaceOptions(**addresses)!r}"


def test_a_listing_shows_no_password_of_the_router(home: Path) -> None:
    with ScriptedRouter() as router:
        told = {"router_url": router.url.replace("http://", "http://me:s3cret@"), "hub_url": router.url}
        with modelhub.Hub({"providers": {"huggingface": told}}) as hub:
            found = hub.models(provider="huggingface")
            assert found[0].price.source == f"{router.url}/v1/models"
            assert "s3cret" not in repr(found)
            assert hub.text("huggingface:org/model").card.data.startswith(host(router.url))
            with pytest.raises(KeyMissing) as missing:
                hub.text("huggingface:org/model").generate("東京")
    assert "s3cret" not in str(missing.value)


@pytest.mark.parametrize(
    ("url", "named"),
    [("https://me:p/ss@host:8/x", "host:8"), ("https://host", "host"), ("https://[::1", "[::1"), ("host", ""), ("", "")],
)
def test_the_host_of_an_address_is_without_its_user(url: str, named: str) -> None:
    assert host(url) == named
