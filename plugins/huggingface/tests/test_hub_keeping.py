"""Cards are kept on this machine: still fresh by ETag, there when the hub is not, and nobody else's when they are private."""

from __future__ import annotations

import json
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hub_room import asker, both_manners
from hub_shelf import BART, HubModel
from scripted_hub import ScriptedHub

import modelhub
from modelhub.plugin import AnswerError, KeyMissing, Query, UnknownModel, Unreachable
from modelhub.testing import Reply
from modelhub.testing.guard import guarded

NAME = "huggingface:facebook/bart-large-cnn"


def kept(home: Path) -> list[Path]:
    return sorted((home / "cache" / "huggingface").rglob("*.json"))


def aged(home: Path, days: float) -> None:
    """Make everything that is kept that old."""
    for file in kept(home):
        said = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps({**said, "asked": said["asked"] - days * 86_400}), encoding="utf-8")


@both_manners
def test_a_card_that_still_holds_is_answered_with_304_and_nothing_else_is_fetched(hub: ScriptedHub, manner: str) -> None:
    with asker(manner, hub.url) as room:
        first = room.card(NAME)
        assert hub.statuses(304) == 0
        asked = len(hub.server.requests)
        assert [room.card(NAME) for _ in range(3)] == [first] * 3
    assert hub.statuses(304) == 3
    assert len(hub.server.requests) == asked + 3
    assert all("if-none-match" in request.headers for request in hub.server.requests[asked:])


def test_a_card_that_has_changed_is_fetched_anew(hub: ScriptedHub) -> None:
    with asker("blocking", hub.url) as room:
        assert room.card(NAME).downloads == 3_100_000
        hub.models[BART.id] = HubModel(BART.id, {**BART.told, "downloads": 4}, BART.readme, BART.files)
        assert room.card(NAME).downloads == 4
        assert room.card(NAME).downloads == 4
    assert hub.statuses(304) == 1


@both_manners
def test_a_hub_that_is_gone_leaves_the_kept_card_with_its_age(hub: ScriptedHub, home: Path, manner: str) -> None:
    with asker(manner, hub.url) as room:
        fresh = room.card(NAME)
    aged(home, 3.2)
    hub.stop()
    with asker(manner, hub.url) as room:
        old = room.card(NAME)
    assert "what the hub told 3 days ago" in old.description
    assert "it could not be asked (" in old.description
    assert changed(fresh, old, but="description") == []


def changed(one: Any, other: Any, but: str) -> list[str]:
    """The names of the fields that differ."""
    names = [name for name in type(one).__dataclass_fields__ if name != but]
    return [name for name in names if getattr(one, name) != getattr(other, name)]


@pytest.mark.parametrize("down", [Reply(503), Reply(502, body=b"<html>"), Reply(429), Reply(fault="cut", at="headers")])
def test_a_hub_that_fails_leaves_the_kept_card(hub: ScriptedHub, down: Reply) -> None:
    with asker("blocking", hub.url) as room:
        room.card(NAME)
        hub.down = down
        assert "what the hub told today" in room.card(NAME).description


def test_a_portal_in_between_is_no_answer_and_is_not_kept(hub: ScriptedHub, home: Path) -> None:
    hub.down = Reply(body=b"<html>Please log in to the hotel's network</html>")
    with asker("blocking", hub.url) as room:
        with pytest.raises(AnswerError, match="something else between it and this machine"):
            room.card(NAME)
        assert kept(home) == []
        hub.down = None
        assert room.card(NAME).licence == "mit"


@both_manners
@pytest.mark.parametrize("said", ["option", "variable"])
def test_offline_nothing_is_asked_and_what_was_kept_is_told(
    hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch, said: str, manner: str
) -> None:
    with asker(manner, hub.url) as room:
        room.card(NAME)
    before = len(hub.server.requests)
    if said == "variable":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with asker(manner, hub.url, offline=said == "option") as room:
        found = room.card(NAME)
        assert (found.licence, found.context_window, found.metrics[0].name) == ("mit", 1024, "ROUGE-1")
        assert "what the hub told today" in found.description
        with pytest.raises(UnknownModel, match="No card of openai/whisper-small is kept on this machine"):
            room.card("huggingface:openai/whisper-small")
    assert len(hub.server.requests) == before


