"""One answer that is being written: what it has been given, what it has said, and whether it goes on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelhub.plugin import TokenLogprob
from modelhub_huggingface.local.writing.channel import Channel
from modelhub_huggingface.local.writing.sampling import Sampler
from modelhub_huggingface.local.writing.speaking import Speaker

__all__ = ["Ended", "Row"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How an answer came out. ``reason``: ``eos_token``, ``stop_sequence``, ``length``, or ``ended`` where nobody knows why."""

    text: str
    tokens: tuple[int, ...]
    reason: str
    logprobs: tuple[TokenLogprob, ...] | None = None


@dataclass(eq=False, kw_only=True)
class Row:
    """Made by whoever asks, written by the engine's thread, which tells ``channel``: pieces of text, ``Ended``, or an error."""

    prompt: list[int]
    before: Sequence[int]
    """What the decoder has before the answer: the prompt, or the mark that it begins with where an encoder has the prompt."""
    sampler: Sampler
    speaker: Speaker
    limit: int
    ends: Collection[int]
    """Tokens that end the answer."""
    word: Callable[[int], str]
    """A token as a text of its own."""
    wanted: Callable[[], bool]
    streamed: bool = False
    alone: bool = False
    """Whether only the library can write it."""
    tokens: list[int] = field(default_factory=list, init=False)
    channel: Channel[str | Ended | BaseException] = field(default_factory=Channel, init=False)
    over: bool = field(default=False, init=False)
    _logprobs: list[tuple[int, TokenLogprob]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._line = list(self.before)

    @property
    def length(self) -> int:
        """Tokens of the decoder up to now, with what it began with."""
        return len(self._line)

    @property
    def kept(self) -> int:
        """Tokens that are kept of it, the prompt's among them whoever has read it."""
        return len(self.prompt) + len(self.tokens)

    def take(self, scores: Any, likeliest: int) -> None:
        """Choose the next token by these scores, of which one is the highest."""
        choices = self.sampler.choices
        token = likeliest if choices.likeliest else self.sampler.choose(scores, self._line)
        if choices.logprobs is not None and token not in self.ends:
            self._note(scores, token)
        self.put(token)

    def put(self, token: int) -> None:
        """Go on with this token, and tell what it makes certain."""
        self.tokens.append(token)
        self._line.append(token)
        if token in self.ends:
            self.end("eos_token")
            return
        self._tell(self.speaker.feed(token))
        if self.speaker.stopped or len(self.tokens) >= self.limit:
            self.end("length")

    def fail(self, error: BaseException) -> None:
        """No answer will come."""
        if not self.over:
            self.over = True
            self.channel.put(error)

    def _tell(self, piece: str) -> None:
        """Also nothing: who listens hears that the answer goes on."""
        if self.streamed:
            self.channel.put(piece)

    def end(self, reason: str) -> None:
        """That was all."""
        self.over = True
        self._tell(self.speaker.close())
        reason = "stop_sequence" if self.speaker.stopped else reason
        told = None if self.sampler.choices.logprobs is None else tuple(self._told())
        self.channel.put(Ended(self.speaker.said, tuple(self.tokens), reason, told))

    def _note(self, scores: Any, token: int) -> None:
        logprob, others = self.sampler.likelihoods(scores, token)
        named = tuple((self.word(other), value) for other, value in others)
        self._logprobs.append((self.speaker.read, TokenLogprob(self.word(token), logprob, named)))

    def _told(self) -> list[TokenLogprob]:
        """Of the tokens whose text is in the answer."""
        end = len(self.speaker.said)
        return [told for begin, told in self._logprobs if begin < end or (begin == end and not self.speaker.stopped)]
