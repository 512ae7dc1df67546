"""A router of the tests, and the hub beside it: a loopback server that answers for all of the router's providers.

    with ScriptedRouter() as router:
        ...                                          # [providers.huggingface] says router.options
        assert router.asked("/v1/chat/completions")[0]["model"] == "openai/gpt-oss-20b:groq"

It does what these do, as far as a client can tell: who serves a model is looked up on the hub; each provider wants its own
form, and gives its own kind of answer, some as jobs, some as files that lie elsewhere; a model may be cold, a token missing.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import re
import struct
import wave
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from modelhub.testing import FaultServer, Received, Reply, sse

__all__ = ["PNG", "WAV", "Kept", "ScriptedRouter", "picture", "sound"]


def picture(side: int = 8) -> bytes:
    """A grey PNG."""
    rows = (b"\x00" + b"\x80" * side) * side
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    chunks = (struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def sound(seconds: float = 0.2) -> bytes:
    """Silence as WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(16_000)
        written.writeframes(bytes(2 * int(16_000 * seconds)))
    return file.getvalue()


PNG, WAV = picture(), sound()
HEARD = "東京は雨です。 It rains."


@dataclass(frozen=True)
class Kept:
    """A model of the hub: what it is for, and who serves it as what, under which name, in which state."""

    name: str
    task: str
    offers: tuple[tuple[str, ...], ...] = ()

    def mapping(self) -> dict[str, Any]:
        """``inferenceProviderMapping``, as the hub gives it for one model."""
        rows = {}
        for by, own, task, *rest in self.offers:
            rows[by] = {"status": rest[0] if rest else "live", "providerId": own, "task": task}
            if len(rest) > 1:
                rows[by]["adapterWeightsPath"] = rest[1]
        return rows


def _own(name: str, task: str) -> Kept:
    return Kept(name, task, (("hf-inference", name, task),))


