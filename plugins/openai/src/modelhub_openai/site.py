"""Where a model's operations live and how a request to them is signed: the seam between this dialect and its hosts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from modelhub.plugin import (
    AnswerError,
    Bearer,
    ConfigError,
    Environment,
    HttpRequest,
    HttpResponse,
    ModelhubError,
    Plain,
    Route,
    Secret,
    shown,
)
from modelhub_openai.forms import Form
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.quirks import Quirks

__all__ = ["Host", "Site", "guarded", "host", "json_bytes"]

_OF_A_KEY = re.compile(r"(?:^|[-_])(?:key|token|secret|authorization|cookie)$", re.IGNORECASE)


class Site(Protocol):
    """What an endpoint of the dialect asks of its host. Pure, like the endpoint itself."""

    @property
    def provider(self) -> str:
        """The word before the colon of a model id."""

    @property
    def quirks(self) -> Quirks:
        """What the host differs in."""

    @property
    def listed_prices(self) -> bool:
        """Whether the list of prices that comes with this plugin holds here."""

    def base_model(self, model: str) -> str:
        """What a model's name stands for: a deployment's base model, else the name itself."""

    def post(self, operation: str, model: str, body: Mapping[str, Any] | Form) -> HttpRequest:
        """A request to ``chat/completions``, ``images/edits``...; ``body`` holds ``model`` already."""

    def get(self, path: str) -> HttpRequest:
        """A request that asks after something: ``models``, or a whole address of this host's."""

    def fault(self, response: HttpResponse, model: str) -> ModelhubError:
        """What an unsuccessful answer means."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host that is reached by one base address and one key."""

    provider: str
    base_url: str
    headers: Mapping[str, str | Secret]
    quirks: Quirks = Quirks()
    base_models: Mapping[str, str] | None = None
    extra_body: Mapping[str, Any] | None = None
    route: Route | None = None
    query: str = ""
    """Behind every address: ``?api-version=...``."""

    @property
    def listed_prices(self) -> bool:
        return self.base_url == "https://api.openai.com/v1"

    def base_model(self, model: str) -> str:
        return (self.base_models or {}).get(model, model)

    def post(self, operation: str, model: str, body: Mapping[str, Any] | Form) -> HttpRequest:  # noqa: ARG002  # the body says it
        if isinstance(body, Form):
            content_type, data = body.encoded()
        else:
            content_type, data = "application/json", json_bytes({**body, **(self.extra_body or {})})
        headers = {**self.headers, "content-type": content_type}
        return HttpRequest("POST", f"{self.base_url}/{operation}{self.query}", headers, data, self.route)

    def get(self, path: str) -> HttpRequest:
        url = path if "://" in path else f"{self.base_url}/{path.lstrip('/')}{self.query}"
        if urlsplit(url)[:2] != urlsplit(self.base_url)[:2]:
            message = f"The answer leads away from {self.base_url}, where the key may not go: it is not followed."
            raise AnswerError(message)
        return HttpRequest("GET", url, self.headers, None, self.route)

    def fault(self, response: HttpResponse, model: str) -> ModelhubError:
        from modelhub_openai.faults import dialect_fault

        error = dialect_fault(response, provider=self.provider, model=model)
        if response.status in (404, 405) and not any(word in error.message.lower() for word in _NAMED):
            error.args = (
                f"{error.message.rstrip('.')}. Is the address right? base_url is {shown(self.base_url)}{self._advice()}",
            )
        return error

    def _advice(self) -> str:
        return "." if self.base_url.endswith("/v1") else "; most hosts want one that ends in /v1."


_NAMED = ("model", "deployment", "endpoints found")
"""What a 404 speaks of that knows the address, and not the model."""


def host(options: OpenAIOptions | None) -> Host:
    """The host that the options describe."""
    options = options or OpenAIOptions()
    key = options.api_key
    if key is None and (variable := options.key_variable()):
        wanted = "" if options.provider == "openai" else " (api_key_env = false, where it wants none)"
        key = Environment(variable, f"The key of {options.provider}{wanted}")
    base_url = _address(options)
    name = options.api_key_header
    own = {
        name: (Bearer(key) if name == "authorization" else key) if key else None,
        "openai-organization": options.organization,
        "openai-project": options.project,
    }
    headers = {**{name: value for name, value in own.items() if value}, **guarded(options.headers)}
    pairs = "&".join(f"{quote(name)}={quote(value)}" for name, value in options.query.items())
    return Host(
        options.provider,
        base_url,
        headers,
        options.quirks,
        options.base_models,
        options.extra_body,
        options.route(),
        f"?{pairs}" if pairs else "",
    )


def guarded(headers: Mapping[str, str | Secret]) -> Mapping[str, str | Secret]:
    """The headers; what is a key by its header's name is one, even where it was written as it is."""
    return {
        name: Plain(value) if isinstance(value, str) and _OF_A_KEY.search(name) else value for name, value in headers.items()
    }


def _address(options: OpenAIOptions) -> str:
    """The base address, as it is put before an operation. Raises ``ConfigError`` where it is none."""
    url, place = options.base_url.strip(), f"[providers.{options.provider}]"
    if not url:
        raise ConfigError(f'{options.provider} has no address of its own: write {place} base_url = "https://..."')
    seen = f"{place} base_url is {shown(url).partition('?')[0]!r}"
    if not url.lower().startswith(("http://", "https://")):
        raise ConfigError(f"{seen}: it must begin with http:// or https://.")
    if "?" in url or "#" in url:
        raise ConfigError(f'{seen} and more: what stands behind the ? goes into query = {{ name = "..." }}.')
    return url.rstrip("/").removesuffix("/chat/completions").rstrip("/")


def json_bytes(body: Mapping[str, Any]) -> bytes:
    """A JSON body: UTF-8 as it is, no spaces, ``None`` left out by whoever built it."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
