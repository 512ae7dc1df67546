"""AT-O: types of every sort in the strict dialect: accepted there, what was left out told, and the answer read back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelhub_openai.quirks import Quirks
from modelhub_openai.schemas import fitted, json_schema, named, notices, strict_schema
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from modelhub.plugin import Message, OutputInvalid, TextRequest, output_type

Schema = Mapping[str, Any]
LIMITS = {
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "pattern",
    "format",
}
FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
WORDS = {"title", "description"}
TYPES = {"string", "number", "boolean", "integer", "object", "array", "null"}


def faults(root: Schema, limits: bool) -> list[str]:
    """What of a schema the guide to structured outputs forbids; ``limits`` as it is since 2025, else as before and on Azure."""
    told = [] if root.get("type") == "object" and "anyOf" not in root else ["the root is no object"]
    told += [line for place, schema in places(root, "#") for line in wrong(schema, root, place, limits)]
    if (count := sum(len(schema.get("properties", ())) for _, schema in places(root, "#"))) > 5000:
        told.append(f"{count} properties")
    if (count := sum(len(schema.get("enum", ())) for _, schema in places(root, "#"))) > 1000:
        told.append(f"{count} values")
    return told


def places(schema: Any, place: str) -> Iterator[tuple[str, Schema]]:
    """Every schema inside, with where it stands."""
    if not isinstance(schema, Mapping):
        yield place, {"not a schema": schema}
        return
    yield place, schema
    for name in ("properties", "$defs"):
        for key, inner in schema.get(name, {}).items():
            yield from places(inner, f"{place}/{name}/{key}")
    for number, inner in enumerate(schema.get("anyOf", ())):
        yield from places(inner, f"{place}/anyOf/{number}")
    if "items" in schema:
        yield from places(schema["items"], f"{place}/items")


def wrong(schema: Schema, root: Schema, place: str, limits: bool) -> Iterator[str]:
    keys = schema.keys() - ({"$defs"} if place == "#" else set())
    kinds = {schema["type"]} if isinstance(schema.get("type"), str) else set(schema.get("type", ()))
    if "$ref" in keys:
        name = schema["$ref"].removeprefix("#/$defs/")
        if keys != {"$ref"} or not re.fullmatch(r"[A-Za-z0-9_-]+", name) or name not in root.get("$defs", {}):
            yield f"{place}: {dict(schema)} is no reference that stands alone"
        return
    if "anyOf" in keys:
        if keys - WORDS != {"anyOf"} or not schema["anyOf"]:
            yield f"{place}: anyOf beside {keys}"
        return
    allowed = {"type", "enum", *WORDS, *(LIMITS if limits else ())}
    allowed |= {"properties", "required", "additionalProperties"} if "object" in kinds else set()
    allowed |= {"items"} if "array" in kinds else set()
    if unknown := keys - allowed:
        yield f"{place}: {unknown} may not be used"
    if not kinds or kinds - TYPES:
        yield f"{place}: the type is {kinds}"
    if "object" in kinds and (
        schema.get("additionalProperties") is not False or list(schema["properties"]) != list(schema.get("required", ()))
    ):
        yield f"{place}: the object is open, or does not require all it has"
    if "array" in kinds and "items" not in keys:
        yield f"{place}: the list says nothing of its items"
    if schema.get("format", "date") not in FORMATS:
        yield f"{place}: format {schema['format']}"
    if re.search(r"\(\?[=!<]", schema.get("pattern", "")):
        yield f"{place}: the pattern looks around"


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Place(BaseModel):
    """場所"""

    name: str = Field(description="名前", min_length=1, max_length=40, pattern=r"^\S")
    height: float | None = None
    founded: date = date(1868, 1, 1)


class Node(BaseModel):
    label: str
    children: list[Node] = []
    parent: Annotated[Node | None, Field(description="above")] = None
    best: Annotated[Node | None, Field(description="the best")] = None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=0, le=9, multiple_of=1)] = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: Annotated[list[str], Field(min_length=0, max_length=3)] = []


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    second: Cat | Dog | None = None
    home: Place
    away: Annotated[Place, Field(description="elsewhere")]


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str


class 都市(BaseModel):  # noqa: N801  # a name in another script is meant
    名前: str
    隣: list[都市] = []


@dataclass
class Trip:
    when: datetime
    how_long: timedelta
    number: UUID
    places: list[Place] = field(default_factory=list)
    size: Size = Size.SMALL
    level: Level = Level.LOW
    flags: tuple[bool, ...] = ()


class Point(NamedTuple):
    x: float
    y: float = 0.0


class Loose(TypedDict, total=False):
    a: int
    b: str | None


class Names(BaseModel):
    schema_: str = Field(alias="schema")
    ref: str = Field("x", alias="$ref")
    kinds: set[Literal[1, "one"] | None] = set()


JAPAN = Place(name="富士山", height=3776.2)
TREE = Node(label="根", children=[Node(label="葉", parent=Node(label="x"))])
TRIP = Trip(datetime(2026, 11, 24, tzinfo=UTC), timedelta(hours=3), UUID(int=7), [JAPAN], Size.LARGE, Level.HIGH, (True, False))
EXPRESSIBLE: dict[str, tuple[Any, list[Any]]] = {
    "model": (Place, [JAPAN, Place(name="x")]),
    "recursive": (Node, [TREE]),
    "union": (Owner, [Owner(pet=Dog(kind="dog", tricks=["座る"]), home=JAPAN, away=JAPAN)]),
    "extra": (Open, [Open(name="x")]),
    "japanese": (都市, [都市(名前="東京", 隣=[都市(名前="横浜")])]),
    "dataclass": (Trip, [TRIP]),
    "named tuple": (Point, [Point(1.0, 2.0)]),
    "typed dict": (Loose, [{"a": 1, "b": None}]),
    "aliases": (Names, [Names.model_validate({"schema": "s", "$ref": "r", "kinds": [1, None]})]),
    "list": (list[Place], [[JAPAN], []]),
    "tuple": (tuple[int, str, int], [(1, "二", 3)]),
    "enum": (Size, [Size.LARGE]),
    "literal": (Literal["a", 1], ["a", 1]),
    "optional": (int | None, [None, 3]),
    "text": (str, ["言葉"]),
    "number": (Annotated[int, Field(gt=0, lt=10)], [5]),
    "decimal": (Decimal, [Decimal("1.5")]),
    "bare union": (Cat | Dog, [Cat(kind="cat", lives=3)]),
    "mail": (Annotated[str, Field(json_schema_extra={"format": "email"})], ["a@example.com"]),
}
INEXPRESSIBLE: dict[str, tuple[Any, list[Any]]] = {
    "dict": (dict[str, int], [{"a": 1, "値": 2}]),
    "dict of models": (dict[str, Place], [{"富士": JAPAN}]),
    "anything": (Any, [{"x": [1]}, 3, None]),
    "list of anything": (list, [[1, "a"]]),
    "field of anything": (dict[str, list[dict[str, Any]]], [{"a": [{"b": 1}]}]),
}
JSON_SCHEMAS: dict[str, Schema] = {
    "old definitions": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"a": {"$ref": "#/definitions/A"}, "b": {"$ref": "#/properties/a"}},
        "definitions": {"A": {"type": "string", "minLength": 2}},
    },
    "self": {"type": "object", "properties": {"next": {"$ref": "#"}, "value": {"const": 1}}, "required": ["value"]},
    "all of": {
        "type": "object",
        "allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"$ref": "#/$defs/B"}],
        "$defs": {"B": {"type": "object", "properties": {"b": {"type": "string"}}}},
    },
    "all of one": {
        "type": "object",
        "properties": {"a": {"allOf": [{"$ref": "#/$defs/A"}], "description": "one", "default": {}}},
        "$defs": {"A": {"type": "object", "properties": {"x": {"type": "integer", "minimum": 1}}}},
    },
    "one of": {
        "type": "object",
        "properties": {"a": {"oneOf": [{"type": "string", "format": "uri"}, {"type": "integer"}], "minimum": 3}},
        "required": ["a"],
    },
    "one of two keys": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "oneOf": [{"required": ["a"]}, {"required": ["b"], "properties": {"b": {"minLength": 2}}}],
    },
    "types": {"type": "object", "properties": {"a": {"type": ["string", "null"]}, "b": {"enum": ["x", 1, None]}}},
    "conditions": {
        "type": "object",
        "properties": {"a": {"type": "integer", "not": {"const": 3}}},
        "if": {"properties": {"a": {"const": 1}}},
        "then": {"required": ["a"]},
        "minProperties": 1,
        "dependentRequired": {"a": ["a"]},
    },
    "list of pairs": {
        "type": "array",
        "prefixItems": [{"type": "integer"}, {"$ref": "#/prefixItems/0"}],
        "items": False,
        "uniqueItems": True,
    },
    "look around": {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(?!x)a"}}},
    "long names": {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/" + "名" * 80}},
        "$defs": {"名" * 80: {"type": "null"}},
    },
    "slashes": {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/a~1b"}, "b": {"$ref": "#/$defs/a%20b"}},
        "$defs": {"a/b": {"type": "string"}, "a b": {"type": "integer"}},
    },
}
CORPUS = {**EXPRESSIBLE, **INEXPRESSIBLE}


@pytest.mark.parametrize("limits", [True, False])
@pytest.mark.parametrize("name", EXPRESSIBLE)
def test_a_type_is_accepted_by_the_strict_dialect(name: str, limits: bool) -> None:
    """AT-O: the corpus of types against the dialect's rules, with and without the limits that newer models take."""
    found = strict_schema(output_type(EXPRESSIBLE[name][0]).schema, limits=limits)
    assert found.strict
    assert faults(found.schema, limits) == []


