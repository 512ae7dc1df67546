"""The schema that editors read."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from modelhub.config.schema import schema
from modelhub.config.settings import NAMES
from modelhub.config.specs import Config, ModelSpec
from modelhub.errors import ConfigError
from modelhub.http import Secret
from modelhub.transport.credentials import read_secret


@dataclass(frozen=True)
class Options:
    api_key: Secret
    """Where the key comes from."""
    region: str = "jp"


def test_it_names_every_table_and_key_with_its_help() -> None:
    found = schema()
    assert set(found["properties"]) == {field.name for field in dataclasses.fields(Config)} | {"profiles"}
    model = found["properties"]["models"]["additionalProperties"]
    assert set(model["properties"]) == {field.name for field in dataclasses.fields(ModelSpec)}
    assert model["required"] == ["model"]
    assert model["additionalProperties"] is False
    assert "another alias" in model["properties"]["model"]["description"]


def test_a_profile_requires_nothing() -> None:
    profile = schema()["properties"]["profiles"]["additionalProperties"]
    assert "required" not in profile["properties"]["models"]["additionalProperties"]
    assert "profiles" not in profile["properties"]


def test_a_string_may_be_an_environment_reference_and_none_is_false() -> None:
    prompt = schema()["properties"]["models"]["additionalProperties"]["properties"]["prompt"]["anyOf"]
    assert prompt[0]["anyOf"][1]["required"] == ["env"]
    assert prompt[1]["const"] is False


def test_providers_add_their_options() -> None:
    providers = schema({"x": Options})["properties"]["providers"]
    assert set(providers["properties"]["x"]["properties"]) == {"api_key", "region", "uses"}
    assert providers["properties"]["x"]["properties"]["api_key"]["description"] == "Where the key comes from."


def test_settings_are_those_of_every_kind() -> None:
    settings = schema()["properties"]["models"]["additionalProperties"]["properties"]["settings"]
    assert set(settings["properties"]) == NAMES
    assert settings["additionalProperties"] is False
    assert settings["properties"]["temperature"]["anyOf"][0] == {"type": "number"}
    pair = settings["properties"]["size"]["anyOf"][0]
    assert (pair["minItems"], pair["maxItems"]) == (2, 2)


KEYRINGS: list[Any] = [
    "service/user",
    "a/b/user",
    {"service": "s", "username": "u"},
    "service",
    "service/",
    "/user",
    {"service": "s"},
]


@pytest.mark.parametrize("described", KEYRINGS)
def test_a_keyring_entry_is_what_the_reader_of_secrets_takes(described: Any) -> None:
    try:
        read_secret({"keyring": described}, folder=".", what="key")
        is_taken = True
    except ConfigError:
        is_taken = False
    _, sources = schema({"x": Options})["properties"]["providers"]["properties"]["x"]["properties"]["api_key"]["anyOf"]
    text, table = sources["properties"]["keyring"]["anyOf"]
    fits = re.search(text["pattern"], described) if isinstance(described, str) else set(table["required"]) == set(described)
    assert bool(fits) is is_taken


def test_it_is_plain_json() -> None:
    assert json.loads(json.dumps(schema({"x": Options}))) == schema({"x": Options})
