"""Text on llama.cpp, in this process or on a server: what the dialect's chat lacks for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from modelhub_openai.site import Host

from modelhub.plugin import HttpModel, ModelCard, Runtime, TextRequest, TextResponse, Wrapper
from modelhub_llama.chat import LlamaChat
from modelhub_llama.counting import Facts, ask_facts, count_chat, count_plain, puts_marks
from modelhub_llama.options import LlamaOptions
from modelhub_llama.overflow import Counted, Fitting, about
from modelhub_llama.plain import Plain
from modelhub_llama.tools import HeldToTools, asked_for, with_calls

__all__ = ["SETTINGS", "LlamaText", "Texts", "text_card"]

SETTINGS = frozenset(
    {"max_output_tokens", "temperature", "top_p", "top_k", "stop_sequences", "seed", "presence_penalty", "frequency_penalty"}
    | {"logprobs"}
)
"""What llama.cpp heeds of any request."""


@dataclass(frozen=True, eq=False, repr=False)
class LlamaText:
    """A model that writes. ``window`` is its context window, where it is known before the server is asked."""

    site: Host
    name: str
    options: LlamaOptions
    card: ModelCard
    trained: int | None = None
    """Tokens that it was trained for, where its file says it."""
    _told: list[Facts] = field(default_factory=list, init=False, repr=False)
    _wire: HttpModel[Any, Any, Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        endpoint: Any = Plain(self.site, self.name) if self._is_plain else LlamaChat(self.site, self.name)
        object.__setattr__(self, "_wire", HttpModel(endpoint))

    def __repr__(self) -> str:
        return f"LlamaText({self.card.model!r})"

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        model = await self._fitting_model(request, runtime)
        return await model.call(request, runtime)

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[Any, None]:
        model = await self._fitting_model(request, runtime)
        async with aclosing(model.stream(request, runtime)) as events:
            async for event in events:
                yield event

    async def count_tokens(self, request: TextRequest, runtime: Runtime) -> int | None:
        """The exact number of tokens of a request; ``None`` where the server cannot count."""
        facts = await self._facts(request, runtime)
        asked = request if self._is_plain else asked_for(request, native=facts.tools is True)
        return await self._count(asked, runtime, facts)

    @property
    def _is_plain(self) -> bool:
        return self.options.prompt == "plain"

    async def _fitting_model(self, request: TextRequest, runtime: Runtime) -> Wrapper[TextRequest, TextResponse[Any], Any]:
        """The model as this request needs it."""
        local = self.options.place == "in-process"
        told = self.options.context_window is not None or self.options.on_overflow == "trim"
        needed = local or request.tools or self._is_plain or told or with_calls(request)
        facts = await self._facts(request, runtime) if needed else Facts()

        async def count(asked: TextRequest, runtime: Runtime) -> Counted:
            tokens = await self._count(asked, runtime, facts)
            return Counted(await runtime.in_thread(about, asked), exact=False) if tokens is None else Counted(tokens)

        wire: Any = HttpModel(Plain(self.site, self.name, facts.bos)) if self._is_plain and facts.bos else self._wire
        window = min(filter(None, (facts.window, self.card.context_window)), default=None) if needed else None
        fitting = Fitting(wire, count, window, self.options.on_overflow == "trim", self._advice(window, facts))
        calls = request.tools or with_calls(request)
        return HeldToTools(fitting, native=facts.tools is True) if calls else fitting

    def _advice(self, window: int | None, facts: Facts) -> str:
        """How there is more room, if there can be."""
        if self.options.place != "in-process" and window == facts.window:
            return "Shorten it, or start the server with a larger context."
        most = self.trained if self.options.place == "in-process" else facts.window
        if most is None:
            return "Shorten it, or set a larger context_window."
        if window is not None and window >= most:
            return "Shorten it: the model was trained for no more."
        return f"Shorten it, or set a larger context_window, up to {most}."

    async def _facts(self, request: TextRequest, runtime: Runtime) -> Facts:
        """What the server says of itself, asked once."""
        if not self._told:
            facts = await ask_facts(self.site, self.name, request, runtime)
            if self._is_plain and facts.bos and not await puts_marks(self.site, self.name, request, runtime):
                facts = replace(facts, bos="")
            self._told.append(facts)
        return self._told[-1]

    async def _count(self, request: TextRequest, runtime: Runtime, facts: Facts) -> int | None:
        if self._is_plain:
            return await count_plain(Plain(self.site, self.name, facts.bos), request, runtime)
        return await count_chat(LlamaChat(self.site, self.name), request, runtime)


def text_card(
    options: LlamaOptions, name: str, *, template: str | None = None, window: int | None = None, known: ModelCard | None = None
) -> ModelCard:
    """What is known of a model before it is asked; ``template`` is its chat template, where that is known."""
    plain = options.prompt == "plain"
    sees = {"images": bool(options.projector) and not plain} if options.place == "in-process" or plain else {}
    capabilities = {"tools": not plain, "structured_output": True, "audio": False, "files": False, **sees}
    thinks = not plain and (template is None or "reasoning_effort" in template)
    honoured = SETTINGS | ({"reasoning_effort"} if thinks else set()) | (set() if plain else {"parallel_tool_calls"})
    card = known or ModelCard(model=f"{options.provider}:{name}", kind="text", context_window=window or options.context_window)
    return replace(card, capabilities={**card.capabilities, **capabilities}, settings=frozenset(honoured))


@dataclass(eq=False)
class Texts:
    """Makes the model of a site, and keeps what it has learned of the last one: an engine's headers are its own."""

    options: LlamaOptions
    trained: int | None = None
    _last: tuple[Any, LlamaText] | None = None

    def __call__(self, site: Host, name: str) -> LlamaText:
        if self._last is None or self._last[0] is not site.headers:
            self._last = (site.headers, LlamaText(site, name, self.options, text_card(self.options, name), self.trained))
        return self._last[1]
