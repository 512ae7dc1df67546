"""What we send to the router is what Hugging Face's own ``InferenceClient`` sends: two programs, one server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from asked import Asked, asked
from pydantic import BaseModel

from modelhub import Hub, ImagePart, Message, TextPart, Tool
from modelhub.testing import Received

official = pytest.importorskip("huggingface_hub", reason="Hugging Face's package is not installed: nox -s proof installs it")
pytest.importorskip("modelhub_huggingface", reason="the plugin is not installed: pip install -e plugins/huggingface")
sys.path.append(str(Path(__file__).parents[2] / "plugins" / "huggingface" / "tests"))
from scripted_router import PNG, WAV, ScriptedRouter  # noqa: E402  # the plugin's own, so that both tests ask the same server

CHAT, SEER = "openai/gpt-oss-20b", "Qwen/Qwen2.5-VL-72B-Instruct"
MP3 = b"ID3\x04" + bytes(64)
QUESTION = "首都はどこですか？ What is the capital? 🗼"
TEXTS = ["猫がいる", "a dog"]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = Tool("weather", "The weather in a city.", PARAMETERS)
THEIR_TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather in a city.", "parameters": PARAMETERS},
}
HEADERS = ("x-hf-bill-to", "prefer", "x-source-channel", "accept-language")
"""What says something of a request beside its signature."""
EMPTY = {"parameters": "an empty object says nothing"}
WHOLE = {"stream": "false, which is what it is where nothing is said"}
ONE_LABEL = {"parameters.multi_label": "false, which is what it is where nothing is said"}
ROUTER, HUB = "https://router.huggingface.co", "https://huggingface.co"

MINILM, E5, BGE = "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", "intfloat/multilingual-e5-large", "BAAI/bge-m3"
SUMMARY, TRANSLATION, MASK = "facebook/bart-large-cnn", "Helsinki-NLP/opus-mt-ja-en", "google-bert/bert-base-uncased"
SENTIMENT, LABELS = "distilbert/distilbert-base-uncased-finetuned-sst-2-english", "MoritzLaurer/mDeBERTa-v3-base-mnli-xnli"
READER, CODE, STAR = "deepset/roberta-base-squad2", "codeparrot/codeparrot-small", "bigcode/starcoder2-3b"
SD, FLUX, KONTEXT = (
    "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "black-forest-labs/FLUX.1-dev",
    "black-forest-labs/FLUX.1-Kontext-dev",
)
GLM, LORA = "zai-org/GLM-Image", "acme/lighthouse-lora"
MMS, KOKORO, TINY, LARGE = "facebook/mms-tts-eng", "hexgrad/Kokoro-82M", "openai/whisper-tiny", "openai/whisper-large-v3"
SIZE = {"width": 64, "height": 48}
FILE: dict[str, Path] = {}
TYPE = "the media type is the one that the bytes tell; their package guesses, or has one for all"


class City(BaseModel):
    name: str
    mayors: list[str]


class Case(NamedTuple):
    """One thing asked in both ways, and what may differ: dotted places of the body, each with the reason why."""

    name: str
    provider: str
    theirs: Callable[[Any], Any]
    ours: Callable[[Hub], Any]
    differs: Mapping[str, str] = {}
    options: Mapping[str, Any] = {}
    more: Mapping[str, Any] = {}
    """What both accounts are told besides."""


def turn(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


def chat(model: str = CHAT, **options: Any) -> Callable[[Any], Any]:
    def ask(client: Any) -> Any:
        answer = client.chat_completion(**{"model": model, "messages": turn(QUESTION), **options})
        return list(answer) if options.get("stream") else answer

    return ask


def generate(prompt: Any = QUESTION, model: str = CHAT, **options: Any) -> Callable[[Hub], Any]:
    return lambda hub: hub.text(f"huggingface:{model}").generate(prompt, **options)


def schema(output: type[BaseModel]) -> dict[str, Any]:
    """A type as both are to send it: the strict form of the dialect."""
    from modelhub_openai.schemas import strict_schema

    return {"name": output.__name__, "schema": strict_schema(output.model_json_schema()).schema, "strict": True}


def painted(model: str, provider: str, **options: Any) -> Case:
    """A picture from words, of a certain size and seed."""
    return Case(
        f"a picture by {provider}",
        provider,
        lambda client: client.text_to_image("夜の灯台", model=model, **SIZE, seed=7, negative_prompt="fog", **options),
        lambda hub: hub.image(f"huggingface:{model}").generate("夜の灯台", size=(64, 48), seed=7, negative_prompt="fog"),
    )


def edited(provider: str) -> Case:
    """A picture from a picture, and words."""
    return Case(
        f"a changed picture by {provider}",
        provider,
        lambda client: client.image_to_image(PNG if provider == "wavespeed" else FILE["picture"], prompt="夜に", model=KONTEXT),
        lambda hub: hub.image(f"huggingface:{KONTEXT}").edit(PNG, prompt="夜に"),
        {"image": TYPE} if provider == "wavespeed" else {},
    )


def spoken(provider: str, model: str = KOKORO, **more: Any) -> Case:
    """A sound, in a voice where one can be chosen."""
    given = {} if model == MMS else {"voice": "af_heart"}
    return Case(
        f"a sound by {provider}",
        provider,
        lambda client: client.text_to_speech("こんにちは", model=model, extra_body=given or None),
        lambda hub: hub.speech(f"huggingface:{model}").speak("こんにちは", **given),
        **more,
    )


def embedded(provider: str, model: str, texts: Any = TEXTS, **options: Any) -> Case:
    """Vectors."""
    return Case(
        f"vectors by {provider}{' with more asked' if options else ''}",
        provider,
        lambda client: client.feature_extraction(texts, model=model, **options),
        lambda hub: hub.embedding(f"huggingface:{model}").embed(
            texts, **{k: v for k, v in options.items() if k == "dimensions"}
        ),
        options={name: value for name, value in options.items() if name == "normalize"},
    )


CASES = [
    Case("chat", "auto", chat(), generate(), WHOLE),
    Case("chat at a provider", "auto", chat(f"{CHAT}:groq"), generate(model=f"{CHAT}:groq"), WHOLE),
    Case(
        "chat, streamed",
        "auto",
        chat(stream=True, stream_options={"include_usage": True}),
        lambda hub: list(hub.text(f"huggingface:{CHAT}").stream(QUESTION)),
    ),
    Case(
        "chat with a system message",
        "auto",
        chat(messages=[{"role": "system", "content": "日本語で。"}, *turn(QUESTION)]),
        generate(system="日本語で。"),
        WHOLE,
    ),
    Case(
        "chat with knobs",
        "auto",
        chat(
            max_tokens=64, temperature=0.25, top_p=0.75, seed=7, stop=["。", "\n"], presence_penalty=0.5, frequency_penalty=0.5
        ),
        generate(
            max_output_tokens=64,
            temperature=0.25,
            top_p=0.75,
            seed=7,
            stop_sequences=["。", "\n"],
            presence_penalty=0.5,
            frequency_penalty=0.5,
        ),
        WHOLE,
    ),
    Case("chat with zeros", "auto", chat(temperature=0, seed=0), generate(temperature=0, seed=0), WHOLE),
    Case("chat with log-probabilities", "auto", chat(logprobs=True, top_logprobs=3), generate(logprobs=3), WHOLE),
    Case("chat with tools", "auto", chat(tools=[THEIR_TOOL]), generate(tools=[TOOL]), WHOLE),
    Case(
        "chat with a tool that has to be called",
        "auto",
        chat(tools=[THEIR_TOOL], tool_choice={"type": "function", "function": {"name": "weather"}}),
        generate(tools=[TOOL], tool_choice="weather"),
        WHOLE,
    ),
    Case(
        "chat with a picture",
        "auto",
        chat(
            SEER,
            messages=turn(
                [{"type": "text", "text": "何？"}, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
            ),
        ),
        generate(Message("user", (TextPart("何？"), ImagePart(url="https://example.com/a.png"))), SEER),
        WHOLE,
    ),
    Case(
        "chat with a type to answer in",
        "auto",
        chat(response_format={"type": "json_schema", "json_schema": schema(City)}),
        generate(output_type=City),
        WHOLE,
    ),
    Case("chat that an organisation pays for", "auto", chat(), generate(), WHOLE, more={"bill_to": "acme"}),
    Case("chat where pipelines run", "hf-inference", chat(CODE), generate(model=f"{CODE}:hf-inference"), WHOLE),
    Case(
        "chat where pipelines run, with a type to answer in",
        "hf-inference",
        chat(CODE, response_format={"type": "json_schema", "json_schema": schema(City)}),
        generate(model=f"{CODE}:hf-inference", output_type=City),
        WHOLE,
    ),
    Case(
        "a text continued",
        "hf-inference",
        lambda client: client.text_generation("def mean(x):", model=CODE, max_new_tokens=8, seed=1, return_full_text=False),
        generate("def mean(x):", CODE, max_output_tokens=8, seed=1),
        WHOLE,
        options={"task": "text-generation", "prompt": "plain"},
    ),
    Case(
        "a text continued in the dialect",
        "featherless-ai",
        lambda client: client.text_generation("def mean(x):", model=STAR, max_new_tokens=8, temperature=0.5),
        generate("def mean(x):", STAR, max_output_tokens=8, temperature=0.5),
        WHOLE,
        options={"prompt": "plain"},
    ),
    Case(
        "a summary",
        "hf-inference",
        lambda client: client.summarization("灯台は閉まっている。", model=SUMMARY),
        generate("灯台は閉まっている。", SUMMARY),
        options={"task": "summarization"},
    ),
    Case(
        "a summary of a certain length",
        "hf-inference",
        lambda client: client.summarization("灯台", model=SUMMARY, generate_parameters={"max_new_tokens": 8}),
        generate("灯台", SUMMARY, max_output_tokens=8),
        options={"task": "summarization"},
    ),
    Case(
        "a translation",
        "hf-inference",
        lambda client: client.translation("灯台", model=TRANSLATION),
        generate("灯台", TRANSLATION),
        options={"task": "translation"},
    ),
    Case(
        "a gap filled",
        "hf-inference",
        lambda client: client.fill_mask("The capital is [MASK].", model=MASK),
        generate("The capital is [MASK].", MASK),
        options={"task": "fill-mask"},
    ),
    Case(
        "a label of the model's own",
        "hf-inference",
        lambda client: client.text_classification("明かりが消えた", model=SENTIMENT, top_k=1_000),
        generate("明かりが消えた", SENTIMENT),
        options={"task": "text-classification"},
    ),
    Case(
        "one of given labels",
        "hf-inference",
        lambda client: client.zero_shot_classification("明かり", ["天気", "sports"], model=LABELS),
        generate("明かり", LABELS, output_type={"enum": ["天気", "sports"], "type": "string", "title": "Label"}),
        ONE_LABEL,
        options={"task": "zero-shot-classification"},
    ),
    Case(
        "labels in order",
        "hf-inference",
        lambda client: client.zero_shot_classification("明かり", ["天気", "sports"], model=LABELS),
        lambda hub: hub.reranking(f"huggingface:{LABELS}").rank("明かり", ["天気", "sports"]),
        ONE_LABEL,
    ),
    Case(
        "an answer out of a text",
        "hf-inference",
        lambda client: client.question_answering("どこ？", "東京は雨。", model=READER),
        generate("東京は雨。\n\nどこ？", READER),
        options={"task": "question-answering"},
    ),
    embedded("hf-inference", E5),
    embedded("hf-inference", E5, normalize=True),
    embedded("together", BGE),
    embedded("deepinfra", BGE, dimensions=8),
    Case(
        "sentences alike",
        "hf-inference",
        lambda client: client.sentence_similarity("猫", other_sentences=TEXTS, model=MINILM),
        lambda hub: hub.reranking(f"huggingface:{MINILM}").rank("猫", TEXTS),
    ),
    painted(SD, "hf-inference"),
    painted(FLUX, "fal-ai"),
    painted(FLUX, "together"),
    painted(FLUX, "nscale"),
    painted(FLUX, "replicate"),
    painted(FLUX, "wavespeed"),
    painted(GLM, "zai-org"),
    Case(
        "a picture by an adapter",
        "fal-ai",
        lambda client: client.text_to_image("灯台", model=LORA),
        lambda hub: hub.image(f"huggingface:{LORA}").generate("灯台"),
    ),
    *map(edited, ("hf-inference", "fal-ai", "together", "replicate", "wavespeed")),
    spoken("hf-inference", MMS),
    spoken("fal-ai"),
    spoken("replicate"),
    spoken("together"),
    spoken("deepinfra"),
    Case(
        "a sound as it is",
        "hf-inference",
        lambda client: client.automatic_speech_recognition(FILE["sound"], model=TINY),
        lambda hub: hub.transcription(f"huggingface:{TINY}").transcribe(MP3),
    ),
    Case(
        "a sound with times asked for",
        "hf-inference",
        lambda client: client.automatic_speech_recognition(WAV, model=TINY, extra_body={"return_timestamps": True}),
        lambda hub: hub.transcription(f"huggingface:{TINY}").transcribe(WAV, timestamps="segment"),
    ),
    Case(
        "a sound heard by fal-ai",
        "fal-ai",
        lambda client: client.automatic_speech_recognition(MP3, model=LARGE, extra_body={"language": "ja"}),
        lambda hub: hub.transcription(f"huggingface:{LARGE}").transcribe(MP3, language="ja"),
    ),
    Case(
        "a sound heard by replicate",
        "replicate",
        lambda client: client.automatic_speech_recognition(WAV, model=LARGE),
        lambda hub: hub.transcription(f"huggingface:{LARGE}").transcribe(WAV),
    ),
    Case(
        "a sound heard in the dialect",
        "deepinfra",
        lambda client: client.automatic_speech_recognition(WAV, model=LARGE, extra_body={"language": "ja"}),
        lambda hub: hub.transcription(f"huggingface:{LARGE}").transcribe(WAV, language="ja"),
        {"file": TYPE, "response_format": "json, which is what comes where nothing is said"},
    ),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedRouter]:
    """One for all: their package keeps what the hub told it for as long as the process lives."""
    folder = tmp_path_factory.mktemp("media")
    FILE.update(picture=folder / "picture.png", sound=folder / "sound.mp3")
    FILE["picture"].write_bytes(PNG)
    FILE["sound"].write_bytes(MP3)
    with pytest.MonkeyPatch.context() as patch, ScriptedRouter() as server, their_wire(server.url):
        patch.setenv("HF_TOKEN", "hf_scripted")  # else their package looks for a file, and opens it without an encoding
        yield server


class their_wire:  # noqa: N801  # it reads as what it does
    """Their package's own way to be given an HTTP client: one for which the router and the hub are this server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self) -> None:
        import huggingface_hub.utils._http as http

        library: Any = sys.modules[http.get_session().__class__.__module__.partition(".")[0]]
        there = urlsplit(self.url)

        class Rerouted(library.HTTPTransport):  # type: ignore[misc,name-defined]
            def handle_request(self, request: Any) -> Any:
                if f"{request.url.scheme}://{request.url.host}" in (ROUTER, HUB):
                    request.url = request.url.copy_with(scheme="http", host=there.hostname, port=there.port)
                return super().handle_request(request)

        official.set_client_factory(lambda: library.Client(transport=Rerouted(), follow_redirects=False))

    def __exit__(self, *error: object) -> None:
        import huggingface_hub.utils._http as http

        official.set_client_factory(http.default_client_factory)
        official.close_session()


