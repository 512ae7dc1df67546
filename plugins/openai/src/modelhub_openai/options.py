"""What ``[providers.openai]``, or a table that uses this plugin, may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from modelhub.plugin import Route, Secret
from modelhub_openai.quirks import Quirks

__all__ = ["OpenAIOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIOptions:
    """One host, one account."""

    provider: str = "openai"
    base_url: str = "https://api.openai.com/v1"
    """Up to and including ``/v1``: ``chat/completions`` is put behind it."""
    api_key: Secret | None = None
    """Left out, the environment variable ``api_key_env``."""
    api_key_env: str | None = ""
    """Left out, it is called after the table: ``OPENAI_API_KEY``, and ``MYHOST_API_KEY`` for ``[providers.myhost]``, so that
    no host gets another's key by accident. ``false`` for a host that wants no key."""
    api_key_header: str = "authorization"
    """The header the key goes in: as ``Bearer KEY`` in ``authorization``, bare in any other."""
    query: Mapping[str, str] = field(default_factory=dict)
    """Put behind every address: ``{ "api-version" = "..." }``."""
    organization: str | None = None
    project: str | None = None
    headers: Mapping[str, str | Secret] = field(default_factory=dict, repr=False)
    """Sent with every request; a secret is written ``{ env = "NAME" }`` and shown nowhere."""
    api: Literal["chat", "responses"] = "chat"
    """Which of the two APIs text goes through."""
    base_models: Mapping[str, str] = field(default_factory=dict)
    """What a name stands for, where it does not say so itself: ``{ "my-deployment" = "gpt-4o" }``."""
    quirks: Quirks = Quirks()
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    """Fields put into every JSON body as they are."""
    ca_bundle: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    proxy: str | None = None

    def key_variable(self) -> str | None:
        """The environment variable that holds the key; ``None`` for a host that wants none."""
        if self.api_key_env == "":
            return "".join(letter if letter.isalnum() else "_" for letter in self.provider.upper()) + "_API_KEY"
        return self.api_key_env

    def route(self) -> Route | None:
        """How the host is reached, where the machine's own settings do not suffice."""
        given = (self.ca_bundle, self.client_certificate, self.client_key, self.proxy)
        return Route(*given) if any(given) else None
