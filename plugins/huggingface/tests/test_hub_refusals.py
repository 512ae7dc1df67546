"""What the hub refuses comes out typed and says what to do, and its token goes to the hub alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hub_room import asker, both_manners
from hub_shelf import HubModel
from modelhub_huggingface.hub.describe import describe
from modelhub_huggingface.options import HuggingFaceOptions
from scripted_hub import ScriptedHub

import modelhub
from modelhub.plugin import AnswerError, KeyRefused, RateLimited, UnknownModel, drive
from modelhub.testing import FakeRuntime, FaultServer, Reply

GATED = "huggingface:meta-llama/Llama-3.3-70B-Instruct"


@both_manners
def test_a_model_that_is_not_there_is_unknown_though_the_hub_says_401(hub: ScriptedHub, manner: str) -> None:
    with asker(manner, hub.url) as room, pytest.raises(UnknownModel, match="no model some/nothing") as caught:
        room.card("huggingface:some/nothing")
    assert (caught.value.status, caught.value.code) == (401, "RepoNotFound")
    assert "set HF_TOKEN to a token that has access" in caught.value.message
    with (
        asker(manner, hub.url, api_key="hf_other") as room,
        pytest.raises(UnknownModel, match="its token has no access") as caught,
    ):
        room.card("huggingface:acme/secret-summariser")
    assert (caught.value.status, caught.value.provider, caught.value.model) == (404, "huggingface", "acme/secret-summariser")


@both_manners
def test_a_token_that_is_none_is_refused_and_says_where_to_make_one(hub: ScriptedHub, manner: str) -> None:
    with asker(manner, hub.url, api_key="hf_wrong_token_123456") as room, pytest.raises(KeyRefused) as caught:
        room.card("huggingface:facebook/bart-large-cnn")
    assert f"make another at {hub.url}/settings/tokens" in caught.value.message
    assert "hf_wrong" not in repr(vars(caught.value)) + str(caught.value)


def test_a_gated_page_says_where_to_accept_its_terms(hub: ScriptedHub) -> None:
    hub.down = Reply(403, headers={"x-error-code": "GatedRepo", "x-error-message": "Access is restricted"}, json={})
    with asker("blocking", hub.url) as room, pytest.raises(KeyRefused, match="set HF_TOKEN to a token of yours") as caught:
        room.card(GATED)
    assert f"accept them at {hub.url}/meta-llama/Llama-3.3-70B-Instruct" in caught.value.message
    with asker("blocking", hub.url, api_key="hf_other") as room, pytest.raises(KeyRefused, match="whose token is used here"):
        room.card(GATED)


def test_a_revision_that_is_not_there_is_told_apart(hub: ScriptedHub) -> None:
    with asker("blocking", hub.url, revision="v99") as room, pytest.raises(UnknownModel, match="no such revision") as caught:
        room.card("huggingface:facebook/bart-large-cnn")
    assert caught.value.code == "RevisionNotFound"


def test_a_model_that_was_taken_down_says_so(hub: ScriptedHub) -> None:
    hub.down = Reply(403, headers={"x-error-message": "Access to this resource is disabled."}, json={})
    with asker("blocking", hub.url) as room, pytest.raises(UnknownModel, match="no longer gives some/model"):
        room.card("huggingface:some/model")


@both_manners
def test_a_rate_limit_says_how_long_to_wait(hub: ScriptedHub, manner: str) -> None:
    limit = {"ratelimit": '"api";r=0;t=55', "ratelimit-policy": '"fixed window";"api";q=500;w=300'}
    hub.down = Reply(429, headers=limit, json={"error": "We had to rate limit you"})
    with asker(manner, hub.url) as room:
        for ask in (lambda: room.card("huggingface:facebook/bart-large-cnn"), lambda: room.names(search="bart")):
            with pytest.raises(RateLimited, match="We had to rate limit you") as caught:
                ask()
            assert (caught.value.retry_after, caught.value.retryable) == (55.0, True)


@pytest.mark.parametrize("name", ["a b", "../x", "a/b/c", "日本/語", "a/..", "a/b\n", "a//b", "api/models?x=1", "a/b#c", ""])
def test_what_can_be_no_name_is_not_asked_for(hub: ScriptedHub, name: str) -> None:
    with pytest.raises(UnknownModel):
        drive(describe(name, HuggingFaceOptions(hub_url=hub.url, engine="router"), FakeRuntime()))
    assert hub.server.requests == []


@both_manners
def test_the_token_goes_to_the_hub_and_not_where_it_redirects(hub: ScriptedHub, manner: str) -> None:
    hub.large = ("README.md",)
    with asker(manner, hub.url, api_key="hf_acme") as room:
        assert "会議の記録" in room.card("huggingface:acme/secret-summariser").description
    assert len(hub.files.requests) == 1
    assert "authorization" not in hub.files.requests[0].headers
    assert all(request.headers["authorization"] == "Bearer hf_acme" for request in hub.server.requests)


def test_the_token_goes_along_a_redirect_within_the_hub(hub: ScriptedHub) -> None:
    with asker("blocking", hub.url, api_key="hf_acme") as room:
        room.card("huggingface:acme/secret-summariser")
    inner = [request for request in hub.server.requests if request.path.startswith("/api/resolve-cache/")]
    assert inner
    assert all(request.headers["authorization"] == "Bearer hf_acme" for request in inner)


def test_a_redirect_without_end_ends(hub: ScriptedHub) -> None:
    hub.down = Reply(302, headers={"location": "/api/models/again"})
    with asker("blocking", hub.url) as room, pytest.raises(AnswerError, match="redirects too many times"):
        room.card("huggingface:facebook/bart-large-cnn")
    assert len(hub.server.requests) < 12


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "javascript:1"])
def test_a_redirect_to_what_is_no_server_is_not_followed(hub: ScriptedHub, location: str) -> None:
    hub.down = Reply(302, headers={"location": location})
    with asker("blocking", hub.url) as room, pytest.raises(AnswerError, match="where nothing is fetched from"):
        room.card("huggingface:facebook/bart-large-cnn")


def test_the_machines_own_token_is_found_as_hugging_faces_tools_find_it(
    hub: ScriptedHub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "huggingface").mkdir()
    (home / "huggingface" / "token").write_text("hf_acme\n", encoding="utf-8")
    with asker("blocking", hub.url) as room:
        assert room.card("huggingface:acme/secret-summariser").licence == "mit AND apache-2.0"
        monkeypatch.setenv("HF_TOKEN", "hf_accepted")
        assert room.card(GATED).context_window == 131_072
        monkeypatch.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
        asked = len(hub.server.requests)
        room.card("huggingface:openai/whisper-small")
    assert not any("authorization" in request.headers for request in hub.server.requests[asked:])


@pytest.mark.parametrize("place", ["base_url", "router_url"])
def test_the_key_of_an_endpoint_or_of_another_router_never_goes_to_the_hub(
    hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    with FaultServer(Reply(404)) as gateway:
        options = {place: gateway.url, "api_key": "key-of-the-gateway"}
        with modelhub.Hub({"providers": {"huggingface": options}}) as room:
            assert room.card("huggingface:facebook/bart-large-cnn").licence == "mit"
            if place == "router_url":
                assert room.models(modelhub.Query(search="bart-large"), provider="huggingface")
    assert hub.server.requests
    assert not any("authorization" in request.headers for request in hub.server.requests)


def test_the_hub_is_the_one_that_the_environment_names(hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"{hub.url}/")
    with modelhub.Hub({}) as room:
        assert room.card("huggingface:facebook/bart-large-cnn").url == f"{hub.url}/facebook/bart-large-cnn"


def test_a_mirrors_password_is_shown_nowhere(hub: ScriptedHub) -> None:
    address = hub.url.replace("http://", "http://me:s3cret-pass@")
    with asker("blocking", address) as room:
        assert "s3cret" not in repr(room.card("huggingface:facebook/bart-large-cnn"))
        with pytest.raises(UnknownModel) as caught:
            room.card("huggingface:some/nothing")
    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_empty_or_refused_costs_no_card(hub: ScriptedHub) -> None:
    told = {"pipeline_tag": "summarization", "siblings": [{"rfilename": "README.md"}, {"rfilename": "config.json"}]}
    hub.models["some/model"] = HubModel("some/model", told)  # they are listed, and not there
    with asker("blocking", hub.url) as room:
        assert room.card("huggingface:some/model").task == "summarization"
