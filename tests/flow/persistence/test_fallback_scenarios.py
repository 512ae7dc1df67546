"""Which model gets which request: the table of docs/how-to/fallback.md, against a server that counts."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import modelhub
from modelhub.interfaces.media import ImagePart
from modelhub.model import KINDS
from modelhub.testing.conformance.samples import picture
from modelhub.testing.server import Reply, sse

EVENTS = {"content-type": "text/event-stream"}
SOON = {"retry-after-ms": "1"}
PAIR = {"a": {"model": "parrot:first", "fallback": ["parrot:second"]}}

ROWS: dict[str, tuple[Reply, type[Exception], int, bool]] = {
    "429": (Reply(429, SOON, json={"error": {"message": "Slow down."}}), modelhub.RateLimited, 3, True),
    "429, too long": (Reply(429, {"retry-after": "600"}), modelhub.RateLimited, 1, True),
    "429, used up": (Reply(429, json={"error": {"code": "insufficient_quota"}}), modelhub.RateLimited, 1, True),
    "500": (Reply(500, SOON), modelhub.ProviderDown, 3, True),
    "503": (Reply(503, SOON), modelhub.ProviderDown, 3, True),
    "503, loading": (Reply(503, SOON, json={"error": "loading"}), modelhub.ModelLoading, 3, True),
    "unknown outcome": (Reply(fault="cut", at="headers"), modelhub.OutcomeUnknown, 1, True),
    "not understood": (Reply(200, body="<html>"), modelhub.AnswerError, 1, True),
    "400": (Reply(400, json={"error": {"message": "No."}}), modelhub.BadRequest, 1, False),
    "401": (Reply(401), modelhub.KeyRefused, 1, False),
    "403": (Reply(403), modelhub.KeyRefused, 1, False),
    "404": (Reply(404), modelhub.UnknownModel, 1, False),
    "413": (Reply(413), modelhub.BadRequest, 1, False),
    "content filter": (Reply(400, json={"error": {"code": "content_filter"}}), modelhub.ContentFiltered, 1, False),
    "context overflow": (
        Reply(400, json={"error": {"code": "context_length_exceeded", "message": "maximum context length is 10 tokens"}}),
        modelhub.ContextOverflow,
        1,
        False,
    ),
}
"""What the first answers, the error that means, how often it is asked, and whether the second is asked then."""


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("row", ROWS)
def test_each_row_of_the_table(asked: Any, row: str, streaming: bool, said: Callable[..., Reply]) -> None:
    """AT-D5: which target gets which request is exactly the documented table, in streams as in whole answers."""
    reply, error, attempts, leads_on = ROWS[row]
    if streaming and row == "not understood":
        reply = Reply(headers=EVENTS, chunks=[b"data: x\n\n"], fault="cut", at="first")
        error = modelhub.ModelhubError
    asked.server.on("/first", reply).on("/second", said("晴れ", stream=streaming))
    ask = asked.stream if streaming else asked.ask
    if not leads_on:
        with pytest.raises(error) as caught:
            ask(asked.hub(PAIR), "a")
        assert (asked.paths(), caught.value.attempts) == (["first"] * attempts, ())
        return
    response = ask(asked.hub(PAIR), "a")
    assert asked.paths() == [*["first"] * attempts, "second"]
    assert (response.text, response.provider, response.model) == ("晴れ", "parrot", "second")
    assert [attempt.model for attempt in response.attempts] == [*["parrot:first"] * attempts, "parrot:second"]
    assert all(isinstance(attempt.error, error) for attempt in response.attempts[:-1])
    assert response.attempts[-1].error is None


@pytest.mark.parametrize("row", [row for row, (*_, leads_on) in ROWS.items() if not leads_on])
def test_an_error_that_is_listed_leads_on_too(asked: Any, row: str, said: Callable[..., Reply]) -> None:
    """AT-D5: a content filter and 4xx fall back only where that is wanted."""
    reply, error, attempts, _ = ROWS[row]
    asked.server.on("/first", reply).on("/second", said("晴れ"))
    hub = asked.hub({"a": {"model": "parrot:first", "fallback": ["parrot:second"], "fallback_on": [error.__name__]}})
    assert asked.ask(hub, "a").model == "second"
    assert asked.paths() == [*["first"] * attempts, "second"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_falls_back(asked: Any, kind: str, said: Callable[..., Reply]) -> None:
    asked.server.on("/first", Reply(500)).on("/second", said("晴れ"))
    response = asked.ask(asked.hub(PAIR), "a", kind, retries=0)
    assert (asked.paths(), response.model) == (["first", "second"], "second")


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
def test_a_connection_that_is_refused_leads_on(asked: Any, streaming: bool, said: Callable[..., Reply]) -> None:
    """AT-D5: row "connect"."""
    asked.server.on("/second", said("晴れ", stream=streaming))
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        gone = {"url": f"http://127.0.0.1:{nobody.getsockname()[1]}"}
        hub = asked.hub({"a": {"model": "parrot:first", "options": gone, "fallback": ["parrot:second"]}})
        response = (asked.stream if streaming else asked.ask)(hub, "a", retries=0)
    assert [type(attempt.error) for attempt in response.attempts] == [modelhub.Unreachable, type(None)]


def test_a_stream_whose_first_token_is_late_leads_on(asked: Any, said: Callable[..., Reply]) -> None:
    """AT-D5: row "time-out"; the first is asked once."""
    asked.server.on("/first", Reply(headers=EVENTS, chunks=sse(["晴"]), fault="stall", at="headers"))
    asked.server.on("/second", said("晴れ", stream=True))
    response = asked.stream(asked.hub(PAIR), "a", timeouts=modelhub.Timeouts(first_token=0.2))
    assert (response.attempts[0].error.phase, asked.paths()) == ("first_token", ["first", "second"])


def test_a_model_that_hangs_leaves_the_others_their_share_of_the_time(asked: Any, said: Callable[..., Reply]) -> None:
    """AT-D5: row "time-out", for a whole answer, which has no first event to wait for."""
    asked.server.on("/first", Reply(fault="stall", at="headers")).on("/second", said("晴れ"))
    response = asked.ask(asked.hub(PAIR), "a", timeouts=modelhub.Timeouts(total=0.8))
    error = response.attempts[0].error
    assert (response.text, asked.paths(), error.phase) == ("晴れ", ["first", "second"], "total")
    assert error.seconds == pytest.approx(0.4)
    assert str(error).endswith("All models that may be asked share 0.8 s.")


def test_a_stream_that_hangs_leaves_the_others_their_share(asked: Any, said: Callable[..., Reply]) -> None:
    """AT-D5: row "time-out", where ``total`` is shorter than ``first_token``."""
    asked.server.on("/first", Reply(fault="stall", at="headers")).on("/second", said("晴れ", stream=True))
    response = asked.stream(asked.hub(PAIR), "a", timeouts=modelhub.Timeouts(total=0.8))
    assert (response.text, asked.paths()) == ("晴れ", ["first", "second"])


def test_a_stream_that_has_begun_may_use_all_the_time(asked: Any, said: Callable[..., Reply]) -> None:
    slow = replace(said("晴れ", stream=True), first_delay=0.3, chunk_delay=0.15)
    asked.server.on("/first", slow)
    response = asked.stream(asked.hub(PAIR), "a", timeouts=modelhub.Timeouts(total=1.2))
    assert (response.text, asked.paths()) == ("晴れ", ["first"])
    assert response.timing.total > 0.6 - 0.15


def test_who_is_left_alone_has_no_share(asked: Any, said: Callable[..., Reply]) -> None:
    asked.server.on("/first", Reply(fault="stall", at="headers")).on("/second", Reply(500)).on("/third", said("晴れ"))
    models = {
        "a": {"model": "parrot:first", "fallback": ["b"]},
        "b": {"model": "parrot:second", "fallback": ["parrot:third"]},
    }
    hub = asked.hub(models, retry={"times": 0}, circuit={"failures": 1})
    asked.ask(hub, "b")
    response = asked.ask(hub, "a", timeouts=modelhub.Timeouts(total=0.8))
    assert response.attempts[0].error.seconds == pytest.approx(0.4)


def test_total_holds_for_all_models_together(asked: Any) -> None:
    """AT-D2: each has its share, and all of them no more than that."""
    asked.server.on("/first", Reply(fault="stall", at="headers")).on("/second", Reply(fault="stall", at="headers"))
    began = time.monotonic()
    with pytest.raises(modelhub.TimedOut) as caught:
        asked.ask(asked.hub(PAIR), "a", timeouts=modelhub.Timeouts(total=0.4))
    assert 0.35 < time.monotonic() - began < 1.0
    assert (asked.paths(), len(caught.value.attempts)) == (["first", "second"], 1)


def test_after_the_first_event_nothing_is_spliced(asked: Any, said: Callable[..., Reply]) -> None:
    """AT-D5: the reader has seen words of the first; the error carries them."""
    asked.server.on("/first", Reply(headers=EVENTS, chunks=sse(["晴", "れ"]), fault="cut", at="middle"))
    asked.server.on("/second", said("雨", stream=True))
    hub = asked.hub({"a": {"model": "parrot:first", "fallback": ["parrot:second"], "fallback_on": ["ModelhubError"]}})
    with pytest.raises(modelhub.StreamBroken) as caught:
        asked.stream(hub, "a")
    assert (caught.value.partial.text, asked.paths()) == ("晴", ["first"])


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
def test_when_all_fail_the_last_error_tells_of_all(asked: Any, streaming: bool) -> None:
    """AT-D5: each original error is there, each the cause of the next."""
    asked.server.on("/first", Reply(429, SOON)).on("/second", Reply(500, SOON)).on("/third", Reply(503, SOON))
    hub = asked.hub({"a": {"model": "parrot:first", "fallback": ["parrot:second", "parrot:third"]}}, retry={"times": 1})
    with pytest.raises(modelhub.ProviderDown) as caught:
        (asked.stream if streaming else asked.ask)(hub, "a")
    error: Any = caught.value
    assert error.status == 503
    assert [(attempt.model, attempt.error.status) for attempt in error.attempts] == [
        ("parrot:first", 429),
        ("parrot:first", 429),
        ("parrot:second", 500),
        ("parrot:second", 500),
        ("parrot:third", 503),
    ]
    causes = []
    while error.__cause__ is not None:
        error = error.__cause__
        causes.append(error)
    assert causes == [attempt.error for attempt in reversed(caught.value.attempts)]


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
def test_an_outage_costs_few_attempts(asked: Any, streaming: bool, said: Callable[..., Reply]) -> None:
    """AT-D5: at most k + 1 attempts at the first, then probes; eleven calls, as in the report of 33 attempts elsewhere."""
    asked.server.on("/first", Reply(500, SOON)).on("/second", said("晴れ", stream=streaming))
    hub, ask = asked.hub(PAIR), asked.stream if streaming else asked.ask
    responses = [ask(hub, "a") for _ in range(11)]
    assert asked.paths().count("first") <= 3 + 1
    assert {response.model for response in responses} == {"second"}
    assert "was not asked: it failed 3 times in a row" in responses[-1].notices[0].message


def test_an_open_circuit_stops_the_retries_too(asked: Any, said: Callable[..., Reply]) -> None:
    asked.server.on("/first", Reply(500, SOON)).on("/second", said("晴れ"))
    asked.ask(asked.hub(PAIR), "a", retries=50)
    assert asked.paths() == ["first"] * 3 + ["second"]


def test_after_the_cool_down_one_call_tries_it(asked: Any, said: Callable[..., Reply]) -> None:
    asked.server.on("/first", Reply(500), Reply(500), said("雨")).on("/second", said("晴れ"))
    hub = asked.hub(PAIR, circuit={"failures": 1, "cool_down": 0.0}, retry={"times": 0})
    models = [asked.ask(hub, "a").model for _ in range(4)]
    assert models == ["second", "second", "first", "first"]


def test_a_mistake_of_the_request_is_no_failure_of_the_model(asked: Any, said: Callable[..., Reply]) -> None:
    """AT-D5: nobody's bad requests keep others from a model that works."""
    asked.server.on("/first", *[Reply(400)] * 5, said("晴れ")).on("/second", said("雨"))
    hub = asked.hub(PAIR)
    for _ in range(5):
        with pytest.raises(modelhub.BadRequest):
            asked.ask(hub, "a")
    assert asked.ask(hub, "a").model == "first"


