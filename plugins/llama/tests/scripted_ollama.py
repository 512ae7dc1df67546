"""An Ollama of the tests: a loopback server that answers its native API plausibly, from a script or by echoing.

    with ScriptedOllama() as ollama:
        ...                                          # [providers.llama] engine = "ollama", base_url = ollama.url
        assert ollama.asked("chat")[0]["stream"] is True

It does what an Ollama does, as far as a client can tell: models that are pulled or not, a context window that refuses or cuts,
stops, limits, schemas, tools, thinking, log-probabilities, counters that are left out where they are zero.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from modelhub.testing import FaultServer, Received, Reply

__all__ = ["EMBEDDER", "SEER", "WRITER", "Kept", "ScriptedOllama", "ndjson"]

NDJSON = {"content-type": "application/x-ndjson"}


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A model that is pulled, or that the library has."""

    name: str
    capabilities: tuple[str, ...] = ("completion", "tools", "thinking")
    family: str = "qwen3"
    context_length: int = 40_960
    embedding_length: int = 1_024
    parameter_count: int = 751_632_384
    parameter_size: str = "751.63M"
    quantization: str = "Q4_K_M"
    size: int = 522_653_767
    license: str = "Apache License\n                           Version 2.0, January 2004\n\n   TERMS AND CONDITIONS"


WRITER = Kept(name="qwen3:0.6b")
SEER = Kept(name="llava:7b", capabilities=("completion", "vision"), family="llama", license="")
EMBEDDER = Kept(
    name="all-minilm:latest",
    capabilities=("embedding",),
    family="bert",
    context_length=256,
    embedding_length=32,
    parameter_count=22_565_376,
    parameter_size="23M",
    quantization="F16",
    size=45_960_996,
)


