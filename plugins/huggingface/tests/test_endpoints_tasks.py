"""The classic tasks on a plain endpoint: one application's code, whatever kind of model answers."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest
from endpoint_hub import MODEL, config
from modelhub_huggingface.endpoints.text import model
from modelhub_huggingface.options import HuggingFaceOptions
from scripted_endpoint import ScriptedEndpoint

from modelhub import AsyncHub, Hub
from modelhub.plugin import (
    AnswerError,
    BadRequest,
    ConfigError,
    InvalidRequest,
    Message,
    OutputInvalid,
    Passage,
    Span,
    TextRequest,
    Unsupported,
)
from modelhub.testing import Driven, FaultServer, Reply, collect

Feeling = Literal["Positive", "Negative"]


def served(url: str, task: str, **options: Any) -> Any:
    return model("org/tiny", HuggingFaceOptions(base_url=url, task=task, cold_start=0.0, **options))


def test_without_a_server_a_classic_task_is_a_plain_endpoints(runtime: Driven) -> None:
    with ScriptedEndpoint("plain", "summarization", say=lambda text: "短い。") as endpoint:
        answer = runtime.call(served(endpoint.url, "summarization"), TextRequest(messages=(Message("user", "長い文章。"),)))
        assert endpoint.asked("/") == [{"inputs": "長い文章。"}]
    assert (answer.text, answer.finish_reason, answer.raw_finish_reason) == ("短い。", "other", None), (
        "nobody tells why it ended"
    )
    assert answer.usage.source == "estimated"


@pytest.mark.parametrize("task", ["summarization", "translation", "text2text-generation", "text-generation"])
def test_a_text_comes_out_whatever_the_server_calls_it(task: str) -> None:
    with ScriptedEndpoint("plain", task, say=lambda text: "東京は雨。") as endpoint, Hub(config(endpoint, task=task)) as hub:
        answer = hub.text(MODEL).generate("It rains in Tokyo.", max_output_tokens=9, temperature=0)
        (asked,) = endpoint.asked("/")
        streamed = collect(hub.text(MODEL).stream("It rains in Tokyo."))
    assert answer.text == streamed.text == "東京は雨。"
    assert asked["parameters"]["max_new_tokens"] == 9
    assert asked["parameters"]["do_sample"] is False


def test_the_languages_of_a_translation_are_arguments() -> None:
    arguments = {"src_lang": "eng_Latn", "tgt_lang": "jpn_Jpan"}
    with ScriptedEndpoint("plain", "translation") as endpoint:
        with Hub(config(endpoint, task="translation_en_to_ja", arguments=arguments)) as hub:
            hub.text(MODEL).generate("It rains.", extra={"huggingface": {"parameters": {"tgt_lang": "fra_Latn"}}})
        (asked,) = endpoint.asked("/")
    assert asked["parameters"] == {"src_lang": "eng_Latn", "tgt_lang": "fra_Latn"}


def test_the_likeliest_word_fills_the_gap_and_the_others_are_told(runtime: Driven) -> None:
    with ScriptedEndpoint("plain", "fill-mask") as endpoint:
        answer = runtime.call(
            served(endpoint.url, "fill-mask"), TextRequest(messages=(Message("user", "日本の首都は[MASK]です。"),))
        )
    assert (answer.text, answer.finish_reason) == ("日本の首都は東京です。", "stop")
    assert answer.provider_metadata["scores"] == {"東京": 0.6, "京都": 0.3, "大阪": 0.1}


def test_every_gap_is_filled(runtime: Driven) -> None:
    with ScriptedEndpoint("plain", "fill-mask") as endpoint:
        asked = TextRequest(messages=(Message("user", "[MASK]と[MASK]。"),))
        assert runtime.call(served(endpoint.url, "fill-mask"), asked).text == "東京と東京。"


def test_a_text_without_a_gap_is_refused_in_the_servers_words(runtime: Driven) -> None:
    with ScriptedEndpoint("plain", "fill-mask") as endpoint, pytest.raises(BadRequest, match=r"No mask_token \(\[MASK\]\)"):
        runtime.call(served(endpoint.url, "fill-mask"), TextRequest(messages=(Message("user", "東京"),)))


@pytest.mark.parametrize(("server", "path"), [("plain", "/"), ("tei", "/predict")])
def test_a_classifier_answers_its_best_label_and_scores_all(server: str, path: str) -> None:
    with ScriptedEndpoint(server, "text-classification") as endpoint:  # type: ignore[arg-type]
        with Hub(config(endpoint, task="text-classification")) as hub:
            answer = hub.text(MODEL).generate("最高 positive の一日")
            streamed = collect(hub.text(MODEL).stream("最高 positive の一日"))
        asked = endpoint.asked(path)[0]
    assert answer.text == streamed.text == "positive"
    assert answer.finish_reason == "stop"
    assert list(answer.provider_metadata["scores"]) == ["positive", "negative", "neutral"]
    assert sum(answer.provider_metadata["scores"].values()) == pytest.approx(1)
    assert asked["inputs"] == "最高 positive の一日"


@pytest.mark.parametrize("task", ["text-classification", "zero-shot-classification"])
@pytest.mark.parametrize("stream", [False, True])
def test_the_code_of_a_chat_model_works_with_a_classifier(task: str, stream: bool) -> None:
    """``generate(text, output_type=Literal[...]).output``: labels are matched in any case."""
    with ScriptedEndpoint("plain", task) as endpoint, Hub(config(endpoint, task=task)) as hub:
        client = hub.text(MODEL)
        if stream:
            answer = collect(client.stream("what a negative day", output_type=Feeling))
        else:
            answer = client.generate("what a negative day", output_type=Feeling)
    assert answer.output == "Negative"
    assert answer.text == '"Negative"'


def test_a_zero_shot_classifier_is_given_the_labels_of_the_type() -> None:
    with ScriptedEndpoint("plain", "zero-shot-classification") as endpoint:
        with Hub(config(endpoint, task="zero-shot-classification", arguments={"multi_label": True})) as hub:
            hub.text(MODEL).generate("雨です。", output_type=Literal["天気", "経済"])
            with pytest.raises(InvalidRequest, match="output_type=Literal"):
                hub.text(MODEL).generate("雨です。")
        (asked,) = endpoint.asked("/")
    assert asked["parameters"] == {"multi_label": True, "candidate_labels": ["天気", "経済"]}


NEWER = (
    "zero-shot-classification expects `inputs` to contain either `text` or `sequences` and `parameters` to contain either "
    "`candidate_labels` or `candidateLabels`."
)
OLDER = (
    "zero-shot-classification expects `inputs` to contain either `text` or `sequences` and either "
    "`candidate_labels` or `candidateLabels`."
)


@pytest.mark.parametrize(
    ("message", "inputs", "parameters"),
    [
        (NEWER, {"sequences": "雨です。", "parameters": {}}, {"candidate_labels": ["天気", "経済"]}),
        (OLDER, {"sequences": "雨です。", "candidate_labels": ["天気", "経済"]}, None),
    ],
)
def test_where_a_toolkit_wants_the_labels_its_refusal_teaches(
    runtime: Driven, message: str, inputs: Any, parameters: Any
) -> None:
    from modelhub.plugin import output_type

    request = TextRequest(messages=(Message("user", "雨です。"),), output=output_type(Literal["天気", "経済"]))  # type: ignore[arg-type]
    answer = Reply(json={"sequence": "雨です。", "labels": ["天気", "経済"], "scores": [0.9, 0.1]})
    with FaultServer(Reply(400, json={"error": message}), answer) as server:
        asked = served(server.url, "zero-shot-classification")
        assert runtime.call(asked, request).text == '"天気"'
        runtime.call(asked, request)
        bodies = [received.json() for received in server.requests]
    assert bodies[0]["inputs"] == "雨です。"
    assert bodies[1] == bodies[2] == {"inputs": inputs, **({"parameters": parameters} if parameters else {})}


def test_a_label_that_the_type_does_not_have_is_an_invalid_output() -> None:
    with (
        ScriptedEndpoint("plain", "text-classification") as endpoint,
        Hub(config(endpoint, task="text-classification")) as hub,
        pytest.raises(OutputInvalid, match="'neutral'"),
    ):
        hub.text(MODEL).generate("a neutral day", output_type=Feeling)


def test_a_type_that_is_no_choice_is_refused_before_anything_is_sent() -> None:
    with ScriptedEndpoint("plain", "text-classification") as endpoint:
        with Hub(config(endpoint, task="text-classification")) as hub, pytest.raises(Unsupported, match="Literal"):
            hub.text(MODEL).generate("a day", output_type=list[str])
        assert not endpoint.requests


CONTEXT = "東京の天気は雨です。京都の天気は晴れです。"


def test_a_question_is_answered_out_of_what_stands_before_it(runtime: Driven) -> None:
    with ScriptedEndpoint("plain", "question-answering") as endpoint:
        asked = served(endpoint.url, "question-answering")
        request = TextRequest(messages=(Message("user", f"{CONTEXT}\n\n京都の天気は？"),))
        answer = runtime.call(asked, request)
        assert endpoint.asked("/") == [{"inputs": {"question": "京都の天気は？", "context": CONTEXT}}]
        with pytest.raises(InvalidRequest, match="empty line"):
            runtime.call(asked, TextRequest(messages=(Message("user", "京都の天気は？"),)))
    assert answer.text == "京都の天気は晴れです。"
    assert answer.provider_metadata["scores"] == {"京都の天気は晴れです。": 0.75}


def test_an_answer_out_of_passages_cites_the_place_it_stands_at(runtime: Driven) -> None:
    document = "第一章\n大阪は曇り。\n京都の天気は晴れ。\n終わり"
    first = Passage("p1", document[4:10], "weather.md", Span(4, 10, 2, 2), "v1")
    second = Passage("p2", document[4:], "weather.md", Span(4, len(document), 2, 4), "v1")
    request = TextRequest(messages=(Message("user", "京都の天気は？"),), passages=(first, second))
    with ScriptedEndpoint("plain", "question-answering") as endpoint:
        asked = served(endpoint.url, "question-answering")
        assert asked.card.supports("passages")
        (cited,) = runtime.call(asked, request).citations
    assert (cited.number, cited.passage_id, cited.version) == (2, "p2", "v1")
    assert document[cited.span.start : cited.span.end] == cited.quote == "京都の天気は晴れ。"
    assert (cited.span.first_line, cited.span.last_line) == (3, 3)


def test_a_classic_task_has_no_turns_and_no_instructions(runtime: Driven) -> None:
    turns = TextRequest(messages=(Message("system", "Be brief."), Message("user", "x")))
    with pytest.raises(InvalidRequest, match=r"takes one text, not 2 messages \(system, user\)"):
        runtime.call(served("http://127.0.0.1:9", "summarization"), turns)


@pytest.mark.parametrize("task", ["text-to-image", "nonsense"])
def test_a_task_that_is_none_for_text_is_named(task: str) -> None:
    with pytest.raises(ConfigError, match=rf"task is '{task}'; text on an endpoint is one of text-generation"):
        served("http://127.0.0.1:9", task)


@pytest.mark.parametrize(
    ("task", "body"),
    [
        ("summarization", {}),
        ("summarization", []),
        ("summarization", [{"text": "x"}]),
        ("text-classification", []),
        ("text-classification", [{"label": "a"}]),
        ("text-classification", [{"label": "a", "score": float("nan")}]),
        ("fill-mask", [{"score": 1.0}]),
        ("question-answering", {"score": 1.0}),
    ],
)
def test_at_e3_an_answer_that_is_none_raises(runtime: Driven, task: str, body: Any) -> None:
    request = TextRequest(messages=(Message("user", "文\n\n問い"),))
    with FaultServer(Reply(json=body)) as server, pytest.raises(AnswerError):
        runtime.call(served(server.url, task), request)


@pytest.mark.parametrize(
    ("task", "body", "text"),
    [
        ("summarization", {"summary_text": "短い。"}, "短い。"),
        ("summarization", [[{"summary_text": "短い。", "new": None}]], "短い。"),
        ("translation", [{"generated_text": "雨。"}], "雨。"),
        ("text-classification", [[{"label": "a", "score": 0.1}, {"label": "b", "score": 0.9}]], "b"),
        ("text-classification", {"label": "a", "score": 1}, "a"),
        ("question-answering", [{"answer": "雨", "score": 0.5, "start": 0, "end": 1}, {"answer": "晴", "score": 0.1}], "雨"),
    ],
)
def test_at_e3_an_answer_in_another_shape_is_read(runtime: Driven, task: str, body: Any, text: str) -> None:
    with FaultServer(Reply(json=body)) as server:
        assert runtime.call(served(server.url, task), TextRequest(messages=(Message("user", "文\n\n問い"),))).text == text


def test_an_error_under_the_status_of_a_success_is_an_error(runtime: Driven) -> None:
    request = TextRequest(messages=(Message("user", "文"),))
    with FaultServer(Reply(json={"error": "CUDA out of memory"})) as server, pytest.raises(Exception, match="CUDA") as told:
        runtime.call(served(server.url, "summarization"), request)
    assert not isinstance(told.value, AnswerError)


def test_both_hubs_give_the_same() -> None:
    async def ask(configured: dict[str, Any]) -> str:
        async with AsyncHub(configured) as hub:
            return (await hub.text(MODEL).generate("長い文章。")).text

    with ScriptedEndpoint("plain", "summarization") as endpoint:
        configured = config(endpoint, task="summarization")
        with Hub(configured) as hub:
            assert hub.text(MODEL).generate("長い文章。").text == asyncio.run(ask(configured))
