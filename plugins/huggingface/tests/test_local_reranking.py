"""Order in this process: by networks that read pairs, by vectors, and of labels."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

pytest.importorskip("torch", reason='pip install "modelhub-huggingface[local]"')
pytest.importorskip("transformers", reason='pip install "modelhub-huggingface[local]"')

from tiny_encoders import TEXTS, network, sentences, vectors

from modelhub import AsyncHub, Hub
from modelhub.engines import engines
from modelhub.errors import ContextOverflow, InvalidRequest, SetupError, TimedOut, Unsupported
from modelhub.model import AnyModel, Timeouts
from modelhub.testing import RerankingConformance
from modelhub.testing.installed import build

EXACT = {"threads": 1, "dtype": "float32"}
QUERY = "Does it rain in Tokyo? 東京の天気は？"
SHORT = tuple(text for text in TEXTS if len(text) < 80)


def config(**options: Any) -> dict[str, Any]:
    return {"providers": {"huggingface": {**EXACT, **options}}}


def ranked(folder: Path | str, query: str = QUERY, documents: Any = SHORT, **options: Any) -> list[float]:
    """The score of each document, in the order of the documents."""
    called = {name: options.pop(name) for name in ("top_n", "extra") if name in options}
    with Hub(config=config(**options)) as hub:
        response = hub.reranking(f"huggingface:{folder}").rank(query, list(documents), **called)
    scores = {ranked.index: ranked.score for ranked in response.ranking}
    return [scores[place] for place in range(len(documents))]


class _Held(RerankingConformance):
    options: ClassVar[dict[str, Any]] = EXACT
    kind_of_model: ClassVar[str]

    def model(self) -> AnyModel:
        return build("reranking", self.model_id, self.options)

    @pytest.fixture(autouse=True)
    def _here(self, tiny: Any) -> None:
        type(self).model_id = f"huggingface:{tiny(self.kind_of_model, max_position_embeddings=128)}"


class TestAPairJudged(_Held):
    kind_of_model = "bert-ranking"


class TestLabelsJudged(_Held):
    kind_of_model = "bert-entailment"


class TestByVectors(_Held):
    kind_of_model = "bert"
    options: ClassVar[dict[str, Any]] = {**EXACT, "pooling": "mean"}


def test_a_cross_encoder_scores_as_the_usual_library_does(tiny: Any) -> None:
    """Pairs of all lengths, some of them filled up; the one label's score under a sigmoid."""
    library = pytest.importorskip("sentence_transformers", reason="pip install sentence-transformers")
    folder = tiny("bert-ranking", max_position_embeddings=128)
    wanted = library.CrossEncoder(folder, device="cpu").predict([(QUERY, text) for text in TEXTS])
    assert np.abs(np.array(ranked(folder, documents=TEXTS)) - wanted).max() < 1e-5
    assert np.ptp(wanted) > 0.05, "These documents should not all be alike."


@pytest.mark.parametrize(
    ("told", "squashed"),
    [
        ({"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}}, False),
        ({"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"}, False),
        ({"sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Sigmoid"}}, True),
        ({"sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Tanh"}}, True),
        ({}, True),
    ],
)
def test_the_score_is_on_the_scale_that_the_model_says(tmp_path: Path, told: dict[str, Any], squashed: bool) -> None:
    """AT-L of order: the model's own scale, as the usual library has it."""
    library = pytest.importorskip("sentence_transformers", reason="pip install sentence-transformers")
    folder = pairs(tmp_path / "m", **told)
    found = np.array(ranked(folder))
    assert (
        np.abs(found - library.CrossEncoder(str(folder), device="cpu").predict([(QUERY, text) for text in SHORT])).max() < 1e-5
    )
    assert (np.abs(found).max() <= 1) == squashed


def pairs(folder: Path, **told: Any) -> Path:
    """A cross-encoder whose scores are far from 0, with more in its configuration."""
    from tiny_models import save

    save(folder, "bert-ranking", initializer_range=2.0)
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **told}), encoding="utf-8")
    return folder


def test_an_activation_that_is_unknown_is_named(tmp_path: Path) -> None:
    folder = pairs(tmp_path / "m", sentence_transformers={"activation_fn": "somewhere.Strange"})
    with Hub(config=config()) as hub, pytest.raises(SetupError, match=r"somewhere\.Strange"):
        hub.reranking(f"huggingface:{folder}")


