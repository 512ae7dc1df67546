"""Embeddings in process, on llama.cpp's server, and without llama.cpp: laws, limits, prompts, pooling."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from asking import serving
from modelhub_llama.bert.forward import Bert
from modelhub_llama.bert.weights import load
from modelhub_llama.conversion.bert import convert
from modelhub_llama.options import LlamaOptions
from modelhub_llama.vectors import Told, VectorEndpoint
from reference_bert import Reference
from tiny_bert import save

from modelhub import AsyncHub, Hub
from modelhub.errors import (
    AnswerError,
    BadRequest,
    ContextOverflow,
    ModelhubError,
    SetupError,
    TimedOut,
    UnknownModel,
    Unsupported,
)
from modelhub.http import HttpResponse
from modelhub.interfaces.embedding import EmbeddingRequest
from modelhub.model import AnyModel, Timeouts
from modelhub.testing import EmbeddingConformance
from modelhub.testing.installed import build

TEXTS = ("It rains in Tokyo.", "東京は雨です。", "Bread needs flour.", "한국어 문장과", "हिन्दी")
Config = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT as it is saved; beside it, as GGUF."""
    folder = save(tmp_path_factory.mktemp("bert") / "tiny", prompts={"query": "the rain: ", "document": "in tokyo: "})
    convert(str(folder), folder.parent / "tiny.gguf", "f32")
    return folder


@pytest.fixture(scope="module")
def config(folder: Path) -> Config:
    """The configuration of the model ``e``, with more options."""
    file = folder.parent / "tiny.gguf"

    def made(**options: Any) -> dict[str, Any]:
        return {"models": {"e": {"model": f"llama:{file}"}}, "providers": {"llama": {"threads": 1, **options}}}

    return made


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[dict[str, Any]]:
    """The same model on llama.cpp's server, in a process of its own."""
    pytest.importorskip("xllamacpp", reason='pip install "modelhub-llama[engine]"')
    with serving(str(folder.parent / "tiny.gguf"), embedding=1, n_ctx=128, n_batch=64, n_ubatch=64) as served:
        yield served


class _Held(EmbeddingConformance):
    """The laws of embedding models, for the model that a fixture says."""

    model_id = "llama:tiny"

    def model(self) -> AnyModel:
        return build("embedding", self.model_id, self.options)


class TestInProcess(_Held):
    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _here(self, folder: Path) -> None:
        pytest.importorskip("xllamacpp", reason='pip install "modelhub-llama[engine]"')
        type(self).options = {"models": [str(folder.parent)], "threads": 1}


class TestWithNumpy(_Held):
    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _here(self, folder: Path) -> None:
        type(self).options = {"models": [str(folder.parent)], "embedder": "numpy"}


class TestOnAServer(_Held):
    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _there(self, served: dict[str, Any]) -> None:
        type(self).options = served["providers"]["llama"]


PLACES = ("llama.cpp", "numpy")


def hub(config: Config, embedder: str, **options: Any) -> Hub:
    if embedder == "llama.cpp":
        pytest.importorskip("xllamacpp", reason='pip install "modelhub-llama[engine]"')
    return Hub(config=config(embedder=embedder, **options))


@pytest.mark.parametrize("embedder", PLACES)
def test_a_vector_belongs_to_its_text_whatever_stands_beside_it(config: Config, folder: Path, embedder: str) -> None:
    """AT-L: 300 texts of all lengths, in several requests: output i belongs to input i."""
    texts = [" ".join(TEXTS[number % 3].split()[: 1 + number % 4]) + " " + "rain " * (number % 7) for number in range(300)]
    wanted = Reference(folder).vectors(texts)
    with hub(config, embedder) as models:
        response = models.embedding("e").embed(texts)
    assert np.abs((response.array() * wanted).sum(axis=1) - 1).max() < 1e-3
    assert response.usage.input_tokens == sum(len(Reference(folder).tokens(text)) for text in texts)


@pytest.mark.parametrize("embedder", PLACES)
def test_queries_and_documents_have_the_prompts_of_the_model(config: Config, folder: Path, embedder: str) -> None:
    """What ``config_sentence_transformers.json`` says is put before the texts; the options go first."""
    with hub(config, embedder) as models, hub(config, embedder, prompts={"query": "cafe "}) as other:
        client = models.embedding("e")
        found = [client.embed(["it rains"], purpose=purpose).array()[0] for purpose in ("query", "document", None)]
        found.append(other.embedding("e").embed(["it rains"], purpose="query").array()[0])
    wanted = Reference(folder).vectors(["the rain: it rains", "in tokyo: it rains", "it rains", "cafe it rains"])
    assert np.abs((np.array(found) * wanted).sum(axis=1) - 1).max() < 1e-3