MODELS = (
    Kept(
        "openai/gpt-oss-20b",
        "text-generation",
        (("groq", "openai/gpt-oss-20b", "conversational"), ("together", "OpenAI/gpt-oss-20B", "conversational")),
    ),
    Kept(
        "Qwen/Qwen2.5-VL-72B-Instruct",
        "image-text-to-text",
        (("ovhcloud", "Qwen2.5-VL-72B-Instruct", "conversational"),),
    ),
    Kept(
        "bigcode/starcoder2-3b",
        "text-generation",
        (("featherless-ai", "bigcode/starcoder2-3b", "text-generation"),),
    ),
    _own("codeparrot/codeparrot-small", "text-generation"),
    _own("facebook/bart-large-cnn", "summarization"),
    _own("Helsinki-NLP/opus-mt-ja-en", "translation"),
    _own("google-bert/bert-base-uncased", "fill-mask"),
    _own("distilbert/distilbert-base-uncased-finetuned-sst-2-english", "text-classification"),
    _own("MoritzLaurer/mDeBERTa-v3-base-mnli-xnli", "zero-shot-classification"),
    _own("deepset/roberta-base-squad2", "question-answering"),
    _own("sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", "sentence-similarity"),
    _own("intfloat/multilingual-e5-large", "feature-extraction"),
    Kept(
        "BAAI/bge-m3",
        "feature-extraction",
        (("together", "BAAI/bge-m3-v1", "feature-extraction"), ("deepinfra", "BAAI/bge-m3", "feature-extraction")),
    ),
    Kept(
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "text-to-image",
        (
            ("newcorp", "sd-1.5", "text-to-image"),
            ("hf-inference", "stable-diffusion-v1-5/stable-diffusion-v1-5", "text-to-image"),
            ("fal-ai", "fal-ai/stable-diffusion", "text-to-image"),
        ),
    ),
    Kept(
        "black-forest-labs/FLUX.1-dev",
        "text-to-image",
        (
            ("fal-ai", "fal-ai/flux/dev", "text-to-image", "error"),
            ("together", "black-forest-labs/FLUX.1-dev", "text-to-image"),
            ("nscale", "black-forest-labs/FLUX.1-dev", "text-to-image"),
            ("replicate", "black-forest-labs/flux-dev", "text-to-image"),
            ("wavespeed", "wavespeed-ai/flux-dev", "text-to-image"),
        ),
    ),
    Kept("zai-org/GLM-Image", "text-to-image", (("zai-org", "glm-image", "text-to-image"),)),
    Kept(
        "acme/lighthouse-lora",
        "text-to-image",
        (("fal-ai", "fal-ai/lora", "text-to-image", "live", "lighthouse.safetensors"),),
    ),
    Kept(
        "black-forest-labs/FLUX.1-Kontext-dev",
        "image-to-image",
        (
            ("fal-ai", "fal-ai/flux-kontext/dev", "image-to-image"),
            ("together", "black-forest-labs/FLUX.1-kontext-dev", "image-to-image"),
            ("replicate", "black-forest-labs/flux-kontext-dev", "image-to-image"),
            ("wavespeed", "wavespeed-ai/flux-kontext-dev", "image-to-image"),
            ("hf-inference", "black-forest-labs/FLUX.1-Kontext-dev", "image-to-image"),
        ),
    ),
    _own("facebook/mms-tts-eng", "text-to-speech"),
    Kept(
        "hexgrad/Kokoro-82M",
        "text-to-speech",
        (
            ("deepinfra", "hexgrad/Kokoro-82M", "text-to-speech"),
            ("fal-ai", "fal-ai/kokoro", "text-to-speech"),
            ("replicate", "jaaari/kokoro-82m:f559560eb822dc509045f3921a1921234918b913", "text-to-speech"),
            ("together", "hexgrad/Kokoro-82M", "text-to-speech"),
        ),
    ),
    _own("openai/whisper-tiny", "automatic-speech-recognition"),
    Kept(
        "openai/whisper-large-v3",
        "automatic-speech-recognition",
        (
            ("hf-inference", "openai/whisper-large-v3", "automatic-speech-recognition"),
            ("deepinfra", "openai/whisper-large-v3", "automatic-speech-recognition"),
            ("fal-ai", "fal-ai/whisper", "automatic-speech-recognition"),
            ("replicate", "openai/whisper", "automatic-speech-recognition"),
        ),
    ),
    Kept("acme/unserved", "text-to-image"),
    Kept("acme/tomorrow", "text-to-image", (("newcorp", "tomorrow", "text-to-image"),)),
)


