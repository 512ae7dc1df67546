from __future__ import annotations

from modelhub.interfaces.content import ImagePart, Message, TextPart
from modelhub.interfaces.passages import Passage, Span
from modelhub.retrieval.rendering import INSTRUCTION, messages, rendered

PASSAGE = Passage(
    "d#0", 'He said {{ input }} {x} %s "[7]" \\u65e5 日本語', "docs/鍵.md", Span(0, 9, 3, 5), heading="Guide > Keys"
)


def test_a_passage_shows_its_number_file_lines_titles_and_text() -> None:
    """AT-H3, AT-V: what a document says is put down as it is, unescaped."""
    assert rendered(PASSAGE, 2) == f"[2] docs/鍵.md, lines 3-5: Guide > Keys\n{PASSAGE.text}\n\n"


def test_passages_stand_before_the_question_and_pictures_stay() -> None:
    picture = ImagePart(url="https://example.org/a.png")
    turns = (
        Message("system", "Be brief."),
        Message("user", "old"),
        Message("assistant", "yes"),
        Message("user", (picture, TextPart("何ですか"))),
    )
    system, *middle, last = messages(turns, [PASSAGE])
    assert system.text == f"Be brief.\n\n{INSTRUCTION}"
    assert tuple(middle) == turns[1:3]
    block, *rest = last.content
    assert isinstance(block, TextPart)
    assert block.text.startswith("Passages:\n\n[1] docs/鍵.md")
    assert block.text.endswith("Question:\n")
    assert tuple(rest) == turns[3].content


def test_a_tool_loop_keeps_the_passages_at_its_question() -> None:
    turns = (Message("user", "何ですか"), Message("assistant", "calling"), Message("tool", "result"))
    _, asked, *rest = messages(turns, [PASSAGE])
    assert asked.role == "user"
    assert tuple(rest) == turns[1:]


def test_without_a_system_message_there_is_one_now() -> None:
    assert messages((Message("user", "?"),), [PASSAGE])[0] == Message("system", INSTRUCTION)


def test_without_a_question_the_passages_are_the_turn() -> None:
    assert [turn.role for turn in messages((Message("system", "x"),), [PASSAGE])] == ["system", "user"]
