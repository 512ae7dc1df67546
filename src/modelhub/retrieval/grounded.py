"""A request with its passages in place, and how its answer is to be read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from modelhub.errors import ContextOverflow
from modelhub.interfaces.events import Cited, TextDelta, TextEvent
from modelhub.interfaces.passages import Citation, Passage
from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import Finished, ModelCard, Notice
from modelhub.retrieval.budget import fitting, request_tokens, room_for_answer
from modelhub.retrieval.citations import Numbers, Scanner, is_exact, numbers
from modelhub.retrieval.rendering import INSTRUCTION, INSTRUCTION_WITHOUT_CITATIONS, messages, rendered
from modelhub.retrieval.tokens import count_tokens

__all__ = ["Grounded", "ground"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounded:
    """A request whose passages are in place, and how its answer is to be read.

    ``passages`` are those the model was given. ``native``: it takes them as they are, and cites by itself. ``numbered``: it
    cites by numbers in its text.
    """

    request: TextRequest
    passages: tuple[Passage, ...]
    native: bool
    numbered: bool
    notices: tuple[Notice, ...] = ()

    def completed(self, response: TextResponse[Any]) -> TextResponse[Any]:
        """The answer with its citations and with what was left out."""
        if self.native:
            citations, notices = _verified(response.citations, self.passages)
        elif self.numbered:
            citations, notices = _resolved(response.text, self.passages)
        else:
            citations, notices = response.citations, ()
        return replace(response, citations=citations, notices=(*self.notices, *response.notices, *notices))

    def reader(self) -> _Reader:
        """A reader of one stream's events."""
        return _Reader(self, Numbers(self.passages))


@dataclass(slots=True)
class _Reader:
    """Passes a stream's events on; after the text that completes a number, what the number cites."""

    grounded: Grounded
    seen: Numbers
    scanner: Scanner = field(default_factory=Scanner)

    def read(self, event: TextEvent) -> list[TextEvent]:
        match event:
            case Finished(response=response):
                return [Finished(self.grounded.completed(response))]
            case TextDelta(text=text) if self.grounded.numbered:
                return [event, *map(Cited, self.seen.take(self.scanner.feed(text)))]
            case Cited(citation=cited) if self.grounded.native and not is_exact(cited, self.grounded.passages):
                return []
            case _:
                return [event]


def ground(request: TextRequest, card: ModelCard, count: Callable[[str], int] = count_tokens) -> Grounded:
    """The request with its passages in the form that the model takes, as many as fit. Pure. Raises ``ContextOverflow``."""
    form = _Form(request, card.supports("passages") is True, count)
    window = card.context_window
    kept = request.passages if window is None else _Window(form, card, window).kept()
    numbered = form.numbered and bool(kept)
    notices = _left_out(request.passages, kept, card)
    return Grounded(request=form.given(kept), passages=kept, native=form.native, numbered=numbered, notices=notices)


@dataclass(frozen=True, slots=True)
class _Form:
    """How a request's passages reach the model, and what that costs. ``native``: it takes them as they are."""

    request: TextRequest
    native: bool
    count: Callable[[str], int]

    @property
    def numbered(self) -> bool:
        """Whether the model is told to cite by numbers; not where its output has a form of its own."""
        return not self.native and self.request.output is None

    def given(self, passages: Sequence[Passage]) -> TextRequest:
        """The request with these passages."""
        request = self.request
        if self.native:
            return replace(request, passages=tuple(passages))
        instruction = INSTRUCTION if self.numbered else INSTRUCTION_WITHOUT_CITATIONS
        turns = messages(request.messages, passages, instruction) if passages else request.messages
        return replace(request, messages=turns, passages=(), asked=request.question)

    def tokens(self, passages: Sequence[Passage]) -> int:
        """What the request with these passages counts."""
        sent = self.given(passages)
        return request_tokens(sent, self.count) + sum(self.count(rendered(passage, 1)) for passage in sent.passages)

    def tokens_of(self, passage: Passage) -> int:
        """What one passage adds, at most."""
        return self.count(rendered(passage, 99))


@dataclass(frozen=True, slots=True)
class _Window:
    """The context window that a request has to fit into."""

    form: _Form
    card: ModelCard
    size: int

    def kept(self) -> tuple[Passage, ...]:
        """The passages that fit beside the room for the answer. Raises ``ContextOverflow`` where the prompt alone does not."""
        request = self.form.request
        answer = room_for_answer(request, self.card, self.size)
        bare = self.form.tokens(())
        if bare > self.size - answer:
            raise self._overflow(bare, answer)
        return fitting(request.passages, self.size - answer, self.form.tokens_of, self.form.tokens)

    def _overflow(self, bare: int, answer: int) -> ContextOverflow:
        message = f"The prompt has about {bare} tokens without any passage, and {answer} are kept for the answer: more than the"
        return ContextOverflow(
            f"{message} {self.size} of {self.card.model}. Shorten the conversation, or lower max_output_tokens.",
            prompt_tokens=bare,
            context_window=self.size,
            max_output_tokens=answer,
        )


def _left_out(found: tuple[Passage, ...], kept: tuple[Passage, ...], card: ModelCard) -> tuple[Notice, ...]:
    dropped = [passage.id for passage in found if passage not in kept]
    if not dropped:
        return ()
    where = f"the {card.context_window} tokens of {card.model} beside the room for the answer"
    return (Notice("passages", f"{len(dropped)} of {len(found)} passages did not fit into {where}: {', '.join(dropped)}."),)


def _resolved(text: str, passages: tuple[Passage, ...]) -> tuple[tuple[Citation, ...], tuple[Notice, ...]]:
    seen = Numbers(passages)
    seen.take(numbers(text))
    if not seen.unknown:
        return tuple(seen.cited.values()), ()
    named = ", ".join(f"[{number}]" for number in seen.unknown)
    message = f"{len(seen.unknown)} numbers in the answer stand for none of the {len(passages)} passages given: {named}."
    return tuple(seen.cited.values()), (Notice("citations", message),)


def _verified(
    citations: tuple[Citation, ...], passages: tuple[Passage, ...]
) -> tuple[tuple[Citation, ...], tuple[Notice, ...]]:
    exact = tuple(cited for cited in citations if is_exact(cited, passages))
    if len(exact) == len(citations):
        return exact, ()
    removed = len(citations) - len(exact)
    return exact, (Notice("citations", f"{removed} citations do not quote a passage that was given and were removed."),)
