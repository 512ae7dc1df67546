"""``starter:quote`` and ``starter:passage``: answer by quoting, word for word, what the passages say that best answers.

``quote`` gives single sentences; where the conversation has answers already (a prompt's examples), at most as many as the
longest of them has. ``passage`` gives the one passage that holds the best sentence.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

from modelhub.plugin import (
    Citation,
    Cited,
    Finished,
    InvalidRequest,
    ModelCard,
    Notice,
    Passage,
    Runtime,
    Span,
    TextDelta,
    TextEvent,
    TextModel,
    TextPart,
    TextRequest,
    TextResponse,
    Usage,
    count_tokens,
    sentence_spans,
)
from modelhub_starter.cards import card
from modelhub_starter.form import form
from modelhub_starter.limits import Piece, limited
from modelhub_starter.options import StarterOptions
from modelhub_starter.ranking import Sentence, best_passage, best_sentences
from modelhub_starter.wording import NO_PASSAGES, NO_SUPPORT, said

__all__ = ["Quote", "model"]


def model(name: str, options: StarterOptions | None) -> TextModel:
    """``starter:quote`` or ``starter:passage``. Raises ``UnknownModel`` for any other name."""
    return Quote(card("text", name), options or StarterOptions())


@dataclass(frozen=True)
class Quote:
    """Quotes and cites; it neither writes nor reasons, and says so when the passages do not answer."""

    card: ModelCard
    options: StarterOptions

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:  # noqa: ARG002  # it waits for nothing
        return _response(self.name, request, *_answer(self.name, request, self._best(request)))

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:  # noqa: ARG002
        pieces, reason, notices = _answer(self.name, request, self._best(request))
        for piece in pieces:
            yield TextDelta(piece.text)
            for citation in piece.citations:
                yield Cited(citation)
        yield Finished(_response(self.name, request, pieces, reason, notices))

    @property
    def name(self) -> str:
        """What follows the colon."""
        return self.card.model.partition(":")[2]

    def _best(self, request: TextRequest) -> list[Sentence]:
        _checked(request)
        if self.name == "passage":
            return best_passage(request.question, request.passages)
        return best_sentences(request.question, request.passages, _count(request, self.options.sentences))


def _answer(name: str, request: TextRequest, best: Sequence[Sentence]) -> tuple[Sequence[Piece], str, tuple[Notice, ...]]:
    """The pieces of the answer, why it ends where it ends, and what was not heeded."""
    reason = "stop" if best else "no_support" if request.passages else "no_passages"
    otherwise = said(NO_SUPPORT if request.passages else NO_PASSAGES, request.question, request.passages)
    notices = _unread(name, request)
    if request.output is None:
        pieces = [_quoted(place, sentence, request.passages) for place, sentence in enumerate(best)] or [Piece(otherwise)]
        cut, cause = limited(pieces, request.knobs)
        return cut, cause or reason, notices
    if request.knobs.stop_sequences:
        notices += (Notice("stop_sequences", f"starter:{name} does not cut JSON; the stop sequences were left out."),)
    piece, cause = _formed(request, best, otherwise)
    return [piece], cause or reason, notices


def _checked(request: TextRequest) -> None:
    if not request.question.strip():
        raise InvalidRequest("There is no question: the last user message has no text.")
    limit = request.knobs.max_output_tokens
    if limit is not None and limit < 1:
        raise InvalidRequest(f"max_output_tokens is {limit}: allow at least 1.")


def _count(request: TextRequest, most: int) -> int:
    """How many sentences to quote: at most as many as the longest answer that the conversation already has."""
    answers = [message.text for message in request.messages if message.role == "assistant"]
    return min(most, max((len(sentence_spans(answer.strip())) for answer in answers), default=most) or most)


def _quoted(place: int, sentence: Sentence, passages: Sequence[Passage]) -> Piece:
    citation = _citation(sentence, passages)
    return Piece(f"{chr(10) if place else ''}{sentence.text} [{citation.number}]", (citation,))


def _citation(sentence: Sentence, passages: Sequence[Passage]) -> Citation:
    passage = passages[sentence.passage]
    first = passage.span.first_line + passage.text.count("\n", 0, sentence.start)
    start = passage.span.start + sentence.start
    span = Span(start, start + len(sentence.text), first, first + sentence.text.count("\n"))
    number = sentence.passage + 1
    return Citation(number, passage.id, passage.document, span, sentence.text, passage.version)


def _formed(request: TextRequest, best: Sequence[Sentence], otherwise: str) -> tuple[Piece, str | None]:
    """As JSON: with as many quotes as fit, so that a limit never cuts through it."""
    assert request.output is not None
    shape = form(request.output)
    limit = request.knobs.max_output_tokens
    for count in range(len(best), -1, -1):
        text = shape.filled([sentence.text for sentence in best[:count]], otherwise)
        if limit is None or count_tokens(text) <= limit:
            citations = tuple(_citation(sentence, request.passages) for sentence in best[:count])
            return Piece(text, citations), None if count == len(best) else "length"
    return Piece(""), "length"


def _unread(name: str, request: TextRequest) -> tuple[Notice, ...]:
    asked = sum(message.role == "user" for message in request.messages)
    if len(request.messages) == asked == 1:
        return ()
    return (Notice("messages", f"starter:{name} reads the last question and the passages; of the rest it heeds no word."),)


def _response(
    name: str, request: TextRequest, pieces: Sequence[Piece], reason: str, notices: tuple[Notice, ...]
) -> TextResponse[Any]:
    text = "".join(piece.text for piece in pieces)
    read = sum(count_tokens(each) for each in (request.question, *(passage.text for passage in request.passages)))
    return TextResponse(
        model=name,
        provider="starter",
        content=(TextPart(text),),
        finish_reason="length" if reason == "length" else "stop",
        raw_finish_reason=reason,
        citations=tuple(citation for piece in pieces for citation in piece.citations),
        usage=Usage(input_tokens=read, output_tokens=count_tokens(text), source="estimated"),
        notices=notices,
    )