@both_manners
def test_offline_the_kept_cards_are_searched(hub: ScriptedHub, manner: str) -> None:
    with asker(manner, hub.url) as room:
        for name in ("facebook/bart-large-cnn", "openai/whisper-small", "tohoku-nlp/bert-base-japanese-v3"):
            room.card(f"huggingface:{name}")
    before = len(hub.server.requests)
    with asker(manner, hub.url, offline=True) as room:
        assert room.names(kind="text") == ["facebook/bart-large-cnn", "tohoku-nlp/bert-base-japanese-v3"]
        assert room.names(language="ja", sort="name") == ["openai/whisper-small", "tohoku-nlp/bert-base-japanese-v3"]
        assert room.names(search="短い") == []
        assert room.names(search="文章で") == ["tohoku-nlp/bert-base-japanese-v3"]
    assert len(hub.server.requests) == before


def test_a_private_card_is_told_to_nobody_with_another_token(hub: ScriptedHub) -> None:
    secret = "huggingface:acme/secret-summariser"
    with asker("blocking", hub.url, api_key="hf_acme") as room:
        assert "会議の記録" in room.card(secret).description
    for token in ({"api_key": "hf_other"}, {}):
        with asker("blocking", hub.url, offline=True, **token) as room:
            with pytest.raises(UnknownModel):
                room.card(secret)
            assert room.names(search="secret") == []
    with asker("blocking", hub.url, offline=True, api_key="hf_acme") as room:
        assert "会議の記録" in room.card(secret).description
        assert room.names(search="secret") == ["acme/secret-summariser"]


def test_a_gated_file_is_told_to_nobody_with_another_token(hub: ScriptedHub) -> None:
    gated = "huggingface:meta-llama/Llama-3.3-70B-Instruct"
    with asker("blocking", hub.url, api_key="hf_accepted") as room:
        assert room.card(gated).context_window == 131_072
    with asker("blocking", hub.url, api_key="hf_other") as room:
        assert room.card(gated).context_window is None


def test_what_becomes_private_is_no_longer_everyones(hub: ScriptedHub) -> None:
    public = HubModel("acme/open", {"pipeline_tag": "summarization"}, "# Open\n")
    hub.models["acme/open"] = public
    with asker("blocking", hub.url, api_key="hf_acme") as room:
        room.card("huggingface:acme/open")
        hub.models["acme/open"] = HubModel("acme/open", public.told, public.readme, readers=("hf_acme",))
        room.card("huggingface:acme/open")
    with asker("blocking", hub.url, offline=True) as room, pytest.raises(UnknownModel):
        room.card("huggingface:acme/open")


def test_an_open_card_is_everyones(hub: ScriptedHub) -> None:
    with asker("blocking", hub.url, api_key="hf_acme") as room:
        room.card(NAME)
    with asker("blocking", hub.url, offline=True) as room:
        assert room.card(NAME).licence == "mit"


def test_no_token_is_kept(hub: ScriptedHub, home: Path) -> None:
    for token in ("hf_acme", "hf_accepted"):
        with asker("blocking", hub.url, api_key=token) as room:
            room.card(NAME)
            room.card("huggingface:meta-llama/Llama-3.3-70B-Instruct")
    files = kept(home)
    assert len(files) > 4
    for file in files:
        assert b"hf_acme" not in file.read_bytes()
        assert b"hf_accepted" not in file.read_bytes()
        assert "hf_" not in str(file.relative_to(home))


@pytest.mark.skipif(sys.platform == "win32", reason="files have other rights there")
def test_what_is_kept_only_its_owner_reads(hub: ScriptedHub, home: Path) -> None:
    with asker("blocking", hub.url) as room:
        room.card(NAME)
    for file in kept(home):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"schema": 1}',
        b"\xff\xfe\x00",
        b'{"schema":1,"url":1,"body":2,"etag":3,"asked":"x"}',
        b"[" * 9999,
    ],
)
def test_a_damaged_file_is_as_none(hub: ScriptedHub, home: Path, damage: bytes) -> None:
    with asker("blocking", hub.url) as room:
        fresh = room.card(NAME)
        for file in kept(home):
            file.write_bytes(damage)
        assert room.card(NAME) == fresh
        assert hub.statuses(304) == 0
        for file in kept(home):
            file.write_bytes(damage)
    with asker("blocking", hub.url, offline=True) as room, pytest.raises(UnknownModel):
        room.card(NAME)


def test_a_kept_answer_of_another_address_is_not_taken_for_this_one(hub: ScriptedHub, home: Path) -> None:
    with asker("blocking", hub.url) as room:
        room.card(NAME)
        for file in kept(home):
            said = json.loads(file.read_text(encoding="utf-8"))
            file.write_text(json.dumps({**said, "url": "http://elsewhere/api"}), encoding="utf-8")
    with asker("blocking", hub.url, offline=True) as room, pytest.raises(UnknownModel):
        room.card(NAME)


