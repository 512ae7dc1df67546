"""The Inference Toolkit, scripted: every task of a plain endpoint, at the address itself."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from scripted_words import LABELS, base64_of, ended, labels, overlap, pieces, png, vector

from modelhub.testing import Received, Reply

__all__ = ["ScriptedToolkit"]


class ScriptedToolkit:
    """One pipeline. Whatever goes wrong is a 400, and what it is asked besides is told to the library that computes."""

    task: str
    dimensions: int
    token_level: bool
    _say: Callable[[str], str]

    def _pipeline(self, received: Received) -> Reply:
        media_type = received.headers.get("content-type", "")
        if media_type.startswith("audio/"):
            return (
                Reply(json={"text": " 東京は雨です。"})
                if self._hears()
                else _wrong(f'Content type "{media_type}" not supported.')
            )
        asked = received.json()
        if "inputs" not in asked:
            return _wrong(f"Body needs to provide a inputs key, recieved: {json.dumps(asked)}")
        inputs, parameters = asked["inputs"], asked.get("parameters") or {}
        match self.task:
            case "text-generation":
                full = inputs if parameters.get("return_full_text", True) else ""
                text, _ = ended(self._say(inputs), None, parameters.get("max_new_tokens"))
                return Reply(json=[{"generated_text": full + text}])
            case "summarization" | "translation" | "text2text-generation":
                member = {"summarization": "summary_text", "translation": "translation_text"}.get(self.task, "generated_text")
                text, _ = ended(self._say(inputs), None, parameters.get("max_new_tokens"))
                return Reply(json=[{member: text}])
            case "fill-mask":
                return _filled(inputs)
            case "text-classification":
                return self._classified(inputs, parameters)
            case "zero-shot-classification":
                found = labels(inputs, parameters["candidate_labels"])
                return Reply(
                    json={"sequence": inputs, "labels": [label for label, _ in found], "scores": [score for _, score in found]}
                )
            case "question-answering":
                return _quoted(inputs)
            case "feature-extraction":
                return Reply(json=[self._features(text) for text in ([inputs] if isinstance(inputs, str) else inputs)])
            case "sentence-similarity":
                return Reply(json={"similarities": [overlap(inputs["source_sentence"], text) for text in inputs["sentences"]]})
            case "text-ranking":
                rows = [{"index": place, "score": overlap(inputs["query"], text)} for place, text in enumerate(inputs["texts"])]
                return Reply(json={"scores": sorted(rows, key=lambda row: -row["score"])})
            case "automatic-speech-recognition":
                return _heard(parameters)
            case "text-to-speech":
                samples = [math.sin(place / 5) / 2 for place in range(1_600)]
                return Reply(json={"audio": [samples], "sampling_rate": 16_000})
            case _:
                return self._painted(received, inputs, parameters)

    def _hears(self) -> bool:
        return self.task == "automatic-speech-recognition"

    def _classified(self, inputs: Any, parameters: Mapping[str, Any]) -> Reply:
        most = parameters.get("top_k", 1)
        if isinstance(inputs, str):
            return Reply(json=[{"label": label, "score": score} for label, score in labels(inputs, LABELS)[:most]])
        scores = [overlap(pair["text"], pair["text_pair"]) for pair in inputs]
        return Reply(json=[[{"label": "LABEL_0", "score": score}] for score in scores])

    def _features(self, text: str) -> Any:
        if not self.token_level:
            return vector(text, self.dimensions)
        return [[vector(piece, self.dimensions) for piece in ("[CLS]", *pieces(text), "[SEP]")]]

    def _painted(self, received: Received, inputs: Any, parameters: Mapping[str, Any]) -> Reply:
        if self.task != "text-to-image":
            base64.b64decode(inputs, validate=True)
        size = parameters.get("target_size", parameters)
        if size.get("height") != size.get("width"):
            message = (
                f"Provided `height={size.get('height')}` and `width={size.get('width')}`, but either both must have a value"
            )
            return _wrong(message)
        data = png(int(size.get("width") or 8), f"{inputs}{sorted(parameters.items(), key=str)}")
        if received.headers.get("accept") == "image/png":
            return Reply(headers={"content-type": "image/png"}, body=data)
        return Reply(body=json.dumps(base64_of(data)))


def _wrong(message: str) -> Reply:
    """Whatever goes wrong in the Inference Toolkit is a 400."""
    return Reply(400, json={"error": message})


def _filled(inputs: str) -> Reply:
    gaps = inputs.count("[MASK]")
    if not gaps:
        return _wrong("No mask_token ([MASK]) found on the input")
    words = (("東京", 0.6), ("京都", 0.3), ("大阪", 0.1))

    def row(gap: int, word: str, score: float) -> dict[str, Any]:
        parts = inputs.split("[MASK]")
        text = "".join(part + (word if place == gap else "[MASK]" if place < gaps else "") for place, part in enumerate(parts))
        return {"score": score, "token": 7, "token_str": word, "sequence": text}

    filled = [[row(gap, word, score) for word, score in words] for gap in range(gaps)]
    return Reply(json=filled[0] if gaps == 1 else filled)


def _quoted(inputs: Mapping[str, str]) -> Reply:
    """The sentence that shares most with the question."""
    context = inputs["context"]
    spans = [(found.start(), found.end()) for found in re.finditer(r"[^。.\n]+[。.]?", context)]
    start, end = max(spans, key=lambda span: overlap(inputs["question"], context[slice(*span)]))
    return Reply(json={"score": 0.75, "start": start, "end": end, "answer": context[start:end]})


def _heard(parameters: Mapping[str, Any]) -> Reply:
    text = "It rains in Tokyo." if parameters.get("generate_kwargs", {}).get("task") == "translate" else " 東京は雨です。"
    match parameters.get("return_timestamps"):
        case "word":
            chunks = [{"text": "東京は", "timestamp": [0.0, 0.5]}, {"text": "雨です。", "timestamp": [0.5, None]}]
        case True:
            chunks = [{"text": " 東京は雨です。", "timestamp": [0.0, 1.5]}]
        case _:
            return Reply(json={"text": text})
    return Reply(json={"text": text, "chunks": chunks})