class ScriptedRouter:
    """A context manager. ``say`` makes the text of an answer out of the body of a chat; left out, the question comes back.

    ``kept`` are the models of the hub. ``cold`` is, for each model that has to be loaded first, how many requests it refuses.
    Everything that was asked is in ``requests``; ``on`` answers a path otherwise.
    """

    def __init__(
        self,
        *,
        say: Callable[[Mapping[str, Any]], str] | None = None,
        kept: Sequence[Kept] = MODELS,
        cold: Mapping[str, int] | None = None,
        estimate: float | None = 0.05,
    ) -> None:
        self.kept = {model.name: model for model in kept}
        self.cold = dict(cold or {})
        self._estimate = estimate
        self._say = say or _echo
        self._jobs: dict[str, int] = {}
        self._server = FaultServer(self._answer)

    @property
    def url(self) -> str:
        """What ``router_url`` and ``hub_url`` say."""
        return self._server.url

    @property
    def requests(self) -> list[Received]:
        """Every request, in the order in which they came."""
        return self._server.requests

    @property
    def options(self) -> dict[str, Any]:
        """What ``[providers.huggingface]`` says, so that this is the router and the hub."""
        return {"router_url": self.url, "hub_url": self.url, "api_key": "hf_scripted"}

    def asked(self, path: str) -> list[Any]:
        """The bodies of the requests to a path."""
        return [received.json() for received in self.requests if received.path == path]

    @property
    def paths(self) -> list[str]:
        """Each request's method and path."""
        return [f"{received.method} {received.path}" for received in self.requests]

    def on(self, path: str, *answers: Reply | Callable[[Received], Reply]) -> Self:
        """Answer this path so, instead."""
        self._server.on(path, *answers)
        return self

    def answer(self, received: Received) -> Reply:
        """What it answers by itself: ``router.on(path, Reply(503), router.answer)``."""
        return self._answer(received)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(*error)

    def _answer(self, received: Received) -> Reply:
        url = urlsplit(received.path)
        path = unquote(url.path)
        if path.startswith("/files/"):
            return _file(path, received)
        if path == "/v1/models":
            return Reply(json={"object": "list", "data": list(map(_row, self.kept.values()))})
        if path.startswith("/api/models/"):
            return self._described(path.removeprefix("/api/models/"), dict(parse_qsl(url.query)))
        if not received.headers.get("authorization", "").startswith("Bearer hf_"):
            return Reply(401, json={"error": "Invalid credentials in Authorization header"})
        if path == "/v1/chat/completions":
            return self._chat(received.json())
        provider, _, rest = path.lstrip("/").partition("/")
        served = getattr(self, f"_{provider.replace('-', '_')}", None)
        if served is None:
            return Reply(404, json={"error": f"Unknown provider {provider}"})
        reply: Reply = served(rest, received)
        return reply

    def _described(self, name: str, _query: Mapping[str, str]) -> Reply:
        model = self.kept.get(name)
        if model is None:
            refused = {"x-error-code": "RepoNotFound", "x-error-message": "Repository not found"}
            return Reply(404, headers=refused, json={"error": "Repository not found"})
        mapping = {"inferenceProviderMapping": model.mapping()} if model.offers else {}
        return Reply(json={"_id": "1", "id": name, "pipeline_tag": model.task, **mapping})

    def _loading(self, name: str) -> Reply | None:
        """The refusal of a model that is cold, as often as it is to refuse."""
        if self.cold.get(name, 0) <= 0:
            return None
        self.cold[name] -= 1
        told = {} if self._estimate is None else {"estimated_time": self._estimate}
        return Reply(503, json={"error": f"Model {name} is currently loading", **told})

    # chat

    def _chat(self, asked: Mapping[str, Any]) -> Reply:
        name, _, wanted = str(asked.get("model", "")).partition(":")
        model = self.kept.get(name)
        able = [by for by, _, task, *_ in model.offers if task == "conversational"] if model else []
        if model is not None and model.offers and not able:
            return _not_served(f"The requested model '{name}' is not a chat model.")
        named = [by for by in able if by == wanted] if wanted not in ("", "fastest", "cheapest", "preferred") else able
        if not named:
            return _not_served(f"The requested model '{name}' is not supported by any provider you have enabled.")
        return self._loading(name) or self._spoken(asked, name, named[0])

    def _spoken(self, asked: Mapping[str, Any], name: str, by: str) -> Reply:
        text, headers = self._said(asked), {"x-inference-provider": by, "x-request-id": "req-1"}
        usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
        head = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": name}
        calls = [_call(entry["function"]) for entry in asked.get("tools", [])] if "tool" in text else []
        reason = "tool_calls" if calls else "stop"
        if not asked.get("stream"):
            message = {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})}
            choice = {"index": 0, "message": message, "finish_reason": reason}
            return Reply(headers=headers, json={**head, "object": "chat.completion", "choices": [choice], "usage": usage})
        head["object"] = "chat.completion.chunk"
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}, *({"content": word} for word in _pieces(text))]
        deltas += [{"tool_calls": [{"index": place, **call}]} for place, call in enumerate(calls)]
        chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
        chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": usage})
        streamed = {"content-type": "text/event-stream", **headers}
        return Reply(headers=streamed, chunks=sse([*chunks, "[DONE]"]))

    def _said(self, asked: Mapping[str, Any]) -> str:
        form = asked.get("response_format") or {}
        schema = form.get("value") or form.get("schema") or (form.get("json_schema") or {}).get("schema")
        return self._say(asked) if schema is None else json.dumps(_sample(schema, schema), ensure_ascii=False)

    # hf-inference: pipelines

    def _hf_inference(self, path: str, received: Received) -> Reply:
        found = re.fullmatch(r"models/(.+?)(?:/pipeline/([a-z-]+)|/v1/chat/completions)?", path)
        model = self.kept.get(found[1]) if found else None
        if found is None or model is None:
            return Reply(404, json={"error": "Not Found"})
        if (cold := self._loading(model.name)) is not None:
            return cold
        if path.endswith("/v1/chat/completions"):
            return self._spoken(received.json(), model.name, "hf-inference")
        task = found[2] or model.task
        if task not in ("feature-extraction", "sentence-similarity") and task != model.task:
            return Reply(400, json={"error": f"Model {model.name} doesn't support task {task}"})
        return _pipeline(task, received)

    # the others

    def _fal_ai(self, path: str, received: Received) -> Reply:
        if match := re.fullmatch(r"(.+)/requests/([0-9a-z]+)(/status)?", path):
            return self._fal_job(path, *match.groups())
        body = received.json()
        if "_subdomain=queue" in received.path:
            app = "/".join(path.split("/")[:2])
            number = f"{len(self._jobs) + 1:04x}"
            self._jobs[number] = 0
            place = f"https://queue.fal.run/{app}/requests/{number}"
            return Reply(json={"status": "IN_QUEUE", "request_id": number, "response_url": place, "queue_position": 0})
        if "audio_url" in body:
            chunk = {"timestamp": [0.0, 0.2], "text": HEARD}
            chunks = [chunk] if body.get("chunk_level") else []
            return Reply(json={"text": HEARD, "chunks": chunks, "inferred_languages": ["ja"]})
        if "text" in body:
            return Reply(json={"audio": {"url": f"{self.url}/files/spoken.wav", "content_type": "audio/mpeg"}})
        return Reply(json={"images": [{"url": f"{self.url}/files/painted.png"}], "seed": body.get("seed", 7)})

    def _fal_job(self, path: str, app: str, number: str, status: str | None) -> Reply:
        if number not in self._jobs:
            return Reply(404, json={"detail": "Request not found"})
        if status is None:
            return Reply(json={"images": [{"url": f"{self.url}/files/edited.png"}]})
        self._jobs[number] += 1
        place = f"https://queue.fal.run/{app}/requests/{number}"
        state = "COMPLETED" if self._jobs[number] > 1 else "IN_PROGRESS"
        return Reply(json={"status": state, "request_id": number, "response_url": place})

    def _together(self, path: str, received: Received) -> Reply:
        return self._dialect(path.removeprefix("v1/"), received)

    def _deepinfra(self, path: str, received: Received) -> Reply:
        return self._dialect(path.removeprefix("v1/openai/"), received)

    def _featherless_ai(self, path: str, received: Received) -> Reply:
        return self._dialect(path.removeprefix("v1/"), received)

    def _nscale(self, path: str, received: Received) -> Reply:
        return self._dialect(path.removeprefix("v1/"), received)

    def _dialect(self, operation: str, received: Received) -> Reply:
        match operation:
            case "images/generations":
                return Reply(json={"data": [{"index": 0, "b64_json": base64.b64encode(PNG).decode()}], "model": "m"})
            case "embeddings":
                asked = received.json()
                length = int(asked.get("dimensions") or 32)
                rows = [{"index": place, "embedding": _vector(text, length)} for place, text in enumerate(asked["input"])]
                return Reply(json={"data": rows, "model": asked["model"], "usage": {"prompt_tokens": 9, "total_tokens": 9}})
            case "audio/speech":
                return Reply(headers={"content-type": "audio/mpeg"}, body=WAV)  # the type lies, as it does in the world
            case "audio/transcriptions":
                return Reply(json=_transcript(received))
            case "completions":
                return _completed(received.json())
            case _:
                return Reply(404, json={"error": {"message": f"Unknown operation {operation}"}})

    def _replicate(self, path: str, received: Received) -> Reply:
        if received.method == "GET":
            return Reply(json={"id": "p1", "status": "succeeded", "output": [f"{self.url}/files/predicted.png"]})
        given = received.json()["input"]
        where = {"id": "p1", "urls": {"get": "https://api.replicate.com/v1/predictions/p1"}}
        if "audio" in given:
            return Reply(201, json={**where, "status": "succeeded", "output": {"transcription": HEARD, "segments": []}})
        if "text" in given:
            return Reply(201, json={**where, "status": "succeeded", "output": f"{self.url}/files/spoken.wav"})
        return Reply(201, json={**where, "status": "processing", "output": None})

    def _wavespeed(self, path: str, received: Received) -> Reply:
        urls = {"get": "https://api.wavespeed.ai/api/v3/predictions/w1/result"}
        if received.method == "POST":
            return Reply(json={"code": 200, "data": {"id": "w1", "status": "created", "urls": urls, "outputs": []}})
        self._jobs["w1"] = self._jobs.get("w1", 0) + 1
        if self._jobs["w1"] < 2:
            return Reply(json={"data": {"id": "w1", "status": "processing", "urls": urls}})
        return Reply(json={"data": {"id": "w1", "status": "completed", "outputs": [f"{self.url}/files/waved.png"]}})

    def _zai_org(self, path: str, received: Received) -> Reply:
        if received.method == "POST":
            return Reply(json={"id": "z1", "task_status": "PROCESSING", "model": "glm-image"})
        return Reply(json={"task_status": "SUCCESS", "image_result": [{"url": f"{self.url}/files/glm.png"}]})


