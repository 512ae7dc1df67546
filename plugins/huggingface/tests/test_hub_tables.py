"""The tables by which models are sorted: tasks into kinds, architectures into families, configurations into sizes."""

from __future__ import annotations

from typing import Any

import pytest
from modelhub_huggingface.hub.families import family_of
from modelhub_huggingface.hub.parameters import questions
from modelhub_huggingface.hub.sizes import context_window, vector_dimensions
from modelhub_huggingface.tasks import TASKS, kind_of, task_named

from modelhub.catalog import tasks
from modelhub.catalog.query import INPUTS, OUTPUTS
from modelhub.plugin import Query


def test_every_task_is_of_the_kinds_that_the_catalog_says() -> None:
    assert {name: task.kinds for name, task in TASKS.items()} == {name: kinds for name, kinds in tasks.TASKS.items() if kinds}


def test_what_goes_in_and_comes_out_is_said_in_the_catalogs_words() -> None:
    for task in TASKS.values():
        assert {*task.inputs} <= {*INPUTS}
        assert {*task.outputs} <= {*OUTPUTS}


@pytest.mark.parametrize(
    ("name", "task", "kind"),
    [
        ("summarization", "summarization", "text"),
        ("sentiment-analysis", "text-classification", "text"),
        ("ner", "token-classification", "text"),
        ("conversational", "text-generation", "text"),
        ("translation_en_to_ja", "translation", "text"),
        ("sentence-similarity", "sentence-similarity", "embedding"),
        ("zero-shot-classification", "zero-shot-classification", "text"),
        ("image-classification", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_tasks_are_known_by_their_older_names_too(name: str | None, task: str | None, kind: str | None) -> None:
    assert (task_named(name), kind_of(name)) == (task, kind)


FAMILIES = {
    "decoder": "gpt2 llama mistral mixtral qwen2 qwen3_vl_moe bloom falcon gemma gemma3 phi phi3 gpt_neox opt codegen mamba",
    "encoder-decoder": "bart mbart t5 mt5 umt5 pegasus marian whisper led m2m_100 speecht5 t5gemma vision-encoder-decoder",
    "encoder": "bert roberta distilbert xlm-roberta deberta-v2 mpnet modernbert electra albert wav2vec2 nomic_bert vit",
}


@pytest.mark.parametrize(("family", "name"), [(family, name) for family, names in FAMILIES.items() for name in names.split()])
def test_an_architecture_is_of_its_family(family: str, name: str) -> None:
    assert family_of(name) == family


@pytest.mark.parametrize(
    ("architecture", "cls", "known", "family"),
    [
        (None, "StableDiffusionXLPipeline", {}, "diffusion"),
        (None, "FluxPipeline", {"task": "text-to-image"}, "diffusion"),
        ("brand_new", "BrandNewForCausalLM", {}, "decoder"),
        ("brand_new", "BrandNewForMaskedLM", {}, "encoder"),
        ("brand_new", "BrandNewForConditionalGeneration", {"both": True}, "encoder-decoder"),
        ("brand_new", "BrandNewForConditionalGeneration", {"task": "image-text-to-text"}, "decoder"),
        ("brand_new", "BrandNewForConditionalGeneration", {}, None),
        ("vits", "VitsModel", {}, None),
        (None, "", {}, None),
        ("bert", "BertLMHeadModel", {}, "encoder"),
        ("llama", "LlamaForSequenceClassification", {}, "decoder"),
        ("modernbert-decoder", "ModernBertDecoderForCausalLM", {}, "decoder"),
    ],
)
def test_an_unknown_architecture_is_of_the_family_that_its_class_or_its_task_says(
    architecture: str | None, cls: str, known: dict[str, Any], family: str | None
) -> None:
    assert family_of(architecture, cls, **known) == family


@pytest.mark.parametrize(
    ("config", "window"),
    [
        ({"max_position_embeddings": 1024}, 1024),
        ({"n_positions": 1024, "n_ctx": 512}, 1024),
        ({"model_type": "roberta", "max_position_embeddings": 514}, 512),
        ({"model_type": "xlm-roberta", "max_position_embeddings": 8194}, 8192),
        ({"model_type": "mpnet", "max_position_embeddings": 514}, 512),
        ({"model_type": "bert", "max_position_embeddings": 514}, 514),
        ({"text_config": {"max_position_embeddings": 131072}, "max_position_embeddings": 5}, 131072),
        ({"max_seq_len": 2048}, 2048),
        ({"max_position_embeddings": 10**30}, None),
        ({"max_position_embeddings": True}, None),
        ({"max_position_embeddings": "512"}, None),
        ({"max_position_embeddings": -1}, None),
        ({"text_config": "x"}, None),
        ({}, None),
    ],
)
def test_a_window_is_what_the_network_was_trained_for(config: dict[str, Any], window: int | None) -> None:
    assert context_window(config) == window


@pytest.mark.parametrize(
    ("config", "dimensions"),
    [({"hidden_size": 384}, 384), ({"d_model": 768}, 768), ({"dim": 768}, 768), ({"hidden_size": 0}, None)],
)
def test_dimensions_are_the_networks_width(config: dict[str, Any], dimensions: int | None) -> None:
    assert vector_dimensions(config) == dimensions


def test_few_tasks_are_asked_for_one_by_one_and_many_at_once() -> None:
    def asked(**query: Any) -> list[str | None]:
        return [dict(fields).get("pipeline_tag") for fields in questions(Query(**query))]

    assert asked(kind="embedding") == ["feature-extraction", "sentence-similarity"]
    assert asked(task="feature-extraction") == ["feature-extraction", "sentence-similarity"]
    assert asked(task="text-to-speech") == ["text-to-speech", "text-to-audio"]
    assert asked(task="fill-mask") == ["fill-mask"]
    assert asked(kind="text") == [None]
    assert asked() == [None]
    assert asked(kind="embedding", task="fill-mask") == []


@pytest.mark.parametrize(("most", "billions"), [(1, "1B"), (10**9, "1B"), (10**9 + 1, "2B"), (8_500_000_000, "9B")])
def test_parameters_are_asked_for_in_the_hubs_units_and_never_too_few(most: int, billions: str) -> None:
    (fields,) = questions(Query(max_parameters=most))
    assert dict(fields)["num_parameters"] == f"max:{billions}"
