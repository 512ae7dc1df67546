"""Chat on an endpoint: the dialect's own, which learns TGI's form of a schema where the server turns out to want it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from modelhub_openai.chat import Chat

from modelhub.plugin import BadRequest, ModelCard, ModelhubError
from modelhub_huggingface.endpoints.cards import card
from modelhub_huggingface.endpoints.server import Server

__all__ = ["EndpointChat", "chat_card"]

_ITS_FORM = re.compile(r"missing field `value`|unknown variant `json_schema`")
"""How TGI refuses a schema in OpenAI's form: its reader misses a member, or does not know the word."""
_TGI = frozenset(
    {
        "max_output_tokens",
        "temperature",
        "top_p",
        "stop_sequences",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
    }
)


def chat_card(server: Server, name: str, **fields: Any) -> ModelCard:
    """The card of a model that is chatted with. Of a server that may be any, what it heeds is not known."""
    if server.kind == "tgi":
        able = {"tools": True, "structured_output": True, "audio": False, "files": False}
        fields = {"settings": _TGI, "capabilities": able, **fields}
    return card(server, name, "text", **{"task": "text-generation", "family": "decoder", **fields})


@dataclass(frozen=True)
class EndpointChat(Chat):
    """``v1/chat/completions``."""

    def learned(self, error: ModelhubError) -> Chat | None:
        """The same with the schema in TGI's form, or without the field that the server refuses by name."""
        site = self.site
        refused = isinstance(error, BadRequest) and error.status in (400, 422) and _ITS_FORM.search(error.message)
        if refused and isinstance(site, Server) and site.kind == "openai":
            return replace(self, site=replace(site, kind="tgi"))
        return super().learned(error)
