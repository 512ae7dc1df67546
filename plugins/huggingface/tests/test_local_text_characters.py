"""AT-C6, AT-C9, AT-E2, AT-K: characters, stops and endings, whatever the tokens cut through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from local_asking import config, four_ways
from modelhub_huggingface.local.writing.speaking import Speaker, Stops
from tiny_scripts import PROMPT, scripted

pytest.importorskip("transformers", reason='transformers is missing: pip install "modelhub-huggingface[local]"')

TEXTS = [
    "日本語の東京タワー",
    "a🗼b👨‍👩‍👧‍👦c🇯🇵",
    "one\u2028two\u2029three\u0085four",
    "e\u0301 か\u3099 \u200d\ufe0f",
    '引用 "x" と \\ と\n改行',
    "𠮷野家",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_stream_of_bytes_is_the_text_that_a_call_gives(text: str, tmp_path: Path) -> None:
    """AT-C9, AT-K: nearly every character here is several tokens."""
    for response in four_ways(config(scripted(tmp_path / "m", text)), PROMPT):
        assert response.text == text
        assert (response.finish_reason, response.raw_finish_reason, response.complete) == ("stop", "eos_token", True)


@pytest.fixture(scope="module")
def tokyo(tmp_path_factory: pytest.TempPathFactory) -> str:
    return scripted(tmp_path_factory.mktemp("models") / "tokyo", "雲丘🗼")


@pytest.mark.parametrize("limit", range(1, 12))
def test_an_answer_that_is_cut_inside_a_character_ends_before_it(limit: int, tokyo: str) -> None:
    """AT-E2, AT-K: three tokens a character, four for the last."""
    whole = "雲丘🗼"
    expected = whole.encode()[:limit].decode(errors="ignore")
    for response in four_ways(config(tokyo), PROMPT, max_output_tokens=limit):
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
        ("abcd", ["abcd", "bc"], "a"),
    ],
)
def test_a_stop_over_token_borders_ends_the_answer_and_leaks_nothing(
    text: str, stops: list[str], expected: str, tmp_path: Path
) -> None:
    """AT-K: in a call and in a stream alike."""
    for response in four_ways(config(scripted(tmp_path / "m", text)), PROMPT, stop_sequences=stops, logprobs=0):
        assert response.text == expected
        assert response.raw_finish_reason == ("eos_token" if expected == text else "stop_sequence")
        assert response.finish_reason == "stop"
        assert response.logprobs is not None
        assert len(response.logprobs) <= response.usage.output_tokens


def decoders(tiny: Callable[..., str]) -> dict[str, Any]:
    from transformers import AutoTokenizer

    return {kind: AutoTokenizer.from_pretrained(tiny(kind)) for kind in ("gpt2", "llama", "llama2", "bloom", "bart", "t5")}


def spoken(tokenizer: Any, tokens: list[int], before: list[int]) -> tuple[list[str], str]:
    speaker = Speaker(lambda ids: tokenizer.decode(ids, skip_special_tokens=True), before)
    pieces = [speaker.feed(token) for token in tokens]
    pieces.append(speaker.close())
    return pieces, speaker.said


CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffd")


def test_any_text_comes_through_token_by_token(tiny: Callable[..., str]) -> None:
    """AT-C9: whatever the characters and the tokenizer, byte-level, with bytes beside letters, or with none."""
    tokenizers = decoders(tiny)

    @settings(max_examples=150, deadline=None)
    @given(st.sampled_from(sorted(tokenizers)), st.text(CHARACTERS, max_size=20), st.text(CHARACTERS, max_size=5))
    def check(kind: str, text: str, before: str) -> None:
        tokenizer = tokenizers[kind]
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        pieces, said = spoken(tokenizer, tokens, [])
        assert "".join(pieces) == said == tokenizer.decode(tokens, skip_special_tokens=True)
        assert all("\ufffd" not in piece for piece in pieces)
        if kind in ("gpt2", "llama", "bloom"):  # what goes on from a text is that text and more
            context = tokenizer(before, add_special_tokens=False)["input_ids"]
            assert spoken(tokenizer, tokens, context)[1] == text

    check()


def test_a_text_goes_on_with_the_space_that_it_has(tiny: Callable[..., str]) -> None:
    """Tokenizers of the second Llama's kind drop the space before the first word, where they do not see what came before it."""
    tokenizer = decoders(tiny)["llama2"]
    whole = tokenizer("Tokyo is the sea", add_special_tokens=False)["input_ids"]
    begin = tokenizer("Tokyo is", add_special_tokens=False)["input_ids"]
    assert spoken(tokenizer, whole[len(begin) :], begin)[1] == " the sea"
    assert spoken(tokenizer, whole[len(begin) :], [])[1] == "the sea"


def test_bytes_that_are_no_text_do_not_hold_up_what_follows(tiny: Callable[..., str]) -> None:
    """A model may write bytes that make no character: what comes after them comes as it comes."""
    for kind in ("gpt2", "llama2"):
        tokenizer = decoders(tiny)[kind]
        byte = tokenizer.convert_tokens_to_ids("<0x97>" if kind == "llama2" else "Ĺ")
        pieces, said = spoken(tokenizer, [byte] * 40 + tokenizer(" the sea", add_special_tokens=False)["input_ids"], [])
        assert any(pieces[:20]), "Nothing was told for 20 tokens."
        assert said.endswith("the sea")
        assert "".join(pieces) == said


@settings(max_examples=300, deadline=None)
@given(st.text("ab終", max_size=12), st.lists(st.text("ab終", min_size=1, max_size=4), min_size=1, max_size=3), st.data())
def test_it_does_not_matter_how_a_text_with_stops_is_cut(text: str, sequences: list[str], data: st.DataObject) -> None:
    one_by_one = Stops(sequences)
    expected = "".join(map(one_by_one.feed, text)) + one_by_one.rest()
    stops, told, rest = Stops(sequences), "", text
    while rest:
        cut = data.draw(st.integers(1, len(rest)))
        told, rest = told + stops.feed(rest[:cut]), rest[cut:]
    assert told + stops.rest() == expected
    assert stops.came == any(sequence in text for sequence in sequences)
    assert not any(sequence in expected for sequence in sequences)
