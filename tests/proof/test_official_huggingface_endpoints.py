"""Hugging Face's own ``InferenceClient`` at the address of an endpoint, beside ours: what both send, and what both read."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest

from modelhub import Hub

official = pytest.importorskip("huggingface_hub", reason="Hugging Face's package is not installed: nox -s proof installs it")
pytest.importorskip("modelhub_huggingface", reason="the plugin is not installed: pip install -e plugins/huggingface")
sys.path.append(str(Path(__file__).parents[2] / "plugins" / "huggingface" / "tests"))
from scripted_endpoint import ScriptedEndpoint  # noqa: E402  # the plugin's own, so that both tests ask the same server
from scripted_words import png, wav  # noqa: E402

MODEL = "huggingface:org/tiny"
TEXT = "東京の天気は雨です。 It rains."
QUESTION = "東京の天気は？"
DOCUMENTS = ["Bread needs flour.", "東京の天気は雨です。", "天気の話。"]
LABELS = ["天気", "経済"]
FILE: dict[str, Path] = {}
Weather = Literal["天気", "経済"]
ALL_LABELS = {"parameters.top_k": "all labels are asked for, since a toolkit tells the best one alone"}
EMPTY = {"parameters": "an empty object says nothing"}
LIST = {"inputs": "a list of one text, where they send the text"}
WHOLE = {"stream": "false, which is what it is where nothing is said"}


class Case(NamedTuple):
    """One thing asked in both ways, what of each answer must be the same, and what of the requests may differ, and why."""

    task: str
    theirs: Callable[[Any], Any]
    ours: Callable[[Hub], Any]
    differs: Mapping[str, str] = {}
    server: Literal["plain", "tgi"] = "plain"
    reads: bool = True
    """Whether their client can read what the pipeline of a toolkit answers: it knows the form of the hub's own API alone."""


CASES = [
    Case(
        "text-generation",
        lambda client: client.chat_completion([{"role": "user", "content": QUESTION}], max_tokens=5).choices[0].message.content,
        lambda hub: hub.text(MODEL).generate(QUESTION, max_output_tokens=5).text,
        {"model": "they have no name to send", **WHOLE},
        "tgi",
    ),
    Case(
        "text-generation",
        lambda client: "".join(
            chunk.choices[0].delta.content or ""
            for chunk in client.chat_completion(
                [{"role": "user", "content": QUESTION}], stream=True, stream_options={"include_usage": True}
            )
            if chunk.choices
        ),
        lambda hub: "".join(getattr(event, "text", "") for event in hub.text(MODEL).stream(QUESTION)),
        {"model": "they have no name to send"},
        "tgi",
    ),
    Case(
        "text-generation",
        lambda client: client.text_generation(QUESTION, max_new_tokens=5, return_full_text=False),
        lambda hub: hub.text(MODEL).generate(QUESTION, max_output_tokens=5).text,
        WHOLE,
    ),
    Case(
        "summarization",
        lambda client: client.summarization(TEXT).summary_text,
        lambda hub: hub.text(MODEL).generate(TEXT).text,
        EMPTY,
    ),
    Case(
        "translation",
        lambda client: client.translation(TEXT).translation_text,
        lambda hub: hub.text(MODEL).generate(TEXT).text,
        EMPTY,
    ),
    Case(
        "fill-mask",
        lambda client: client.fill_mask("日本の首都は[MASK]です。")[0].sequence,
        lambda hub: hub.text(MODEL).generate("日本の首都は[MASK]です。").text,
        EMPTY,
    ),
    Case(
        "text-classification",
        lambda client: client.text_classification("a negative day").label,
        lambda hub: hub.text(MODEL).generate("a negative day").text,
        {**EMPTY, **ALL_LABELS},
    ),
    Case(
        "zero-shot-classification",
        lambda client: client.zero_shot_classification("経済の話", LABELS),
        lambda hub: hub.text(MODEL).generate("経済の話", output_type=Weather).output,
        {"parameters.multi_label": "false, which is what it is where nothing is said"},
        reads=False,
    ),
    Case(
        "question-answering",
        lambda client: client.question_answering(question=QUESTION, context=TEXT).answer,
        lambda hub: hub.text(MODEL).generate(f"{TEXT}\n\n{QUESTION}").text,
        EMPTY,
    ),
    Case(
        "feature-extraction",
        lambda client: client.feature_extraction(TEXT)[0].tolist(),
        lambda hub: hub.embedding(MODEL).embed([TEXT])[0],
        LIST,
    ),
    Case(
        "sentence-similarity",
        lambda client: client.sentence_similarity(QUESTION, DOCUMENTS),
        lambda hub: {found.index: found.score for found in hub.reranking(MODEL).rank(QUESTION, DOCUMENTS).ranking},
        EMPTY,
    ),
    Case(
        "text-to-image",
        lambda client: client.text_to_image("灯台", width=64, height=64, seed=7, negative_prompt="霧").size,
        lambda hub: _size(hub.image(MODEL).generate("灯台", size=(64, 64), seed=7, negative_prompt="霧").bytes()),
    ),
    Case(
        "image-to-image",
        lambda client: client.image_to_image(png(), prompt="雪").size,
        lambda hub: _size(hub.image(MODEL).edit(png(), "雪").bytes()),
    ),
    Case(
        "automatic-speech-recognition",
        lambda client: client.automatic_speech_recognition(FILE["sound"]).text.strip(),
        lambda hub: hub.transcription(MODEL).transcribe(wav(0.2)).text,
    ),
]


