"""Structured output: from the text that models really send to the type that was asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest

from modelhub.errors import InvalidRequest, OutputInvalid
from modelhub.interfaces.envelope import enveloped
from modelhub.interfaces.output import output_type

SCHEMA = {
    "type": "object",
    "required": ["a"],
    "additionalProperties": False,
    "properties": {"a": {"type": "integer"}},
}


@dataclass
class City:
    name: str


class Size(Enum):
    SMALL = "small"


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "東京"}',
        '\ufeff{"name": "東京"}',
        '```json\n{"name": "東京"}\n```',
        '```JSON\n{"name": "東京"}\n```',
        '<think>A city {of} Japan.</think>\n{"name": "東京"}',
        'Here it is: {"name": "東京"} — as you asked.',
    ],
)
def test_the_json_is_found_where_models_put_it(text: str) -> None:
    assert output_type(City).parse(text) == City("東京")


@pytest.mark.parametrize(
    ("wanted", "text", "value"),
    [
        (str, "plain words", "plain words"),
        (str, '"quoted"', "quoted"),
        (list[str], '["a"]', ["a"]),
        (Size, '"small"', Size.SMALL),
    ],
)
def test_any_type_can_be_asked_for(wanted: Any, text: str, value: object) -> None:
    assert output_type(wanted).parse(text) == value


@pytest.mark.parametrize("text", ['{"b": 1}', '{"a": "1"}', '{"a": 1, "b": 2}', "[]"])
def test_an_answer_that_breaks_the_schema_is_invalid(text: str) -> None:
    pytest.importorskip("jsonschema", reason='needs the extra: pip install "modelhub-core[schema]"')
    with pytest.raises(OutputInvalid):
        output_type(SCHEMA).parse(text)
    assert output_type(SCHEMA).parse('{"a": 1}') == {"a": 1}


def test_what_is_no_schema_and_no_type_is_refused() -> None:
    pytest.importorskip("jsonschema", reason='needs the extra: pip install "modelhub-core[schema]"')
    with pytest.raises(InvalidRequest, match="no JSON Schema"):
        output_type({"type": 5})
    with pytest.raises(InvalidRequest, match="is a function"):
        output_type(lambda: None)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match=r"\ANo JSON Schema can be made of .*Exception.*\Z"):  # in one line
        output_type(Exception)


def test_a_type_stands_for_itself() -> None:
    wanted = output_type(City)
    assert output_type(wanted) is wanted


@dataclass
class Stay:
    city: City
    nights: int = 1
    note: str | None = "なし"
    tags: tuple[str, ...] = ()
    before: list[Stay] | None = None


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "東京",}',
        '```json\n{"name": "東京",\n}\n```',
        'Of the {set} of cities I take {"name": "東京"}.',
        'First {"name": 5}, no: {"name": "東京"}',
        'First {"name": "大阪"}, no: {"name": "東京"}',
        'I could say {"name": "大阪"}.</think>\n{"name": "東京"}',
        '<think>```json\n{"name": "大阪"}\n```</think>```json\n{"name": "東京"}\n```',
        'Sure!\r\n```json\r\n{"name": "東京"}\r\n```\r\nAnything else? {ask}',
        '\ufeff ```\n{"name": "東京"}```',
        '[{"name": "東京"}]{"name": "東京"}',
    ],
)
def test_the_json_is_found_among_whatever_models_put_around_it(text: str) -> None:
    """AT-O: fences, prose, reasoning, a byte order mark; a comma before a closing bracket is accepted."""
    assert output_type(City).parse(text) == City("東京")


@pytest.mark.parametrize("name", ["a,}", "```", "</think>", "{x}", '"', "\\", "日本,]"])
def test_text_inside_of_strings_is_left_alone(name: str) -> None:
    """AT-O: what looks like a comma too many, a fence or reasoning is text where it stands in a string."""
    text = json.dumps({"name": name}, ensure_ascii=False)
    for written in (text, f"```json\n{text}\n```", f"{text[:-1]},}}", f"<think>?</think>{text}"):
        assert output_type(City).parse(written) == City(name)


@pytest.mark.parametrize("text", ["", "No.", '{"name": ', '{"name": "東', '{"name": 1,,}', "{" * 5000, "[" * 100_000])
def test_what_holds_no_answer_is_invalid_and_quickly_so(text: str) -> None:
    """AT-O: the whole text comes back with the error."""
    with pytest.raises(OutputInvalid) as caught:
        output_type(City).parse(text)
    assert caught.value.text == text


def test_null_stands_for_a_default_where_it_can_be_nothing_else() -> None:
    """AT-O: a strict dialect requires every field; null is what a model writes for one it leaves out."""
    inner = '{"city": {"name": "京都"}, "nights": null, "note": null, "tags": null, "before": null}'
    text = f'{{"city": {{"name": "東京"}}, "nights": null, "note": null, "tags": null, "before": [{inner}]}}'
    assert output_type(Stay).parse(text) == Stay(City("東京"), note=None, before=[Stay(City("京都"), note=None)])


def test_null_for_a_required_field_is_invalid() -> None:
    with pytest.raises(OutputInvalid, match="name"):
        output_type(City).parse('{"name": null}')


@pytest.mark.parametrize(
    ("wanted", "text", "value"),
    [
        (list[int], '{"value": [1, 2]}', [1, 2]),
        (int | None, '{"value": null}', None),
        (str, '{"value": "言葉"}', "言葉"),
        (str, "{not an envelope}", "{not an envelope}"),
        (Size, '```json\n{"value": "small"}\n```', Size.SMALL),
        (City | Stay, '{"value": {"city": {"name": "x"}, "nights": null}}', Stay(City("x"))),
        (dict[str, int], '{"value": 1}', {"value": 1}),
        (Any, '{"value": {"value": 1}}', {"value": 1}),
    ],
)
def test_what_is_no_object_is_taken_out_of_its_envelope(wanted: Any, text: str, value: object) -> None:
    """AT-O: several dialects take an object at the root and nothing else."""
    assert output_type(wanted).parse(text) == value


def test_a_json_schema_is_read_as_leniently_as_a_type() -> None:
    """AT-O: the same for plain data: null for an optional key, and the envelope of a list."""
    pytest.importorskip("jsonschema", reason='needs the extra: pip install "modelhub-core[schema]"')
    assert output_type({**SCHEMA, "required": []}).parse('{"a": null}') == {}
    assert output_type({"type": "array", "items": SCHEMA}).parse('{"value": [{"a": 1}]}') == [{"a": 1}]


@pytest.mark.parametrize(
    ("schema", "root"),
    [
        ({"type": "array", "items": {"$ref": "#"}}, "#/properties/value"),
        ({"anyOf": [{"$ref": "#/$defs/A"}], "$defs": {"A": {"type": "object"}}}, "#/$defs/A"),
    ],
)
def test_references_follow_a_schema_into_its_envelope(schema: dict[str, Any], root: str) -> None:
    assert f'"$ref": "{root}"' in json.dumps(enveloped(schema))
    assert enveloped(schema)["type"] == "object"


def test_an_object_needs_no_envelope() -> None:
    referred = {"$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "properties": {}}}}
    assert enveloped(SCHEMA) == SCHEMA
    assert enveloped(referred) == referred
    assert enveloped({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}})["properties"].keys() == {"value"}
