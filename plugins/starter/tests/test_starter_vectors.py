"""``starter:hash`` and ``starter:overlap`` really rank, in several scripts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
from modelhub_starter.embedding import model as embedding
from modelhub_starter.reranking import model as reranking

from modelhub.plugin import EmbeddingRequest, InvalidRequest, RerankingRequest, UnknownModel
from modelhub.testing import FakeRuntime
from modelhub.transport.drive import drive

DOCUMENTS = (
    "Rotating the API keys requires an administrator.",
    "Bread is made of flour, water and salt.",
    "The train to Osaka leaves at nine.",
    "国際標準化に関する動向を調べた。",
    "パンは小麦粉と水と塩から作ります。",
    "大阪行きの列車は九時に出発します。",
    "Ключи меняет администратор.",
    "กุญแจต้องเปลี่ยนทุกเดือน",
)
PAIRS = [
    ("how do I rotate an API key", 0),
    ("what is bread made from", 1),
    ("when do trains leave for Osaka", 2),
    ("国際標準化", 3),
    ("パンの作り方と小麦粉", 4),
    ("大阪への列車の出発", 5),
    ("администраторы и ключ", 6),
    ("เปลี่ยนกุญแจ", 7),
]


def vectors(*texts: str, dimensions: int | None = None) -> Any:
    request = EmbeddingRequest(inputs=texts, dimensions=dimensions)
    return drive(embedding("hash", None).call(request, FakeRuntime())).array()


@pytest.mark.parametrize(("query", "wanted"), PAIRS)
def test_the_nearest_vector_is_that_of_the_document_that_answers(query: str, wanted: int) -> None:
    rows = vectors(query, *DOCUMENTS)
    assert int(np.argmax(rows[1:] @ rows[0])) == wanted


@pytest.mark.parametrize(("query", "wanted"), PAIRS)
def test_the_first_document_is_the_one_that_answers(query: str, wanted: int) -> None:
    response = drive(reranking("overlap", None).call(RerankingRequest(query=query, documents=DOCUMENTS), FakeRuntime()))
    assert response.ranking[0].index == wanted
    assert len(response.ranking) == len(DOCUMENTS)


def test_a_misspelt_word_is_still_near() -> None:
    rows = vectors("authentication", "authentification", "refrigeration")
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2


def test_vectors_have_length_one_and_the_asked_dimensions() -> None:
    rows = vectors("料金", "price", "!?", dimensions=64)
    assert rows.shape == (3, 64)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)


def test_another_process_gives_the_same_vector() -> None:
    script = (
        "from modelhub_starter.embedding import _vectors\nimport hashlib\n"
        "print(hashlib.sha256(_vectors(('国際標準化 and keys',), 256)).hexdigest())"
    )
    assert _printed(script, "1") == _printed(script, "2")


def _printed(script: str, seed: str) -> str:
    """What a fresh interpreter prints, whose ``hash`` is seeded so."""
    command, environment = [sys.executable, "-c", script], {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True, env=environment)
    return done.stdout


def test_an_empty_text_is_refused_by_its_position() -> None:
    with pytest.raises(InvalidRequest, match="Input 1 is empty"):
        vectors("a", " \n")


@pytest.mark.parametrize("dimensions", [-1, 0, 4, 65_537])
def test_dimensions_have_limits(dimensions: int) -> None:
    with pytest.raises(InvalidRequest, match=f"dimensions.* {dimensions}"):
        vectors("a", dimensions=dimensions)


def test_thousands_of_texts_take_seconds() -> None:
    texts = [f"Text {number} speaks of keys, costs and 料金表の{number}番目の項目。" for number in range(3000)]
    start = time.process_time()
    assert vectors(*texts).shape == (3000, 1024)
    assert time.process_time() - start < 10


def test_top_n_keeps_the_best() -> None:
    request = RerankingRequest(query="大阪", documents=DOCUMENTS, top_n=1)
    assert [each.index for each in drive(reranking("overlap", None).call(request, FakeRuntime())).ranking] == [5]
    with pytest.raises(InvalidRequest, match="top_n is 0"):
        drive(
            reranking("overlap", None).call(RerankingRequest(query="a", documents=("a",), top_n=0), FakeRuntime()),
        )


def test_other_names_are_unknown() -> None:
    with pytest.raises(UnknownModel, match="starter:hash"):
        embedding("bert", None)
    with pytest.raises(UnknownModel, match="starter:overlap"):
        reranking("bert", None)
