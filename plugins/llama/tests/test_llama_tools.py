"""Tools on llama.cpp: called by the model's own template where it knows them, held to by schema where it does not."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import pytest
from asking import config, four_ways, serving
from hypothesis import given, settings
from hypothesis import strategies as st
from modelhub_llama.calls import CallReader
from modelhub_llama.tools import as_schema, calls_schema, told_in_words

from modelhub import (
    AsyncHub,
    Finished,
    Hub,
    Message,
    OutputInvalid,
    TextDelta,
    TextPart,
    Tool,
    ToolCall,
    ToolCalled,
    ToolCallStarted,
    ToolResult,
)
from modelhub.plugin import TextRequest, TextSettings, output_type
from modelhub.testing import collect

jsonschema = pytest.importorskip("jsonschema", reason="pip install jsonschema")

CITY = {"enum": ["東京", "京都", "Zürich"]}
WEATHER = Tool(
    "weather",
    "その場所の天気",
    {
        "type": "object",
        "properties": {"city": {"$ref": "#/$defs/city"}, "days": {"type": "integer", "minimum": 1, "maximum": 3}},
        "required": ["city", "days"],
        "additionalProperties": False,
        "$defs": {"city": CITY},
    },
)
STOP = Tool(
    "止める",
    "",
    {"type": "object", "properties": {"now": {"type": "boolean"}}, "required": ["now"], "additionalProperties": False},
)
TREE = Tool(
    "tree",
    "",
    {
        "type": "object",
        "properties": {"leaf": {"const": "葉"}, "children": {"type": "array", "maxItems": 1, "items": {"$ref": "#"}}},
        "required": ["leaf"],
        "additionalProperties": False,
    },
)


def request(**fields: Any) -> TextRequest:
    return TextRequest(messages=(Message("user", "東京は？"),), tools=(WEATHER, STOP, TREE), **fields)


def reads(text: str, cut: random.Random, **how: Any) -> tuple[CallReader, list[Any]]:
    reader, events, place = CallReader(**how), list[Any](), 0
    while place < len(text):
        size = cut.randint(1, 7)
        events += reader.feed(text[place : place + size])
        place += size
    return reader, [*events, *reader.close()]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.text(min_size=1), st.dictionaries(st.text(), VALUES)), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
    st.booleans(),
    st.sampled_from([None, 1]),
)
def test_calls_are_read_out_of_json_however_it_is_cut(
    calls: list[Any], cut: random.Random, ascii_only: bool, indent: int | None
) -> None:
    """AT-C4: as they come, in their order, with ids of their own."""
    said = {"tool_calls": [{"name": name, "arguments": arguments} for name, arguments in calls]}
    text = json.dumps(said, ensure_ascii=ascii_only, indent=indent)
    reader, events = reads(text, cut, first=2)
    found = reader.calls()
    assert [(call.name, call.parsed()) for call in found] == [(_sayable(name), arguments) for name, arguments in calls]
    assert [call.id for call in found] == [f"call_{number}" for number in range(2, 2 + len(calls))]
    assert [event.call for event in events if isinstance(event, ToolCalled)] == list(found)
    for call in found:
        own = [event for event in events if getattr(event, "id", getattr(getattr(event, "call", None), "id", "")) == call.id]
        assert isinstance(own[0], ToolCallStarted)
        assert isinstance(own[-1], ToolCalled)
        assert "".join(event.arguments for event in own[1:-1]) == call.arguments


def _sayable(name: str) -> str:
    return name.encode("utf-8", "replace").decode()


@settings(max_examples=100, deadline=None)
@given(st.text(), st.randoms(use_true_random=False), st.booleans())
def test_an_answer_beside_calls_is_what_its_string_says(text: str, cut: random.Random, ascii_only: bool) -> None:
    reader, events = reads(json.dumps({"answer": text}, ensure_ascii=ascii_only), cut)
    assert reader.answer() == "".join(event.text for event in events) == text
    assert not reader.calls()


def test_an_answer_of_a_type_is_left_as_it_is_written() -> None:
    reader, _ = reads('{"answer": {"a": [1, "}"]} }', random.Random(1), as_text=False)
    assert reader.answer() == '{"a": [1, "}"]}'


def test_a_call_that_was_cut_is_told_as_far_as_it_came() -> None:
    reader, events = reads('{"tool_calls": [{"name": "f", "arguments": {"a": "日', random.Random(1))
    assert reader.calls() == (ToolCall("call_0", "f", '{"a": "日'),)
    assert events[-1] == ToolCalled(reader.calls()[0])


def test_the_schema_of_calls_allows_what_the_tools_allow_and_nothing_else() -> None:
    schema = calls_schema([WEATHER, STOP, TREE], at_most=2)
    jsonschema.Draft202012Validator.check_schema(schema)
    holds = jsonschema.Draft202012Validator(schema).is_valid
    good = {"name": "weather", "arguments": {"city": "京都", "days": 2}}
    tree = {"name": "tree", "arguments": {"leaf": "葉", "children": [{"leaf": "葉"}]}}
    assert holds({"tool_calls": [good, tree]})
    assert not holds({"tool_calls": []})
    assert not holds({"tool_calls": [good, good, good]})
    assert not holds({"tool_calls": [{"name": "weather", "arguments": {"city": "大阪", "days": 2}}]})
    assert not holds({"tool_calls": [{"name": "tree", "arguments": {"leaf": "葉", "children": [{"leaf": "x"}]}}]})
    assert not holds({"tool_calls": [{"name": "other", "arguments": {}}]})
    assert not holds({"answer": "晴れ"})
    free = jsonschema.Draft202012Validator(calls_schema([WEATHER], at_most=2, answer={"type": "string"})).is_valid
    assert free({"answer": "晴れ"})
    assert free({"tool_calls": [good]})


def test_a_named_tool_is_the_only_one_in_the_schema_and_in_the_words() -> None:
    asked = as_schema(request(tool_choice="止める"))
    assert asked.output is not None
    assert "weather" not in json.dumps(asked.output.schema)
    assert "weather" not in asked.messages[0].text
    assert "止める" in asked.messages[0].text
    assert not asked.tools


def test_earlier_calls_are_put_into_words_for_a_template_without_tools() -> None:
    conversation = (
        Message("user", "天気は？"),
        Message("assistant", ToolCall("c1", "weather", '{"city": "東京"}')),
        Message("tool", (ToolResult("c1", "晴れ"),)),
    )
    told = told_in_words(TextRequest(messages=conversation))
    assert [message.role for message in told.messages] == ["user", "assistant", "user"]
    assert json.loads(told.messages[1].text) == {"tool_calls": [{"name": "weather", "arguments": {"city": "東京"}}]}
    assert told.messages[2].text == "weather gave: 晴れ\n"


@pytest.fixture(scope="module", params=["in-process", "server"])
def plain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A model of random weights, whose template knows nothing of tools."""
    pytest.importorskip("xllamacpp", reason='the engine is not installed: pip install "modelhub-llama[engine]"')
    from tiny_gguf import write

    path = write(tmp_path_factory.mktemp("models") / "tiny.gguf", context=4096)
    if request.param == "in-process":
        yield config(path, context_window=4096)
    else:
        with serving(path, n_ctx=8192) as found:
            yield found


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("choice", ["required", "weather", "止める", "tree"])
def test_a_tool_that_must_be_called_is_called_with_arguments_that_fit(choice: str, seed: int, plain: dict[str, Any]) -> None:
    """AT-E2: a model of random numbers calls it all the same."""
    tools = {tool.name: tool for tool in (WEATHER, STOP, TREE)}
    with Hub(plain) as hub:
        response = hub.text("a").generate(
            "東京は？", tools=list(tools.values()), tool_choice=choice, seed=seed, max_output_tokens=2000
        )
        events = list(
            hub.text("a").stream("東京は？", tools=list(tools.values()), tool_choice=choice, seed=seed, max_output_tokens=2000)
        )
    assert collect(events).tool_calls == response.tool_calls
    assert not [event for event in events if isinstance(event, TextDelta)]
    if response.finish_reason == "length":
        pytest.skip("the random numbers went on for ever")
    assert (response.finish_reason, response.raw_finish_reason, response.complete) == ("tool_call", "stop", True)
    assert response.tool_calls
    for call in response.tool_calls:
        assert choice in ("required", call.name)
        jsonschema.validate(call.parsed(), tools[call.name].parameters)


