"""Runs with tools, in both runtimes: functions are called, their errors told, limits kept, and nothing is lost."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import pytest

import modelhub
from modelhub.clients.text import AsyncTextClient, TextClient
from modelhub.clients.tool_run import ToolRun
from modelhub.errors import InvalidRequest, OutputInvalid, RateLimited
from modelhub.interfaces.content import Message, Part, ReasoningPart, TextPart, Tool, ToolCall, ToolResult
from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import Finished, ModelCard, Notice, Runtime, Usage
from modelhub.testing.driven import Driven
from modelhub.transport.asynchronous import AsyncRuntime
from modelhub.transport.blocking import BlockingRuntime

Ask = Callable[..., ToolRun[Any]]


def call(name: str, arguments: str = "{}", number: str = "c1") -> ToolCall:
    return ToolCall(number, name, arguments)


def answer(*parts: Part | str, **fields: Any) -> TextResponse[Any]:
    content = tuple(TextPart(part) if isinstance(part, str) else part for part in parts)
    reason = "tool_call" if any(isinstance(part, ToolCall) for part in content) else "stop"
    return TextResponse(content=content, **{"finish_reason": reason, "usage": Usage(input_tokens=3, output_tokens=2), **fields})


@dataclass
class Scripted:
    """A model that says what it is told to say; the last thing again and again."""

    answers: Sequence[TextResponse[Any] | Exception]
    requests: list[TextRequest] = field(default_factory=list)
    card: ModelCard = ModelCard(model="test:scripted", kind="text")

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        self.requests.append(request)
        said = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(said, Exception):
            raise said
        return said

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[Any, None]:
        yield Finished(await self.call(request, runtime))


def run(runtime: Driven, model: Scripted, prompt: Any = "天気は？", **options: Any) -> ToolRun[Any]:
    if runtime.loop is None:
        return TextClient(model, runtime.runtime, {}).run_tools(prompt, **options)
    return runtime.loop.run(AsyncTextClient(model, runtime.runtime, {}).run_tools(prompt, **options))


def weather(city: str, unit: Literal["C", "F"] = "C") -> str:
    """天気を調べます。

    city: 都市の名前
    """
    return f"{city}: 晴れ、21 °{unit}"


def broken(city: str) -> str:
    raise OSError(f"{city} is unreachable")


def told(model: Scripted, turn: int = 1) -> tuple[ToolResult, ...]:
    """The results that the request of that turn ends in."""
    last = model.requests[turn].messages[-1]
    assert last.role == "tool"
    return tuple(part for part in last.content if isinstance(part, ToolResult))


def test_a_function_is_called_and_its_result_told(runtime: Driven) -> None:
    model = Scripted([answer(ReasoningPart("調べる", "s1"), call("weather", '{"city":"東京"}')), answer("晴れです。")])
    came = run(runtime, model, tools=[weather], system="簡潔に。", temperature=0.0)
    assert came.text == "晴れです。"
    assert came.ended == "answer"
    assert came.complete
    assert told(model) == (ToolResult("c1", "東京: 晴れ、21 °C", "weather"),)
    assert [message.role for message in came.messages] == ["system", "user", "assistant", "tool", "assistant"]
    assert came.messages[2].content[0] == ReasoningPart("調べる", "s1")
    assert [request.knobs.temperature for request in model.requests] == [0.0, 0.0]
    assert [(use.call.name, use.turn, use.error) for use in came.uses] == [("weather", 1, None)]


def test_the_signature_and_the_docstring_describe_the_tool(runtime: Driven) -> None:
    model = Scripted([answer("x")])
    run(runtime, model, tools=[weather])
    (sent,) = model.requests[0].tools
    assert sent.name == "weather"
    assert sent.description.startswith("天気を調べます。")
    assert sent.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "都市の名前"},
            "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
        },
        "required": ["city"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        (call("weather", '{"city": 7}'), "city: Input should be a valid string"),
        (call("weather", "{nonsense"), "Invalid JSON"),
        (call("weather", '["東京"]'), "should be an object"),
        (call("weather", '{"city": "東京", "when": "now"}'), "when: Extra inputs"),
        (call("broken", '{"city": "東京"}'), "OSError: 東京 is unreachable"),
        (call("wether"), "There is no tool 'wether'. Did you mean 'weather'?"),
    ],
)
def test_what_goes_wrong_goes_back_to_the_model(runtime: Driven, asked: ToolCall, complaint: str) -> None:
    model = Scripted([answer(asked), answer("わかりません。")])
    came = run(runtime, model, tools=[weather, broken])
    (result,) = told(model)
    assert result.is_error
    assert complaint in result.content
    assert came.uses[0].error is not None
    assert came.text == "わかりません。"


def test_null_stands_for_a_default(runtime: Driven) -> None:
    model = Scripted([answer(call("weather", '{"city": "東京", "unit": null}')), answer("x")])
    run(runtime, model, tools=[weather])
    assert told(model)[0].content == "東京: 晴れ、21 °C"


def test_results_that_are_no_text_are_told_as_json(runtime: Driven) -> None:
    def place(name: str) -> dict[str, Any]:
        return {"name": name, "height": Decimal("3776.2"), "seen": {1}}

    model = Scripted([answer(call("place", '{"name": "富士山"}')), answer("x")])
    run(runtime, model, tools=[place])
    assert told(model)[0].content == '{"name":"富士山","height":"3776.2","seen":[1]}'


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("日本".encode(), '"日本"'),
        (b"\xff\xd8", '"_9g="'),
        ({"photo": b"\xff"}, '{"photo":"_w=="}'),
        ("名\ud800", "名?"),
        (None, "null"),
    ],
)
def test_what_a_function_did_is_told_whatever_it_gives(runtime: Driven, value: object, content: str) -> None:
    def give() -> object:
        return value

    model = Scripted([answer(call("give")), answer("x")])
    run(runtime, model, tools=[give])
    assert (told(model)[0].content, told(model)[0].is_error) == (content, False)


def test_results_come_in_the_order_of_the_calls_although_they_run_beside_each_other(runtime: Driven) -> None:
    together = threading.Barrier(3, timeout=10)

    def late(n: int) -> int:
        together.wait()
        time.sleep(0.02 * (3 - n))
        return n

    calls = [call("late", f'{{"n": {n}}}', f"c{n}") for n in (1, 2, 3)]
    model = Scripted([answer(*calls), answer("x")])
    came = run(runtime, model, tools=[late])
    assert [result.content for result in told(model)] == ["1", "2", "3"]
    assert [use.call.id for use in came.uses] == ["c1", "c2", "c3"]


def test_calls_run_one_after_another_where_that_is_asked_for(runtime: Driven) -> None:
    running: list[int] = []
    most: list[int] = []

    def counted(n: int) -> None:
        running.append(n)
        most.append(len(running))
        time.sleep(0.005)
        running.remove(n)

    model = Scripted([answer(*(call("counted", f'{{"n": {n}}}', f"c{n}") for n in range(4))), answer("x")])
    run(runtime, model, tools=[counted], parallel=False)
    assert max(most) == 1


def test_max_turns_ends_the_run_and_loses_nothing(runtime: Driven) -> None:
    notice = Notice("seed", "left out")
    endless = answer("…", call("weather", '{"city":"東京"}'), cost=Decimal("0.001"), notices=(notice,))
    came = run(runtime, Scripted([endless]), tools=[weather], max_turns=3)
    assert came.ended == "max_turns"
    assert not came.complete
    assert len(came.responses) == 3
    assert len(came.uses) == 2
    assert came.usage == Usage(input_tokens=9, output_tokens=6)
    assert came.cost == Decimal("0.003")
    assert came.notices == (notice,)
    assert came.pending == (call("weather", '{"city":"東京"}'),)
    assert came.messages[-1].role == "assistant"


def test_max_calls_serves_no_turn_in_part(runtime: Driven) -> None:
    pair = answer(call("weather", '{"city":"a"}', "a"), call("weather", '{"city":"b"}', "b"))
    came = run(runtime, Scripted([pair]), tools=[weather], max_calls=3)
    assert came.ended == "max_calls"
    assert len(came.uses) == 2
    assert [one.id for one in came.pending] == ["a", "b"]


def test_a_run_that_was_ended_goes_on_from_its_messages(runtime: Driven) -> None:
    model = Scripted([answer(call("weather", '{"city":"東京"}')), answer("晴れです。")])
    first = run(runtime, model, tools=[weather], max_calls=0)
    second = run(runtime, model, first.messages, tools=[weather])
    assert second.text == "晴れです。"
    assert told(model)[0].content.startswith("東京")


def test_usage_that_one_turn_does_not_tell_is_unknown(runtime: Driven) -> None:
    first = answer(call("weather", '{"city":"東京"}'), usage=Usage(input_tokens=3), cost=None, unpriced="no price")
    came = run(runtime, Scripted([first, answer("x", cost=Decimal(1))]), tools=[weather])
    assert (came.usage.input_tokens, came.usage.output_tokens) == (6, None)
    assert (came.cost, came.unpriced) == (None, "no price")


def test_an_error_of_the_model_carries_the_run_so_far(runtime: Driven) -> None:
    model = Scripted([answer(call("weather", '{"city":"東京"}')), RateLimited("slow down", status=429)])
    with pytest.raises(RateLimited) as caught:
        run(runtime, model, tools=[weather])
    partial = caught.value.partial
    assert isinstance(partial, ToolRun)
    assert partial.ended == "error"
    assert partial.usage.input_tokens == 3
    assert [message.role for message in partial.messages] == ["user", "assistant", "tool"]


def test_an_answer_of_the_wrong_type_stands_in_the_run_that_the_error_carries(runtime: Driven) -> None:
    error = OutputInvalid("no", text="{")
    error.partial = answer("{")
    with pytest.raises(OutputInvalid) as caught:
        run(runtime, Scripted([error]), tools=[weather], output_type=int)
    partial = caught.value.partial
    assert isinstance(partial, ToolRun)
    assert partial.text == "{"


def test_a_tool_without_a_function_is_for_the_caller(runtime: Driven) -> None:
    approve = Tool("approve", "Asks a person.")
    came = run(runtime, Scripted([answer(call("approve"))]), tools=[weather, approve])
    assert came.ended == "tool_call"
    assert came.pending == (call("approve"),)
    assert came.uses == ()


def test_calls_that_were_cut_are_not_served(runtime: Driven) -> None:
    came = run(runtime, Scripted([answer(call("weather", '{"ci'), finish_reason="length")]), tools=[weather])
    assert came.ended == "cut"
    assert came.uses == ()


def test_a_forced_tool_is_forced_once(runtime: Driven) -> None:
    model = Scripted([answer(call("weather", '{"city":"東京"}')), answer("x")])
    run(runtime, model, tools=[weather], tool_choice="required")
    assert [request.tool_choice for request in model.requests] == ["required", "auto"]


def test_on_call_hears_of_each_call_and_may_refuse_it(runtime: Driven) -> None:
    heard: list[str] = []

    def ask_me(asked: ToolCall) -> bool:
        heard.append(asked.name)
        return asked.name != "broken"

    model = Scripted([answer(call("weather", '{"city":"東京"}'), call("broken", '{"city":"x"}', "c2")), answer("x")])
    run(runtime, model, tools=[weather, broken], on_call=ask_me)
    assert heard == ["weather", "broken"]
    assert [(result.is_error, result.content) for result in told(model)][1] == (True, "This call was not allowed.")


class Stop(Exception):
    pass


def test_what_on_call_raises_is_the_callers_own(runtime: Driven) -> None:
    def stop(_: ToolCall) -> None:
        raise Stop

    with pytest.raises(Stop):
        run(runtime, Scripted([answer(call("weather", '{"city":"東京"}'))]), tools=[weather], on_call=stop)


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("calls", [1, 3])
def test_an_interrupt_ends_the_blocking_run_at_once(parallel: bool, calls: int) -> None:
    over = threading.Event()

    def interrupted(n: int) -> None:
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        over.wait(10)

    model = Scripted([answer(*(call("interrupted", f'{{"n": {n}}}', f"c{n}") for n in range(calls)))])
    with pytest.raises(KeyboardInterrupt):
        TextClient(model, BlockingRuntime(), {}).run_tools("x", tools=[interrupted], parallel=parallel)
    over.set()
    assert len(model.requests) == 1


@pytest.mark.parametrize("parallel", [True, False])
def test_a_cancelled_run_cancels_its_functions(parallel: bool) -> None:
    async def body() -> list[str]:
        started, ended = asyncio.Event(), list[str]()

        async def slow(n: int) -> None:
            started.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                ended.append(f"cancelled {n}")
                raise

        model = Scripted([answer(call("slow", '{"n": 1}'))])
        runtime = AsyncRuntime()
        task = asyncio.create_task(AsyncTextClient(model, runtime, {}).run_tools("x", tools=[slow], parallel=parallel))
        await asyncio.wait_for(started.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await runtime.aclose()
        assert len(model.requests) == 1
        return ended

    assert asyncio.run(body()) == ["cancelled 1"]


def test_async_functions_are_awaited_beside_each_other() -> None:
    async def body() -> ToolRun[Any]:
        met = asyncio.Barrier(2)

        async def meet(name: str) -> str:
            await asyncio.wait_for(met.wait(), 10)
            return name

        model = Scripted([answer(call("meet", '{"name":"a"}', "a"), call("meet", '{"name":"b"}', "b")), answer("x")])
        return await AsyncTextClient(model, AsyncRuntime(), {}).run_tools("x", tools=[meet])

    came = asyncio.run(body())
    assert [use.result.content for use in came.uses] == ["a", "b"]


def test_a_blocking_function_stops_no_event_loop() -> None:
    async def body() -> set[int]:
        threads: set[int] = set()
        model = Scripted([answer(call("where")), answer("x")])
        await AsyncTextClient(model, AsyncRuntime(), {}).run_tools("x", tools=[modelhub.tool(name="where")(_noting(threads))])
        return threads - {threading.get_ident()}

    assert asyncio.run(body())


def _noting(threads: set[int]) -> Callable[[], None]:
    def where() -> None:
        threads.add(threading.get_ident())

    return where


def test_the_blocking_client_refuses_an_async_function() -> None:
    async def later() -> None: ...

    with pytest.raises(InvalidRequest, match="AsyncHub"):
        TextClient(Scripted([answer("x")]), BlockingRuntime(), {}).run_tools("x", tools=[later])


def _by_place(city: str, /) -> None: ...


@pytest.mark.parametrize(
    ("tools", "match"),
    [
        ([_by_place], "given by name"),
        ([lambda x: x], "tool\\(name="),
        ([weather, weather], "Two tools"),
        (["weather"], "functions"),
        ("weather", "a list of functions"),
    ],
)
def test_what_is_no_tool_is_refused_before_anything_is_sent(tools: Any, match: str) -> None:
    model = Scripted([answer("x")])
    with pytest.raises(InvalidRequest, match=match):
        TextClient(model, BlockingRuntime(), {}).run_tools("x", tools=tools)
    assert model.requests == []


@pytest.mark.parametrize("limit", [{"max_turns": 0}, {"max_turns": True}, {"max_calls": -1}, {"on_call": 3}])
def test_limits_are_checked(limit: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=next(iter(limit))):
        TextClient(Scripted([answer("x")]), BlockingRuntime(), {}).run_tools("x", tools=[weather], **limit)


def test_a_tool_can_still_be_called_like_its_function() -> None:
    decorated = modelhub.tool(weather)
    assert decorated("東京") == weather("東京")
    assert modelhub.tool(decorated) is decorated


def test_any_parameter_name_can_be_used() -> None:
    def odd(schema: str, copy: int = 1, _private: bool = False) -> str:
        return f"{schema}{copy}{_private}"

    made = modelhub.tool(odd)
    assert set(made.parameters["properties"]) == {"schema", "copy", "_private"}
    assert made.arguments(call("odd", '{"schema": "x", "_private": true}')) == {"schema": "x", "_private": True}


def test_a_conversation_may_be_the_prompt(runtime: Driven) -> None:
    model = Scripted([answer("x")])
    run(runtime, model, [Message("user", "a"), Message("assistant", "b"), Message("user", "c")], tools=[weather])
    assert model.requests[0].question == "c"
