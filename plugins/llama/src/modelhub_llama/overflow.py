"""A conversation that does not fit: said before a token is decoded, or made to fit by leaving out its oldest turns."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from modelhub_openai.usage import estimated

from modelhub.plugin import (
    ContextOverflow,
    Finished,
    Message,
    Notice,
    Runtime,
    TextRequest,
    TextResponse,
    ToolCall,
    ToolResult,
    Wrapper,
)

__all__ = ["Count", "Counted", "Fitting", "about", "at_most", "turns"]


@dataclass(frozen=True, slots=True)
class Counted:
    """The tokens of a prompt; ``exact`` or about."""

    tokens: int
    exact: bool = True

    def __str__(self) -> str:
        return f"{self.tokens}" if self.exact else f"about {self.tokens}"


Count = Callable[[TextRequest, Runtime], Awaitable[Counted]]


@dataclass(frozen=True, eq=False)
class Fitting(Wrapper[TextRequest, TextResponse[Any], Any]):
    """A model whose prompts fit into ``window`` with the room that the answer needs; ``None``: only the server knows it.

    Raises ``ContextOverflow`` with all three numbers. ``trim`` leaves out the oldest turns instead: never the system message,
    never the last user message and what follows it, never a tool's result without its call.
    """

    count: Count
    window: int | None
    trim: bool = False
    advice: str = "Shorten it, or set a larger context_window."
    """What to do where it does not fit."""

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        fitted, notices = await self._fitted(request, self.window, runtime)
        try:
            return _noted(await self.inner.call(fitted, runtime), notices)
        except ContextOverflow as error:
            fitted, notices = await self._again(request, _filled(error, request), runtime)
        return _noted(await self.inner.call(fitted, runtime), notices)

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[Any, None]:
        fitted, notices = await self._fitted(request, self.window, runtime)
        try:
            async with aclosing(self.inner.stream(fitted, runtime)) as events:
                async for event in events:
                    yield Finished(_noted(event.response, notices)) if isinstance(event, Finished) else event
                return
        except ContextOverflow as error:
            fitted, notices = await self._again(request, _filled(error, request), runtime)
        async with aclosing(self.inner.stream(fitted, runtime)) as events:
            async for event in events:
                yield Finished(_noted(event.response, notices)) if isinstance(event, Finished) else event

    async def _again(
        self, request: TextRequest, error: ContextOverflow, runtime: Runtime
    ) -> tuple[TextRequest, tuple[Notice, ...]]:
        """The request made to fit into the window that a refusal has told; or the refusal."""
        if not self.trim or self.window is not None or error.context_window is None:
            raise self._worded(error, request)
        return await self._fitted(request, error.context_window, runtime)

    def _worded(self, error: ContextOverflow, request: TextRequest) -> ContextOverflow:
        """The engine's refusal in the words of our own: a template may add more than could be foreseen."""
        if self.window is not None and error.prompt_tokens is not None:
            window = error.context_window or self.window
            error.args = _overflow(Counted(error.prompt_tokens), window, request, self.advice).args
        return error

    async def _fitted(
        self, request: TextRequest, window: int | None, runtime: Runtime
    ) -> tuple[TextRequest, tuple[Notice, ...]]:
        room = request.knobs.max_output_tokens or 1
        if window is None or at_most(request) + room <= window:
            return request, ()
        counted = await self._counted(request, window, runtime)
        if counted.tokens + room <= window:
            return request, ()
        if not self.trim:
            raise _overflow(counted, window, request, self.advice)
        return await self._trimmed(request, window - room, window, runtime)

    async def _trimmed(
        self, request: TextRequest, space: int, window: int, runtime: Runtime
    ) -> tuple[TextRequest, tuple[Notice, ...]]:
        """The request without as few of its oldest turns as possible: found by halving, for each count takes a while."""
        always, older, last = turns(request.messages)
        least, most = 1, len(older)
        shortest = replace(request, messages=(*always, *last))
        counted = await self._counted(shortest, window, runtime)
        if counted.tokens > space:
            raise _overflow(counted, window, request, self.advice)
        while least < most:
            middle = (least + most) // 2
            if (await self._counted(_without(request, always, older[middle:], last), window, runtime)).tokens <= space:
                most = middle
            else:
                least = middle + 1
        left_out = sum(map(len, older[:most]))
        message = (
            f"The conversation does not fit into {window} tokens: its oldest {left_out} "
            f"{'message was' if left_out == 1 else 'messages were'} left out."
        )
        return _without(request, always, older[most:], last), (Notice("messages", message),)

    async def _counted(self, request: TextRequest, window: int, runtime: Runtime) -> Counted:
        """The tokens of a prompt: counted, or told by a sample where there is no doubt, for megabytes can take minutes."""
        size = at_most(request)
        if size > max(_FAR * window, _MUCH) and not request.needs() & {"images", "audio", "files"}:
            sample = _sample(request)
            guess = size * (await self.count(sample, runtime)).tokens // at_most(sample)
            if guess > 4 * window:
                return Counted(guess, exact=False)
        return await self.count(request, runtime)


