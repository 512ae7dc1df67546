from __future__ import annotations

import pytest

from modelhub.interfaces.content import FilePart, ImagePart, Message, TextPart, ToolCall, ToolResult
from modelhub.interfaces.text import TextRequest, TextSettings
from modelhub.prompting.examples import Example
from modelhub.prompting.strategies import Shots
from modelhub.prompting.strategy import Prompt
from modelhub.prompting.template import Template
from modelhub.providers import contribution

SHOTS = (Example("雨でも？", "はい。"), Example("How long?", "Two days."))
TEMPLATE = Template.parse("Customer: {{ input }}")
PICTURE = ImagePart(url="https://example.org/a.png")


def shaped(
    *turns: Message, examples: tuple[Example, ...] = (), template: Template | None = None, system: str | None = None
) -> TextRequest:
    prompt = Prompt(system=system, template=template, examples=examples)
    return Shots(0, None).shape(TextRequest(messages=turns, knobs=TextSettings(seed=7)), prompt)


@pytest.mark.parametrize(("name", "bounds"), [("zero-shot", (0, 0)), ("one-shot", (1, 1)), ("few-shot", (1, None))])
def test_the_built_in_strategies_come_in_through_the_hook(name: str, bounds: tuple[int, int | None]) -> None:
    strategy = contribution("modelhub_prompt_strategy", name)
    assert (strategy.fewest, strategy.most) == bounds


def test_examples_become_turns_before_the_question_in_the_same_template() -> None:
    request = shaped(Message("user", "防水？"), examples=SHOTS, template=TEMPLATE, system="Be brief.")
    assert [(turn.role, turn.text) for turn in request.messages] == [
        ("system", "Be brief."),
        ("user", "Customer: 雨でも？"),
        ("assistant", "はい。"),
        ("user", "Customer: How long?"),
        ("assistant", "Two days."),
        ("user", "Customer: 防水？"),
    ]


def test_the_question_stays_known_as_it_was_asked() -> None:
    request = shaped(Message("user", "防水？"), template=TEMPLATE)
    assert request.question == "防水？"
    assert request.messages[-1].text == "Customer: 防水？"
    assert request.knobs.seed == 7


def test_a_conversation_stays_together_behind_the_examples() -> None:
    turns = (Message("user", "hello"), Message("assistant", "hi"), Message("user", "防水？"))
    request = shaped(*turns, examples=SHOTS[:1], template=TEMPLATE)
    texts = [turn.text for turn in request.messages]
    assert texts == ["Customer: 雨でも？", "はい。", "hello", "hi", "Customer: 防水？"]


def test_pictures_and_files_stay_where_they_are() -> None:
    paper = FilePart(url="https://example.org/a.pdf")
    turn = Message("user", (PICTURE, TextPart("何が"), paper, TextPart("見える？")))
    assert shaped(turn, template=TEMPLATE).messages[0].content == (PICTURE, TextPart("Customer: 何が見える？"), paper)


def test_a_picture_alone_gets_the_template_before_it() -> None:
    assert shaped(Message("user", PICTURE), template=TEMPLATE).messages[0].content == (TextPart("Customer: "), PICTURE)


def test_a_callers_system_message_is_kept_and_the_configured_one_left_out() -> None:
    request = shaped(Message("system", "By the caller."), Message("user", "?"), system="Configured.", examples=SHOTS[:1])
    assert [turn.role for turn in request.messages] == ["system", "user", "assistant", "user"]
    assert request.messages[0].text == "By the caller."


def test_in_a_tool_loop_the_question_is_still_the_users() -> None:
    call = Message("assistant", ToolCall("1", "look"))
    result = Message("tool", ToolResult("1", "wet"))
    request = shaped(Message("user", "防水？"), call, result, template=TEMPLATE)
    assert request.messages == (Message("user", "Customer: 防水？"), call, result)


def test_without_anything_configured_nothing_changes() -> None:
    turns = (Message("system", "x"), Message("user", (TextPart("a"), PICTURE)))
    assert shaped(*turns).messages == turns


def test_a_conversation_without_a_question_is_left_as_it_is() -> None:
    assert shaped(Message("system", "x"), template=TEMPLATE).messages == (Message("system", "x"),)
