"""AT-O: types of every sort, of a model of random numbers that is held to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from asking import config, four_ways, serving
from modelhub_llama.schemas import unheld
from pydantic import BaseModel, Field, TypeAdapter
from tiny_gguf import write

from modelhub import AnswerError, BadRequest, Hub, OutputInvalid, StreamBroken

pytest.importorskip("xllamacpp", reason='the engine is not installed: pip install "modelhub-llama[engine]"')


class Colour(Enum):
    RED = "赤"
    BLUE = "青"


class City(BaseModel):
    name: Literal["東京", "京都"]
    wards: Annotated[int, Field(ge=1, le=23)]


class Journey(BaseModel):
    start: City
    end: City
    on: date
    colour: Colour | None = None


class Cat(BaseModel):
    kind: Literal["猫"]
    lives: Annotated[int, Field(ge=0, le=9)]


class Dog(BaseModel):
    kind: Literal["犬"]
    good: bool


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


class Node(BaseModel):
    label: Literal["葉", "枝"]
    child: Node | None


@dataclass
class Point:
    x: Annotated[int, Field(ge=-9, le=9)]
    y: Annotated[int, Field(ge=-9, le=9)]


TYPES: dict[str, Any] = {
    "model": City,
    "nested": Journey,
    "enum": Colour,
    "literal": Literal["はい", "いいえ"],
    "union": Cat | Dog,
    "discriminated": Owner,
    "recursive": Node,
    "dataclass": Point,
    "date": date,
    "boolean": bool,
    "list": Annotated[list[Literal["一", "二"]], Field(min_length=1, max_length=3)],
    "range": Annotated[int, Field(ge=100, le=120)],
    "optional": Literal["有"] | None,
    "pattern": Annotated[str, Field(pattern=r"^[0-9]{3}-[0-9]{4}$")],
    "short": Annotated[str, Field(pattern=r"^[ぁ-ん]{2,4}$")],
}


@pytest.fixture(scope="module", params=["in-process", "server"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    path = write(tmp_path_factory.mktemp("models") / "tiny.gguf", context=2048)
    if request.param == "in-process":
        yield config(path, context_window=2048)
    else:
        with serving(path) as found:
            yield found


@pytest.mark.parametrize("name", TYPES)
def test_the_answer_has_the_type_that_was_asked_for(name: str, place: dict[str, Any]) -> None:
    """AT-O: whole and streamed, in either runtime."""
    for response in four_ways(place, "答えて", output_type=TYPES[name], seed=11, max_output_tokens=1500):
        TypeAdapter(TYPES[name]).validate_python(response.output)
        assert response.output is not None or name == "optional"
        assert (response.finish_reason, response.notices) == ("stop", ())


def test_a_schema_that_is_written_by_hand_is_held_to(place: dict[str, Any]) -> None:
    schema = {
        "$defs": {"語": {"enum": ["山", "川"]}},
        "type": "object",
        "properties": {"合言葉": {"$ref": "#/$defs/語"}},
        "required": ["合言葉"],
        "additionalProperties": False,
    }
    for response in four_ways(place, "?", output_type=schema, max_output_tokens=200):
        assert response.output["合言葉"] in ("山", "川")


def test_an_answer_that_is_cut_is_told_at_once(place: dict[str, Any]) -> None:
    """AT-O: no second try, and what came is there with its usage."""
    with Hub(place) as hub:
        for ask in (hub.text("a").generate, lambda *a, **k: list(hub.text("a").stream(*a, **k))):
            with pytest.raises(OutputInvalid, match="max_output_tokens") as caught:
                ask("x", output_type=Journey, max_output_tokens=9)
            partial: Any = caught.value.partial
            assert partial.finish_reason == "length"
            assert partial.usage.output_tokens == 9
            assert len(partial.attempts) == 1


def test_what_the_engine_cannot_read_is_the_models_fault_and_not_asked_again(place: dict[str, Any]) -> None:
    """Bytes that are no text: the same request would write them again. In a stream it stands behind what has come."""
    byte = 5 + 0xFF
    broken: dict[str, Any] = {"output_type": {"type": "string"}, "max_output_tokens": 20, "retries": 2}
    broken["extra"] = {"llama": {"logit_bias": [[byte, 20]]}}
    with Hub(place) as hub:
        with pytest.raises(AnswerError, match=r"could not read what its model wrote.*another seed") as caught:
            hub.text("a").generate("x", **broken)
        assert (caught.value.retryable, caught.value.attempts) == (False, ())
        with pytest.raises(StreamBroken, match="could not read what its model wrote") as cut:
            list(hub.text("a").stream("x", **broken))
        assert isinstance(cut.value.__cause__, AnswerError)


def test_a_schema_that_refers_to_nothing_is_an_error_in_llama_cpps_words(place: dict[str, Any]) -> None:
    with Hub(place) as hub, pytest.raises(BadRequest, match=r"cannot hold a model to this schema: .*nowhere"):
        hub.text("a").generate("x", output_type={"$ref": "#/$defs/nowhere"})


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 9}, []),
        ({"type": "number", "minimum": 1}, ["minimum"]),
        ({"type": "integer", "multipleOf": 2}, ["multipleOf"]),
        ({"type": "string", "format": "date"}, []),
        ({"type": "string", "format": "email"}, ["format"]),
        ({"type": "string", "pattern": "^[a-z]+$"}, []),
        ({"type": "string", "pattern": "[a-z]"}, []),
        ({"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 5}, ["maxLength", "minLength"]),
        ({"type": "string", "pattern": r"^\bab$", "minLength": 2}, ["pattern"]),
        ({"type": "object", "propertyNames": {"const": "鍵"}, "additionalProperties": {"type": "boolean"}}, ["propertyNames"]),
        ({"type": "string", "pattern": "^(?=a)b$"}, ["pattern"]),
        ({"type": "array", "items": {"type": "number", "maximum": 1}, "uniqueItems": True}, ["maximum", "uniqueItems"]),
        ({"type": "object", "properties": {"not": {"type": "string"}, "if": {"enum": ["format"]}}}, []),
        ({"anyOf": [{"not": {"type": "string"}}], "$defs": {"minProperties": {"minProperties": 1}}}, ["minProperties", "not"]),
    ],
)
def test_what_a_grammar_cannot_say_is_known(schema: dict[str, Any], words: list[str]) -> None:
    assert unheld(schema) == words


def test_what_a_grammar_cannot_say_is_told(place: dict[str, Any]) -> None:
    wanted = {"type": "array", "items": {"enum": ["一"]}, "minItems": 1, "maxItems": 1, "uniqueItems": True}
    for response in four_ways(place, "x", output_type=wanted, max_output_tokens=200):
        assert response.output == ["一"]
        assert [(notice.setting, "uniqueItems" in notice.message) for notice in response.notices] == [("output_type", True)]