def test_where_every_circuit_is_open_somebody_is_asked(asked: Any) -> None:
    """To ask nobody would give no answer for certain."""
    asked.server.on("/first", Reply(500)).on("/second", Reply(500))
    hub = asked.hub(PAIR, circuit={"failures": 1}, retry={"times": 0})
    for _ in range(3):
        with pytest.raises(modelhub.ProviderDown):
            asked.ask(hub, "a")
    assert asked.paths() == ["first", "second", "first", "second"], "the one whose cool-down ends first"


def test_each_hub_has_circuits_of_its_own(asked: Any, said: Callable[..., Reply]) -> None:
    asked.server.on("/first", Reply(500), said("雨")).on("/second", said("晴れ"))
    models = [asked.ask(asked.hub(PAIR, circuit={"failures": 1}, retry={"times": 0}), "a").model for _ in range(2)]
    assert models == ["second", "first"]


def test_what_stands_in_has_its_own_settings_and_options(asked: Any, said: Callable[..., Reply]) -> None:
    """What the call gives holds for all; what the asked alias gives holds where the other says nothing."""
    asked.server.on("/first", Reply(500)).on("/second", said("晴れ"))
    models = {
        "a": {
            "model": "parrot:first",
            "settings": {"temperature": 0.1, "top_p": 0.5, "seed": 1},
            "fallback": ["b"],
            "retry": {"times": 0},
        },
        "b": {
            "model": "parrot:second",
            "settings": {"temperature": 0.9, "seed": 2},
            "options": {"api_key": "sk-other"},
            "prompt": "kansai",
        },
    }
    hub = asked.hub(models, prompts={"kansai": {"system": "関西弁で。"}})
    asked.ask(hub, "a", seed=7)
    first, second = asked.server.requests
    assert (first.json()["temperature"], first.json()["top_p"], first.json()["seed"]) == (0.1, 0.5, 7)
    assert (second.json()["temperature"], second.json()["top_p"], second.json()["seed"]) == (0.9, 0.5, 7)
    assert (first.headers["authorization"], second.headers["authorization"]) == ("Bearer sk-parrot", "Bearer sk-other")
    assert second.json()["asked"] == first.json()["asked"] == ["東京の天気は？"], "its prompt is for those who ask it by name"