def config(url: str, case: Case) -> dict[str, Any]:
    told = {"router_url": url, "hub_url": url, "api_key": "hf_scripted", "inference_provider": case.provider}
    return {"providers": {"huggingface": {**told, **case.options, **case.more}}}


def told(server: ScriptedRouter) -> list[tuple[Asked, dict[str, str]]]:
    """What was asked of the router, without what was asked of the hub, in order."""
    heard = [received for received in server.requests if not received.path.startswith("/api/")]
    server.requests.clear()
    return [(asked(received), _headers(received)) for received in heard]


def _headers(received: Received) -> dict[str, str]:
    return {name: received.headers[name] for name in HEADERS if name in received.headers}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_we_send_what_hugging_faces_own_client_sends(case: Case, server: ScriptedRouter) -> None:
    client = official.InferenceClient(provider=case.provider, token="hf_scripted", **case.more)
    server.requests.clear()
    with suppress(ImportError, TimeoutError):  # once the request is out: some answers are made pictures, which needs Pillow,
        case.theirs(client)  # and some jobs are not asked after
    theirs = told(server)
    with Hub(config(server.url, case)) as hub:
        case.ours(hub)
    ours = told(server)
    ignored = {**EMPTY, **case.differs}
    assert _without(ours[0][0], ignored) == _without(theirs[0][0], ignored)
    assert {**ours[0][1], "accept-language": ""} == {**theirs[0][1], "accept-language": ""}
    follow_ups = [_place(request) for request, _ in theirs[1:]]
    assert set(follow_ups) <= {_place(request) for request, _ in ours[1:]}, "jobs are asked after where they are"