@pytest.mark.parametrize("embedder", ["llama.cpp", "numpy"])
@pytest.mark.parametrize(("window", "limit"), [(None, 48), (4096, 48), (64, 48), (20, 20)])
def test_a_window_for_all_models_leaves_each_its_own_limit(
    config: Config, embedder: str, window: int | None, limit: int
) -> None:
    """A sentence transformer has learnt of texts of 48 tokens, whatever its network could take."""
    if embedder == "llama.cpp":
        pytest.importorskip("xllamacpp", reason='pip install "modelhub-llama[engine]"')
    given = {} if window is None else {"context_window": window}
    with Hub(config(embedder=embedder, **given)) as hub:
        model = hub.embedding("e")
        assert (model.card.limits["input_tokens"], model.card.context_window) == (limit, limit)
        with pytest.raises(ContextOverflow) as caught:
            model.embed(["a b c d e " * 10])
        assert caught.value.context_window == limit


@pytest.mark.parametrize("embedder", PLACES)
def test_a_text_that_is_too_long_is_told_or_cut_as_the_caller_says(config: Config, embedder: str) -> None:
    """AT-L: over-length is an error, a beginning or a mean, and told of each text; the limit is the model's own."""
    texts = ["it rains", "rain " * 60]
    with hub(config, embedder) as models:
        client = models.embedding("e")
        with pytest.raises(ContextOverflow, match=r"inputs\[1\].*62 tokens.*48") as caught:
            client.embed(texts)
        assert (caught.value.prompt_tokens, caught.value.context_window) == (62, 48)
        cut, mean = client.embed(texts, on_long="truncate"), client.embed(texts, on_long="mean")
    assert [len(answer) for answer in (cut, mean)] == [2, 2]
    assert "only its beginning" in cut.notices[0].message
    assert "the mean of those of 2 pieces" in mean.notices[0].message


@pytest.mark.parametrize("embedder", PLACES)
def test_empty_texts_are_as_the_caller_says(config: Config, embedder: str) -> None:
    """AT-L: a text without words is an error, left out, or zeros."""
    with hub(config, embedder) as models:
        client = models.embedding("e")
        assert client.embed(["rain", " "], on_empty="skip").skipped == (1,)
        assert not client.embed([" ", "rain"], on_empty="zero").array()[0].any()


@pytest.mark.parametrize("embedder", PLACES)
def test_the_card_says_what_the_model_takes(config: Config, embedder: str) -> None:
    with hub(config, embedder) as models:
        card = models.embedding("e").card
        told = models.embedding("e").embed(["rain"]).provider_metadata
    assert (card.dimensions, card.limits["input_tokens"], card.local, card.licence) == (64, 48, True, "apache-2.0")
    assert told == {"pooling": "mean", "normalised": True}


@pytest.mark.parametrize("embedder", PLACES)
def test_tokens_are_counted_as_the_answer_counts_them(config: Config, folder: Path, embedder: str) -> None:
    with hub(config, embedder) as models:
        client = models.embedding("e")
        counted = client.count_tokens(TEXTS)
        assert (counted.tokens, counted.exact) == (client.embed(TEXTS).usage.input_tokens, True)
        assert counted.tokens == sum(len(Reference(folder).tokens(text)) for text in TEXTS)


def test_a_time_out_ends_what_numpy_computes(config: Config) -> None:
    """AT-C7: the total time-out holds where nothing is sent."""
    with hub(config, "numpy") as models:
        client = models.embedding("e")
        client.embed(["rain"])
        with pytest.raises(TimedOut) as caught:
            client.embed(["rain " * 40] * 5000, timeouts=Timeouts(total=0.05))
    assert caught.value.phase == "total"


def test_many_tasks_share_one_model(config: Config, folder: Path) -> None:
    """AT-K: 32 tasks at once, each with its own vector."""
    pytest.importorskip("xllamacpp", reason='pip install "modelhub-llama[engine]"')
    texts = [f"rain {number}" for number in range(32)]

    async def asked() -> np.ndarray:
        async with AsyncHub(config=config()) as models:
            client = models.embedding("e")
            answers = await asyncio.gather(*(client.embed([text]) for text in texts))
        return np.concatenate([answer.array() for answer in answers])

    assert np.abs((asyncio.run(asked()) * Reference(folder).vectors(texts)).sum(axis=1) - 1).max() < 1e-3


def test_a_server_is_sent_texts_and_asked_for_numbers_as_it_has_them(folder: Path) -> None:
    """AT-L: texts only; no ``encoding_format`` but the one that the options say."""
    body = json.loads(endpoint(Told()).build(EmbeddingRequest(inputs=("a", "b")), stream=False).body or b"")
    assert body == {"model": "m", "input": ["a", "b"], "encoding_format": "float"}


def test_texts_are_cut_into_tokens_here_where_the_vocabulary_is_known(folder: Path) -> None:
    """llama.cpp drops the vowels of Korean and Hindi: in process it is given the tokens themselves."""
    weights = load(str(folder.parent / "tiny.gguf"))
    told = Told(tokens=weights.wordpiece, input_tokens=48)
    body = json.loads(endpoint(told).build(EmbeddingRequest(inputs=TEXTS), stream=False).body or b"")
    assert body["input"] == [Reference(folder).tokens(text) for text in TEXTS]