def test_the_prompt_of_the_alias_that_is_asked_reaches_whoever_answers(asked: Any, said: Callable[..., Reply]) -> None:
    asked.server.on("/first", Reply(500)).on("/second", said("晴れ"))
    models = {"a": {"model": "parrot:first", "prompt": "kansai", "fallback": ["parrot:second"], "retry": {"times": 0}}}
    asked.ask(asked.hub(models, prompts={"kansai": {"system": "関西弁で。"}}), "a")
    assert [request.json()["asked"] for request in asked.server.requests] == [["関西弁で。", "東京の天気は？"]] * 2


def test_what_stands_in_waits_no_longer_than_its_own_time_outs(asked: Any) -> None:
    asked.server.on("/first", Reply(500)).on("/second", Reply(fault="stall", at="headers"))
    models = {
        "a": {"model": "parrot:first", "fallback": ["b"], "retry": {"times": 0}},
        "b": {"model": "parrot:second", "timeouts": {"total": 0.2}},
    }
    with pytest.raises(modelhub.TimedOut) as caught:
        asked.ask(asked.hub(models), "a")
    assert caught.value.seconds == pytest.approx(0.2)


def test_fallbacks_of_fallbacks_are_asked_in_order(asked: Any, said: Callable[..., Reply]) -> None:
    for path in ("/first", "/second", "/third"):
        asked.server.on(path, Reply(500))
    asked.server.on("/fourth", said("晴れ"))
    models = {
        "a": {"model": "b"},
        "b": {"model": "parrot:first", "fallback": ["c", "parrot:fourth"]},
        "c": {"model": "parrot:second", "fallback": ["parrot:third"]},
    }
    asked.ask(asked.hub(models, retry={"times": 0}), "a")
    assert asked.paths() == ["first", "second", "third", "fourth"]