CHOICES = {"answer": '{"answer": "晴れ\\n🗼"}', "calls": '{"tool_calls": [{"name": "止める", "arguments": {"now": true}}]}'}


@pytest.mark.parametrize("chosen", CHOICES)
@pytest.mark.parametrize("where", ["in-process", "server"])
def test_a_template_without_tools_can_do_either_where_it_may(chosen: str, where: str, tmp_path: Path) -> None:
    from scripted_gguf import write
    from tiny_gguf import CHATML

    path = write(tmp_path / "scripted.gguf", [CHOICES[chosen]], template=CHATML)
    with serving(path) if where == "server" else nullcontext(config(path, context_window=2048)) as settings:
        answers = four_ways(settings, "東京は？", tools=[STOP])
    for response in answers:
        assert response.text == ("晴れ\n🗼" if chosen == "answer" else "")
        assert response.tool_calls == (() if chosen == "answer" else (ToolCall("call_0", "止める", '{"now": true}'),))
        assert response.finish_reason == ("stop" if chosen == "answer" else "tool_call")


def test_one_call_at_a_time_is_one_call(plain: dict[str, Any]) -> None:
    for response in four_ways(
        plain, "x", tools=[STOP], tool_choice="required", parallel_tool_calls=False, seed=4, max_output_tokens=600
    ):
        assert len(response.tool_calls) == 1


