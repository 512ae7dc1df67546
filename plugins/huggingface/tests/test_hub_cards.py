"""A model's card: what the hub, its README and its configuration tell, of models of every family, in both runtimes."""

from __future__ import annotations

from typing import Any

import pytest
from hub_room import asker, both_manners
from hub_shelf import BART, BERT, LLAMA, HubModel
from scripted_hub import ScriptedHub

from modelhub.plugin import Metric, ModelCard, Query, Unsupported
from modelhub.testing import FaultServer, Reply


def card(hub: ScriptedHub, name: str, manner: str = "blocking", **options: Any) -> ModelCard:
    with asker(manner, hub.url, **options) as room:
        return room.card(f"huggingface:{name}")


@both_manners
def test_a_card_tells_all_that_a_team_chooses_by(hub: ScriptedHub, manner: str) -> None:
    found = card(hub, "facebook/bart-large-cnn", manner)
    assert (found.model, found.kind, found.task) == ("huggingface:facebook/bart-large-cnn", "text", "summarization")
    assert (found.family, found.architecture, found.library) == ("encoder-decoder", "bart", "transformers")
    assert (found.licence, found.languages, found.datasets) == ("mit", ("en",), ("cnn_dailymail",))
    assert (found.parameters, found.quantization, found.file_bytes) == (406_290_432, "F32", 1_625_161_728)
    assert found.memory_bytes is not None
    assert found.memory_bytes > 1_625_161_728
    assert found.context_window == 1024
    assert (found.downloads, found.likes, found.updated) == (3_100_000, 1_400, "2024-02-13T18:02:05.000Z")
    assert (found.open_weights, found.fine_tunable, found.gated, found.local) == (True, True, False, False)
    assert found.data == "router.huggingface.co, then hf-inference"
    assert (found.revision, found.url) == (BART.sha, f"{hub.url}/facebook/bart-large-cnn")
    assert found.title == "BART (large-sized model), fine-tuned on CNN Daily Mail"
    assert found.description.startswith("BART model pre-trained on English language, and fine-tuned on CNN Daily Mail. It was")
    assert (found.inputs, found.outputs) == (("text",), ("text",))


@both_manners
def test_a_card_has_the_results_that_its_makers_report(hub: ScriptedHub, manner: str) -> None:
    rouge = {"dataset": "cnn_dailymail 3.0.0 train", "task": "summarization"}
    assert card(hub, "facebook/bart-large-cnn", manner).metrics == (
        Metric(name="ROUGE-1", value=42.9486, **rouge),
        Metric(name="ROUGE-2", value=20.8149, **rouge),
    )
    assert card(hub, "meta-llama/Llama-3.3-70B-Instruct", manner).metrics == (
        Metric(name="mmlu", value=86.0, dataset="cais/mmlu"),
    )


@pytest.mark.parametrize(
    ("name", "kind", "family", "task"),
    [
        ("facebook/bart-large-cnn", "text", "encoder-decoder", "summarization"),
        ("meta-llama/Llama-3.3-70B-Instruct", "text", "decoder", "text-generation"),
        ("google-bert/bert-base-uncased", "text", "encoder", "fill-mask"),
        ("openai/whisper-small", "transcription", "encoder-decoder", "automatic-speech-recognition"),
        ("stable-diffusion-v1-5/stable-diffusion-v1-5", "image", "diffusion", "text-to-image"),
        ("stable-diffusion-v1-5/stable-diffusion-inpainting", "image", "diffusion", "inpainting"),
        ("bartowski/Qwen2.5-7B-Instruct-GGUF", "text", "decoder", "text-generation"),
        ("sentence-transformers/all-MiniLM-L6-v2", "embedding", "encoder", "sentence-similarity"),
        ("BAAI/bge-reranker-v2-m3", "reranking", "encoder", "text-ranking"),
        ("facebook/mms-tts-jpn", "speech", None, "text-to-speech"),
    ],
)
def test_each_family_is_of_its_kind(hub: ScriptedHub, name: str, kind: str, family: str | None, task: str) -> None:
    found = card(hub, name)
    assert (found.kind, found.family, found.task) == (kind, family, task)


