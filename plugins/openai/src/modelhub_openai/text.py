"""Text models: chat completions, or the responses API where ``api = "responses"`` asks for it."""

from __future__ import annotations

from modelhub.plugin import HttpModel, TextModel
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.site import host

__all__ = ["model"]


def model(name: str, options: OpenAIOptions | None) -> TextModel:
    """The model of that name on the host that the options describe."""
    site = host(options)
    if options is not None and options.api == "responses":
        from modelhub_openai.responses import Responses

        return HttpModel(Responses(site, name))
    from modelhub_openai.chat import Chat

    return HttpModel(Chat(site, name))