class ScriptedOllama:
    """A context manager. ``say`` makes the text of an answer out of the body of a request; left out, the question comes back.

    ``kept`` are the models that are pulled, ``library`` those that could be. ``refuses_truncation=False`` makes it an old one,
    which cuts a prompt that is too long whatever it is told. Everything that was asked is in ``requests``.
    """

    def __init__(
        self,
        *,
        say: Callable[[Mapping[str, Any]], str] | None = None,
        kept: Sequence[Kept] = (WRITER, SEER, EMBEDDER),
        library: Sequence[Kept] = (),
        refuses_truncation: bool = True,
    ) -> None:
        self.kept = {model.name: model for model in kept}
        self.library = {model.name: model for model in library}
        self._say = say or _echo
        self._refuses_truncation = refuses_truncation
        self._server = FaultServer(self._answer)

    @property
    def url(self) -> str:
        """What ``base_url`` says."""
        return self._server.url

    @property
    def requests(self) -> list[Received]:
        """Every request, in the order in which they came."""
        return self._server.requests

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The bodies of the requests to ``chat``, ``embed``..."""
        return [request.json() for request in self.requests if request.path == f"/api/{operation}"]

    def on(self, operation: str, *answers: Reply | Callable[[Received], Reply]) -> Self:
        """Answer this operation so, instead."""
        self._server.on(f"/api/{operation}", *answers)
        return self

    def chat(self, received: Received) -> Reply:
        """What it answers to a chat by itself: ``server.on("chat", Reply(503), server.chat)``."""
        return self._chat(received.json())

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(*error)

    def _answer(self, received: Received) -> Reply:
        operations = {
            ("POST", "/api/chat"): self._chat,
            ("POST", "/api/generate"): self._generate,
            ("POST", "/api/embed"): self._embed,
            ("GET", "/api/tags"): self._tags,
            ("POST", "/api/show"): self._show,
            ("POST", "/api/pull"): self._pull,
            ("GET", "/api/version"): lambda _: Reply(json={"version": "0.40.2"}),
        }
        operation = operations.get((received.method, received.path))
        if operation is None:
            return Reply(404, headers={"content-type": "text/plain"}, body="404 page not found")
        return operation(received.json() if received.body else {})

    def _model(self, asked: Mapping[str, Any]) -> Kept | None:
        name = str(asked.get("model", ""))
        return self.kept.get(name) or self.kept.get(f"{name}:latest")

    def _chat(self, asked: Mapping[str, Any]) -> Reply:
        messages = asked.get("messages", [])
        prompt = "".join(str(message.get("content", "")) for message in messages)
        wanted = [(entry["function"], message) for message in messages[-1:] for entry in asked.get("tools", [])]
        calls = [_call(function) for function, message in wanted if _calls_for(function, message)]
        lacking = "tools" if asked.get("tools") else ""
        lacking = "image" if any("images" in message for message in messages) else lacking
        return self._written(asked, prompt, calls, lacking, lambda text, thought: _message(text, thought))

    def _generate(self, asked: Mapping[str, Any]) -> Reply:
        return self._written(asked, str(asked.get("prompt", "")), [], "", _plain)

    def _written(
        self,
        asked: Mapping[str, Any],
        prompt: str,
        calls: list[dict[str, Any]],
        lacking: str,
        shape: Callable[[str, str], dict[str, Any]],
    ) -> Reply:
        model = self._model(asked)
        if model is None:
            return _missing(asked)
        if "completion" not in model.capabilities:
            return Reply(400, json={"error": f'"{model.name}" does not support chat'})
        if asked.get("think") and "thinking" not in model.capabilities:
            return Reply(400, json={"error": f'"{model.name}" does not support thinking'})
        if lacking == "tools" and "tools" not in model.capabilities:
            return Reply(400, json={"error": f"registry.ollama.ai/library/{model.name} does not support tools"})
        if lacking == "image" and "vision" not in model.capabilities:
            return Reply(
                400, json={"error": _below("Multimodal data provided, but model does not support multimodal requests.")}
            )
        options = asked.get("options", {})
        entered, window = _count(prompt), int(options.get("num_ctx", 4096))
        if entered >= window:
            if asked.get("truncate") is False and self._refuses_truncation:
                return Reply(400, json={"error": _overflow(entered, window)})
            entered = window
        thought = "考える。" if asked.get("think") else ""
        text, reason = ("", "stop") if calls else _ended(self._said(asked), options)
        pieces = _pieces(text)
        end = {
            "done": True,
            "done_reason": reason,
            "total_duration": 5_000_000,
            "load_duration": 1_000_000,
            "prompt_eval_count": entered,
            "prompt_eval_duration": 2_000_000,
            "eval_count": len(pieces) + _count(thought) + len(calls),
            "eval_duration": 2_000_000,
        }
        head = {"model": model.name, "created_at": "2026-11-24T00:00:00Z"}
        tokens = [_token(piece, int(asked.get("top_logprobs", 0))) for piece in pieces] if asked.get("logprobs") else []
        end = {name: value for name, value in end.items() if value != 0}
        if asked.get("stream") is False:
            whole = shape(text, thought)
            if calls:
                whole["message"]["tool_calls"] = calls
            return Reply(json={**head, **whole, **({"logprobs": tokens} if tokens else {}), **end})
        lines = [{**head, **shape("", piece), "done": False} for piece in _pieces(thought)]
        for place, piece in enumerate(pieces):
            probabilities = {"logprobs": [tokens[place]]} if tokens else {}
            lines.append({**head, **shape(piece, ""), "done": False, **probabilities})
        for call in calls:
            message = {"role": "assistant", "content": "", "tool_calls": [call]}
            lines.append({**head, "message": message, "done": False})
        return _lines(*lines, {**head, **shape("", ""), **end})

    def _said(self, asked: Mapping[str, Any]) -> str:
        form = asked.get("format")
        if isinstance(form, Mapping):
            return json.dumps(_sample(form, form), ensure_ascii=False)
        return self._say(asked)

    def _embed(self, asked: Mapping[str, Any]) -> Reply:
        model = self._model(asked)
        if model is None:
            return _missing(asked)
        if "embedding" not in model.capabilities:
            return Reply(501, json={"error": "this model does not support embeddings"})
        inputs = [asked["input"]] if isinstance(asked["input"], str) else list(asked["input"])
        window = int(asked.get("options", {}).get("num_ctx", model.context_length))
        if asked.get("truncate") is False and any(_count(text) > window for text in inputs):
            return Reply(400, json={"error": "the input length exceeds the context length"})
        dimensions = int(asked.get("dimensions") or model.embedding_length)
        vectors = [_vector(text, dimensions) for text in inputs]
        said = {"model": model.name, "embeddings": vectors, "total_duration": 3_000_000, "load_duration": 1_000_000}
        return Reply(json={**said, "prompt_eval_count": sum(map(_count, inputs))})

    def _tags(self, _: Mapping[str, Any]) -> Reply:
        return Reply(json={"models": [_row(model) for model in self.kept.values()]})

    def _show(self, asked: Mapping[str, Any]) -> Reply:
        model = self._model(asked)
        if model is None:
            return _missing(asked)
        info = {
            "general.architecture": model.family,
            "general.basename": model.name.partition(":")[0].capitalize(),
            "general.parameter_count": model.parameter_count,
            f"{model.family}.context_length": model.context_length,
            f"{model.family}.embedding_length": model.embedding_length,
        }
        told = {
            "license": model.license,
            "parameters": "temperature 0.6",
            "template": "{{ .Prompt }}",
            "details": _details(model),
            "model_info": info,
            "capabilities": list(model.capabilities),
            "modified_at": "2026-11-24T00:00:00Z",
        }
        return Reply(json={name: value for name, value in told.items() if value})

    def _pull(self, asked: Mapping[str, Any]) -> Reply:
        wanted = self.library.get(str(asked["model"])) or self._model(asked)
        streamed = asked.get("stream") is not False
        if wanted is None:
            failed = {"error": "pull model manifest: file does not exist"}
            return _lines({"status": "pulling manifest"}, failed) if streamed else Reply(500, json=failed)
        self.kept[wanted.name] = wanted
        digest = "sha256:" + hashlib.sha256(wanted.name.encode()).hexdigest()
        layer = {"status": f"pulling {digest[7:19]}", "digest": digest, "total": wanted.size}
        lines = [
            {"status": "pulling manifest"},
            layer,
            {**layer, "completed": wanted.size // 2},
            {**layer, "completed": wanted.size},
            {"status": "verifying sha256 digest"},
            {"status": "writing manifest"},
            {"status": "success"},
        ]
        return _lines(*lines) if streamed else Reply(json=lines[-1])


def ndjson(lines: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Lines of JSON, each as one piece of bytes."""
    return [json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines]


