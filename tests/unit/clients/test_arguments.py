"""Arguments that cannot be are refused by name, before anything is sent, whatever the kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelhub.clients.embedding import embedding_request
from modelhub.clients.image import image_request
from modelhub.clients.reranking import reranking_request
from modelhub.clients.speech import speech_request
from modelhub.clients.text import text_request
from modelhub.clients.transcription import transcription_request
from modelhub.errors import InvalidRequest
from modelhub.interfaces.content import Message, TextPart, Tool
from modelhub.model import Timeouts

WAV = b"RIFF....WAVE"
Make = Callable[..., Any]


def text(prompt: Any = "?", **options: Any) -> Any:
    return text_request(prompt, None, options)


def embed(inputs: Any = ("a",), **options: Any) -> Any:
    return embedding_request(inputs, options)


def image(prompt: Any = "p", **options: Any) -> Any:
    return image_request("generate", prompt=prompt, options=options)


def speak(words: Any = "a", **options: Any) -> Any:
    return speech_request(words, options)


def transcribe(audio: Any = WAV, **options: Any) -> Any:
    return transcription_request(audio, options)


def rank(query: Any = "q", documents: Any = ("d",), **options: Any) -> Any:
    return reranking_request(query, documents, options)


@pytest.mark.parametrize(
    "prompt", [5, None, {"role": "user", "content": "x"}, [{"role": "user", "content": "x"}], [b"x"], ["a", None], {"a"}, b"a"]
)
def test_what_is_no_prompt_is_refused_and_the_right_form_shown(prompt: Any) -> None:
    with pytest.raises(InvalidRequest, match=r'Message\("user", "\.\.\."\)'):
        text(prompt)


def test_a_role_or_part_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="not 'robot'"):
        Message("robot", "x")  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="TextPart"):
        Message("user", [TextPart("a"), "b"])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (text, {"temperature": "hot"}),
        (text, {"temperature": float("nan")}),
        (text, {"temperature": True}),
        (text, {"max_output_tokens": 1.5}),
        (text, {"max_output_tokens": "5"}),
        (text, {"top_k": -1}),
        (text, {"seed": "x"}),
        (text, {"stop_sequences": 5}),
        (text, {"stop_sequences": [5]}),
        (text, {"stop_sequences": ""}),
        (text, {"stop_sequences": ["終", ""]}),
        (text, {"passages": ["text"]}),
        (text, {"tools": [{}]}),
        (text, {"system": 5}),
        (text, {"extra": 5}),
        (text, {"timeouts": 5}),
        (text, {"timeouts": {"total": 1}}),
        (text, {"tool_choice": "required"}),
        (text, {"tool_choice": "nonsense"}),
        (embed, {"dimensions": 0}),
        (embed, {"timeouts": 5}),
        (image, {"size": 64}),
        (image, {"size": ("64", "64")}),
        (image, {"size": (64.5, 64)}),
        (image, {"count": "2"}),
        (image, {"seed": "x"}),
        (image, {"strength": 2}),
        (speak, {"speed": "fast"}),
        (speak, {"speed": 0}),
        (speak, {"voice": 5}),
        (transcribe, {"phrases": 5}),
        (transcribe, {"phrases": [5]}),
        (transcribe, {"timestamps": ["wrd"]}),
        (rank, {"top_n": "3"}),
        (rank, {"top_n": 0}),
    ],
)
def test_a_value_that_an_option_cannot_have_is_refused_by_name(make: Make, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=next(iter(options))):
        make(**options)


@pytest.mark.parametrize("make", [embed, image, speak, transcribe, rank, text])
def test_an_option_that_does_not_exist_is_refused_with_a_suggestion(make: Make) -> None:
    with pytest.raises(InvalidRequest, match="Did you mean 'timeouts'"):
        make(timeout=5)


def test_content_of_the_wrong_type_is_refused() -> None:
    for make, content in ((speak, 5), (speak, None), (image, 5), (rank, 5), (transcribe, None), (transcribe, "a\0b")):
        with pytest.raises(InvalidRequest):
            make(content)
    with pytest.raises(InvalidRequest, match=r"documents\[0\] is int"):
        rank("q", [5])


def test_half_a_surrogate_pair_is_refused_by_its_place() -> None:
    for make, content in ((text, "ab\ud800"), (embed, ["ab\ud800"]), (speak, "ab\ud800"), (image, "ab\ud800")):
        with pytest.raises(InvalidRequest, match="character 2"):
            make(content)


def test_a_tool_may_be_chosen_by_its_name() -> None:
    assert text(tools=[Tool("weather")], tool_choice="weather").tool_choice == "weather"
    with pytest.raises(InvalidRequest, match="Did you mean 'weather'"):
        text(tools=[Tool("weather")], tool_choice="wether")


@pytest.mark.parametrize("value", [0, -1, "5", float("nan"), True])
def test_a_time_out_is_a_number_of_seconds(value: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"timeouts\.total"):
        Timeouts(total=value)


def test_no_limit_may_be_said_in_two_ways() -> None:
    assert Timeouts(total=float("inf")) == Timeouts(total=None)
