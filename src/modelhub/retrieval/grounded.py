"""A request with its passages in place, and how its answer is to be read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from modelhub.errors import ContextOverflow
from modelhub.interfaces.content import Citation, Passage
from modelhub.interfaces.text import Cited, TextDelta, TextEvent, TextRequest, TextResponse
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
    native = card.supports("passages") is True
    numbered = not native and request.output is None
    instruction = INSTRUCTION if numbered else INSTRUCTION_WITHOUT_CITATIONS

    def given(passages: Sequence[Passage]) -> TextRequest:
        if native:
            return replace(request, passages=tuple(passages))
        asked = request.question
        turns = messages(request.messages, passages, instruction) if passages else request.messages
        return replace(request, messages=turns, passages=(), asked=asked)

    def total(passages: Sequence[Passage]) -> int:
        sent = given(passages)
        return request_tokens(sent, count) + sum(count(rendered(passage, 1)) for passage in sent.passages)

    kept: tuple[Passage, ...] = request.passages
    notices: tuple[Notice, ...] = ()
    if (window := card.context_window) is not None:
        kept, notices = _kept(request, card, window, total, count)
    return Grounded(request=given(kept), passages=kept, native=native, numbered=numbered and bool(kept), notices=notices)


def _kept(
    request: TextRequest, card: ModelCard, window: int, total: Callable[[Sequence[Passage]], int], count: Callable[[str], int]
) -> tuple[tuple[Passage, ...], tuple[Notice, ...]]:
    answer = room_for_answer(request, card, window)
    room = window - answer
    bare = total(())
    if bare > room:
        message = f"The prompt has about {bare} tokens without any passage, and {answer} are kept for the answer: more than the"
        raise ContextOverflow(
            f"{message} {window} of {card.model}. Shorten the conversation, or lower max_output_tokens.",
            prompt_tokens=bare,
            context_window=window,
            max_output_tokens=answer,
        )
    kept = fitting(request.passages, room, lambda passage: count(rendered(passage, 99)), total)
    dropped = [passage.id for passage in request.passages if passage not in kept]
    if not dropped:
        return kept, ()
    where = f"the {window} tokens of {card.model} beside {answer} kept for the answer"
    return kept, (
        Notice(
            "passages", f"{len(dropped)} of {len(request.passages)} passages did not fit into {where}: {', '.join(dropped)}."
        ),
    )


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
