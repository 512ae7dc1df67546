"""``starter:quote`` quotes exactly, cites, admits what it cannot answer, and keeps within limits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from modelhub_starter.expectation import asks_for_number, without_asking
from modelhub_starter.options import StarterOptions
from modelhub_starter.quote import model

from modelhub.plugin import (
    Cited,
    InvalidRequest,
    Message,
    OutputType,
    Passage,
    Span,
    TextDelta,
    TextRequest,
    TextResponse,
    TextSettings,
    UnknownModel,
    Unsupported,
)
from modelhub.testing import FakeRuntime
from modelhub.transport.drive import drive, iterate

GUIDE = """# Keys

Keys are rotated with `keys rotate`. Old keys
stay valid for 24 hours.

# Costs

The small model costs 3 dollars a month. Mr. Smith pays in yen."""
JAPANESE = "モデルを選ぶには、まず用途を決めます。費用は一か月で約三千円です。ライセンスも確かめましょう。"
OFFSET = 100


def passages() -> tuple[Passage, ...]:
    guide = Passage("g", GUIDE, "guide.md", Span(OFFSET, OFFSET + len(GUIDE), 11, 19), version="v1")
    return guide, Passage("j", JAPANESE, "erabu.md", Span(0, len(JAPANESE), 1, 1))


def ask(question: str, *, sentences: int = 3, **fields: Any) -> TextResponse[Any]:
    request = TextRequest(**{"messages": (Message("user", question),), "passages": passages(), **fields})
    return drive(model("quote", StarterOptions(sentences=sentences)).call(request, FakeRuntime()))


def test_the_answer_is_a_sentence_of_the_passage_and_its_number() -> None:
    assert ask("What does the small model cost a month?", sentences=1).text == "The small model costs 3 dollars a month. [1]"


def test_a_japanese_question_gets_the_japanese_sentence() -> None:
    assert ask("費用はいくらですか？", sentences=1).text == "費用は一か月で約三千円です。 [2]"


def test_a_citation_is_exactly_the_document_at_its_span() -> None:
    """AT-P6."""
    document = "x" * OFFSET + GUIDE
    (citation,) = ask("How long do old keys stay valid?", sentences=1).citations
    assert citation.quote == "Old keys\nstay valid for 24 hours."
    assert document[citation.span.start : citation.span.end] == citation.quote
    assert (citation.span.first_line, citation.span.last_line) == (13, 14)
    assert (citation.number, citation.passage_id, citation.document, citation.version) == (1, "g", "guide.md", "v1")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is the capital of France?", "The passages do not answer this."),
        ("富士山の標高は何メートルですか。", "渡された文書には、この質問への答えが見つかりません。"),
        ("谁写了红楼梦", "渡された文書には、この質問への答えが見つかりません。"),
    ],
)
def test_no_support_is_an_outcome_of_its_own(question: str, answer: str) -> None:
    """AT-P6."""
    response = ask(question)
    assert (response.text, response.citations, response.finish_reason) == (answer, (), "stop")
    assert response.raw_finish_reason == "no_support"


def test_without_passages_it_says_that_it_only_quotes() -> None:
    response = ask("How do I rotate a key?", passages=())
    assert response.text == "I can only quote from documents, and I was given none."
    assert response.raw_finish_reason == "no_passages"
    assert ask("鍵はどう更新しますか", passages=()).text.startswith("このモデルは文書から引用することしかできません")


def test_the_title_above_a_sentence_helps_to_find_it_and_is_not_quoted() -> None:
    text = "# 料金\n\n月額は三千円です。\n\n# 支援\n\n窓口は平日に開いています。"
    passage = Passage("p", text, "a.md", Span(0, len(text), 1, 7))
    assert ask("料金は？", passages=(passage,), sentences=1).text == "月額は三千円です。 [1]"


def test_a_question_for_a_number_prefers_a_sentence_that_has_one() -> None:
    text = "The tower was built by the city. The tower was built in spite of long debates in 1958. The tower is red."
    passage = Passage("p", text, "a.md", Span(0, len(text), 1, 1))
    assert "1958" in ask("When was the tower built?", passages=(passage,), sentences=1).text
    assert "city" in ask("By whom was the tower built?", passages=(passage,), sentences=1).text


def test_overlapping_passages_bring_a_sentence_once() -> None:
    twice = (passages()[0], passages()[0])
    assert ask("How long do old keys stay valid?", passages=twice).text.count("24 hours") == 1


def test_the_stream_says_each_sentence_and_then_its_source() -> None:
    request = TextRequest(messages=(Message("user", "How are old keys rotated?"),), passages=passages())
    events = list(iterate(model("quote", None).stream(request, FakeRuntime())))
    assert [type(event) for event in events[:4]] == [TextDelta, Cited, TextDelta, Cited]


def test_a_limit_cuts_between_sentences() -> None:
    whole = ask("How are old keys rotated?")
    cut = ask("How are old keys rotated?", knobs=TextSettings(max_output_tokens=20))
    assert whole.finish_reason == "stop"
    assert cut.finish_reason == "length"
    assert cut.text == whole.text.split("\nOld")[0]
    assert cut.citations == whole.citations[:1]


def test_a_limit_below_one_sentence_cuts_between_words_and_cites_what_is_left() -> None:
    cut = ask("How long do old keys stay valid?", knobs=TextSettings(max_output_tokens=8))
    (citation,) = cut.citations
    assert cut.finish_reason == "length"
    assert cut.text == f"{citation.quote} [1]"
    assert ("x" * OFFSET + GUIDE)[citation.span.start : citation.span.end] == citation.quote
    assert cut.usage.output_tokens is not None
    assert cut.usage.output_tokens <= 8


def test_a_stop_sequence_ends_the_answer_before_it() -> None:
    response = ask("How long do old keys stay valid?", knobs=TextSettings(stop_sequences=("valid",)))
    assert response.text == "Old keys\nstay "
    assert response.raw_finish_reason == "stop_sequence"
    assert response.citations == ()


def test_no_room_for_an_answer_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="max_output_tokens is 0"):
        ask("Why?", knobs=TextSettings(max_output_tokens=0))


def test_an_empty_question_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no question"):
        ask("  ")


def test_what_it_does_not_read_is_noticed() -> None:
    spoken = (Message("system", "Be brief."), Message("user", "How long do old keys stay valid?"))
    assert [notice.setting for notice in ask("", messages=spoken).notices] == ["messages"]
    assert ask("How long do old keys stay valid?").notices == ()


def wanting(properties: dict[str, Any], required: list[str]) -> OutputType[Any]:
    return OutputType("reply", {"type": "object", "properties": properties, "required": required})


TEXT_FIELD = {"type": "string"}
LIST_FIELD = {"type": "array", "items": {"type": "string"}}


def test_a_text_and_a_list_are_filled_with_quotes() -> None:
    output = wanting({"answer": TEXT_FIELD, "quotes": LIST_FIELD, "score": {"type": "number"}}, ["answer", "quotes"])
    response = ask("費用はいくらですか？", output=output)
    assert json.loads(response.text)["quotes"][0] == "費用は一か月で約三千円です。"
    assert "費用は一か月" in response.text, "Japanese stands as it is, not as escapes"
    assert [citation.quote for citation in response.citations] == json.loads(response.text)["quotes"]


def test_a_list_without_support_is_empty() -> None:
    assert json.loads(ask("What is the capital of France?", output=wanting({"quotes": LIST_FIELD}, ["quotes"])).text) == {
        "quotes": []
    }


@pytest.mark.parametrize(
    "output",
    [
        wanting({"age": {"type": "integer"}}, ["age"]),
        wanting({"a": TEXT_FIELD, "b": TEXT_FIELD}, ["a", "b"]),
        wanting({"a": {"type": "string", "enum": ["x"]}}, ["a"]),
        wanting({"a": {"$ref": "#/$defs/A"}}, ["a"]),
        wanting({}, []),
        OutputType("number", {"type": "number"}),
    ],
)
def test_what_quotes_cannot_say_is_refused(output: OutputType[Any]) -> None:
    with pytest.raises(Unsupported, match="only quote"):
        ask("How long do old keys stay valid?", output=output)


def test_an_unknown_model_is_named_with_what_there_is() -> None:
    with pytest.raises(
        UnknownModel, match=r"no text model starter:quot\. Did you mean 'quote'\? There is starter:passage, starter:quote\."
    ):
        model("quot", None)


@pytest.mark.parametrize(
    ("question", "rest"),
    [
        ("What does a key cost?", "a key cost"),
        ("費用はいくらですか？", "費用はいくら"),
        ("鍵はどう更新しますか", "鍵は 更新し"),
        ("谁发明了电话？", "发明了电话"),
        ("Где находится музей?", "находится музей"),
        ("Why?", "Why?"),
    ],
)
def test_question_words_are_not_looked_for(question: str, rest: str) -> None:
    assert " ".join(without_asking(question).split()) == rest


NUMERIC = ["How many keys are there?", "When was it built?", "料金はいくらですか", "有多少人？", "Сколько стоит?"]


@pytest.mark.parametrize("question", NUMERIC)
def test_some_questions_ask_for_a_number(question: str) -> None:
    assert asks_for_number(question)


@pytest.mark.parametrize("question", ["How do I rotate a key?", "鍵はどう更新しますか", "谁发明了电话？"])
def test_and_some_do_not(question: str) -> None:
    assert not asks_for_number(question)


def test_earlier_answers_tell_how_long_an_answer_is() -> None:
    """A few-shot prompt whose examples answer in one sentence gets one sentence."""
    shown = (
        Message("user", "いくら？"),
        Message("assistant", "三千円です。"),
        Message("user", "What does the small model cost?"),
    )
    answer = ask("", messages=shown)
    assert len(answer.citations) == 1
    assert [notice.setting for notice in answer.notices] == ["messages"]


def test_the_other_model_gives_the_passage_whole() -> None:
    request = TextRequest(messages=(Message("user", "費用はいくらですか？"),), passages=passages())
    answer = drive(model("passage", None).call(request, FakeRuntime()))
    assert (answer.model, answer.text, answer.citations[0].quote) == ("passage", f"{JAPANESE} [2]", JAPANESE)
    assert answer.citations[0].span == Span(0, len(JAPANESE), 1, 1)
