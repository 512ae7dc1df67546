"""Models are searched for on the hub: by what its interface knows, and by what only their cards tell, in both runtimes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hub_room import asker, both_manners
from hub_shelf import BART, BERT, LLAMA, HubModel
from scripted_hub import ScriptedHub

from modelhub.plugin import AnswerError, Query, Unreachable
from modelhub.testing import FaultServer, Reply


@both_manners
def test_a_task_a_licence_and_a_name_find_a_model(hub: ScriptedHub, manner: str) -> None:
    with asker(manner, hub.url) as room:
        assert room.names(task="summarization", licence="MIT", search="bart") == ["facebook/bart-large-cnn"]
    (asked,) = hub.searches()
    assert (asked["pipeline_tag"], asked["filter"], asked["search"]) == (["summarization"], ["license:mit"], ["bart"])
    assert (asked["sort"], asked["limit"]) == (["downloads"], ["50"])


def test_a_found_card_tells_what_the_hub_told_with_it(hub: ScriptedHub) -> None:
    with asker("blocking", hub.url) as room:
        (found,) = room.models(Query(search="bart-large"))
    assert (found.kind, found.family, found.licence, found.languages) == ("text", "encoder-decoder", "mit", ("en",))
    assert (found.parameters, found.downloads, found.revision) == (406_290_432, 3_100_000, BART.sha)
    assert found.data == "router.huggingface.co, then hf-inference"
    assert hub.asked("/facebook") == []  # no file is fetched for it


@both_manners
def test_the_most_downloaded_come_first_whatever_was_asked_at_once(hub: ScriptedHub, manner: str) -> None:
    with asker(manner, hub.url) as room:
        assert room.names(kind="image") == [
            "stable-diffusion-v1-5/stable-diffusion-v1-5",
            "stable-diffusion-v1-5/stable-diffusion-inpainting",
        ]
        assert room.names(kind="text", limit=3) == [BERT.id, BART.id, LLAMA.id]


def test_other_orders_are_asked_for_or_made_of_what_is_found(hub: ScriptedHub) -> None:
    with asker("blocking", hub.url) as room:
        assert room.names(kind="text", sort="likes", limit=2) == [LLAMA.id, BERT.id]
        assert room.names(task="fill-mask", sort="updated", limit=1) == ["google-bert/bert-base-uncased"]
        assert [asked["sort"] for asked in hub.searches()] == [["likes"], ["lastModified"]]
        assert room.names(kind="text", sort="parameters", limit=2) == [BERT.id, "NbAiLab/nb-bert-base"]
        assert room.names(kind="text", sort="name")[0] == "bartowski/Qwen2.5-7B-Instruct-GGUF"


@both_manners
def test_every_page_is_read_until_there_is_enough(hub: ScriptedHub, manner: str) -> None:
    for number in range(250):
        told = {"pipeline_tag": "fill-mask", "downloads": number, "config": {"model_type": "bert"}}
        hub.models[f"many/bert-{number}"] = HubModel(f"many/bert-{number}", told, "---\nlicense: mit\n---\n")
    with asker(manner, hub.url) as room:
        assert len(room.names(task="fill-mask", search="many/", limit=220)) == 220
        assert [asked.get("cursor") for asked in hub.searches()] == [None, ["100"], ["200"]]
        before = len(hub.searches())
        assert len(room.names(task="fill-mask", search="many/", limit=20)) == 20
        assert len(hub.searches()) == before + 1


def test_a_search_that_finds_little_ends(hub: ScriptedHub) -> None:
    for number in range(1500):
        hub.models[f"many/m-{number}"] = HubModel(f"many/m-{number}", {"pipeline_tag": "text-generation", "downloads": number})
    with asker("blocking", hub.url) as room:
        assert room.names(search="many/", family="encoder") == []
    assert len(hub.searches()) == 10


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"language": "ja"}, ["openai/whisper-small", "tohoku-nlp/bert-base-japanese-v3", "facebook/mms-tts-jpn"]),
        ({"language": "no"}, ["NbAiLab/nb-bert-base"]),
        ({"language": "ja", "licence": "apache-2.0", "kind": "text"}, ["tohoku-nlp/bert-base-japanese-v3"]),
        ({"licence": "llama3.3"}, [LLAMA.id]),
        ({"gated": True}, [LLAMA.id]),
        ({"library": "diffusers", "task": "text-to-image"}, ["stable-diffusion-v1-5/stable-diffusion-v1-5"]),
        ({"task": "inpainting"}, ["stable-diffusion-v1-5/stable-diffusion-inpainting"]),
        ({"task": "feature-extraction"}, ["sentence-transformers/all-MiniLM-L6-v2"]),
        ({"architecture": "whisper"}, ["openai/whisper-small"]),
        ({"family": "encoder-decoder"}, [BART.id, "openai/whisper-small"]),
        ({"inputs": ("audio",)}, ["openai/whisper-small"]),
        ({"outputs": ("vector",)}, ["sentence-transformers/all-MiniLM-L6-v2"]),
        ({"outputs": ("audio",)}, ["facebook/mms-tts-jpn"]),
        ({"max_parameters": 120_000_000, "kind": "text"}, [BERT.id]),
        ({"data": "groq"}, [LLAMA.id]),
        ({"fine_tunable": True, "search": "qwen"}, []),
        ({"task": "image-classification"}, []),
        ({"open_weights": False}, []),
        ({"local": True}, []),
    ],
)
def test_each_axis_finds_what_it_says(hub: ScriptedHub, query: dict[str, object], found: list[str]) -> None:
    with asker("blocking", hub.url) as room:
        assert room.names(**query) == found


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ({"licence": "apache-2.0"}, {"licence": "Apache License 2.0"}),
        ({"licence": "apache-2.0"}, {"licence": "apache2"}),
        ({"licence": "mit"}, {"licence": "MIT"}),
        ({"language": "ja"}, {"language": "JA"}),
        ({"architecture": "bert"}, {"architecture": "BERT"}),
        ({"architecture": "gpt_neox"}, {"architecture": "GPT-NeoX"}),
        ({"architecture": "xlm-roberta"}, {"architecture": "xlm_roberta"}),
        ({"library": "transformers"}, {"library": "Transformers"}),
        ({"library": "sentence-transformers"}, {"library": "sentence_transformers"}),
        ({"search": "bart-large"}, {"search": "ＢＡＲＴ-large"}),
        ({"data": "groq"}, {"data": "ＧＲＯＱ"}),
    ],
)
def test_a_filter_finds_the_same_in_every_spelling(
    hub: ScriptedHub, plain: dict[str, object], other: dict[str, object]
) -> None:
    for name in ("gpt_neox", "xlm-roberta"):
        told = {"pipeline_tag": "fill-mask", "downloads": 1, "config": {"model_type": name}}
        hub.models[f"some/{name}"] = HubModel(f"some/{name}", told)
    with asker("blocking", hub.url) as room:
        found = room.names(**plain)
        assert found
        assert room.names(**other) == found
        assert room.names(**other, task="fill-mask") == room.names(**plain, task="fill-mask")


def test_whether_a_language_is_spoken_in_a_country_most_cards_leave_open(hub: ScriptedHub) -> None:
    with asker("blocking", hub.url) as room:
        found = room.models(Query(language="ja-JP"))
    assert (list(found), found.unknown) == ([], {"language": 3})


def test_what_no_hub_can_have_is_not_asked_for(hub: ScriptedHub) -> None:
    with asker("blocking", hub.url) as room:
        for query in ({"open_weights": False}, {"local": True}, {"task": "image-classification"}):
            assert room.names(**query) == []
    assert hub.searches() == []


@both_manners
def test_a_context_window_is_looked_for_in_the_configurations(hub: ScriptedHub, manner: str) -> None:
    with asker(manner, hub.url) as room:
        wide = room.models(Query(kind="text", min_context=1000))
        assert {card.model.removeprefix("huggingface:"): card.context_window for card in wide} == {
            BART.id: 1024,
            "bartowski/Qwen2.5-7B-Instruct-GGUF": 32768,
        }
        asked = len(hub.asked("/facebook/bart-large-cnn/resolve/"))
        room.models(Query(kind="text", min_context=1000))
        assert len(hub.asked("/facebook/bart-large-cnn/resolve/")) == asked  # a commit does not change: it was kept


def test_the_longest_context_comes_first_where_it_is_asked_for(hub: ScriptedHub) -> None:
    with asker("blocking", hub.url, api_key="hf_accepted") as room:
        assert room.names(kind="text", sort="context", limit=2) == [LLAMA.id, "bartowski/Qwen2.5-7B-Instruct-GGUF"]


def test_private_models_are_found_with_the_token_that_sees_them(hub: ScriptedHub) -> None:
    with asker("blocking", hub.url) as room:
        assert room.names(task="summarization") == [BART.id]
    with asker("blocking", hub.url, api_key="hf_acme") as room:
        assert room.names(task="summarization") == [BART.id, "acme/secret-summariser"]


def test_a_next_page_elsewhere_is_not_followed(hub: ScriptedHub) -> None:
    hub.down = Reply(json=[], headers={"link": f'<{hub.files.url}/api/models?cursor=1>; rel="next"'})
    with asker("blocking", hub.url, api_key="hf_acme") as room, pytest.raises(AnswerError, match="next page is not on the hub"):
        room.names(search="x")
    assert hub.files.requests == []


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b'{"a": 1}', b"", b"[" * 100_000])
def test_what_is_no_list_of_models_is_an_answer_error(hub: ScriptedHub, body: bytes) -> None:
    hub.down = Reply(body=body)
    with asker("blocking", hub.url) as room, pytest.raises(AnswerError, match="no list of models"):
        room.names(search="x")


def test_rows_that_are_no_models_are_passed_over(hub: ScriptedHub) -> None:
    hub.down = Reply(json=[None, 7, {}, {"id": 5}, {"id": "a/b", "pipeline_tag": ["x"]}, {"modelId": "c/d", "tags": "x"}])
    with asker("blocking", hub.url) as room:
        assert room.names(search="anything") == ["c/d"]


@both_manners
def test_a_hub_that_nobody_reaches_is_unreachable(hub: ScriptedHub, manner: str) -> None:
    hub.stop()
    with asker(manner, hub.url) as room, pytest.raises(Unreachable):
        room.names(search="bart")


def test_the_question_is_one_that_the_hub_understands(hub: ScriptedHub) -> None:
    with asker("blocking", hub.url) as room:
        room.names(max_parameters=1_500_000_000, gated=False, search="日本語 & co")
    (asked,) = hub.searches()
    assert (asked["num_parameters"], asked["gated"], asked["search"]) == (["max:2B"], ["false"], ["日本語 & co"])
    assert {"safetensors", "config", "gguf", "cardData"} <= set(asked["expand"])
    assert not any(re.search(r"[^a-z_]", name) for name in asked)


OFFERS = {
    "data": [
        {
            "id": LLAMA.id,
            "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
            "providers": [
                {"provider": "groq", "status": "live", "context_length": 131072, "pricing": {"input": 0.59, "output": 0.79}},
                {"provider": "together", "status": "live", "context_length": 32768, "pricing": {"input": 0.88, "output": 0.88}},
                {"provider": "nebius", "status": "error", "pricing": {"input": 0.1, "output": 0.1}},
            ],
        },
        {"id": "some/other", "providers": [{"provider": "groq", "status": "live", "pricing": {"input": 0.1, "output": 0.1}}]},
    ]
}


@both_manners
def test_a_price_is_looked_for_at_the_router_with_all_that_the_hub_knows(hub: ScriptedHub, manner: str) -> None:
    with FaultServer(Reply(json=OFFERS)) as router, asker(manner, hub.url, router_url=router.url) as room:
        assert room.names(kind="text", sort="price") == [f"{LLAMA.id}:groq", f"{LLAMA.id}:together"]
        (card,) = room.models(Query(max_price=0.8, licence="llama3.3", language="th", min_context=100_000))
        assert (card.model, card.context_window) == (f"huggingface:{LLAMA.id}:groq", 131_072)
        assert (str(card.price.output), card.family, card.parameters) == ("0.79", "decoder", 70_553_706_496)
        assert card.data == f"{router.url.removeprefix('http://')}, then groq"
        assert room.names(max_price=0.5) == []
    assert [asked["inference_provider"] for asked in hub.searches()] == [["all"]] * 3
    assert [request.path for request in router.requests] == ["/v1/models"] * 3


def test_a_price_of_what_runs_here_is_not_asked_for(hub: ScriptedHub) -> None:
    with asker("blocking", hub.url, engine="local") as room:
        assert room.names(max_price=1.0) == []
    assert hub.server.requests == []


def test_a_card_of_a_model_at_a_provider_tells_its_price_there(hub: ScriptedHub) -> None:
    with FaultServer(Reply(json=OFFERS)) as router, asker("blocking", hub.url, router_url=router.url) as room:
        card = room.card(f"huggingface:{LLAMA.id}:together")
        assert (card.model, card.context_window, str(card.price.input)) == (f"huggingface:{LLAMA.id}:together", 32768, "0.88")
        router.on("/v1/models", Reply(503))
        card = room.card(f"huggingface:{LLAMA.id}:together")
        assert (card.price, card.licence, card.data.split(", ")[1]) == (None, "llama3.3", "then together")


@both_manners
def test_what_a_card_does_not_say_and_what_is_too_many_is_counted(hub: ScriptedHub, manner: str) -> None:
    with asker(manner, hub.url) as room:
        some = room.models(Query(kind="text", fine_tunable=True, limit=1))
        every = room.models(Query(kind="text", fine_tunable=True))
    assert (len(some), some.more, some.notes) == (1, len(every) - 1, {})
    assert len(every) > 1
    assert some.left_out == every.left_out > 0
    assert every.unknown == {"fine_tunable": every.left_out}


def test_that_there_are_further_pages_is_told(hub: ScriptedHub) -> None:
    for number in range(250):
        told = {"pipeline_tag": "fill-mask", "downloads": number, "safetensors": {"total": 1000 - number}}
        hub.models[f"many/bert-{number}"] = HubModel(f"many/bert-{number}", told)
    with asker("blocking", hub.url) as room:

        def note(**query: object) -> str | None:
            return room.models(Query(search="many/", task="fill-mask", **query)).notes.get("huggingface")  # type: ignore[arg-type]

        assert note(limit=300) is None
        assert note(limit=7) == "the hub has more than the 7 most downloaded ones that were looked through."
        assert note(limit=7, sort="updated") == "the hub has more than the 7 newest ones that were looked through."
        assert note(limit=7, sort="parameters") == (
            "the hub has more than the 100 most downloaded ones that were looked through: these are ordered by parameters."
        )


@both_manners
@pytest.mark.parametrize("hurt", [Reply(503), Reply(fault="cut", at="headers")], ids=["down", "broken off"])
def test_a_question_to_the_hub_is_asked_again_where_the_error_passes(home: Path, manner: str, hurt: Reply) -> None:
    """It only asks: nothing can have been served for money."""
    replies = [hurt, Reply(json=[{"id": "some/summariser", "pipeline_tag": "summarization"}])]
    with FaultServer(lambda _: replies.pop(0)) as server, asker(manner, server.url) as room:
        assert room.names(task="summarization") == ["some/summariser"]
    assert replies == []


def test_a_question_that_breaks_off_for_good_speaks_of_no_money(home: Path) -> None:
    with FaultServer(Reply(fault="cut", at="headers")) as server, asker("blocking", server.url) as room:
        with pytest.raises(Unreachable) as error:
            room.names(task="summarization")
        assert len(server.requests) == 3
    assert "paid" not in error.value.message
