"""A question, through retrieval and grounding, to a model that only takes messages; in both runtimes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from modelhub.config.specs import ChunkSpec, IndexSpec
from modelhub.errors import ContextOverflow
from modelhub.interfaces.content import Message, TextPart
from modelhub.interfaces.events import Cited, TextDelta, TextEvent
from modelhub.interfaces.output import OutputType
from modelhub.interfaces.passages import Citation, Passage, Span
from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import Finished, ModelCard, Runtime
from modelhub.retrieval.grounding import Grounding
from modelhub.retrieval.index import Index
from modelhub.retrieval.rendering import INSTRUCTION, INSTRUCTION_WITHOUT_CITATIONS
from modelhub.retrieval.wrapper import Retrieval
from modelhub.testing.driven import MANNERS, Driven, driven

HANDBOOK = """# 鍵の管理

鍵は毎月更新します。

# Visitors

Visitors are met at the reception. 来客は一階の受付で迎えます。{{ input }} {0} %s
"""


@dataclass(eq=False)
class Scripted:
    """Says what it was told to say, one letter an event; keeps what it was asked, and whether its streams were closed."""

    answer: str = ""
    window: int | None = None
    passages: bool | None = None
    cited: tuple[Citation, ...] = ()
    asked: list[TextRequest] = field(default_factory=list)
    open_streams: int = 0

    @property
    def card(self) -> ModelCard:
        capabilities = {} if self.passages is None else {"passages": self.passages}
        return ModelCard(model="test:scripted", kind="text", context_window=self.window, capabilities=capabilities)

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        self.asked.append(request)
        return TextResponse(content=(TextPart(self.answer),), finish_reason="stop", citations=self.cited)

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        self.open_streams += 1
        try:
            for letter in self.answer:
                yield TextDelta(letter)
            for citation in self.cited:
                yield Cited(citation)
            yield Finished(await self.call(request, runtime))
        finally:
            self.open_streams -= 1


@pytest.fixture(params=MANNERS)
def way(request: pytest.FixtureRequest) -> Iterator[Driven]:
    with driven(request.param) as found:
        yield found


@pytest.fixture
def index(tmp_path: Path) -> Index:
    (tmp_path / "手引き.md").write_text(HANDBOOK, encoding="utf-8")
    return Index("handbook", IndexSpec(sources=("*.md",), chunk=ChunkSpec(tokens=64)), str(tmp_path))


def asking(question: str, **more: Any) -> TextRequest:
    return TextRequest(messages=(Message("user", question),), **more)


def collected(events: list[Any]) -> tuple[str, tuple[Citation, ...], TextResponse[Any]]:
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    citations = tuple(event.citation for event in events if isinstance(event, Cited))
    assert isinstance(events[-1], Finished)
    return text, citations, events[-1].response


def test_an_answers_numbers_become_citations_of_exact_ranges(way: Driven, index: Index) -> None:
    """AT-P6: text[range] == quote."""
    model = Retrieval(Grounding(Scripted("一階の受付です[1]。")), index)
    answer = way.call(model, asking("来客はどこで迎えますか"))
    (citation,) = answer.citations
    assert HANDBOOK[citation.span.start : citation.span.end] == citation.quote
    assert (citation.number, citation.document) == (1, "手引き.md")
    assert (citation.span.first_line, citation.span.last_line) == (5, 7)
    assert answer.text == "一階の受付です[1]。"


def test_a_model_without_passages_finds_them_before_the_question(way: Driven, index: Index) -> None:
    """AT-H3: what a document says is put down as it is, and never read as a template."""
    scripted = Scripted("yes [1]")
    way.call(Retrieval(Grounding(scripted), index), asking("Where are visitors met?"))
    (request,) = scripted.asked
    system, user = request.messages
    assert system == Message("system", INSTRUCTION)
    assert "[1] 手引き.md, lines 5-7: Visitors\n# Visitors" in user.text
    assert "{{ input }} {0} %s" in user.text
    assert user.text.endswith("Question:\nWhere are visitors met?")
    assert request.passages == ()
    assert request.question == "Where are visitors met?"


def test_a_stream_gives_the_same_answer_and_cites_as_soon_as_a_number_is_complete(way: Driven, index: Index) -> None:
    """AT-P6: numbering stable across streams; the law collect(stream) == call."""
    model = Retrieval(Grounding(Scripted("両方【2, 1】です[1][7]。")), index)
    request = asking("鍵 visitors 来客 更新")
    events = way.stream(model, request)
    text, citations, response = collected(events)
    assert response == way.call(model, request)
    assert text == response.text == "両方【2, 1】です[1][7]。"
    assert citations == response.citations
    assert [citation.number for citation in citations] == [2, 1]
    first = next(place for place, event in enumerate(events) if isinstance(event, Cited))
    assert events[first - 1] == TextDelta("】")


def test_a_number_of_no_passage_stays_in_the_text_and_is_counted(way: Driven, index: Index) -> None:
    """AT-P6: ids not in the context are not cited."""
    answer = way.call(Retrieval(Grounding(Scripted("So [4] it [9] is [4].")), index), asking("visitors"))
    assert answer.citations == ()
    (notice,) = answer.notices
    assert notice.setting == "citations"
    assert notice.message == "2 numbers in the answer stand for none of the 1 passages given: [4], [9]."


def test_no_support_is_an_answer_without_citations(way: Driven, index: Index) -> None:
    """AT-P6: "no support" is a distinct outcome."""
    answer = way.call(Retrieval(Grounding(Scripted("The passages do not say.")), index), asking("visitors on Mars"))
    assert (answer.citations, answer.notices) == ((), ())


@pytest.mark.parametrize("question", ["xylophone", ""])
def test_a_question_that_finds_nothing_goes_alone_and_says_so(way: Driven, index: Index, question: str) -> None:
    scripted = Scripted("I cannot know [1].")
    model = Retrieval(Grounding(scripted), index)
    answer = way.call(model, asking(question))
    assert scripted.asked[0].messages == (Message("user", question),)
    assert answer.citations == ()
    assert [notice.setting for notice in answer.notices] == ["retrieval"]
    assert collected(way.stream(model, asking(question)))[2] == answer


def test_a_request_that_brings_passages_is_answered_from_those(way: Driven, index: Index) -> None:
    own = Passage("own#0", "毎週です。", "own.md", Span(0, 5, 1, 1))
    scripted = Scripted("毎週です[1]。")
    answer = way.call(Retrieval(Grounding(scripted), index), asking("鍵", passages=(own,)))
    assert [citation.quote for citation in answer.citations] == ["毎週です。"]
    assert "手引き" not in scripted.asked[0].messages[-1].text


def test_a_model_that_takes_passages_gets_them_untouched(way: Driven, index: Index) -> None:
    scripted = Scripted("Quoted [1].", passages=True)
    way.call(Retrieval(Grounding(scripted), index), asking("visitors"))
    (request,) = scripted.asked
    assert request.messages == (Message("user", "visitors"),)
    assert [passage.document for passage in request.passages] == ["手引き.md"]


def test_a_models_own_citation_that_quotes_nothing_it_was_given_is_removed(way: Driven) -> None:
    """AT-P6, for models that cite by themselves."""
    passage = Passage("d#10", "鍵は毎月更新します。", "d.md", Span(10, 20, 3, 3))
    good = Citation(1, "d#10", "d.md", Span(12, 16, 3, 3), "毎月更新")
    invented = Citation(2, "d#99", "d.md", Span(0, 4, 1, 1), "毎月更新")
    model = Grounding(Scripted("毎月です。", passages=True, cited=(good, invented)))
    request = asking("いつ", passages=(passage,))
    answer = way.call(model, request)
    assert answer.citations == (good,)
    assert [notice.setting for notice in answer.notices] == ["citations"]
    _, citations, response = collected(way.stream(model, request))
    assert (citations, response) == ((good,), answer)


def test_structured_output_is_not_read_for_numbers(way: Driven, index: Index) -> None:
    scripted = Scripted('{"floors": [1, 2]}')
    output: OutputType[Any] = OutputType("floors", {"type": "object"})
    answer = way.call(Retrieval(Grounding(scripted), index), asking("visitors", output=output))
    assert answer.citations == ()
    assert answer.notices == ()
    assert scripted.asked[0].messages[0].text == INSTRUCTION_WITHOUT_CITATIONS


def test_what_does_not_fit_is_left_out_and_said(way: Driven, index: Index) -> None:
    """AT-P5."""
    scripted = Scripted("短い[1]。", window=420)
    long = Passage("long#0", "words " * 500, "long.md", Span(0, 3000, 1, 1))
    short = Passage("short#0", "短い。", "short.md", Span(0, 3, 1, 1))
    answer = way.call(Grounding(scripted), asking("?", passages=(long, short)))
    assert [citation.passage_id for citation in answer.citations] == ["short#0"]
    assert answer.notices[0].message.endswith("long#0.")
    with pytest.raises(ContextOverflow):
        way.stream(Grounding(scripted), asking("word " * 600, passages=(short,)))
    assert len(scripted.asked) == 1


def test_a_request_without_passages_passes_through(way: Driven) -> None:
    scripted = Scripted("See [1].", window=10)
    answer = way.call(Grounding(scripted), asking("word " * 600))
    assert answer == TextResponse(content=(TextPart("See [1]."),), finish_reason="stop")


def test_an_abandoned_stream_is_closed_at_once(way: Driven, index: Index) -> None:
    """AT-C5."""
    scripted = Scripted("A long answer.")
    way.abandon(Retrieval(Grounding(scripted), index), asking("visitors"))
    assert scripted.open_streams == 0
