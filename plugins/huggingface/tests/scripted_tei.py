"""Text Embeddings Inference, scripted; and the OpenAI-like operations beside its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scripted_tgi import refusal
from scripted_words import LABELS, labels, overlap, packed, pieces, vector

from modelhub.testing import Received, Reply

__all__ = ["ScriptedTei"]


class ScriptedTei:
    """Its operations: vectors, order, labels, what it tells of itself."""

    task: str
    window: int
    batch: int
    dimensions: int
    prompts: Sequence[str]

    def _embed(self, received: Received) -> Reply:
        asked = received.json()
        inputs = [asked["inputs"]] if isinstance(asked["inputs"], str) else asked["inputs"]
        if refused := self._unfit(inputs, truncate=asked.get("truncate", False)):
            return refused
        named = asked.get("prompt_name")
        if named is not None and named not in self.prompts:
            message = f"`default-prompt-name` is set to `{named}` but "
            more = f"it was not found in the Sentence Transformers prompts. Available prompts: {list(self.prompts)}"
            none = "no prompts were found in the Sentence Transformers configuration"
            return refusal(413, message + (more if self.prompts else none), "Validation")
        dimensions = asked.get("dimensions") or self.dimensions
        found = [vector(f"{named or ''}{text}", dimensions) for text in inputs]
        return Reply(headers=_computed(inputs), json=found)

    def _unfit(self, inputs: Sequence[str], *, truncate: bool) -> Reply | None:
        if not inputs:
            return refusal(400, "`inputs` cannot be empty", "Empty")
        if len(inputs) > self.batch:
            return refusal(413, f"batch size {len(inputs)} > maximum allowed batch size {self.batch}", "Validation")
        longest = max(len(pieces(text)) for text in inputs)
        if longest > self.window and not truncate:
            return refusal(413, f"`inputs` must have less than {self.window} tokens. Given: {longest}", "Validation")
        return None

    def _openai_embed(self, received: Received) -> Reply:
        asked = received.json()
        inputs = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        if refused := self._unfit(inputs, truncate=False):
            told = refused.json
            return Reply(refused.status, json={"message": told["error"], "code": refused.status, "type": told["error_type"]})
        found = [vector(text, asked.get("dimensions") or self.dimensions) for text in inputs]
        wanted = asked.get("encoding_format") == "base64"
        rows = [
            {"object": "embedding", "embedding": packed(row) if wanted else row, "index": place}
            for place, row in enumerate(found)
        ]
        count = sum(len(pieces(text)) for text in inputs)
        usage = {"prompt_tokens": count, "total_tokens": count}
        return Reply(json={"object": "list", "data": rows, "model": "org/tiny", "usage": usage})

    def _rerank(self, received: Received) -> Reply:
        asked = received.json()
        if self.task != "text-ranking":
            return refusal(424, "model is not a re-ranker model", "Backend")
        if refused := self._unfit(asked["texts"], truncate=asked.get("truncate", False)):
            return refused
        rows = [{"index": place, "score": overlap(asked["query"], text)} for place, text in enumerate(asked["texts"])]
        return Reply(headers=_computed([asked["query"], *asked["texts"]]), json=sorted(rows, key=lambda row: -row["score"]))

    def _openai_rerank(self, received: Received) -> Reply:
        asked = received.json()
        rows = [
            {"index": place, "relevance_score": overlap(asked["query"], text)} for place, text in enumerate(asked["documents"])
        ]
        kept = sorted(rows, key=lambda row: -row["relevance_score"])[: asked.get("top_n")]
        return Reply(json={"model": "org/tiny", "results": kept, "usage": {"total_tokens": 12}})

    def _predict(self, received: Received) -> Reply:
        text = received.json()["inputs"]
        return Reply(
            headers=_computed([text]), json=[{"score": score, "label": label} for label, score in labels(text, LABELS)]
        )

    def _tei_info(self, _: Received) -> Reply:
        id2label = {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}
        types: Mapping[str, Any] = {"text-ranking": {"reranker": id2label}, "text-classification": {"classifier": id2label}}
        return Reply(
            json={
                "model_id": "org/tiny",
                "model_sha": "abc123",
                "model_dtype": "float16",
                "served_model_name": "org/tiny",
                "model_type": types.get(self.task, {"embedding": {"pooling": "mean"}}),
                "max_concurrent_requests": 512,
                "max_input_length": self.window,
                "max_batch_tokens": 16_384,
                "max_batch_requests": None,
                "max_client_batch_size": self.batch,
                "auto_truncate": True,
                "tokenization_workers": 4,
                "version": "1.9.0",
                "sha": None,
                "docker_label": None,
            }
        )


def _computed(texts: Sequence[str]) -> dict[str, str]:
    """What TEI tells in headers."""
    count = sum(len(pieces(text)) for text in texts)
    return {"x-compute-type": "cpu", "x-compute-time": "3", "x-compute-tokens": str(count), "x-total-time": "4"}