def test_a_call_that_is_cut_is_an_answer_of_a_certain_length(plain: dict[str, Any]) -> None:
    for response in four_ways(
        plain, "x", tools=[WEATHER], tool_choice="weather", seed=1, max_output_tokens=45, temperature=0.0
    ):
        assert response.finish_reason == "length"
        assert not response.complete


def test_a_conversation_with_results_goes_on(plain: dict[str, Any]) -> None:
    conversation = [
        Message("user", "天気は？"),
        Message("assistant", ToolCall("call_0", "止める", '{"now": true}')),
        Message("tool", (ToolResult("call_0", "止めた"),)),
        Message("user", "もう一度"),
    ]
    with Hub(plain) as hub:
        response = hub.text("a").generate(conversation, tools=[STOP], tool_choice="止める", seed=1, max_output_tokens=400)
    assert [call.id for call in response.tool_calls] == ["call_1"]


SCRIPT = ["<tool_call>\n", '{"name": "weather", "arguments": {"city": "東京", "days": 1}}', "\n</tool_call>\n"]
SCRIPT += ["<tool_call>\n ", '{"name": "weather", "arguments": {"city": "京都", "days": 2}}', "\n</tool_call>"]


@pytest.fixture(scope="module", params=["in-process", "server"])
def hermes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A model that calls two tools in the manner of Hermes, whose template shows it tools, calls and results."""
    pytest.importorskip("xllamacpp", reason='the engine is not installed: pip install "modelhub-llama[engine]"')
    from scripted_gguf import write

    path = write(tmp_path_factory.mktemp("models") / "scripted.gguf", SCRIPT)
    if request.param == "in-process":
        yield config(path, context_window=2048)
    else:
        with serving(path) as found:
            yield found


def test_a_template_that_knows_tools_calls_them_beside_each_other(hermes: dict[str, Any]) -> None:
    """AT-C4, AT-E2: two calls, with llama.cpp's own reading of them."""
    for response in four_ways(hermes, "天気は？", tools=[WEATHER]):
        assert [call.parsed() for call in response.tool_calls] == [{"city": "東京", "days": 1}, {"city": "京都", "days": 2}]
        assert len({call.id for call in response.tool_calls}) == 2
        assert (response.finish_reason, response.raw_finish_reason) == ("tool_call", "tool_calls")


