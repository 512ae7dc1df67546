"""The strategies that need no plugin: a question alone, after one example, after several."""

from __future__ import annotations

from dataclasses import dataclass, replace

from modelhub.hookspecs import hookimpl
from modelhub.interfaces.content import Message, TextPart
from modelhub.interfaces.text import TextRequest
from modelhub.prompting.strategy import Prompt, Strategy

__all__ = ["Shots", "few_shot", "one_shot", "zero_shot"]


@dataclass(frozen=True, slots=True)
class Shots:
    """Examples as earlier turns of the conversation, then the question in its template.

    The configuration's system message comes first, unless the caller brought one. The caller's turns stay together behind the
    examples. Of the last question only the text goes through the template; its pictures and files stay where they are.
    """

    fewest: int
    most: int | None

    def shape(self, request: TextRequest, prompt: Prompt) -> TextRequest:
        return replace(request, messages=_turns(request.messages, prompt), asked=request.question)


def _turns(turns: tuple[Message, ...], prompt: Prompt) -> tuple[Message, ...]:
    systems = _leading_systems(turns)
    told = systems
    if prompt.system is not None and not any(turn.role == "system" for turn in turns):
        told = (Message("system", prompt.system),)
    return (*told, *_shown(prompt), *_asked(turns[len(systems) :], prompt))


def _leading_systems(turns: tuple[Message, ...]) -> tuple[Message, ...]:
    count = next((place for place, turn in enumerate(turns) if turn.role != "system"), len(turns))
    return turns[:count]


def _shown(prompt: Prompt) -> tuple[Message, ...]:
    pairs = ((Message("user", prompt.put(one.input)), Message("assistant", one.output)) for one in prompt.examples)
    return tuple(turn for pair in pairs for turn in pair)


def _asked(turns: tuple[Message, ...], prompt: Prompt) -> tuple[Message, ...]:
    last = max((place for place, turn in enumerate(turns) if turn.role == "user"), default=None)
    if last is None or prompt.template is None:
        return turns
    return (*turns[:last], _templated(turns[last], prompt), *turns[last + 1 :])


def _templated(turn: Message, prompt: Prompt) -> Message:
    """The turn with all its text, in the template, where its first text stood."""
    texts = [place for place, part in enumerate(turn.content) if isinstance(part, TextPart)]
    first = texts[0] if texts else 0
    before = turn.content[:first]
    after = tuple(part for part in turn.content[first:] if not isinstance(part, TextPart))
    return Message(turn.role, (*before, TextPart(prompt.put(turn.text)), *after))


class _BuiltIn:
    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy

    @hookimpl
    def modelhub_prompt_strategy(self) -> Strategy:
        return self.strategy


zero_shot = _BuiltIn(Shots(0, 0))
one_shot = _BuiltIn(Shots(1, 1))
few_shot = _BuiltIn(Shots(1, None))
