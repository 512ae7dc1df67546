"""Plain completion: ``POST api/generate``, the prompt as it is, without a template."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from modelhub_openai.usage import estimated

from modelhub.plugin import (
    HttpRequest,
    HttpResponse,
    ImagePart,
    ModelCard,
    ModelhubError,
    TextRequest,
    TextResponse,
)
from modelhub_llama.ollama.answer import parse
from modelhub_llama.ollama.chat import better, notices, text_card
from modelhub_llama.ollama.knobs import Thinking, logprobs, options, think
from modelhub_llama.ollama.messages import pictures
from modelhub_llama.ollama.site import Ollama
from modelhub_llama.ollama.stream import LineDecoder
from modelhub_llama.sole import sole

__all__ = ["Plain"]


@dataclass(frozen=True)
class Plain:
    """The text of the one message is continued."""

    site: Ollama
    name: str
    thinking: Thinking = "levels"
    card: ModelCard = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "card", text_card(self.site, self.name, tools=False))

    def build(self, request: TextRequest, *, stream: bool) -> HttpRequest:
        last = sole(request, ImagePart)
        body = {
            "model": self.name,
            "prompt": last.text,
            "raw": True,
            "stream": stream,
            "images": pictures(last.content) or None,
            "format": None if request.output is None else request.output.schema,
            "options": options(request.knobs),
            "think": think(request.knobs.reasoning_effort, self.thinking),
            "truncate": False,
            "shift": False,
            **logprobs(request.knobs),
        }
        return self.site.post("generate", self.site.body(body, request.extra.get(self.site.provider, {})))

    def parse(self, response: HttpResponse) -> TextResponse[Any]:
        return parse(response, self.site, self.name)

    def decoder(self) -> LineDecoder:
        return LineDecoder(self.site, self.name)

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def learned(self, error: ModelhubError) -> Plain | None:
        """The same for a model that does not think, or not in levels."""
        taken = better(error, self.thinking)
        return None if taken is None else replace(self, thinking=taken)

    def completed(self, request: TextRequest, response: TextResponse[Any]) -> TextResponse[Any]:
        """The response with what only the request tells."""
        more = notices(self.card, request, response, self.thinking)
        return estimated(request, replace(response, notices=(*response.notices, *more)) if more else response)