def _size(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


@pytest.mark.parametrize("case", CASES, ids=[f"{number} {case.task}" for number, case in enumerate(CASES)])
def test_both_send_and_read_the_same(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # as other tests of this process may have set it
    if "image" in case.task:
        pytest.importorskip("PIL", reason="their client opens pictures with Pillow")
    FILE["sound"] = tmp_path / "sound.wav"
    FILE["sound"].write_bytes(wav(0.2))
    with ScriptedEndpoint(case.server, case.task, say=lambda text: f" 答え: {text}") as endpoint:
        client = official.InferenceClient(model=endpoint.url, token="hf_given")
        if case.reads:
            theirs = case.theirs(client)
        else:
            with pytest.raises((ValueError, KeyError, AttributeError)):
                case.theirs(client)
        options = {"base_url": endpoint.url, "server": case.server, "api_key": "hf_given"}
        task = {} if case.server == "tgi" else {"task": case.task}
        with Hub({"providers": {"huggingface": {**options, **task}}}) as hub:
            ours = case.ours(hub)
        first, second = endpoint.requests
    assert (first.method, first.path.rstrip("/")) == (second.method, second.path.rstrip("/"))
    assert first.headers["authorization"] == second.headers["authorization"]
    assert _body(first, case.differs) == _body(second, case.differs)
    if not case.reads:
        assert ours in LABELS
        return
    if case.task == "sentence-similarity":
        theirs = dict(enumerate(theirs["similarities"] if isinstance(theirs, dict) else theirs))
    assert theirs == pytest.approx(ours, abs=1e-6) if case.task == "feature-extraction" else theirs == ours


def _body(received: Any, differs: Mapping[str, str]) -> Any:
    """The body without the places where both may differ, and a text in a list of one as the text."""
    if not received.headers.get("content-type", "").startswith("application/json"):
        return received.headers.get("content-type", "").replace("x-", ""), received.body  # audio/x-wav is audio/wav
    body = received.json()
    for place in differs:
        *path, last = place.split(".")
        found = body
        for step in path:
            found = found.get(step) or {}
        if last == "inputs":
            found[last] = found[last] if isinstance(found[last], list) else [found[last]]
        elif not path and last == "parameters":
            if not found.get(last):
                found.pop(last, None)
        else:
            found.pop(last, None)
    if "parameters" in body and not body["parameters"]:
        del body["parameters"]
    return body


def test_there_is_no_picture_in_a_url() -> None:
    """Their client gives pictures as ``base64`` in ``inputs``, and so do we."""
    with ScriptedEndpoint("plain", "image-to-image") as endpoint:
        with Hub({"providers": {"huggingface": {"base_url": endpoint.url, "task": "image-to-image"}}}) as hub:
            hub.image(MODEL).edit(png(), "雪")
        assert base64.b64decode(endpoint.asked("/")[0]["inputs"]) == png()
