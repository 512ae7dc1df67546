"""Plain completion: the text of one message goes on where it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from asking import config, four_ways, grammar, saying, serving
from modelhub_llama.plain import Plain
from modelhub_openai.quirks import Quirks
from modelhub_openai.site import Host
from tiny_gguf import write

from modelhub import (
    BadRequest,
    ContextOverflow,
    Hub,
    ImagePart,
    InvalidRequest,
    Message,
    StreamBroken,
    TextPart,
    Tool,
    Unsupported,
)
from modelhub.http import HttpResponse
from modelhub.testing.laws import merge

pytest.importorskip("xllamacpp", reason='the engine is not installed: pip install "modelhub-llama[engine]"')


@pytest.fixture(scope="module", params=["in-process", "server"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    path = write(tmp_path_factory.mktemp("models") / "tiny.gguf")
    if request.param == "in-process":
        yield config(path, prompt="plain")
    else:
        with serving(path, n_ctx=1024) as found:
            yield {**found, "providers": {"llama": {**found["providers"]["llama"], "prompt": "plain"}}}


def test_a_text_goes_on(place: dict[str, Any]) -> None:
    for response in four_ways(place, "むかし", extra=saying("むかし、ある所に👵"), max_output_tokens=99):
        assert (response.text, response.finish_reason, response.raw_finish_reason) == ("むかし、ある所に👵", "stop", "stop")
        assert response.usage.input_tokens == 1 + len("むかし".encode())


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_it_is_never_cut_inside_a_character(limit: int, place: dict[str, Any]) -> None:
    for response in four_ways(place, "x", extra=saying("東京"), max_output_tokens=limit):
        assert response.text == "東京".encode()[:limit].decode(errors="ignore")
        assert response.finish_reason == "length"


def test_a_stop_leaks_nothing(place: dict[str, Any]) -> None:
    for response in four_ways(place, "x", extra=saying("日本語は楽しい"), stop_sequences=["語は"], max_output_tokens=99):
        assert (response.text, response.finish_reason) == ("日本", "stop")


def test_log_probabilities_come_with_alternatives(place: dict[str, Any]) -> None:
    for wanted in (0, 2):
        for response in four_ways(place, "x", extra=saying("日a"), logprobs=wanted, max_output_tokens=99):
            assert response.logprobs is not None
            assert "".join(token.token for token in response.logprobs) == "日a"
            assert all(token.logprob <= 0 and len(token.alternatives) == wanted for token in response.logprobs)


def test_the_older_form_of_log_probabilities_is_read() -> None:
    body = (
        b'{"choices": [{"text": "ab", "finish_reason": "stop", "logprobs": {"tokens": ["a", "b"],'
        b' "token_logprobs": [null, -0.5], "top_logprobs": [null, {"b": -0.5, "c": -1.5}], "text_offset": [0, 1]}}]}'
    )
    response = Plain(Host("llama", "http://x/v1", {}, Quirks()), "m").parse(HttpResponse(200, body=body))
    assert response.text == "ab"
    assert response.logprobs is not None
    assert [(token.token, token.logprob, token.alternatives) for token in response.logprobs] == [
        ("b", -0.5, (("b", -0.5), ("c", -1.5)))
    ]


def test_a_type_is_held_to(place: dict[str, Any]) -> None:
    wanted: Any = Literal["東京", "京都"]
    for response in four_ways(place, "首都: ", output_type=wanted, max_output_tokens=99):
        assert response.output in ("東京", "京都")


def test_a_bad_grammar_is_an_error_and_the_model_goes_on(place: dict[str, Any]) -> None:
    with Hub(place) as hub:
        with pytest.raises(BadRequest, match="failed to parse grammar"):
            hub.text("a").generate("x", extra={"llama": {"grammar": "root ::= missing"}})
        assert hub.text("a").generate("x", extra=saying("はい")).text == "はい"


def test_the_mark_that_begins_a_text_is_not_doubled(place: dict[str, Any]) -> None:
    """AT-K: llama.cpp alone would put one before the other."""
    with Hub(place) as hub:
        counts = [hub.text("a").count_tokens(prompt) for prompt in ("hi", "<s>hi")]
        used = [hub.text("a").generate(prompt, max_output_tokens=1).usage.input_tokens for prompt in ("hi", "<s>hi")]
    assert [count.tokens for count in counts] == used == [3, 3]
    assert all(count.exact for count in counts)


def test_what_is_no_text_is_refused_before_anything_is_sent(place: dict[str, Any]) -> None:
    with Hub(place) as hub:
        model = hub.text("a")
        with pytest.raises(InvalidRequest, match="one message, not 2"):
            model.generate("x", system="y")
        with pytest.raises(InvalidRequest, match="no turns"):
            model.generate([Message("user", "a"), Message("assistant", "b"), Message("user", "c")])
        with pytest.raises(Unsupported):
            model.generate("x", tools=[Tool("f")])
        with pytest.raises(Unsupported):
            model.generate([TextPart("x"), ImagePart(data=b"\x89PNG\r\n\x1a\n")])


def test_a_text_that_is_too_long_is_told_with_its_numbers(place: dict[str, Any]) -> None:
    with Hub(place) as hub, pytest.raises(ContextOverflow) as caught:
        hub.text("a").generate("長い" * 100, max_output_tokens=50)
    assert (caught.value.prompt_tokens, caught.value.context_window, caught.value.max_output_tokens) == (601, 512, 50)


def test_a_grammar_can_stand_in_the_configuration(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write(tmp_path_factory.mktemp("models") / "tiny.gguf")
    for response in four_ways(config(path, prompt="plain", extra_body={"grammar": grammar("はい")}), "x"):
        assert response.text == "はい"


TOLD = [{"text": text, "index": 0, "logprobs": None, "finish_reason": None} for text in ("日本\u2028", "👨‍👩‍👧", "\u0085語")]
STREAM = "".join(f"data: {json.dumps({'choices': [choice]}, ensure_ascii=False)}\r\n\r\n" for choice in TOLD).encode()
STREAM += b': ping\n\ndata: {"choices": [{"text": "", "index": 0, "finish_reason": "length"}]}\n\n'
STREAM += b'data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 9}}\n\ndata: [DONE]\n\n'


def test_a_stream_may_be_cut_between_any_two_bytes() -> None:
    """AT-C6: inside characters, line ends and marks that look like line ends."""

    def read(*pieces: bytes) -> list[Any]:
        decoder = Plain(Host("llama", "http://x/v1", {}, Quirks()), "m").decoder()
        return merge([event for piece in pieces for event in decoder.feed(piece)] + list(decoder.close()))

    whole = read(STREAM)
    assert whole[0].text == "日本\u2028👨‍👩‍👧\u0085語"
    assert (whole[-1].response.finish_reason, whole[-1].response.usage.output_tokens) == ("length", 9)
    for place in range(len(STREAM)):
        assert read(STREAM[:place], STREAM[place:]) == whole
    assert read(*(STREAM[place : place + 1] for place in range(len(STREAM)))) == whole


def test_a_stream_that_is_cut_is_no_answer() -> None:
    """AT-C3: without its end it raises, with what had come."""
    decoder = Plain(Host("llama", "http://x/v1", {}, Quirks()), "m").decoder()
    decoder.feed(STREAM[: STREAM.index(b": ping")])
    with pytest.raises(StreamBroken) as caught:
        decoder.close()
    partial: Any = caught.value.partial
    assert partial.text == "日本\u2028👨‍👩‍👧\u0085語"