def test_a_stand_in_that_cannot_do_it_is_passed_over(asked: Any, said: Callable[..., Reply]) -> None:
    """AT-D5: each is held against its own card; that the first cannot do it is for the caller to know."""
    asked.server.on("/first", Reply(500)).on("/third", said("晴れ"))
    seen = [ImagePart(data=picture().data), "何が見える？"]
    hub = asked.hub({"a": {"model": "parrot:first", "fallback": ["parrot:blind", "parrot:third"], "retry": {"times": 0}}})
    response = asked.run(hub.text("a").generate(seen))
    assert (asked.paths(), response.model) == (["first", "third"], "third")
    assert [type(attempt.error) for attempt in response.attempts] == [
        modelhub.ProviderDown,
        modelhub.Unsupported,
        type(None),
    ]
    hub = asked.hub({"a": {"model": "parrot:blind", "fallback": ["parrot:third"]}})
    with pytest.raises(modelhub.Unsupported):
        asked.run(hub.text("a").generate(seen))


def test_a_key_that_is_missing_leads_on_where_that_is_listed(asked: Any, said: Callable[..., Reply]) -> None:
    """AT-D5: row "KeyMissing"; a mistake of the set-up is else told, not hidden."""
    asked.server.on("/second", said("晴れ"))
    model = {"model": "parrot:first", "options": {"api_key": {"env": "NO_SUCH_KEY"}}, "fallback": ["parrot:second"]}
    with pytest.raises(modelhub.KeyMissing):
        asked.ask(asked.hub({"a": model}), "a")
    response = asked.ask(asked.hub({"a": {**model, "fallback_on": ["KeyMissing"]}}), "a")
    assert (response.model, asked.paths()) == ("second", ["second"])
    assert "NO_SUCH_KEY" in str(response.attempts[0].error)


