from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.errors import ContextOverflow
from modelhub.interfaces.content import ImagePart, Message, TextPart, Tool, ToolCall, ToolResult
from modelhub.interfaces.output import OutputType
from modelhub.interfaces.passages import Passage, Span
from modelhub.interfaces.text import TextRequest, TextSettings
from modelhub.model import ModelCard
from modelhub.retrieval.budget import MEDIA, request_tokens, room_for_answer
from modelhub.retrieval.grounded import ground
from modelhub.retrieval.rendering import rendered
from modelhub.retrieval.tokens import count_tokens


def passage(number: int, text: str, heading: str = "") -> Passage:
    return Passage(f"d#{number}", text, "docs/文書.md", Span(0, len(text), 1, 1), heading=heading)


def card(window: int | None = None, output: int | None = None, *, passages: bool | None = None) -> ModelCard:
    capabilities = {} if passages is None else {"passages": passages}
    return ModelCard(
        model="test:model", kind="text", context_window=window, max_output_tokens=output, capabilities=capabilities
    )


def asking(question: str, passages: list[Passage], *, room: int | None = None) -> TextRequest:
    knobs = TextSettings(max_output_tokens=room)
    return TextRequest(messages=(Message("user", question),), passages=tuple(passages), knobs=knobs)


WORDS = st.text(alphabet="ab 語文。😀\n[]{}", max_size=400)


@given(
    texts=st.lists(WORDS, max_size=12),
    heading=WORDS,
    question=WORDS,
    window=st.integers(50, 3000),
    limit=st.one_of(st.none(), st.integers(1, 2000)),
    output=st.one_of(st.none(), st.integers(1, 4000)),
    native=st.booleans(),
    counter=st.sampled_from([count_tokens, len, lambda text: len(text) ** 2 // 40]),
)
@settings(max_examples=300, deadline=None)
def test_prompt_and_room_for_the_answer_never_exceed_the_window(
    texts: list[str],
    heading: str,
    question: str,
    window: int,
    limit: int | None,
    output: int | None,
    native: bool,
    counter: Any,
) -> None:
    """AT-P5: for any number and size of passages, question and metadata."""
    passages = [passage(number, text, heading) for number, text in enumerate(texts)]
    request, model = asking(question, passages, room=limit), card(window, output, passages=native)
    try:
        grounded = ground(request, model, counter)
    except ContextOverflow:
        assert (
            request_tokens(TextRequest(messages=request.messages), counter) + room_for_answer(request, model, window) > window
        )
        return
    sent = grounded.request
    structured = sum(counter(rendered(one, 1)) for one in sent.passages)
    assert request_tokens(sent, counter) + structured + room_for_answer(request, model, window) <= window
    dropped = [one.id for one in passages if one not in grounded.passages]
    assert bool(dropped) == bool(grounded.notices)
    assert all(name in grounded.notices[0].message for name in dropped)


def test_the_best_are_kept_and_the_rest_named() -> None:
    """AT-P5: what was dropped is reported."""
    passages = [passage(number, f"word{number} " * 40) for number in range(10)]
    grounded = ground(asking("?", passages), card(1200))
    assert grounded.passages == tuple(passages[: len(grounded.passages)])
    assert 0 < len(grounded.passages) < 10
    (notice,) = grounded.notices
    assert notice.setting == "passages"
    assert notice.message.startswith(
        f"{10 - len(grounded.passages)} of 10 passages did not fit into the 1200 tokens of test:model"
    )
    assert "d#9" in notice.message


def test_one_that_is_too_long_gives_its_place_to_a_shorter_one() -> None:
    passages = [passage(1, "long " * 5000), passage(2, "short")]
    assert [one.id for one in ground(asking("?", passages), card(1000)).passages] == ["d#2"]


def test_titles_count() -> None:
    """AT-P5: metadata counted."""
    bare = ground(asking("?", [passage(1, "text")] * 1), card(400))
    titled = ground(asking("?", [passage(1, "text", "title " * 400)]), card(400))
    assert bare.passages
    assert not titled.passages


def test_where_no_passage_fits_the_question_goes_alone() -> None:
    grounded = ground(asking("?", [passage(1, "long " * 5000)]), card(300))
    assert grounded.request.messages == (Message("user", "?"),)
    assert not grounded.numbered


def test_a_conversation_that_does_not_fit_by_itself_is_an_error_before_anything_is_sent() -> None:
    with pytest.raises(ContextOverflow, match="without any passage") as caught:
        ground(asking("word " * 500, [passage(1, "x")]), card(400))
    assert caught.value.context_window == 400
    assert caught.value.prompt_tokens is not None
    assert caught.value.prompt_tokens > 300


def test_an_unknown_window_limits_nothing() -> None:
    assert len(ground(asking("?", [passage(number, "long " * 5000) for number in range(20)]), card()).passages) == 20


@pytest.mark.parametrize(
    ("limit", "output", "room"), [(None, None, 1000), (50, 9000, 50), (None, 700, 700), (None, 9000, 2000)]
)
def test_room_is_kept_for_the_answer(limit: int | None, output: int | None, room: int) -> None:
    assert room_for_answer(asking("?", [], room=limit), card(4000, output), 4000) == room


def test_everything_that_is_sent_is_counted() -> None:
    bare = TextRequest(messages=(Message("user", "質問"),))
    cost = request_tokens(bare, count_tokens)
    picture = ImagePart(url="https://example.org/a.png")
    more = [
        TextRequest(messages=(Message("user", (TextPart("質問"), picture)),)),
        TextRequest(messages=(*bare.messages, Message("assistant", (ToolCall("1", "find", '{"word": "鍵"}'),)))),
        TextRequest(messages=(*bare.messages, Message("tool", (ToolResult("1", "found"),)))),
        TextRequest(messages=bare.messages, tools=(Tool("find", "Finds words."),)),
        TextRequest(messages=bare.messages, output=OutputType("answer", {"type": "object", "title": "答え"})),
    ]
    assert all(request_tokens(request, count_tokens) > cost for request in more)
    assert request_tokens(more[0], count_tokens) == cost + MEDIA
