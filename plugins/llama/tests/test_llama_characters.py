"""AT-C6, AT-C9, AT-K: characters, stops and endings of a byte-level model, in this process and on llama.cpp's server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asking import config, four_ways, saying, serving
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_gguf import write

from modelhub import Hub, TextDelta

pytest.importorskip("xllamacpp", reason='the engine is not installed: pip install "modelhub-llama[engine]"')

TEXTS = [
    "日本語の東京タワー",
    "a🗼b👨‍👩‍👧‍👦c🇯🇵",
    "one\u2028two\u2029three\u0085four",
    "e\u0301 か\u3099 \u200d\ufe0f",
    '引用 "x" と \\ と\n改行',
    "𠮷野家",
]


@pytest.fixture(scope="module", params=["in-process", "server"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    path = write(tmp_path_factory.mktemp("models") / "tiny.gguf", context=2048)
    if request.param == "in-process":
        yield config(path, context_window=2048)
    else:
        with serving(path) as found:
            yield found


@pytest.mark.parametrize("text", TEXTS)
def test_a_stream_of_bytes_is_the_text_that_a_call_gives(text: str, place: dict[str, Any]) -> None:
    """AT-C9, AT-K: every character here is several tokens."""
    for response in four_ways(place, "言って", extra=saying(text), max_output_tokens=200):
        assert response.text == text
        assert (response.finish_reason, response.raw_finish_reason, response.complete) == ("stop", "stop", True)


@pytest.mark.parametrize("limit", range(1, 12))
def test_an_answer_that_is_cut_inside_a_character_ends_before_it(limit: int, place: dict[str, Any]) -> None:
    """AT-E2, AT-K: three tokens a character, four for the last."""
    whole = "東京🗼"
    expected = whole.encode()[:limit].decode(errors="ignore")
    for response in four_ways(place, "言って", extra=saying(whole), max_output_tokens=limit):
        assert response.text == (expected if limit < 10 else whole)
        assert response.finish_reason == ("length" if limit < 11 else "stop")
        assert response.usage.output_tokens == limit


@pytest.mark.parametrize(
    ("text", "stops", "expected"),
    [
        ("日本語は楽しい", ["語は"], "日本"),
        ("日本語は楽しい", ["しい"], "日本語は楽"),
        ("one END two", ["END"], "one "),
        ("one EN END two", ["END"], "one EN "),
        ("家族👨‍👩‍👧です", ["👩"], "家族👨‍"),
        ("a。b。c", ["。"], "a"),
        ("行\n\n次", ["\n\n"], "行"),
        ("日本語", ["本語か"], "日本語"),
        ("日本語", ["日"], ""),
    ],
)
def test_a_stop_over_token_borders_ends_the_answer_and_leaks_nothing(
    text: str, stops: list[str], expected: str, place: dict[str, Any]
) -> None:
    """AT-K: in a call and in a stream alike."""
    for response in four_ways(place, "言って", extra=saying(text), stop_sequences=stops, max_output_tokens=100):
        assert response.text == expected
        assert response.finish_reason == "stop"


def test_any_text_comes_through_token_by_token(tmp_path_factory: pytest.TempPathFactory) -> None:
    """AT-C9: whatever the characters."""
    path = write(tmp_path_factory.mktemp("models") / "tiny.gguf", context=2048)
    characters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='\\"')
    with Hub(config(path, context_window=2048)) as hub:
        model = hub.text("a")

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.text(characters, min_size=1, max_size=20))
        def check(text: str) -> None:
            pieces = [
                event.text
                for event in model.stream("x", extra=saying(text), max_output_tokens=200)
                if isinstance(event, TextDelta)
            ]
            assert "".join(pieces) == text
            assert model.generate("x", extra=saying(text), max_output_tokens=200).text == text

        check()
