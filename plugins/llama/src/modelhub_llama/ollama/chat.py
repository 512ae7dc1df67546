"""Chat: ``POST api/chat`` of one model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from modelhub_openai.usage import estimated

from modelhub.plugin import (
    BadRequest,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    Notice,
    TextRequest,
    TextResponse,
    Tool,
)
from modelhub_llama.ollama.answer import parse
from modelhub_llama.ollama.knobs import SETTINGS, Thinking, logprobs, options, think
from modelhub_llama.ollama.messages import messages
from modelhub_llama.ollama.site import Ollama
from modelhub_llama.ollama.stream import LineDecoder

__all__ = ["Chat", "better", "notices", "text_card"]


@dataclass(frozen=True)
class Chat:
    """``num_ctx``, ``truncate`` and ``shift`` are in every request: left to itself, Ollama answers a prompt that is too long
    from a part of it, lets the beginning of one fall out while it answers, and says so nowhere.
    """

    site: Ollama
    name: str
    thinking: Thinking = "levels"
    card: ModelCard = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "card", text_card(self.site, self.name, tools=True))

    def build(self, request: TextRequest, *, stream: bool) -> HttpRequest:
        body = {
            "model": self.name,
            "messages": messages(request.messages),
            "stream": stream,
            "tools": [_tool(tool) for tool in request.tools] if request.tools and request.tool_choice != "none" else None,
            "format": None if request.output is None else request.output.schema,
            "options": options(request.knobs),
            "think": think(request.knobs.reasoning_effort, self.thinking),
            "truncate": False,
            "shift": False,
            **logprobs(request.knobs),
        }
        return self.site.post("chat", self.site.body(body, request.extra.get(self.site.provider, {})))

    def parse(self, response: HttpResponse) -> TextResponse[Any]:
        return parse(response, self.site, self.name)

    def decoder(self) -> LineDecoder:
        return LineDecoder(self.site, self.name)

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def learned(self, error: ModelhubError) -> Chat | None:
        """The same for a model that does not think, or not in levels."""
        taken = better(error, self.thinking)
        return None if taken is None else replace(self, thinking=taken)

    def completed(self, request: TextRequest, response: TextResponse[Any]) -> TextResponse[Any]:
        """The response with what only the request tells: the usage that was not counted, and what was left out."""
        more = notices(self.card, request, response, self.thinking)
        return estimated(request, replace(response, notices=(*response.notices, *more)) if more else response)


def text_card(site: Ollama, name: str, *, tools: bool) -> ModelCard:
    """What is known of any model without asking the server: what can be sent to it."""
    return ModelCard(
        model=f"{site.provider}:{name}",
        kind="text",
        capabilities={"structured_output": True, "audio": False, "files": False, **({} if tools else {"tools": False})},
        settings=SETTINGS,
        context_window=site.context_window,
        local=site.local(name),
    )


def better(error: ModelhubError, thinking: Thinking) -> Thinking | None:
    """What the model takes for ``think``, after this refusal; ``None`` where it was about something else."""
    if not isinstance(error, BadRequest) or thinking == "none":
        return None
    words = error.message.lower()
    if "does not support thinking" in words:
        return "none"
    if "think value" in words or "thinking level" in words:
        return "switch" if thinking == "levels" else "none"
    return None


def notices(card: ModelCard, request: TextRequest, response: TextResponse[Any], thinking: Thinking) -> list[Notice]:
    """What the caller should know: an effort that the model does not take, a prompt that was cut."""
    found = []
    effort = request.knobs.reasoning_effort
    if effort is not None and thinking == "none":
        found.append(Notice("reasoning_effort", f"{card.model} does not think: 'reasoning_effort' was left out."))
    elif effort is not None and think(effort, thinking) != think(effort, "levels"):
        found.append(Notice("reasoning_effort", f"{card.model} thinks, or does not: {effort!r} was taken as yes."))
    window, entered = card.context_window, response.usage.input_tokens
    if window is not None and entered is not None and entered >= window:
        message = f"The prompt fills the window of {window} tokens, so its beginning is missing: this Ollama cuts it unasked."
        found.append(Notice("context_window", message))
    return found


def _tool(tool: Tool) -> dict[str, Any]:
    described = {"description": tool.description} if tool.description else {}
    return {"type": "function", "function": {"name": tool.name, **described, "parameters": tool.parameters}}