_FAR = 64
"""Bytes for each token of the window, beyond which nothing fits that could be called a text."""
_MUCH = 1 << 18
"""Bytes that are counted in any case: they take the slowest vocabulary a second or two."""
_SAMPLE = 1 << 14
"""Characters."""


def _sample(request: TextRequest) -> TextRequest:
    """A piece out of the middle of the longest text."""
    text = max((_text(part) for message in request.messages for part in message.content), key=len, default="")
    start = max(0, (len(text) - _SAMPLE) // 2)
    return replace(request, messages=(Message("user", text[start : start + _SAMPLE]),), tools=())


def _text(part: object) -> str:
    match part:
        case ToolCall():
            return part.arguments
        case ToolResult():
            return part.content
        case _:
            return text if isinstance(text := getattr(part, "text", None), str) else ""


def turns(
    messages: Sequence[Message],
) -> tuple[tuple[Message, ...], list[tuple[Message, ...]], tuple[Message, ...]]:
    """The system messages; the turns before the last, each a user's message and all that answers it; and the last turn."""
    always = tuple(message for message in messages if message.role == "system")
    spoken: list[list[Message]] = []
    for message in messages:
        if message.role == "system":
            continue
        if not spoken or (message.role == "user" and not _is_result(message)):
            spoken.append([])
        spoken[-1].append(message)
    grouped = [tuple(turn) for turn in spoken]
    return always, grouped[:-1], grouped[-1] if grouped else ()


def at_most(request: TextRequest) -> int:
    """A number of tokens that the prompt surely does not exceed: a token is a byte at least, and templates add a little."""
    size = sum(_bytes(part) for message in request.messages for part in message.content) + 128 * (len(request.messages) + 1)
    for tool in request.tools:
        size += 256 + len(tool.name) + len(tool.description.encode("utf-8", "replace"))
        size += 2 * len(json.dumps(tool.parameters, default=str))
    return size


def about(request: TextRequest) -> int:
    """The tokens of a prompt, estimated from above."""
    return estimated(request, TextResponse()).usage.input_tokens or 0


_PICTURE = 1 << 20
"""Tokens that a picture may come to: so many that it is counted."""


def _bytes(part: object) -> int:
    match part:
        case ToolCall():
            return 2 * len(part.arguments.encode("utf-8", "replace")) + len(part.name.encode("utf-8", "replace")) + 128
        case ToolResult():
            return len(part.content.encode("utf-8", "replace")) + 128
        case _:
            return len(_text(part).encode("utf-8", "replace")) if hasattr(part, "text") else _PICTURE


def _is_result(message: Message) -> bool:
    return any(isinstance(part, ToolResult) for part in message.content)


def _without(
    request: TextRequest, always: Sequence[Message], older: Sequence[tuple[Message, ...]], last: Sequence[Message]
) -> TextRequest:
    return replace(request, messages=(*always, *(message for turn in older for message in turn), *last))


def _overflow(counted: Counted, window: int, request: TextRequest, advice: str) -> ContextOverflow:
    room, tokens = request.knobs.max_output_tokens, counted.tokens
    needed = f"{counted} tokens" if room is None else f"{counted} tokens, with {room} for the answer {tokens + room}"
    return ContextOverflow(
        f"The prompt has {needed}; the context window holds {window}. {advice}",
        prompt_tokens=tokens,
        context_window=window,
        max_output_tokens=room,
    )


def _filled(error: ContextOverflow, request: TextRequest) -> ContextOverflow:
    error.max_output_tokens = error.max_output_tokens or request.knobs.max_output_tokens
    return error


def _noted(response: TextResponse[Any], notices: tuple[Notice, ...]) -> TextResponse[Any]:
    return replace(response, notices=(*notices, *response.notices)) if notices else response