def test_an_index_does_not_mix_the_vectors_of_two_models(asked: Any, said: Callable[..., Reply], tmp_path: Path) -> None:
    """What stands in for an embedding model gives other vectors: an index asks the one it names, or fails."""
    (tmp_path / "手引き.md").write_text("# 鍵\n\n鍵は四月に替える。\n", encoding="utf-8")
    asked.server.on("/first", Reply(500)).on("/second", said(""))
    hub = asked.hub(
        {"e": {"model": "parrot:first", "fallback": ["parrot:second"]}},
        indexes={"x": {"sources": [str(tmp_path / "手引き.md")], "embedding": "e"}},
        retry={"times": 0},
    )
    with pytest.raises(modelhub.ProviderDown):
        asked.run(hub.index("x").build())
    assert set(asked.paths()) == {"first"}
    assert asked.ask(hub, "e", "embedding").model == "second"


def test_the_command_line_tells_who_failed_and_who_answered(
    asked: Any, said: Callable[..., Reply], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from modelhub.cli import main

    asked.server.on("/first", Reply(500, SOON)).on("/second", said("晴れ"))
    file = tmp_path / "modelhub.toml"
    file.write_text(
        f'[providers.parrot]\nurl = "{asked.server.url}"\n[models.a]\nmodel = "parrot:first"\nfallback = ["parrot:second"]\n',
        encoding="utf-8",
    )
    assert main(["--config", str(file), "ask", "-m", "a", "--retries", "1", "--json", "天気は？"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert asked.paths() == ["first", "first", "second"]
    assert [attempt["model"] for attempt in told["attempts"]] == ["parrot:first", "parrot:first", "parrot:second"]
