"""One endpoint: its address, what every request to it carries, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from modelhub_openai.forms import Form
from modelhub_openai.quirks import Quirks
from modelhub_openai.site import guarded, json_bytes

from modelhub.plugin import AnswerError, Bearer, HttpRequest, HttpResponse, ModelhubError, Route, Secret, shown
from modelhub_huggingface.credential import own_token
from modelhub_huggingface.endpoints.address import address, is_here, is_hosted
from modelhub_huggingface.endpoints.tgi_body import tgi_body
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.pipelines.site import JSON

__all__ = ["Kept", "Server", "server"]

Kept = Literal["tgi", "tei", "openai", "plain"]
"""What runs there."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that one model runs on. Pure, like the endpoints that ask it.

    It is a ``Site`` of the chat-completions dialect, for what stands under ``/v1``, and a ``PipelineSite`` for what is at the
    address itself.
    """

    provider: str
    kind: Kept
    root: str = field(repr=False)
    v1: str = field(repr=False)
    headers: Mapping[str, str | Secret] = field(default_factory=dict, repr=False)
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    route: Route | None = None
    quirks: Quirks = Quirks()

    @property
    def listed_prices(self) -> bool:
        return False

    @property
    def specified(self) -> bool:
        return False

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine."""
        return is_here(self.root)

    def base_model(self, model: str) -> str:  # noqa: ARG002  # whatever its name is
        """A word that no list of another provider's models has: what is known of those by name is not known here."""
        return "endpoint"

    def post(self, operation: str, model: str, body: Mapping[str, Any] | Form) -> HttpRequest:  # noqa: ARG002  # the body says it
        if isinstance(body, Form):
            media_type, data = body.encoded()
            return self._request(f"{self.v1}/{operation}", data, media_type)
        written = {**body, **self.extra_body}
        return self._request(f"{self.v1}/{operation}", json_bytes(tgi_body(written) if self.kind == "tgi" else written), JSON)

    def get(self, path: str) -> HttpRequest:
        url = path if "://" in path else f"{self.v1}/{path.lstrip('/')}"
        if urlsplit(url)[:2] != urlsplit(self.v1)[:2]:
            raise AnswerError(f"The answer leads away from {shown(self.v1)}, where the key may not go: it is not followed.")
        return HttpRequest("GET", url, self.headers, None, self.route)

    def look(self, path: str) -> HttpRequest:
        """A request that asks after something at the root: ``info``."""
        return HttpRequest("GET", f"{self.root}/{path}", self.headers, None, self.route)

    def call(self, path: str, body: Mapping[str, Any], *, accept: str = JSON) -> HttpRequest:
        """A request to one of the server's own operations: ``generate``, ``embed``."""
        return self._request(f"{self.root}/{path}", json_bytes({**body, **self.extra_body}), JSON, accept)

    def ask(self, content: Mapping[str, Any] | bytes, *, media_type: str = JSON, accept: str = JSON) -> HttpRequest:
        """A request to the address itself, where a plain endpoint has its pipeline."""
        data = content if isinstance(content, bytes) else json_bytes({**content, **self.extra_body})
        return self._request(f"{self.root}/" if urlsplit(self.root).path in ("", "/") else self.root, data, media_type, accept)

    def at(self, path: str) -> Server:
        """The same, asked at one of its own operations where a plain endpoint is asked at the address itself."""
        return replace(self, root=f"{self.root}/{path}")

    def fault(self, response: HttpResponse, model: str) -> ModelhubError:
        from modelhub_huggingface.endpoints.faults import endpoint_fault

        return endpoint_fault(response, self, model)

    def _request(self, url: str, data: bytes, media_type: str, accept: str = "") -> HttpRequest:
        headers = {**({"accept": accept} if accept else {}), **self.headers, "content-type": media_type}
        return HttpRequest("POST", url, headers, data, self.route)


def server(options: HuggingFaceOptions, usual: Kept) -> Server:
    """The server that the options describe. Raises ``ConfigError`` where they give it no address.

    This machine's own token goes to what Hugging Face itself runs; elsewhere, a dedicated endpoint included, goes what
    ``api_key`` says, or none.
    """
    root, v1 = address(options)
    key = options.api_key or (own_token() if is_hosted(root) else None)
    headers = {**({"authorization": Bearer(key)} if key else {}), **guarded(options.headers)}
    return Server(options.provider, options.server or usual, root, v1, headers, options.extra_body, options.route())
