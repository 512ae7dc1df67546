"""One of the router's providers as a host of the chat-completions dialect: what a model's requests there look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from modelhub_openai.forms import Form
from modelhub_openai.quirks import Quirks

from modelhub.plugin import HttpRequest, HttpResponse, Kind, ModelCard, ModelhubError
from modelhub_huggingface.router.site import Router

__all__ = ["Served"]


@dataclass(frozen=True, slots=True)
class Served:
    """A model at one of the router's providers.

    It is a ``Site`` of the dialect, for providers that speak it in some task; ``prefix`` is what stands before its operations
    there. ``id`` is the provider's own name of the model, ``model`` the hub's, and ``name`` the one that it is called by here.
    """

    router: Router
    by: str
    id: str
    name: str
    model: str
    task: str
    adapter: str | None = None
    """The file of an adapter's weights in the model's repository, where the model is one."""
    prefix: str = "v1"
    quirks: Quirks = Quirks(embedding_format=None)
    listed_prices: bool = False

    @property
    def provider(self) -> str:
        return self.router.provider

    def base_model(self, model: str) -> str:  # noqa: ARG002  # however it is called
        return self.model

    def card(self, kind: Kind, **fields: Any) -> ModelCard:
        """A card under the name that it has here."""
        return ModelCard(model=f"{self.provider}:{self.name}", kind=kind, **fields)

    def json(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> HttpRequest:
        """A request to a path of this provider."""
        return self.router.json(f"{self.by}/{path}", body, headers)

    def data(self, path: str, data: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> HttpRequest:
        """The same with any body."""
        return self.router.data(f"{self.by}/{path}", data, content_type, headers)

    def post(self, operation: str, model: str, body: Mapping[str, Any] | Form) -> HttpRequest:  # noqa: ARG002  # the body says it
        if isinstance(body, Form):
            fields = tuple((name, self.id if name == "model" else value) for name, value in body.fields)
            content_type, data = body._replace(fields=fields).encoded()
            return self.data(f"{self.prefix}/{operation}", data, content_type)
        return self.json(f"{self.prefix}/{operation}", {**body, "model": self.id})

    def get(self, path: str) -> HttpRequest:
        """A path of this provider, or a whole address of its own host's, which is reached through the router."""
        parts = urlsplit(path)
        query = f"?{parts.query}" if parts.query else ""
        return self.router.get(f"{self.by}/{parts.path.lstrip('/')}{query}")

    def fault(self, response: HttpResponse, model: str) -> ModelhubError:
        return self.router.fault(response, model, self.by)
