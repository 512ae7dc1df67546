"""Text Generation Inference, scripted; and the OpenAI-like servers that answer as it does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scripted_words import ended, pieces, sample

from modelhub.testing import Received, Reply, sse

__all__ = ["ScriptedTgi", "refusal", "tgi_events"]

SSE = {"content-type": "text/event-stream"}


class ScriptedTgi:
    """Its operations: chat, plain completion whole and streamed, what it tells of itself."""

    kind: str
    window: int
    _say: Callable[[str], str]

    def _chat(self, received: Received) -> Reply:
        asked = received.json()
        if self.kind == "tgi" and (refusal := _ill_formed(asked) or _refused(asked)):
            return refusal
        said = [_content(message) for message in asked["messages"]]
        if overflow := self._overflow(" ".join(said), asked.get("max_tokens")):
            return overflow
        calls = [_call(tool["function"]) for tool in asked.get("tools", ()) if tool["function"]["name"] in said[-1]]
        text, reason = (
            ("", "tool_calls") if calls else ended(self._written(asked, said[-1]), asked.get("stop"), asked.get("max_tokens"))
        )
        count = len(pieces(text)) + len(calls)
        entered = sum(len(pieces(text)) for text in said)
        usage = {"prompt_tokens": entered, "completion_tokens": count, "total_tokens": entered + count}
        head = {"id": "", "created": 1, "model": "org/tiny", "system_fingerprint": "3.3.6-sha"}
        tokens = (
            [_openai_token(piece, asked.get("top_logprobs") or 0) for piece in pieces(text)] if asked.get("logprobs") else []
        )
        if not asked.get("stream"):
            message: dict[str, Any] = {"role": "assistant", **({"tool_calls": calls} if calls else {"content": text})}
            choice = {
                "index": 0,
                "message": message,
                "logprobs": {"content": tokens} if tokens else None,
                "finish_reason": reason,
            }
            return Reply(json={**head, "object": "chat.completion", "choices": [choice], "usage": usage})
        events: list[str | Mapping[str, Any]] = []
        for place, piece in enumerate(pieces(text)):
            told = {"content": [tokens[place]]} if tokens else None
            delta = {"role": "assistant", "content": piece, "tool_calls": None}
            events.append({**head, "choices": [{"index": 0, "delta": delta, "logprobs": told, "finish_reason": None}]})
        for place, call in enumerate(calls):
            delta = {"role": "assistant", "tool_calls": [{"index": place, **call}]}
            events.append({**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]})
        events.append({**head, "choices": [{"index": 0, "delta": {"content": ""}, "logprobs": None, "finish_reason": reason}]})
        if (asked.get("stream_options") or {}).get("include_usage"):
            events.append({**head, "choices": [], "usage": usage})
        return Reply(headers=SSE, chunks=sse([*events, "[DONE]"]))

    def _written(self, asked: Mapping[str, Any], text: str) -> str:
        form = asked.get("response_format") or {}
        schema = form.get("value") or (form.get("json_schema") or {}).get("schema")
        return json.dumps(sample(schema, schema), ensure_ascii=False) if schema else self._say(text)

    def _overflow(self, text: str, limit: int | None) -> Reply | None:
        entered, answer = len(pieces(text)), limit or 100
        if entered >= self.window:
            return refusal(422, f"Input validation error: `inputs` must have less than {self.window} tokens. Given: {entered}")
        if entered + answer > self.window:
            given = f"Given: {entered} `inputs` tokens and {answer} `max_new_tokens`"
            return refusal(422, f"Input validation error: `inputs` tokens + `max_new_tokens` must be <= {self.window}. {given}")
        return None

    def _completions(self, received: Received) -> Reply:
        asked = received.json()
        text, reason = ended(self._say(asked["prompt"]), asked.get("stop"), asked.get("max_tokens"))
        found = pieces(text)
        entered = len(pieces(asked["prompt"]))
        usage = {"prompt_tokens": entered, "completion_tokens": len(found), "total_tokens": entered + len(found)}
        head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": asked["model"]}
        count = asked.get("logprobs")

        def told(of: Sequence[str]) -> Any:
            others = [{f"{piece}{number}": -1.5 - number for number in range(count or 0)} for piece in of]
            return None if count is None else {"tokens": list(of), "token_logprobs": [-0.25] * len(of), "top_logprobs": others}

        if not asked.get("stream"):
            choice = {"index": 0, "text": text, "logprobs": told(found), "finish_reason": reason}
            return Reply(json={**head, "choices": [choice], "usage": usage})
        events: list[str | Mapping[str, Any]] = [
            {**head, "choices": [{"index": 0, "text": piece, "logprobs": told([piece]), "finish_reason": None}]}
            for piece in found
        ]
        events.append({**head, "choices": [{"index": 0, "text": "", "logprobs": None, "finish_reason": reason}]})
        if (asked.get("stream_options") or {}).get("include_usage"):
            events.append({**head, "choices": [], "usage": usage})
        return Reply(headers=SSE, chunks=sse([*events, "[DONE]"]))

    def _generated(self, asked: Mapping[str, Any]) -> tuple[str, dict[str, Any], int] | Reply:
        parameters = asked.get("parameters", {})
        if refused := _refused(parameters):
            return refused
        if overflow := self._overflow(asked["inputs"], parameters.get("max_new_tokens")):
            return overflow
        schema = (parameters.get("grammar") or {}).get("value")
        if schema is not None and "properties" not in schema:
            return refusal(422, "Input validation error: grammar is not valid: Grammar must have a 'properties' field")
        whole = json.dumps(sample(schema, schema), ensure_ascii=False) if schema else self._say(asked["inputs"])
        text, reason = ended(whole, parameters.get("stop"), parameters.get("max_new_tokens"))
        word = {"stop": "eos_token", "length": "length", "stop_sequence": "stop_sequence"}[reason]
        found = pieces(text)
        details = {
            "finish_reason": word,
            "generated_tokens": len(found) + (word == "eos_token"),
            "seed": parameters.get("seed"),
        }
        return text, details, len(pieces(asked["inputs"]))

    def _generate(self, received: Received) -> Reply:
        asked = received.json()
        made = self._generated(asked)
        if isinstance(made, Reply):
            return made
        text, details, entered = made
        count = asked.get("parameters", {}).get("top_n_tokens") or 0
        listed = [_token(piece) for piece in pieces(text)] + ([_end()] if details["finish_reason"] == "eos_token" else [])
        more = {
            "prefill": [],
            "tokens": listed,
            **({"top_tokens": [_others(token, count) for token in listed]} if count else {}),
        }
        headers = {
            "x-compute-type": "cpu",
            "x-prompt-tokens": str(entered),
            "x-generated-tokens": str(details["generated_tokens"]),
        }
        shown = asked.get("parameters", {}).get("details")
        return Reply(headers=headers, json={"generated_text": text, **({"details": {**details, **more}} if shown else {})})

    def _generate_stream(self, received: Received) -> Reply:
        asked = received.json()
        made = self._generated(asked)
        if isinstance(made, Reply):
            return Reply(headers=SSE, chunks=sse([made.json]))  # TGI answers 200, and the stream holds the error
        text, details, entered = made
        count = asked.get("parameters", {}).get("top_n_tokens") or 0
        return Reply(headers=SSE, chunks=tgi_events(text, {**details, "input_length": entered}, count))

    def _compatible(self, received: Received) -> Reply:
        if received.json().get("stream"):
            return self._generate_stream(received)
        reply = self._generate(received)
        return reply if reply.status != 200 else Reply(headers=reply.headers, json=[reply.json])

    def _tgi_info(self, _: Received) -> Reply:
        return Reply(
            json={
                "model_id": "org/tiny",
                "model_sha": "abc123",
                "model_pipeline_tag": "text-generation",
                "max_concurrent_requests": 128,
                "max_best_of": 2,
                "max_stop_sequences": 4,
                "max_input_tokens": self.window - 1,
                "max_total_tokens": self.window,
                "validation_workers": 2,
                "max_client_batch_size": 4,
                "router": "text-generation-router",
                "version": "3.3.6",
                "sha": None,
                "docker_label": None,
            }
        )

    def _models(self, _: Received) -> Reply:
        row = {"id": "org/tiny", "object": "model", "created": 0, "owned_by": "org", "max_model_len": self.window}
        return Reply(json={"object": "list", "data": [row]})


def tgi_events(text: str, details: Mapping[str, Any], alternatives: int = 0) -> list[bytes]:
    """A stream of ``generate_stream``: one event a token, no space behind the colon, and no word for the end."""
    tokens = [_token(piece) for piece in pieces(text)] + ([_end()] if details["finish_reason"] == "eos_token" else [])
    events = []
    for place, token in enumerate(tokens):
        last = place == len(tokens) - 1
        event: dict[str, Any] = {"index": place + 1, "token": token, "generated_text": None, "details": None}
        if alternatives:
            event["top_tokens"] = _others(token, alternatives)
        if last:
            event |= {"generated_text": text, "details": details}
        events.append(f"data:{json.dumps(event, ensure_ascii=False)}\n\n".encode())
    return events


def _refused(parameters: Mapping[str, Any]) -> Reply | None:
    if parameters.get("top_p") is not None and not 0 < parameters["top_p"] < 1:
        return refusal(422, "Input validation error: `top_p` must be > 0.0 and < 1.0")
    if "inputs" not in parameters and "messages" not in parameters and parameters.get("temperature") == 0:
        return refusal(422, "Input validation error: `temperature` must be strictly positive")
    if len(parameters.get("stop") or ()) > 4:
        return refusal(422, f"Input validation error: `stop` supports up to 4 stop sequences. Given: {len(parameters['stop'])}")
    return None


def _ill_formed(asked: Mapping[str, Any]) -> Reply | None:
    """TGI's reader of JSON, which answers in plain text."""
    form = asked.get("response_format")
    if form is not None and "value" not in form:
        told = "Failed to deserialize the JSON body into the target type: response_format: missing field `value` at line 1"
        return Reply(422, headers={"content-type": "text/plain; charset=utf-8"}, body=told)
    return None


def refusal(status: int, message: str, word: str = "validation") -> Reply:
    return Reply(status, json={"error": message, "error_type": word})


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(str(part.get("text", "")) for part in content)


def _call(function: Mapping[str, Any]) -> dict[str, Any]:
    schema = function.get("parameters", {})
    arguments = json.dumps(sample(schema, schema), ensure_ascii=False)
    return {"id": "0", "type": "function", "function": {"description": None, "name": function["name"], "arguments": arguments}}


def _token(piece: str) -> dict[str, Any]:
    return {"id": len(piece), "text": piece, "logprob": -0.25, "special": False}


def _end() -> dict[str, Any]:
    return {"id": 2, "text": "</s>", "logprob": -0.5, "special": True}


def _others(token: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    return [{**token, "text": f"{token['text']}{number}", "logprob": -1.5 - number} for number in range(count)]


def _openai_token(piece: str, alternatives: int) -> dict[str, Any]:
    others = [{"token": f"{piece}{number}", "logprob": -1.5 - number} for number in range(alternatives)]
    return {"token": piece, "logprob": -0.25, "top_logprobs": others}