def _pipeline(task: str, received: Received) -> Reply:
    content_type = received.headers.get("content-type", "")
    if task == "automatic-speech-recognition":
        asked = received.json() if content_type == "application/json" else {}
        times = [{"text": HEARD, "timestamp": [0.0, 0.2]}] if asked.get("parameters", {}).get("return_timestamps") else None
        return Reply(json={"text": HEARD, **({"chunks": times} if times else {})})
    asked = received.json()
    inputs, parameters = asked["inputs"], asked.get("parameters", {})
    match task:
        case "summarization":
            return Reply(json=[{"summary_text": re.split(r"(?<=[.。])\s*", inputs)[0]}])
        case "translation":
            return Reply(json=[{"translation_text": f"[en] {inputs}"}])
        case "text-generation":
            return Reply(json=[{"generated_text": "return sum(numbers) / len(numbers)"}])
        case "fill-mask":
            words = [("paris", 0.6), ("lyon", 0.3)]
            filled = [
                {"score": score, "token": 1, "token_str": word, "sequence": inputs.replace("[MASK]", word)}
                for word, score in words
            ]
            return Reply(json=filled)
        case "text-classification":
            good = "NEGATIVE" if re.search(r"bad|壊|消え|broken", inputs) else "POSITIVE"
            other = "POSITIVE" if good == "NEGATIVE" else "NEGATIVE"
            return Reply(json=[[{"label": good, "score": 0.9}, {"label": other, "score": 0.1}]])
        case "zero-shot-classification":
            return Reply(json=_chosen(inputs, parameters["candidate_labels"]))
        case "question-answering":
            context = inputs["context"]
            word = context.split()[0]
            return Reply(
                json={"answer": word, "score": 0.8, "start": context.index(word), "end": context.index(word) + len(word)}
            )
        case "feature-extraction":
            texts = [inputs] if isinstance(inputs, str) else inputs
            return Reply(json=[_vector(text, 32) for text in texts])
        case "sentence-similarity":
            source = _vector(inputs["source_sentence"], 32)
            return Reply(json=[_dot(source, _vector(text, 32)) for text in inputs["sentences"]])
        case "text-to-image" | "image-to-image":
            return Reply(headers={"content-type": "image/jpeg"}, body=PNG)  # as elsewhere, what it is called is not what it is
        case "text-to-speech":
            return Reply(headers={"content-type": "audio/flac"}, body=WAV)
        case _:
            return Reply(400, json={"error": f"Unknown task {task}"})


