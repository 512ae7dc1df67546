"""A model that writes, as the application meets it: asked, listened to as long as there is time, and answered for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

from modelhub.plugin import (
    AnswerError,
    Finished,
    FinishReason,
    ModelCard,
    ModelhubError,
    Notice,
    Plan,
    Runtime,
    StreamBroken,
    TextDelta,
    TextEvent,
    TextPart,
    TextRequest,
    TextResponse,
    Usage,
    engines,
)
from modelhub_huggingface.local.devices import slow
from modelhub_huggingface.local.engine import Wanted
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.tokens import counter
from modelhub_huggingface.local.writing.counting import Counter
from modelhub_huggingface.local.writing.engine import WritingEngine
from modelhub_huggingface.local.writing.listening import Listening
from modelhub_huggingface.local.writing.prompts import Prompts
from modelhub_huggingface.local.writing.purpose import Purpose
from modelhub_huggingface.local.writing.row import Ended, Row
from modelhub_huggingface.local.writing.rows import Rows
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["Writer"]

_REASONS: dict[str, FinishReason] = {"eos_token": "stop", "stop_sequence": "stop", "length": "length"}


@dataclass(frozen=True, eq=False)
class Writer:
    """A decoder, or an encoder-decoder, in this process."""

    name: str
    card: ModelCard
    plan: Plan[WritingEngine]
    options: HuggingFaceOptions
    purpose: Purpose
    folder: ModelFolder
    _counter: Counter = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_counter", Counter(self.folder, self.options, self.purpose))

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        async with aclosing(self._heard(request, runtime, streamed=False)) as answer:
            async for said in answer:
                if isinstance(said, TextResponse):
                    return said
        raise AnswerError(f"{self.plan.name} gave no end to its answer.")

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        said: list[str] = []
        try:
            async with aclosing(self._heard(request, runtime, streamed=True)) as answer:
                async for piece in answer:
                    if isinstance(piece, str):
                        said.append(piece)
                        yield TextDelta(piece)
                    else:
                        yield Finished(piece)
        except ModelhubError as error:
            if not said:
                raise
            partial = self._response("".join(said), "error", None)
            raise StreamBroken(f"The stream broke off: {error.message}", partial=partial) from error

    async def count_tokens(self, request: TextRequest, runtime: Runtime) -> int | None:
        """The exact number of tokens of a request; ``None`` where no library is installed that can count."""
        return await runtime.in_thread(self._counter.count, request)

    @property
    def counter(self) -> Callable[[str], int] | None:
        """Counts the tokens of one text exactly, for budgets; ``None`` where no ``tokenizer.json`` says all of it."""
        return counter(self.folder)

    async def _heard(
        self, request: TextRequest, runtime: Runtime, *, streamed: bool
    ) -> AsyncGenerator[str | TextResponse[Any], None]:
        """Pieces of the text as they come, where they are streamed, and the response."""
        timeouts = request.timeouts if streamed else replace(request.timeouts, first_token=None)
        listening = Listening(self.plan.name, timeouts, runtime, streamed=streamed)
        wanted = Wanted(inf if timeouts.total is None else timeouts.total, runtime.now)
        async with engines().lease(self.plan, runtime, timeouts) as engine:
            row, notices = await runtime.in_thread(lambda: self._rows(engine).made(request, wanted, streamed=streamed))
            try:
                engine.submit(row)
                while True:
                    for told in await listening.to(row.channel.come()):
                        if isinstance(told, BaseException):
                            raise told
                        if isinstance(told, str):
                            if told:
                                listening.begun = True
                                yield told
                        else:
                            yield self._answer(row, told, (*notices, *slow(engine.network.module)))
                            return
            finally:
                wanted.leave()

    def _rows(self, engine: WritingEngine) -> Rows:
        prompts = Prompts(engine.tokenizer, self.options, engine.network.encodes, self.purpose.prefix)
        own = {**engine.own, **self.purpose.settings}
        return Rows(engine.network, engine.tokenizer, prompts, self.options, self.card.context_window, own)

    def _answer(self, row: Row, ended: Ended, notices: tuple[Notice, ...]) -> TextResponse[Any]:
        response = self._response(
            ended.text, ended.reason, Usage(input_tokens=len(row.prompt), output_tokens=len(ended.tokens))
        )
        raw = {"token_ids": list(ended.tokens), "finish_reason": ended.reason}
        return replace(response, logprobs=ended.logprobs, notices=notices, raw=raw)

    def _response(self, text: str, reason: str, usage: Usage | None) -> TextResponse[Any]:
        return TextResponse(
            model=self.name,
            provider=self.options.provider,
            content=(TextPart(text),),
            finish_reason="error" if reason == "error" else _REASONS.get(reason, "other"),
            raw_finish_reason=None if reason == "error" else reason,
            usage=usage or Usage(),
        )
