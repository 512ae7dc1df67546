"""AT-C4: tool calls survive streaming, in every shape that hosts send their fragments in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelhub_openai.chat import Chat
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.site import host

from modelhub.plugin import AnswerError, ToolCall, ToolCallDelta, ToolCalled, ToolCallStarted
from modelhub.testing import collect

CHAT = Chat(host(OpenAIOptions()), "gpt-4o")
Fragment = dict[str, Any]
ONE_BY_ONE = ("whole", "no index, id on the first", "index 0, id on the first")
"""Shapes in which nothing but the order says what a fragment belongs to."""
SHAPES = ("distinct index", "index 0, distinct ids", "id on the first", "id late", "nulls", "no index", "no id", *ONE_BY_ONE)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=6)
CALLS = st.lists(
    st.tuples(st.sampled_from(["weather", "天気", "search"]), st.dictionaries(WORDS, WORDS | st.integers(), max_size=3)),
    min_size=1,
    max_size=4,
)


def streamed(deltas: Sequence[Sequence[Fragment]], finish: str = "tool_calls") -> list[Any]:
    """The events of a stream whose chunks hold these fragments."""
    chunks: list[Mapping[str, Any]] = [{"choices": [{"index": 0, "delta": {"tool_calls": delta}}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    decoder = CHAT.decoder()
    events = [event for chunk in chunks for event in decoder.feed(f"data: {json.dumps(chunk)}\n\n".encode())]
    return [*events, *decoder.feed(b"data: [DONE]\n\n"), *decoder.close()]


def pieces(shape: str, number: int, call: ToolCall, cuts: Sequence[int]) -> list[Fragment]:
    """One call in fragments of that shape."""
    if shape == "whole":
        return [{"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}]
    if shape == "no id":
        return [{"index": number, "function": {"name": call.name, "arguments": call.arguments}}]
    places = sorted({0, len(call.arguments), *(cut % (len(call.arguments) + 1) for cut in cuts)})
    parts = [call.arguments[start:end] for start, end in pairwise(places)]
    fragments: list[Fragment] = [
        {"function": {"name": call.name, "arguments": ""}},
        *({"function": {"arguments": part}} for part in parts),
    ]
    for place, fragment in enumerate(fragments):
        last, first = place == len(fragments) - 1, place == 0
        if not shape.startswith("no index"):
            fragment["index"] = 0 if shape.startswith("index 0") else number
        told = last if shape == "id late" else first or shape in ("index 0, distinct ids", "no index")
        if told:
            fragment["id"] = call.id
        elif shape == "nulls":
            fragment.update(id=None, type=None, function={"name": None, **fragment["function"]})
    if shape == "nulls":
        fragments.append({"index": number, "id": "", "function": {"name": None, "arguments": None}})
        fragments.append({"index": number, "function": None})
    return fragments


@given(shape=st.sampled_from(SHAPES), wanted=CALLS, cuts=st.lists(st.integers(0, 50), max_size=4), data=st.data())
def test_calls_are_the_originals_however_their_fragments_lie_between_each_other(
    shape: str, wanted: list[tuple[str, dict[str, Any]]], cuts: list[int], data: st.DataObject
) -> None:
    calls = [
        ToolCall(f"call_{number}" if shape == "no id" else f"id-{number}", name, json.dumps(arguments, ensure_ascii=False))
        for number, (name, arguments) in enumerate(wanted)
    ]
    queues = [pieces(shape, number, call, cuts) for number, call in enumerate(calls)]
    fragments = []
    begun = 0
    while any(queues):
        """Which call goes on is drawn; a call begins after those before it have."""
        ready = [number for number, queue in enumerate(queues) if queue and number <= begun]
        chosen = data.draw(st.sampled_from(ready)) if shape not in ONE_BY_ONE else ready[0]
        fragments.append(queues[chosen].pop(0))
        begun = max(begun, chosen + 1)
    several = data.draw(st.booleans())
    events = streamed([fragments] if several else [[fragment] for fragment in fragments])
    response = collect(events)
    assert response.tool_calls == tuple(calls)
    assert response.finish_reason == "tool_call"
    assert len({call.id for call in response.tool_calls}) == len(calls)


def test_a_call_is_told_of_before_its_arguments_are_whole() -> None:
    first = {"index": 0, "id": "a", "function": {"name": "weather", "arguments": '{"pl'}}
    events = streamed([[first], [{"index": 0, "function": {"arguments": 'ace":1}'}}]])
    assert events[:3] == [ToolCallStarted("a", "weather"), ToolCallDelta("a", '{"pl'), ToolCallDelta("a", 'ace":1}')]
    assert events[3] == ToolCalled(ToolCall("a", "weather", '{"place":1}'))


def test_whole_calls_without_id_or_index_are_told_apart() -> None:
    """As Gemini's and older gateways' compatible servers send them."""
    one = {"function": {"name": "weather", "arguments": '{"place":"東京"}'}}
    other = {"function": {"name": "weather", "arguments": '{"place":"大阪"}'}}
    calls = collect(streamed([[one], [other]], finish="stop")).tool_calls
    assert [call.parsed()["place"] for call in calls] == ["東京", "大阪"]
    assert [call.id for call in calls] == ["call_0", "call_1"]


def test_all_calls_at_index_0_with_whole_arguments_are_told_apart() -> None:
    """AT-C4, Ollama's shape: the fragments of two calls are never joined to ``{..}{..}``."""
    one = {"index": 0, "id": "call_x", "function": {"name": "a", "arguments": '{"n":1}'}}
    other = {"index": 0, "id": "call_y", "function": {"name": "a", "arguments": '{"n":2}'}}
    assert [call.arguments for call in collect(streamed([[one, other]])).tool_calls] == ['{"n":1}', '{"n":2}']


def test_one_id_for_two_calls_becomes_two_ids() -> None:
    one = {"index": 0, "id": "call", "function": {"name": "a", "arguments": "{}"}}
    other = {"index": 1, "id": "call", "function": {"name": "b", "arguments": ""}}
    more = {"index": 1, "function": {"arguments": '{"n":2}'}}
    calls = collect(streamed([[one], [other], [more]])).tool_calls
    assert [(call.name, call.arguments) for call in calls] == [("a", "{}"), ("b", '{"n":2}')]
    assert len({call.id for call in calls}) == 2


def test_arguments_that_are_an_object_are_understood() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "weather", "arguments": {"place": "東京"}}}
    (found,) = collect(streamed([[call]])).tool_calls
    assert found.arguments == '{"place": "東京"}'


def test_the_older_function_call_is_a_call() -> None:
    chunk = {
        "choices": [{"delta": {"function_call": {"name": "weather", "arguments": "{}"}}, "finish_reason": "function_call"}]
    }
    decoder = CHAT.decoder()
    events = [*decoder.feed(f"data: {json.dumps(chunk)}\n\n".encode()), *decoder.close()]
    response = collect(events)
    assert response.tool_calls == (ToolCall("call_0", "weather", "{}"),)
    assert response.finish_reason == "tool_call"


def test_arguments_that_are_no_json_name_their_call() -> None:
    (call,) = collect(
        streamed([[{"index": 0, "id": "call_7", "function": {"name": "weather", "arguments": '{"a'}}]])
    ).tool_calls
    with pytest.raises(AnswerError, match=r"'weather' \(call_7\)"):
        call.parsed()