@pytest.mark.parametrize("limits", [True, False])
@pytest.mark.parametrize("name", JSON_SCHEMAS)
def test_a_json_schema_is_accepted_by_the_strict_dialect(name: str, limits: bool) -> None:
    """AT-O: handwritten JSON Schemas, in older words and newer ones."""
    found = strict_schema(JSON_SCHEMAS[name], limits=limits)
    assert found.strict, found.notes
    assert faults(found.schema, limits) == []


@pytest.mark.parametrize("name", INEXPRESSIBLE)
def test_what_the_dialect_cannot_say_is_sent_without_being_strict(name: str) -> None:
    """AT-O: ``dict[str, T]`` and ``Any`` have no words in the strict dialect."""
    found = strict_schema(output_type(INEXPRESSIBLE[name][0]).schema)
    assert not found.strict
    assert found.schema["type"] == "object"
    assert "not held to it" in found.notes[-1]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"$ref": "https://example.com/a.json"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/missing"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a", "title": "x"}}},
        {"type": "object", "allOf": [{"$ref": "#"}], "properties": {}},
        {"type": "object", "properties": {"a": True}},
        {"type": "object", "properties": {"a": {"patternProperties": {"x": {}}, "type": "object"}}},
        {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(5001)}},
        {"type": "object", "properties": {"a": {"enum": list(range(1001))}}},
    ],
)
def test_what_cannot_be_written_is_told_and_never_raises(schema: Schema) -> None:
    found = strict_schema(schema)
    if found.strict:
        assert faults(found.schema, limits=True) == []
    else:
        assert found.schema == schema


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in CORPUS for value in CORPUS[name][1]])
def test_an_answer_in_the_dialect_is_read_as_the_type(name: str, value: Any) -> None:
    """AT-O: an answer that follows the schema sent, every optional field that is left out as null, is the value again."""
    from jsonschema import Draft202012Validator

    wanted = output_type(CORPUS[name][0])
    found = strict_schema(wanted.schema)
    plain = json.loads(TypeAdapter(wanted.python_type).dump_json(value, by_alias=True, exclude_defaults=True))
    enveloped = {"value": plain} if found.schema.get("properties", {}).keys() == {"value"} else plain
    written = filled(enveloped, found.schema, found.schema) if found.strict else enveloped
    if found.strict:
        Draft202012Validator(found.schema).validate(written)
    assert wanted.parse(json.dumps(written, ensure_ascii=False)) == value