def test_each_hub_and_each_revision_has_its_own(hub: ScriptedHub, home: Path) -> None:
    with ScriptedHub(HubModel(BART.id, {**BART.told, "downloads": 1}, BART.readme)) as other:
        for url, downloads in ((hub.url, 3_100_000), (other.url, 1)):
            with asker("blocking", url) as room:
                assert room.card(NAME).downloads == downloads
        for url, downloads in ((hub.url, 3_100_000), (other.url, 1)):
            with asker("blocking", url, offline=True) as room:
                assert room.card(NAME).downloads == downloads
    with asker("blocking", hub.url, offline=True, revision="v2") as room, pytest.raises(UnknownModel):
        room.card(NAME)


def test_many_processes_worth_of_threads_keep_one_card_at_once(hub: ScriptedHub, home: Path) -> None:
    failures: list[Exception] = []

    def describe() -> None:
        try:
            with modelhub.Hub({"providers": {"huggingface": {"hub_url": hub.url}}}) as mine:
                for _ in range(5):
                    assert mine.card(NAME).licence == "mit"
        except Exception as error:  # noqa: BLE001  # told below
            failures.append(error)

    threads = [threading.Thread(target=describe) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    left = [file for file in (home / "cache" / "huggingface").rglob("*") if file.is_file() and file.suffix != ".json"]
    assert left == []


def test_a_cache_that_cannot_be_written_costs_nothing_but_the_keeping(
    hub: ScriptedHub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "in the way").write_text("a file", encoding="utf-8")
    monkeypatch.setenv("MODELHUB_CACHE", str(home / "in the way"))
    with asker("blocking", hub.url) as room:
        assert room.card(NAME).licence == "mit"
        assert room.card(NAME).licence == "mit"
    assert hub.statuses(304) == 0


@both_manners
def test_nothing_kept_and_nobody_there_is_unreachable(hub: ScriptedHub, manner: str) -> None:
    hub.stop()
    with asker(manner, hub.url) as room, pytest.raises(Unreachable):
        room.card(NAME)


def test_a_token_that_is_not_there_is_missed_only_where_the_hub_is_asked(hub: ScriptedHub, home: Path) -> None:
    key = {"api_key": {"file": str(home / "no-token")}}
    with asker("blocking", hub.url) as room:
        room.card(NAME)
    with asker("blocking", hub.url, **key) as room, pytest.raises(KeyMissing, match="no-token"):
        room.card(NAME)
    with asker("blocking", hub.url, offline=True, **key) as room:
        assert room.card(NAME).licence == "mit"


def test_the_age_of_a_kept_card_is_that_of_the_last_time_that_it_held(hub: ScriptedHub, home: Path) -> None:
    with asker("blocking", hub.url) as room:
        room.card(NAME)
        aged(home, 40)
        room.card(NAME)  # 304
        hub.down = Reply(503)
        assert "told today" in room.card(NAME).description
        aged(home, 1)
        assert (
            f"told yesterday, on {time.strftime('%Y-%m-%d', time.gmtime(time.time() - 86_400))}" in room.card(NAME).description
        )


def test_offline_is_said_in_a_query_too(hub: ScriptedHub) -> None:
    hub.stop()
    with asker("blocking", hub.url, offline=True) as room:
        assert list(room.models(Query())) == []


def test_offline_no_socket_is_made(hub: ScriptedHub) -> None:
    """AT-A4: with the network blocked, what was kept is described and searched."""
    with asker("blocking", hub.url) as room:
        room.card(NAME)
    with guarded("nowhere"), asker("blocking", hub.url, offline=True) as room:
        assert room.card(NAME).licence == "mit"
        assert room.names(task="summarization", licence="mit", search="bart") == [BART.id]
        with pytest.raises(UnknownModel):
            room.card("huggingface:some/other")


def test_a_file_of_no_commit_is_asked_for_again(hub: ScriptedHub) -> None:
    told = {"pipeline_tag": "summarization", "sha": None}
    hub.models["some/moving"] = HubModel("some/moving", told, "# Before\n")
    with asker("blocking", hub.url) as room:
        assert room.card("huggingface:some/moving").title == "Before"
        hub.models["some/moving"] = HubModel("some/moving", told, "# After\n")
        assert room.card("huggingface:some/moving").title == "After"


@both_manners
def test_offline_a_search_says_that_nobody_was_asked(hub: ScriptedHub, manner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found where nothing is kept: that is no word on what the hub has."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with asker(manner, hub.url) as room:
        found = room.models(Query(task="summarization"))
    assert list(found) == []
    assert found.notes["huggingface"].startswith("the hub was not asked (HF_HUB_OFFLINE)")
    assert hub.server.requests == []