def test_two_labels_rank_by_the_one_that_says_yes(tiny: Any) -> None:
    """As the older rerankers were trained."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = tiny("bert-classes", id2label={0: "LABEL_0", 1: "LABEL_1"}, label2id={"LABEL_0": 0, "LABEL_1": 1})
    network, tokenizer = AutoModelForSequenceClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        read = tokenizer([QUERY] * 3, list(SHORT[:3]), padding=True, return_tensors="pt")
        wanted = network(**read).logits.softmax(-1)[:, 1].numpy()
    assert np.abs(np.array(ranked(folder, documents=SHORT[:3])) - wanted).max() < 1e-5


def test_labels_of_which_none_says_yes_are_refused(tiny: Any) -> None:
    """A model that knows moods puts no documents in order."""
    with Hub(config=config()) as hub, pytest.raises(Unsupported, match="negative, neutral, positive"):
        hub.reranking(f"huggingface:{tiny('bert-classes')}")


@pytest.mark.parametrize("kind", ["gpt2", "bert-gaps", "bart", "bert-answers"])
def test_a_model_that_puts_nothing_in_order_is_refused(tiny: Any, kind: str) -> None:
    with Hub(config=config()) as hub, pytest.raises(Unsupported, match="puts nothing in order"):
        hub.reranking(f"huggingface:{tiny(kind)}")


@pytest.mark.parametrize("alone", [False, True])
def test_labels_are_ranked_by_what_follows_from_the_text(tiny: Any, alone: bool) -> None:
    """As the pipeline of transformers has it: shares of one, or each label by itself."""
    from transformers import pipeline

    folder = tiny("bert-entailment")
    judge = pipeline("zero-shot-classification", model=folder, device="cpu")
    labels = ("weather", "天気", "sport")
    said = judge("It rains in Tokyo.", list(labels), hypothesis_template="About {}.", multi_label=alone)
    wanted = dict(zip(said["labels"], said["scores"], strict=True))
    asked = {"hypothesis_template": "About {}.", "multi_label": alone}
    found = ranked(folder, "It rains in Tokyo.", labels, arguments=asked)
    assert found == pytest.approx([wanted[label] for label in labels], abs=1e-5)
    assert found == pytest.approx(ranked(folder, "It rains in Tokyo.", labels, extra={"huggingface": asked}), abs=1e-6)


def test_an_argument_that_labels_do_not_take_is_refused(tiny: Any) -> None:
    extra = {"huggingface": {"hypotesis_template": "{}"}}
    with pytest.raises(InvalidRequest, match="hypothesis_template"):
        ranked(tiny("bert-entailment"), "It rains.", ("weather",), extra=extra)


@pytest.mark.parametrize("given", [{"arguments": {"top_k": 3}}, {"extra": {"huggingface": {"top_k": 3}}}])
def test_an_argument_that_is_not_looked_at_is_refused(tiny: Any, tmp_path: Path, given: dict[str, Any]) -> None:
    for folder in (tiny("bert-ranking"), tiny("bert-entailment"), sentences(tmp_path / "m")):
        with pytest.raises(InvalidRequest, match=r"arguments.*'top_k'"):
            ranked(folder, "It rains.", ("weather",), **given)


PROMPTS = {"query": "the rain: ", "document": "in tokyo: "}


@pytest.mark.parametrize("measure", ["cosine", "dot", "euclidean", "manhattan"])
def test_documents_are_compared_as_the_model_was_made_to(tmp_path: Path, measure: str) -> None:
    """Query and documents each with their prompt, by the measure in the configuration; of a distance, less is more."""
    parts = ("Transformer", "Pooling")
    folder = sentences(tmp_path / "m", parts=parts, prompts=PROMPTS, told={"similarity_fn_name": measure})
    query = vectors(folder, [PROMPTS["query"] + QUERY], normalised=False)[0]
    rows = vectors(folder, [PROMPTS["document"] + text for text in SHORT], normalised=False)
    wanted = {
        "cosine": rows @ query / np.linalg.norm(rows, axis=1) / np.linalg.norm(query),
        "dot": rows @ query,
        "euclidean": -np.linalg.norm(rows - query, axis=1),
        "manhattan": -np.abs(rows - query).sum(axis=1),
    }[measure]
    assert ranked(folder) == pytest.approx(wanted.tolist(), abs=1e-3)


def test_what_embeds_and_what_compares_is_one_model_in_memory(tmp_path: Path) -> None:
    folder = sentences(tmp_path / "m")
    with Hub(config=config()) as hub:
        hub.embedding(f"huggingface:{folder}").embed(["雨"])
        hub.reranking(f"huggingface:{folder}").rank("雨", ["雨"])
    assert engines().names().count(f"huggingface:{folder}") == 1


def test_who_shares_a_model_keeps_their_own_prompts(tmp_path: Path) -> None:
    folder = sentences(tmp_path / "m")
    prompts = {"query": "the rain: ", "document": "in tokyo: "}
    alone = ranked(folder, prompts=prompts)
    engines().close()
    settings = config()
    settings["models"] = {
        "a": {"model": f"huggingface:{folder}"},
        "b": {"model": f"huggingface:{folder}", "options": {"prompts": prompts}},
    }
    with Hub(config=settings) as hub:
        found = {name: hub.reranking(name).rank(QUERY, SHORT) for name in "ab"}
    scores = {name: {one.index: one.score for one in response.ranking} for name, response in found.items()}
    assert [scores["b"][place] for place in range(len(SHORT))] == pytest.approx(alone, abs=1e-6)
    assert scores["a"] != scores["b"]


def test_half_precision_on_a_processor_is_said_to_be_slow(tiny: Any, tmp_path: Path) -> None:
    with Hub(config=config(dtype="float16", device="cpu")) as hub:
        told = [hub.reranking(f"huggingface:{tiny('bert-ranking')}").rank("雨", ["rain"])]
        told += [hub.embedding(f"huggingface:{sentences(tmp_path / 'm')}").embed(["雨"])]
        told += [hub.text(f"huggingface:{tiny(kind)}").generate("rain") for kind in ("gpt2", "bert-classes")]
    assert [[notice.setting for notice in one.notices] for one in told] == [["dtype"]] * len(told)
    assert "take bfloat16 or float32" in told[0].notices[0].message
    with Hub(config=config(dtype="bfloat16", device="cpu")) as hub:
        assert hub.reranking(f"huggingface:{tiny('bert-ranking')}").rank("雨", ["rain"]).notices == ()


def test_only_the_best_come_where_that_is_asked(tiny: Any) -> None:
    with Hub(config=config()) as hub:
        client = hub.reranking(f"huggingface:{tiny('bert-ranking', max_position_embeddings=128)}")
        whole = client.rank(QUERY, SHORT)
        assert client.rank(QUERY, SHORT, top_n=2).ranking == whole.ranking[:2]
    assert whole.usage.input_tokens is not None
    assert whole.provider_metadata == {"task": "text-ranking", "activation": "sigmoid"}


def test_a_document_that_is_too_long_is_an_overflow_that_names_it(tiny: Any, tmp_path: Path) -> None:
    """AT-L: by the place of the document; nothing is cut in silence."""
    for folder in (tiny("bert-ranking"), sentences(tmp_path / "m")):
        with pytest.raises(ContextOverflow, match=r"documents\[1\]") as caught:
            ranked(folder, "雨", ("雨", "rain " * 40))
        assert (caught.value.position, caught.value.context_window) == (1, 64 if folder == tiny("bert-ranking") else 48)


def test_the_card_says_what_the_model_is_for(tiny: Any, tmp_path: Path) -> None:
    with Hub(config=config()) as hub:
        cards = [hub.reranking(f"huggingface:{folder}").card for folder in (tiny("bert-ranking"), sentences(tmp_path / "m"))]
    assert [(card.task, card.outputs, card.local, card.settings) for card in cards] == [
        ("text-ranking", ("order",), True, {"top_n"}),
        ("sentence-similarity", ("order",), True, {"top_n"}),
    ]


def test_a_plain_network_may_be_told_what_it_is_for(tmp_path: Path) -> None:
    folder = network(tmp_path / "m")
    with Hub(config=config(task="sentence-similarity")) as hub, pytest.raises(SetupError, match="set pooling"):
        hub.reranking(f"huggingface:{folder}")
    assert len(ranked(folder, task="sentence-similarity", pooling="mean")) == len(SHORT)


def test_a_time_out_ends_what_is_judged(tiny: Any) -> None:
    """AT-C7."""
    with Hub(config=config()) as hub:
        client = hub.reranking(f"huggingface:{tiny('bert-ranking')}")
        client.rank("雨", ["雨"])
        with pytest.raises(TimedOut):
            client.rank("雨", ["in " * 40] * 20_000, timeouts=Timeouts(total=0.5))
        assert client.rank("雨", ["雨"]).ranking


def test_many_threads_and_tasks_share_one_model(tiny: Any) -> None:
    """AT-K: 32 threads and 32 tasks at once."""
    folder = tiny("bert-ranking")
    wanted = ranked(folder, "雨", SHORT)

    def scores(response: Any) -> list[float]:
        return [score for _, score in sorted((ranked.index, ranked.score) for ranked in response.ranking)]

    async def tasks() -> list[Any]:
        async with AsyncHub(config=config()) as hub:
            client = hub.reranking(f"huggingface:{folder}")
            return await asyncio.gather(*(client.rank("雨", SHORT) for _ in range(32)))

    with Hub(config=config()) as hub, ThreadPoolExecutor(33) as pool:
        client = hub.reranking(f"huggingface:{folder}")
        loop = pool.submit(asyncio.run, tasks())
        answers = [*pool.map(lambda _: client.rank("雨", SHORT), range(32)), *loop.result()]
    assert len(answers) == 64
    assert all(scores(answer) == pytest.approx(wanted, abs=1e-5) for answer in answers)