def filled(value: Any, schema: Schema, root: Schema) -> Any:
    """The value as a strict model writes it: with all keys, null for what is missing."""
    if "$ref" in schema:
        return filled(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    if isinstance(value, list):
        return [filled(item, schema.get("items", _branch(schema, "items").get("items", {})), root) for item in value]
    if not isinstance(value, dict):
        return value
    for one in _objects(schema, root):
        properties = one["properties"]
        if value.keys() <= properties.keys() and _constants(value, properties):
            return {name: filled(value.get(name), inner, root) for name, inner in properties.items()}
    return value


def _branch(schema: Schema, key: str) -> Schema:
    return next((one for one in schema.get("anyOf", ()) if key in one), {})


def _objects(schema: Schema, root: Schema) -> Iterator[Schema]:
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if "properties" in schema:
        yield schema
    for one in schema.get("anyOf", ()):
        yield from _objects(one, root)


def _constants(value: Mapping[str, Any], properties: Schema) -> bool:
    return all(value[name] in properties[name]["enum"] for name in value if "enum" in properties[name] and len(properties) > 1)


def test_what_was_stripped_is_told_and_said_in_words() -> None:
    """AT-O: a limit that the host does not take comes back as a notice, stands in the description, and is checked here."""
    found = strict_schema(output_type(Place).schema, limits=False)
    assert sorted(re.findall(r"^(\S+): '(\w+)'", "\n".join(found.notes), re.MULTILINE)) == [
        ("founded", "format"),
        ("name", "maxLength"),
        ("name", "minLength"),
        ("name", "pattern"),
    ]
    assert found.schema["properties"]["name"]["description"].startswith("名前 (")
    assert "maxLength: 40" in found.schema["properties"]["name"]["description"]
    with pytest.raises(OutputInvalid, match="name: String should have"):
        output_type(Place).parse('{"name": "", "height": null, "founded": null}')


def test_a_default_is_told_and_null_stands_for_it() -> None:
    sent = strict_schema(output_type(Cat).schema).schema
    assert "(default: 9)" in json.dumps(sent)
    assert output_type(Cat).parse('{"kind": "cat", "lives": null}') == Cat(kind="cat")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("City", "City"),
        ("List[City]", "List_City_"),
        ("都市", "output"),
        ("a" * 99, "a" * 64),
        ("", "output"),
        ("a b-c", "a_b-c"),
    ],
)
def test_names_are_made_safe(name: str, safe: str) -> None:
    """AT-O: a name is of letters, digits, underscores and hyphens, 64 at most."""
    assert named(name) == safe
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", named(name))