def _file(path: str, received: Received) -> Reply:
    """A file that lies elsewhere: whoever asks for it shows no key."""
    if "authorization" in received.headers:
        return Reply(400, body="A key has no business here.")
    return Reply(headers={"content-type": "binary/octet-stream"}, body=WAV if path.endswith(".wav") else PNG)


def _row(model: Kept) -> dict[str, Any]:
    """A model in the router's own list, which is of chat models."""
    routes: list[dict[str, Any]] = []
    for place, (by, _, task, *rest) in enumerate(model.offers):
        if task == "conversational":
            routes.append(
                {
                    "provider": by,
                    "status": rest[0] if rest else "live",
                    "context_length": 131_072,
                    "pricing": {"input": 0.1 + place, "output": 0.5},
                    "supports_tools": True,
                    "supports_structured_output": place == 0,
                    "first_token_latency_ms": 321.5,
                    "throughput": 98.7,
                    "is_model_author": False,
                }
            )
    architecture = {"input_modalities": ["text"], "output_modalities": ["text"]}
    return {"id": model.name, "object": "model", "owned_by": model.name.partition("/")[0], "architecture": architecture} | {
        "providers": routes
    }


def _not_served(message: str) -> Reply:
    error = {"message": message, "type": "invalid_request_error", "param": "model", "code": "model_not_supported"}
    return Reply(400, json={"error": error})