def _place(request: Asked) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Where a request goes; each job has a number of its own."""
    path = "/".join("N" if part.isdecimal() and len(part) == 4 else part for part in request.path.split("/"))
    return request.method, path, tuple(sorted(request.query.items()))


def test_who_serves_a_model_is_asked_of_the_hub_as_they_ask(server: ScriptedRouter) -> None:
    server.requests.clear()
    client = official.InferenceClient(provider="auto", token="hf_scripted")
    sys.modules["huggingface_hub.inference._providers._common"]._fetch_inference_provider_mapping.cache_clear()
    with suppress(ImportError):
        client.text_to_image("灯台", model=GLM)
    (theirs,) = [received for received in server.requests if received.path.startswith("/api/")]
    server.requests.clear()
    with Hub(config(server.url, Case("", "auto", chat(), generate()))) as hub:
        hub.image(f"huggingface:{GLM}").generate("灯台")
    (ours,) = [received for received in server.requests if received.path.startswith("/api/")]
    assert ours.path == f"{theirs.path}&expand=pipeline_tag", "what it is for is told beside"
    assert ours.headers["authorization"] == theirs.headers.get("authorization", "Bearer hf_scripted")


def test_we_read_what_they_read(server: ScriptedRouter) -> None:
    client = official.InferenceClient(provider="auto", token="hf_scripted")
    theirs = client.chat_completion(turn(QUESTION), model=CHAT)
    pipelines = official.InferenceClient(provider="hf-inference", token="hf_scripted")
    vectors = pipelines.feature_extraction(TEXTS, model=E5)
    labels = pipelines.zero_shot_classification("明かり", ["天気", "sports"], model=LABELS)
    heard = pipelines.automatic_speech_recognition(WAV, model=TINY)
    with Hub(config(server.url, Case("", "auto", chat(), generate()))) as hub:
        ours = hub.text(f"huggingface:{CHAT}").generate(QUESTION)
        assert (ours.text, ours.raw_finish_reason) == (theirs.choices[0].message.content, theirs.choices[0].finish_reason)
        assert (ours.usage.input_tokens, ours.usage.output_tokens) == (
            theirs.usage.prompt_tokens,
            theirs.usage.completion_tokens,
        )
        assert hub.embedding(f"huggingface:{E5}").embed(TEXTS).array().tolist() == vectors.tolist()
        ranked = hub.reranking(f"huggingface:{LABELS}").rank("明かり", ["天気", "sports"]).ranking
        assert [("天気", "sports")[place.index] for place in ranked] == [label.label for label in labels]
        assert hub.transcription(f"huggingface:{TINY}").transcribe(WAV).text == heard.text


def test_there_are_calls_enough() -> None:
    assert len(CASES) >= 20


def _without(request: Asked, places: Mapping[str, str]) -> Asked:
    body = request.body
    for place in places:
        body = _removed(body, place.split("."), only_empty=place in EMPTY)
    return request._replace(body=body)


def _removed(value: Any, keys: list[str], *, only_empty: bool) -> Any:
    first, *rest = keys
    if not isinstance(value, dict) or first not in value or (only_empty and value[first]):
        return value
    if rest:
        return {**value, first: _removed(value[first], rest, only_empty=only_empty)}
    return {name: item for name, item in value.items() if name != first}