def test_the_parameter_has_what_the_api_takes() -> None:
    assert json_schema(output_type(dict[str, int])) == {
        "name": "dict",
        "schema": {"type": "object", "additionalProperties": {"type": "integer"}},
        "strict": False,
    }
    assert json_schema(output_type(list[int]))["strict"] is True


def test_a_host_that_takes_no_schema_is_asked_in_words() -> None:
    """AT-O: native to prompt, recorded in a notice."""
    request = TextRequest(messages=(Message("system", "簡潔に。"), Message("user", "?")), output=output_type(Place))
    worded = fitted(request, Quirks(structured_output="json_object"))
    assert worded.messages[0].text.startswith("簡潔に。\n\nAnswer with JSON")
    assert '"名前"' in worded.messages[0].text
    assert [notice.setting for notice in notices(request, Quirks(structured_output="none"))] == ["output_type"]
    assert fitted(request, Quirks()) is request


def test_what_is_strict_already_is_left_as_it_is() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
    assert strict_schema(schema) == (schema, (), True)


SCALARS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("string")}, optional={"minLength": st.integers(0, 3), "format": st.text(max_size=4)}
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number", "boolean", "null"])}, optional={"minimum": st.just(0)}
    ),
    st.fixed_dictionaries({"enum": st.lists(st.sampled_from(["a", 1, None, True, 0.5]), min_size=1, max_size=3)}),
    st.fixed_dictionaries({"const": st.sampled_from(["定数", 1, None])}),
    st.sampled_from([{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A", "description": "d"}, {"$ref": "#"}, {}, True]),
)


def _around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(["a", "b", "名", "$ref", "type", "anyOf", "value"])
    return st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda several: {"anyOf": several}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda several: {"allOf": several}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda items: {"prefixItems": items, "type": "array"}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(
            lambda properties, required, others: {
                "type": "object",
                "properties": properties,
                "required": [name for name in required if name in properties],
                **({"additionalProperties": others} if others is not None else {}),
            },
            st.dictionaries(names, inner, max_size=3),
            st.lists(names, max_size=2, unique=True),
            st.none() | st.booleans() | inner,
        ),
    )


@settings(max_examples=300, deadline=None)
@given(st.recursive(SCALARS, _around, max_leaves=8), st.recursive(SCALARS, _around, max_leaves=4), st.booleans())
def test_any_schema_becomes_strict_or_is_told_to_be_impossible(root: Any, definition: Any, limits: bool) -> None:
    """AT-O: whatever the schema, what is sent as strict follows the dialect, and nothing raises."""
    schema = (
        {"anyOf": [root], "$defs": {"A": definition}} if not isinstance(root, dict) else {**root, "$defs": {"A": definition}}
    )
    before = json.dumps(schema)
    found = strict_schema(schema, limits=limits)
    assert json.dumps(schema) == before
    assert found.notes or found.strict
    if found.strict:
        assert faults(found.schema, limits) == []
