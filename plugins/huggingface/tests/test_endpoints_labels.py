"""Which labels a type leaves to choose from, and the answer that a classifier's scores come to."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

import pytest
from modelhub_huggingface.labels import Choices, answered, choices, wanted
from pydantic import BaseModel

from modelhub.plugin import InvalidRequest, Message, OutputInvalid, TextRequest, output_type

Feeling = Literal["positive", "negative"]


class Mood(Enum):
    GOOD = "良い"
    BAD = "悪い"


class Sorted(BaseModel):
    topic: Literal["news", "sport"]


class Nested(BaseModel):
    mood: Mood


class Other(BaseModel):
    topic: Literal["news"]
    place: str


def asked(wanted_type: Any = None) -> TextRequest:
    output = None if wanted_type is None else output_type(wanted_type)
    return TextRequest(messages=(Message("user", "最高の一日でした。"),), output=output)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (Feeling, Choices(("positive", "negative"))),
        (Literal["only"], Choices(("only",))),
        (Mood, Choices(("良い", "悪い"))),
        (Sorted, Choices(("news", "sport"), "topic")),
        (Nested, Choices(("良い", "悪い"), "mood")),
        (Other, None),
        (str, None),
        (list[str], None),
        (Literal[1, 2], None),
        (None, None),
    ],
)
def test_the_labels_are_those_of_the_type(given: Any, found: Choices | None) -> None:
    assert choices(asked(given).output) == found


def test_a_request_without_labels_is_told_how_to_name_them() -> None:
    with pytest.raises(InvalidRequest, match="output_type=Literal"):
        wanted(asked(), "huggingface:nli")


SCORES = {"NEGATIVE": 0.1, "POSITIVE": 0.9}


def test_without_a_type_the_answer_is_the_best_label_as_the_model_writes_it() -> None:
    assert answered(SCORES, asked(), "m") == "POSITIVE"


def test_with_a_type_the_answer_is_json_of_the_label_as_the_type_writes_it() -> None:
    request = asked(Feeling)
    text = answered(SCORES, request, "m")
    assert text == '"positive"'
    assert request.output is not None
    assert request.output.parse(text) == "positive"


def test_a_label_in_an_object_comes_in_an_object() -> None:
    request = asked(Nested)
    assert request.output is not None
    text = answered({"良い": 0.7, "悪い": 0.3}, request, "m")
    assert "良い" in text, "printable characters are never escaped"
    assert request.output.parse(text) == Nested(mood=Mood.GOOD)


def test_a_best_label_that_the_type_does_not_have_is_an_invalid_output_that_names_both() -> None:
    with pytest.raises(OutputInvalid, match=r"'LABEL_1'.*'LABEL_0', 'LABEL_1'.*'positive', 'negative'"):
        answered({"LABEL_0": 0.2, "LABEL_1": 0.8}, asked(Feeling), "m")


def test_a_type_that_is_no_choice_of_texts_is_an_invalid_output() -> None:
    with pytest.raises(OutputInvalid, match="are none"):
        answered(SCORES, asked(list[str]), "m")