@pytest.mark.parametrize(("pooling", "wanted"), [("mean", [0.6, 0.8]), ("cls", [1.0, 0.0]), ("last", [0.0, 1.0])])
def test_the_vectors_of_tokens_are_pooled_as_the_options_say(pooling: Any, wanted: list[float]) -> None:
    """AT-L, AT-J: a server that sends a vector for each token gives one for each text all the same."""
    rows = [[3.0, 0.0], [0.0, 0.0], [0.0, 4.0]]
    assert endpoint(Told(pooling=pooling)).parse(answered(rows))[0] == pytest.approx(wanted)


def test_the_vectors_of_tokens_are_an_error_where_nothing_says_how_to_pool() -> None:
    with pytest.raises(AnswerError, match='pooling = "mean"'):
        endpoint(Told()).parse(answered([[3.0, 0.0], [0.0, 4.0]]))


def test_a_model_without_pooling_says_what_to_set(tiny: str) -> None:
    """A language model's tokens have no vector in common: the error says which option makes one."""
    pytest.importorskip("xllamacpp", reason='pip install "modelhub-llama[engine]"')
    with Hub(config={"providers": {"llama": {"threads": 1}}}) as models, pytest.raises(Unsupported, match='pooling = "mean"'):
        models.embedding(f"llama:{tiny}").embed(["rain"])
    with Hub(config={"providers": {"llama": {"threads": 1, "pooling": "last"}}}) as models:
        response = models.embedding(f"llama:{tiny}").embed(["rain", "雨"])
    assert response.array().shape == (2, 64)
    assert np.linalg.norm(response.array(), axis=1) == pytest.approx([1, 1], rel=1e-4)


def test_a_refusal_for_length_is_an_overflow_on_a_server(served: dict[str, Any]) -> None:
    """AT-L: llama.cpp says it as a 500, and sends texts back whole."""
    with Hub(config=served) as models, pytest.raises(ContextOverflow, match="tokens"):
        models.embedding("a").embed(["rain " * 100])


def test_other_dimensions_are_a_notice(config: Config) -> None:
    with hub(config, "numpy") as models:
        response = models.embedding("e").embed(["rain"], dimensions=16)
    assert [notice.setting for notice in response.notices] == ["dimensions"]


def test_torch_makes_the_same_vectors(config: Config, folder: Path) -> None:
    pytest.importorskip("torch", reason='pip install "modelhub-llama[torch]"')
    with hub(config, "torch") as models:
        found = models.embedding("e").embed(TEXTS).array()
    assert (found * Reference(folder).vectors(list(TEXTS))).sum(axis=1).min() > 0.999


def test_torch_that_is_missing_is_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = shutil.copy(folder.parent / "tiny.gguf", tmp_path)  # one that no test has loaded
    monkeypatch.setitem(sys.modules, "torch", None)
    config = {"providers": {"llama": {"embedder": "torch"}}}
    with Hub(config=config) as models, pytest.raises(SetupError, match=r"pip install \"modelhub-llama\[torch\]\""):
        models.embedding(f"llama:{file}").embed(["rain"])


def test_whoever_leaves_is_not_computed_for(folder: Path) -> None:
    weights = load(str(folder.parent / "tiny.gguf"))
    asked = iter([True, False])
    vectors = Bert(weights).vectors([weights.wordpiece("rain " * 40)] * 100, lambda: next(asked))
    assert 0 < np.count_nonzero(vectors.any(axis=1)) < 100


@pytest.mark.parametrize("options", [{"embedder": "tf"}, {"pooling": "max"}, {"prompts": {"question": "x"}}])
def test_an_option_that_is_none_is_refused(config: Config, options: dict[str, Any]) -> None:
    with pytest.raises(SetupError), Hub(config=config(**options)) as models:
        models.embedding("e")


def test_a_file_that_is_not_there_is_told(config: Config) -> None:
    with Hub(config=config()) as models, pytest.raises(UnknownModel):
        models.embedding("llama:nothing.gguf")


def endpoint(told: Told) -> VectorEndpoint:
    from modelhub_llama.models import server

    return VectorEndpoint(server(LlamaOptions(base_url="http://127.0.0.1:1/v1")), "m", told=told)


def answered(rows: list[list[float]]) -> HttpResponse:
    return HttpResponse(200, {}, json.dumps({"data": [{"index": 0, "embedding": rows}]}).encode())


def test_another_refusal_stays_what_it_is() -> None:
    fault = endpoint(Told()).fault(HttpResponse(400, {}, b'{"error": {"message": "no", "code": 400}}'))
    assert isinstance(fault, BadRequest)
    assert isinstance(fault, ModelhubError)
