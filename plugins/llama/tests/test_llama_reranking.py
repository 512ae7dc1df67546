"""Reranking with a GGUF file: in process, and on llama.cpp's server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from asking import serving
from tiny_reranker import reranker, score

from modelhub import Hub
from modelhub.errors import ContextOverflow, Unsupported
from modelhub.model import AnyModel
from modelhub.testing import RerankingConformance
from modelhub.testing.installed import build

pytest.importorskip("xllamacpp", reason='pip install "modelhub-llama[engine]"')

QUERY = "rain in tokyo"
DOCUMENTS = ("東京は雨です。", "it rains in tokyo", "cafe", "the bread", "日本")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reranker")
    reranker(folder)
    return folder


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[dict[str, Any]]:
    rank = 4
    parameters = {"embedding": 1, "pooling_type": rank, "n_ctx": 128, "n_batch": 64, "n_ubatch": 64}
    with serving(str(folder / "tiny-reranker.gguf"), **parameters) as served:
        yield served


class _Held(RerankingConformance):
    model_id = "llama:tiny-reranker"

    def model(self) -> AnyModel:
        return build("reranking", self.model_id, self.options)


class TestInProcess(_Held):
    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _here(self, folder: Path) -> None:
        type(self).options = {"models": [str(folder)], "threads": 1}


class TestOnAServer(_Held):
    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _there(self, served: dict[str, Any]) -> None:
        type(self).options = served["providers"]["llama"]


def config(folder: Path, **options: Any) -> dict[str, Any]:
    return {"providers": {"llama": {"models": [str(folder)], "threads": 1, **options}}}


def test_the_scores_are_those_of_the_model(folder: Path) -> None:
    """Each score is that of arithmetic by the book: the head over the first token of query and document."""
    with Hub(config=config(folder)) as hub:
        response = hub.reranking("llama:tiny-reranker").rank(QUERY, DOCUMENTS)
    found = {ranked.index: ranked.score for ranked in response.ranking}
    wanted = {index: score(folder, QUERY, document) for index, document in enumerate(DOCUMENTS)}
    assert found == pytest.approx(wanted, abs=0.01)
    assert [ranked.index for ranked in response.ranking] == sorted(wanted, key=lambda index: -wanted[index])


def test_only_the_best_come_where_that_is_asked(folder: Path) -> None:
    with Hub(config=config(folder)) as hub:
        client = hub.reranking("llama:tiny-reranker")
        assert client.rank(QUERY, DOCUMENTS, top_n=2).ranking == client.rank(QUERY, DOCUMENTS).ranking[:2]


def test_a_document_that_is_too_long_is_an_overflow(folder: Path) -> None:
    with Hub(config=config(folder)) as hub, pytest.raises(ContextOverflow) as caught:
        hub.reranking("llama:tiny-reranker").rank(QUERY, ["rain " * 100])
    assert caught.value.context_window == 64


def test_a_reranker_is_listed_as_one(folder: Path) -> None:
    from modelhub_llama.gguf.cards import inspect

    assert inspect(str(folder / "tiny-reranker.gguf")).kind == "reranking"


def test_a_model_that_was_not_made_to_score_is_refused(folder: Path, tiny: str) -> None:
    """llama.cpp would give numbers of it that mean nothing."""
    from modelhub_llama.conversion.importing import converted
    from tiny_bert import save

    for model in (tiny, converted(str(save(folder / "bert")), str(folder))):
        with (
            Hub(config=config(folder)) as hub,
            pytest.raises(Unsupported, match="is no reranker: it was not trained") as caught,
        ):
            hub.reranking(f"llama:{model}").rank(QUERY, DOCUMENTS)
        assert (caught.value.feature, caught.value.model) == ("reranking", f"llama:{model}")


def test_a_reranker_gives_no_vectors_and_no_text(folder: Path) -> None:
    """llama.cpp would give what lies in memory, and an error that sounds like a server that is down."""
    for prompt in ("chat", "plain"):
        with Hub(config=config(folder, prompt=prompt)) as hub:
            with pytest.raises(Unsupported, match=r"gives scores and no vectors: ask hub\.reranking"):
                hub.embedding("llama:tiny-reranker").embed(["雨"])
            with pytest.raises(Unsupported, match=r"writes no text, it is a model for reranking: ask hub\.reranking"):
                hub.text("llama:tiny-reranker").generate("雨")


def test_a_server_that_runs_no_model_for_text_says_so(served: dict[str, Any]) -> None:
    there = served["providers"]["llama"]
    with Hub(config={"providers": {"llama": {**there, "prompt": "plain"}}}) as hub:
        with pytest.raises(Unsupported, match="writes no text") as caught:
            hub.text("llama:tiny-reranker").generate("雨", max_output_tokens=1)
        assert not caught.value.retryable