def test_a_japanese_card_is_read_like_any_other(hub: ScriptedHub) -> None:
    found = card(hub, "tohoku-nlp/bert-base-japanese-v3")
    assert found.title == "東北大学の日本語BERT(単語分割)"
    assert found.description.startswith("このモデルは、日本語の文章で事前学習したBERTです。入力は MeCab で単語に分けます。")
    assert (found.languages, found.licence) == (("ja",), "apache-2.0")


def test_norwegian_is_a_language_and_not_a_denial(hub: ScriptedHub) -> None:
    assert hub.models["NbAiLab/nb-bert-base"].info["cardData"]["language"] is False  # as YAML 1.1 has it
    assert card(hub, "NbAiLab/nb-bert-base").languages == ("no",)


def test_a_licence_of_its_own_is_named_and_linked(hub: ScriptedHub) -> None:
    found = card(hub, "tencent/Hunyuan-7B-Instruct")
    assert found.licence == "tencent-license"
    assert "https://huggingface.co/tencent/Hunyuan-7B-Instruct/blob/main/LICENSE" in found.description
    assert "A newer version is tencent/Hunyuan-A13B-Instruct." in found.description


def test_of_several_licences_all_are_named(hub: ScriptedHub) -> None:
    assert card(hub, "acme/secret-summariser", api_key="hf_acme").licence == "mit AND apache-2.0"


def test_a_model_that_embeds_takes_as_much_as_its_makers_say_and_gives_as_many_numbers(hub: ScriptedHub) -> None:
    found = card(hub, "sentence-transformers/all-MiniLM-L6-v2")
    assert (found.context_window, found.dimensions, found.outputs) == (256, 384, ("vector",))


def test_positions_that_are_kept_for_the_padding_are_not_counted(hub: ScriptedHub) -> None:
    assert card(hub, "BAAI/bge-reranker-v2-m3").context_window == 8192  # its configuration has 8194


def test_a_gguf_repository_tells_its_sizes_without_a_configuration(hub: ScriptedHub) -> None:
    found = card(hub, "bartowski/Qwen2.5-7B-Instruct-GGUF")
    assert (found.library, found.architecture, found.context_window) == ("gguf", "qwen2", 32768)
    assert (found.parameters, found.base_model) == (7_615_616_512, ("Qwen/Qwen2.5-7B-Instruct",))
    assert (found.supports("tools"), found.fine_tunable) == (True, None)


def test_a_gated_model_is_told_of_and_says_where_its_terms_are(hub: ScriptedHub) -> None:
    found = card(hub, "meta-llama/Llama-3.3-70B-Instruct")
    assert (found.gated, found.licence, found.context_window) == (True, "llama3.3", None)
    assert f"accept its terms: {hub.url}/meta-llama/Llama-3.3-70B-Instruct." in found.description
    assert found.data == "router.huggingface.co, then groq or together"  # the one that is down is not among them
    assert found.supports("tools") is True
    accepted = card(hub, "meta-llama/Llama-3.3-70B-Instruct", api_key="hf_accepted")
    assert accepted.context_window == 131_072


def test_a_model_that_nobody_serves_says_so(hub: ScriptedHub) -> None:
    assert card(hub, "openai/whisper-small").data == "router.huggingface.co, where no provider serves it"


def test_a_provider_behind_the_name_is_where_the_data_goes(hub: ScriptedHub) -> None:
    with FaultServer(Reply(json={"data": []})) as router:
        found = card(hub, "meta-llama/Llama-3.3-70B-Instruct:together", router_url=router.url)
        assert found.data == f"{router.url.removeprefix('http://')}, then together"
    assert set(hub.asked("/api/models/")) == {"/api/models/meta-llama/Llama-3.3-70B-Instruct"}


def test_what_no_kind_can_be_asked_for_is_unsupported(hub: ScriptedHub) -> None:
    with pytest.raises(Unsupported, match="is for image-classification") as caught:
        card(hub, "google/vit-base-patch16-224")
    assert caught.value.feature == "image-classification"


def test_a_revision_is_asked_for_by_its_name(hub: ScriptedHub) -> None:
    assert card(hub, "facebook/bart-large-cnn", revision=BART.sha).revision == BART.sha
    assert f"/api/models/facebook/bart-large-cnn/revision/{BART.sha}" in hub.asked()


