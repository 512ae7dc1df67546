"""Structured output: from the text that models really send to the type that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest

from modelhub.errors import InvalidRequest, OutputInvalid
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


def test_a_type_stands_for_itself() -> None:
    wanted = output_type(City)
    assert output_type(wanted) is wanted
