"""A run with tools over the wire, through both APIs and both hubs: what goes back is what came, and all of it is counted."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from modelhub import AsyncHub, Hub, ModelhubError, ToolRun
from modelhub.testing import FaultServer, Reply

ARGUMENTS = '{"city": "東京"}'
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": ARGUMENTS}}
CHAT = (
    {
        "choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [CALL]}, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    },
    {
        "choices": [{"message": {"role": "assistant", "content": "晴れです。"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 7},
    },
)
REASONED = {"id": "rs_1", "type": "reasoning", "encrypted_content": "gAAAA+/=", "summary": []}
ITEM = {"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "weather", "arguments": ARGUMENTS}
SAID = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "晴れです。"}]}
RESPONSES = (
    {"status": "completed", "output": [REASONED, ITEM], "usage": {"input_tokens": 10, "output_tokens": 5}},
    {"status": "completed", "output": [SAID], "usage": {"input_tokens": 20, "output_tokens": 7}},
)
ANSWERS = {"chat": ("/v1/chat/completions", CHAT), "responses": ("/v1/responses", RESPONSES)}


def weather(city: str) -> str:
    """天気を調べます。"""
    return f"{city}は晴れ"


async def later_weather(city: str) -> str:
    """天気を調べます。"""
    await asyncio.sleep(0)
    return f"{city}は晴れ"


def run(manner: str, server: FaultServer, api: str, **options: Any) -> ToolRun[Any]:
    config = {"providers": {"openai": {"base_url": f"{server.url}/v1", "api_key_env": False, "api": api}}}
    if manner == "blocking":
        with Hub(config) as hub:
            return hub.text("openai:gpt-5").run_tools("天気は？", tools=[weather], **options)

    async def asked() -> ToolRun[Any]:
        async with AsyncHub(config) as hub:
            from modelhub import tool

            return await hub.text("openai:gpt-5").run_tools("天気は？", tools=[tool(name="weather")(later_weather)], **options)

    return asyncio.run(asked())


@pytest.mark.parametrize("manner", ["blocking", "asynchronous"])
@pytest.mark.parametrize("api", ANSWERS)
def test_a_run_with_tools(fault_server: FaultServer, api: str, manner: str) -> None:
    path, answers = ANSWERS[api]
    fault_server.on(path, *(Reply(json=answer) for answer in answers))
    came = run(manner, fault_server, api)
    assert came.text == "晴れです。"
    assert (came.usage.input_tokens, came.usage.output_tokens) == (30, 12)
    assert len(came.attempts) == 2
    second = json.loads(fault_server.requests[1].body)
    if api == "chat":
        assert second["messages"][1]["tool_calls"] == [CALL]
        assert second["messages"][2] == {"role": "tool", "tool_call_id": "c1", "content": "東京は晴れ"}
    else:
        assert second["input"][1:] == [
            {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAAA+/=", "summary": []},
            {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": ARGUMENTS},
            {"type": "function_call_output", "call_id": "c1", "output": "東京は晴れ"},
        ]


@pytest.mark.parametrize("manner", ["blocking", "asynchronous"])
@pytest.mark.parametrize("api", ANSWERS)
def test_an_error_on_the_way_keeps_what_was_done(fault_server: FaultServer, api: str, manner: str) -> None:
    path, answers = ANSWERS[api]
    fault_server.on(path, Reply(json=answers[0]), Reply(400, json={"error": {"message": "no"}}))
    with pytest.raises(ModelhubError) as caught:
        run(manner, fault_server, api, retries=0)
    partial = caught.value.partial
    assert isinstance(partial, ToolRun)
    assert partial.uses[0].result.content == "東京は晴れ"
    assert partial.usage.output_tokens == 5