def test_a_repository_without_a_readme_is_a_card_all_the_same(hub: ScriptedHub) -> None:
    hub.models["some/bare"] = HubModel("some/bare", {"pipeline_tag": "text-generation", "cardData": None})
    found = card(hub, "some/bare")
    assert (found.kind, found.licence, found.languages, found.title, found.metrics) == ("text", None, (), "", ())


def test_a_hub_that_does_not_give_front_matter_apart_has_it_read_from_the_readme(hub: ScriptedHub) -> None:
    hub.models["mirror/ja"] = HubModel(
        "mirror/ja",
        {"pipeline_tag": "summarization", "cardData": None, "tags": []},
        "\ufeff---\r\nlanguage: no\r\nlicense: mit\r\nbase_model: some/base\r\n---\r\n# 要約\r\n\r\n短くまとめます。\r\n",
    )
    found = card(hub, "mirror/ja")
    assert (found.languages, found.licence, found.base_model) == (("no",), "mit", ("some/base",))
    assert (found.title, found.description.split(" ")[0]) == ("要約", "短くまとめます。")


def test_broken_front_matter_is_a_card_without_it_that_says_why(hub: ScriptedHub) -> None:
    hub.models["some/broken"] = HubModel(
        "some/broken",
        {"pipeline_tag": "summarization", "cardData": None, "tags": []},
        "---\nlicense: [mit\n---\n# Broken\n\nIt still has words.\n",
    )
    found = card(hub, "some/broken")
    assert (found.licence, found.title) == (None, "Broken")
    assert "It still has words." in found.description
    assert "Of its README only the text could be read: its front matter cannot be read" in found.description


@pytest.mark.parametrize("spoilt", [None, 7, "x", [], {"parameters": "many"}, {"parameters": {"F32": -1}, "total": None}, True])
@pytest.mark.parametrize(
    "field",
    [
        "safetensors",
        "gguf",
        "config",
        "cardData",
        "tags",
        "downloads",
        "gated",
        "model-index",
        "evalResults",
        "sha",
        "siblings",
    ],
)
def test_what_the_hub_may_tell_wrongly_does_no_harm(hub: ScriptedHub, field: str, spoilt: object) -> None:
    hub.models["some/odd"] = HubModel("some/odd", {"pipeline_tag": "summarization", field: spoilt}, "# Odd\n\nIt is odd.\n")
    assert card(hub, "some/odd").kind == "text"


def test_an_endpoint_is_a_card_even_where_the_hub_knows_no_such_model(hub: ScriptedHub) -> None:
    found = card(hub, "tgi", base_url="http://127.0.0.1:9/v1")
    assert (found.kind, found.local, found.data) == ("text", False, "127.0.0.1:9")
    known = card(hub, "facebook/bart-large-cnn", base_url="http://127.0.0.1:9/v1")
    assert (known.task, known.data) == ("summarization", "127.0.0.1:9")


@both_manners
def test_a_summariser_heeds_what_its_task_heeds_at_the_router_and_is_no_chat_model(hub: ScriptedHub, manner: str) -> None:
    with asker(manner, hub.url) as room:
        card = room.card(f"huggingface:{BART.id}")
        assert card.settings == {"max_output_tokens", "temperature", "top_p", "top_k"}
        assert (card.capabilities["tools"], card.capabilities["structured_output"]) == (False, False)
        assert room.card(f"huggingface:{BERT.id}").settings == frozenset()
        assert "seed" in room.card(f"huggingface:{LLAMA.id}:groq").settings
    with asker(manner, hub.url, engine="local") as room:
        assert room.models(Query(search="bart-large"))[0].settings is None


def test_who_does_not_serve_a_model_does_not_get_its_data(hub: ScriptedHub) -> None:
    with asker("blocking", hub.url) as room:
        assert room.card(f"huggingface:{BART.id}:hf-inference").data == "router.huggingface.co, then hf-inference"
        assert room.card(f"huggingface:{BART.id}:groq").data == "router.huggingface.co, where groq does not serve it"
