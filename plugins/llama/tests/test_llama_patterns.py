"""AT-O: patterns of a schema, each held through the real engine; what cannot be said is told."""

from __future__ import annotations

import re
from typing import Annotated, Any

import pytest
from asking import config, four_ways
from modelhub_llama.patterns.characters import ANY, KINDS, union, without, written
from modelhub_llama.patterns.reading import sayable
from modelhub_llama.schemas import held
from pydantic import Field, TypeAdapter
from tiny_gguf import write

from modelhub import Hub

pytest.importorskip("xllamacpp", reason='the engine is not installed: pip install "modelhub-llama[engine]"')

LETTERS_ALONE: dict[str, Any] = {"logit_bias": [[5 + byte, -30] for byte in range(0x80, 256)]}
"""A model of random numbers writes bytes that are no text where it may: the ones it needs, the grammar leaves it."""
HELD = [
    r"^\d\d$",
    r"^[A-Z]{3}-\d{2}$",
    r"^\d{3}-\d{4}$",
    r"^\d{1,4}(\.\d{1,2})?$",
    r"^\w{2}$",
    r"^\W{2}$",
    r"^\D{2}$",
    r"^\S{2}\s\S{2}$",
    r"^[\d]{2}[\w.]{2}$",
    r"^[^\d]{2}[^\s]{2}[^\w]$",
    r"^[\w.+-]{1,8}@[\w-]{1,8}\.[\w.-]{1,8}$",
    r"^.{2}$",
    r"^[^a-z]{3}$",
    r"^[^\"\\]{3}$",
    r"^\"a\\b/c\"$",
    r"^a\nb\tc$",
    r"^[\n\t ]{3}$",
    r"^[\\\]\[^-]{4}$",
    r"^\(\)\[\]\{\}\|\^\$\*\?\.\+$",
    r"^#[0-9a-fA-F]{6}$",
    r"^[\.\-_@#]{3}$",
    r"^(?:ab|c){2}(?P<end>d)$",
    r"^(東京|大阪)市$",
    r"^あ{2}[ぁ-ん]{2}$",
    r"^\u3042[\u3041-\u3093]\x41$",
    "^😀{2}[😀-😂]$",
    r"^a{0}b{2,}?c??$",
    "^$",
]
"""Of bounded length all, or nearly."""
UNSAID = [
    *(r"^(?=a)b$", r"^(?<=a)b$", r"^(?!a)b$", r"(?i)^a$", r"^\bfoo\b$", r"^(a)\1$", r"^a$b$", r"^a^b$", r"^\Aa\Z$", r"^\p{L}$"),
    *(r"^[]a]$", r"^[^]a]$", r"^[a-z&&[^b]]$", r"^[[:alpha:]]$", r"^[z-a]$", r"^[a", r"^a++$", r"^a{,3}$", r"^a{3,2}$", "^*$"),
    *(r"^(a*)*$", r"^(a|)+$", r"^a{1001}$", r"^(a{500}){500}$", "(", ")", "\\", "^\x00$", "^\ud800$", r"^\x{110000}$", r"^\0$"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = write(tmp_path_factory.mktemp("models") / "tiny.gguf", context=2048)
    return config(path, context_window=2048)


@pytest.mark.parametrize("pattern", HELD)
def test_an_answer_follows_the_pattern(pattern: str, place: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    """Of pydantic, and of Python; nothing is said on standard error."""
    wanted = Annotated[str, Field(pattern=pattern)]
    with Hub(place) as hub:
        for seed in range(4):
            asked: dict[str, Any] = {"seed": seed, "max_output_tokens": 400, "extra": {"llama": LETTERS_ALONE}}
            response = hub.text("a").generate("x", output_type=wanted, **asked)
            assert re.fullmatch(pattern, response.output), response.text
            assert response.notices == ()
    assert capfd.readouterr().err == ""


def test_a_pattern_without_anchors_is_held_to_as_well(place: dict[str, Any]) -> None:
    """What may stand before and behind is anything."""
    biased = {"logit_bias": [[5 + ord('"'), 4], *LETTERS_ALONE["logit_bias"]]}
    with Hub(place) as hub:
        for seed in range(4):
            asked: dict[str, Any] = {"seed": seed, "max_output_tokens": 1500, "extra": {"llama": biased}}
            response = hub.text("a").generate("x", output_type={"type": "string", "pattern": r"[b-y]|^京"}, **asked)
            assert re.search(r"[b-y]|^京", response.output)
            assert response.notices == ()


@pytest.mark.parametrize("pattern", UNSAID)
def test_what_a_grammar_cannot_say_is_not_sent(pattern: str) -> None:
    assert sayable(pattern) is None
    assert held({"properties": {"pattern": {"type": "string", "pattern": pattern}}, "enum": [{"pattern": pattern}]}) == {
        "properties": {"pattern": {"type": "string"}},
        "enum": [{"pattern": pattern}],
    }


def test_what_is_not_sent_is_told_and_checked(place: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    schema = {"type": "array", "items": {"type": "string", "pattern": r"\B"}, "maxItems": 0}
    for response in four_ways(place, "x", output_type=schema, max_output_tokens=50):
        assert [notice.message.split("'")[1] for notice in response.notices] == ["pattern"]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("letter", KINDS)
def test_a_set_of_characters_is_what_every_dialect_takes_it_for(letter: str) -> None:
    points = [point for low, high in KINDS[letter] for point in range(low, min(high, low + 300) + 1)]
    characters = [chr(point) for point in points if not 0xD800 <= point < 0xE000]
    in_python = re.compile(rf"\{letter}")
    assert not [char for char in characters if not in_python.fullmatch(char)]
    in_rust = TypeAdapter(list[Annotated[str, Field(pattern=rf"^\{letter}$")]])
    assert in_rust.validate_python(characters) == characters


def test_sets_are_added_and_taken_away() -> None:
    assert union(((5, 6), (1, 2)), ((3, 3), (9, 12)), ((10, 11),)) == ((1, 3), (5, 6), (9, 12))
    assert without(((1, 9), (11, 12)), ((0, 1), (4, 5), (9, 11))) == ((2, 3), (6, 8), (12, 12))
    assert without(ANY, ANY) == ()
    assert written(((ord("a"), ord("a")), (ord("あ"), ord("い")))) == r"[a\u3042-\u3044]"