def test_the_same_answer_is_text_where_no_tool_may_be_called(hermes: dict[str, Any]) -> None:
    for response in four_ways(hermes, "天気は？", tools=[WEATHER], tool_choice="none"):
        assert not response.tool_calls
        assert response.text == "".join(SCRIPT)
        assert response.finish_reason == "stop"


def test_a_template_that_knows_tools_is_shown_calls_and_results(hermes: dict[str, Any]) -> None:
    conversation = [
        Message("user", "天気は？"),
        Message("assistant", (TextPart("調べます。"), ToolCall("c1", "weather", '{"city": "東京", "days": 1}'))),
        Message("tool", (ToolResult("c1", "晴れ"),)),
    ]
    with Hub(hermes) as hub:
        shown = hub.text("a").count_tokens(conversation, tools=[WEATHER])
        less = hub.text("a").count_tokens(conversation[:1], tools=[WEATHER])
        response = hub.text("a").generate(conversation, tools=[WEATHER])
    assert shown.exact
    assert shown.tokens > less.tokens + len("調べます。晴れ".encode())
    assert shown.tokens == response.usage.input_tokens


def test_functions_run_until_the_model_answers(hermes: dict[str, Any]) -> None:
    asked: list[str] = []

    def weather(city: Literal["東京", "京都"], days: int) -> str:
        """その場所の天気"""
        asked.append(f"{city}{days}")
        return "晴れ"

    async def awaited() -> int:
        async with AsyncHub(hermes) as hub:
            return len((await hub.text("a").run_tools("天気は？", tools=[weather], max_turns=2)).uses)

    with Hub(hermes) as hub:
        run = hub.text("a").run_tools("天気は？", tools=[weather], max_turns=2)
    assert sorted(asked[:2]) == ["京都2", "東京1"]
    assert len(run.uses) == asyncio.run(awaited())


def test_a_type_beside_tools_is_chosen_by_the_model_or_held_to() -> None:
    wanted = output_type({"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]})
    asked = as_schema(request(output=wanted, knobs=TextSettings(parallel_tool_calls=False)))
    assert asked.output is not None
    holds = jsonschema.Draft202012Validator(asked.output.schema).is_valid
    assert holds({"answer": {"ok": True}})
    assert not holds({"answer": "yes"})


def test_a_server_that_keeps_to_no_schema_is_told_of() -> None:
    from modelhub_llama.tools import HeldToTools

    from modelhub.model import ModelCard, Runtime
    from modelhub.plugin import TextResponse
    from modelhub.testing import FakeRuntime
    from modelhub.testing.driven import driven

    class Chatty:
        card = ModelCard(model="x:y", kind="text")

        async def call(self, request: Any, runtime: Runtime) -> TextResponse[Any]:
            return TextResponse(content=(TextPart("晴れでしょう。"),), finish_reason="stop")

        async def stream(self, request: Any, runtime: Runtime) -> Any:
            yield TextDelta("晴れでしょう。")
            yield Finished(await self.call(request, runtime))

    with driven("blocking", FakeRuntime()) as runtime:
        model: Any = HeldToTools(Chatty())  # type: ignore[arg-type]  # as little of a model as it takes
        with pytest.raises(OutputInvalid, match="was to call a tool"):
            runtime.call(model, request(tool_choice="required"))
        with pytest.raises(OutputInvalid, match="was to call a tool"):
            runtime.stream(model, request(tool_choice="required"))
