"""Where the router is, who asks it and who pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from modelhub_openai.site import guarded, json_bytes

from modelhub.plugin import (
    AnswerError,
    Bearer,
    HttpRequest,
    HttpResponse,
    ModelhubError,
    Route,
    Secret,
    shown,
)
from modelhub_huggingface.addresses import checked, host
from modelhub_huggingface.options import AUTO, HuggingFaceOptions
from modelhub_huggingface.router.credentials import Unknown, router_token

__all__ = ["BILL_TO", "Router", "named", "router"]

BILL_TO = "x-hf-bill-to"
_OWN = "own account"


@dataclass(frozen=True, slots=True)
class Router:
    """The router, as one account reaches it."""

    provider: str
    url: str = field(repr=False)
    headers: Mapping[str, str | Secret] = field(repr=False)
    bill_to: str | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    route: Route | None = None

    @property
    def host(self) -> str:
        """Its name, as a card tells where data goes."""
        return host(self.url)

    @property
    def billing(self) -> Mapping[str, str]:
        """Who pays, for the metadata of a response."""
        return {"bill_to": self.bill_to or _OWN}

    def json(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> HttpRequest:
        """A request whose body is JSON."""
        return self.data(path, json_bytes({**body, **self.extra_body}), "application/json", headers)

    def data(self, path: str, data: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> HttpRequest:
        """A request whose body is whatever the content type says."""
        written = {**self.headers, "content-type": content_type, **(headers or {})}
        return HttpRequest("POST", f"{self.url}/{path}", written, data, self.route)

    def get(self, path: str) -> HttpRequest:
        """A request that asks after something."""
        return HttpRequest("GET", f"{self.url}/{path}", self.headers, None, self.route)

    def look(self, path: str) -> HttpRequest:
        """A request that anybody may send: a token goes along where there is one."""
        headers = {name: value for name, value in self.headers.items() if not self._is_missing(value)}
        return HttpRequest("GET", f"{self.url}/{path}", headers, None, self.route)

    @staticmethod
    def _is_missing(value: str | Secret) -> bool:
        return isinstance(value, Bearer) and isinstance(value.key, Unknown) and value.key.missing

    def fetch(self, url: str) -> HttpRequest:
        """A request for a file that an answer names: without a key and, unless it is where the router is, by HTTPS alone."""
        if urlsplit(url)[:2] == urlsplit(self.url)[:2]:
            return HttpRequest("GET", url, {}, None, self.route)
        if not url.startswith("https://"):
            raise AnswerError(f"The answer's file is at {shown(url)}, which is no https:// address: it is not fetched.")
        abroad = None if self.route is None else replace(self.route, client_certificate=None, client_key=None)
        return HttpRequest("GET", url, {}, None, abroad)

    def fault(self, response: HttpResponse, model: str, served_by: str = "") -> ModelhubError:
        """What an unsuccessful answer means."""
        from modelhub_huggingface.router.faults import router_fault

        return router_fault(response, self, model, served_by)


def router(options: HuggingFaceOptions) -> Router:
    """The router that the options mean. Raises ``ConfigError`` where its address is none."""
    url = checked(options.router_url, f"[providers.{options.provider}] router_url").removesuffix("/v1").rstrip("/")
    own: dict[str, str | Secret] = {"authorization": Bearer(router_token(options))}
    if options.bill_to:
        own[BILL_TO] = options.bill_to
    given = {name.lower(): value for name, value in guarded(options.headers).items()}
    told = given.get(BILL_TO)
    bill_to = told if isinstance(told, str) else options.bill_to
    return Router(options.provider, url, {**own, **given}, bill_to, options.extra_body, options.route())


def named(name: str, options: HuggingFaceOptions) -> tuple[str, str]:
    """The model, and who is to serve it: ``org/model:groq`` says so itself, else ``inference_provider`` does."""
    model, _, suffix = name.partition(":")
    return model, suffix.strip() or options.inference_provider.strip() or AUTO