def _echo(asked: Mapping[str, Any]) -> str:
    said = [message.get("content", "") for message in asked["messages"]]
    return f"You said: {said[-1] if said else ''} 👩‍🚀"


def _pieces(text: str) -> list[str]:
    """Tokens, about."""
    return re.findall(r"\s*[\x21-\x7e]+|[^\x20-\x7e]{1,3}|\s+", text)


def _call(function: Mapping[str, Any]) -> dict[str, Any]:
    schema = function.get("parameters", {})
    arguments = json.dumps(_sample(schema, schema), ensure_ascii=False)
    return {
        "id": f"call_{function['name']}",
        "type": "function",
        "function": {"name": function["name"], "arguments": arguments},
    }


def _completed(asked: Mapping[str, Any]) -> Reply:
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": asked["model"]}
    text, usage = f" {asked['prompt']}...", {"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9}
    if not asked.get("stream"):
        return Reply(json={**head, "choices": [{"index": 0, "text": text, "finish_reason": "length"}], "usage": usage})
    chunks = [{**head, "choices": [{"index": 0, "text": word, "finish_reason": None}]} for word in _pieces(text)]
    end = {**head, "choices": [{"index": 0, "text": "", "finish_reason": "length"}], "usage": usage}
    return Reply(headers={"content-type": "text/event-stream"}, chunks=sse([*chunks, end, "[DONE]"]))


def _transcript(received: Received) -> dict[str, Any]:
    verbose = b"verbose_json" in received.body
    times = {"segments": [{"start": 0.0, "end": 0.2, "text": HEARD}], "words": [{"start": 0.0, "end": 0.1, "word": "東京"}]}
    return {"text": HEARD, **({"language": "ja", "duration": 0.2, **times} if verbose else {})}


def _chosen(text: str, labels: Sequence[str]) -> list[dict[str, Any]]:
    """The labels by how many of their letters the text has, or by their order."""
    scores = {label: sum(letter in text for letter in label) + 1 / (place + 2) for place, label in enumerate(labels)}
    whole = sum(scores.values())
    return [{"label": label, "score": scores[label] / whole} for label in sorted(labels, key=lambda label: -scores[label])]


def _sample(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """A value that the schema allows."""
    if reference := schema.get("$ref"):
        found: Any = root
        for step in str(reference).removeprefix("#/").split("/"):
            found = found[step]
        return _sample(found, root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for word in ("anyOf", "oneOf"):
        if schema.get(word):
            return _sample(schema[word][0], root)
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", schema.get("properties", {}))
            return {name: _sample(schema.get("properties", {}).get(name, {}), root) for name in wanted}
        case "array":
            return [_sample(schema.get("items", {}), root)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
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


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