def _lines(*lines: Mapping[str, Any]) -> Reply:
    return Reply(headers=NDJSON, chunks=ndjson(lines))


def _echo(asked: Mapping[str, Any]) -> str:
    if "messages" not in asked:
        return f" {asked.get('prompt', '')}"
    said = [message.get("content", "") for message in asked["messages"]]
    return f"You said: {said[-1] if said else ''} 👩‍🚀"


def _message(text: str, thought: str) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text, **({"thinking": thought} if thought else {})}}


def _plain(text: str, thought: str) -> dict[str, Any]:
    return {"response": text, **({"thinking": thought} if thought else {})}


def _calls_for(function: Mapping[str, Any], message: Mapping[str, Any]) -> bool:
    return message.get("role") == "user" and function["name"] in str(message.get("content", ""))


def _call(function: Mapping[str, Any]) -> dict[str, Any]:
    schema = function.get("parameters", {})
    return {"function": {"name": function["name"], "arguments": _sample(schema, schema)}}


def _ended(text: str, options: Mapping[str, Any]) -> tuple[str, str]:
    """The text up to a stop or the limit, and why it ended."""
    for stop in options.get("stop", ()):
        text = text.partition(stop)[0]
    limit = options.get("num_predict", -1)
    pieces = _pieces(text)
    return ("".join(pieces[:limit]), "length") if 0 <= limit < len(pieces) else (text, "stop")


def _pieces(text: str) -> list[str]:
    """Tokens, about: a word with the space before it, or three letters of a script without spaces."""
    return re.findall(r"\s*[\x21-\x7e]+|[^\x20-\x7e]{1,3}|\s+", text)


def _count(text: str) -> int:
    return len(_pieces(text))


def _token(piece: str, alternatives: int) -> dict[str, Any]:
    others = [{"token": f"{piece}{number}", "logprob": -1.5 - number} for number in range(alternatives)]
    return {"token": piece, "logprob": -0.25, "bytes": list(piece.encode()), "top_logprobs": others}


def _sample(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """A value that the schema allows."""
    if reference := schema.get("$ref"):
        found: Any = root
        for step in str(reference).removeprefix("#/").split("/"):
            found = found[step]
        return _sample(found, root)
    for word in ("anyOf", "oneOf"):
        if schema.get(word):
            return _sample(schema[word][0], root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", schema.get("properties", {}))
            return {name: _sample(schema.get("properties", {}).get(name, {}), root) for name in wanted}
        case "array":
            return [_sample(schema.get("items", {}), root) for _ in range(max(1, schema.get("minItems", 1)))]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return "東京"


def _vector(text: str, dimensions: int) -> list[float]:
    """A unit vector of the text's words, so that texts which share words are near each other."""
    numbers = [0.0] * dimensions
    for word in _words(text):
        digest = hashlib.sha256(word.encode()).digest()
        for place in range(dimensions):
            numbers[place] += (digest[place % 32] ^ (place // 32 * 37 & 255)) / 127.5 - 1.0
    length = math.sqrt(sum(number * number for number in numbers)) or 1.0
    return [number / length for number in numbers]


def _words(text: str) -> Iterator[str]:
    yield from re.findall(r"[a-z0-9]+", text.lower())
    for run in re.findall(r"[^\x00-\x7f]+", text):
        yield from (run[place : place + 2] for place in range(max(1, len(run) - 1)))


def _row(model: Kept) -> dict[str, Any]:
    digest = hashlib.sha256(model.name.encode()).hexdigest()
    named = {"name": model.name, "model": model.name, "modified_at": "2026-11-24T00:00:00.123456789+09:00"}
    return {**named, "size": model.size, "digest": digest, "details": _details(model)}


def _details(model: Kept) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": model.family,
        "families": [model.family],
        "parameter_size": model.parameter_size,
        "quantization_level": model.quantization,
    }


def _missing(asked: Mapping[str, Any]) -> Reply:
    return Reply(404, json={"error": f"model '{asked.get('model')}' not found"})


def _below(message: str, **more: Any) -> str:
    """An error of the engine below, which Ollama hands on as a text."""
    inner = {"code": 400, "message": message, "type": "invalid_request_error", **more}
    return json.dumps({"error": inner}, separators=(",", ":"))


def _overflow(entered: int, window: int) -> str:
    message = f"request ({entered} tokens) exceeds the available context size ({window} tokens), try increasing it"
    return _below(message, type="exceed_context_size_error", n_prompt_tokens=entered, n_ctx=window)
