"""Where the hub is, who asks it, and how it is reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

from modelhub.plugin import Bearer, HttpRequest, Route, Secret, shown
from modelhub_huggingface.addresses import checked
from modelhub_huggingface.credential import hub_token
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["Site", "site"]


@dataclass(frozen=True, slots=True)
class Site:
    """``token`` goes to this hub and to no other server."""

    provider: str
    url: str = field(repr=False)
    token: Secret | None = None
    route: Route | None = None

    def models(self, fields: Sequence[tuple[str, str]]) -> str:
        """The address that models are searched for at."""
        return f"{self.url}/api/models?{urlencode(fields)}"

    def model(self, name: str, revision: str | None, fields: Sequence[tuple[str, str]]) -> str:
        """The address at which the hub tells of one model."""
        at = f"/revision/{quote(revision, safe='')}" if revision else ""
        return f"{self.url}/api/models/{quote(name)}{at}?{urlencode(fields)}"

    def file(self, name: str, revision: str, path: str) -> str:
        """The address of a file of a model."""
        return f"{self.url}/{quote(name)}/resolve/{quote(revision, safe='')}/{quote(path)}"

    def page(self, path: str) -> str:
        """A page for people: of a model, by its name."""
        return f"{shown(self.url)}/{quote(path)}"

    def holds(self, url: str) -> bool:
        """Whether an address is on the hub's own server."""
        scheme, place, *_ = urlsplit(self.url)
        return url.startswith(f"{scheme}://{place}/")

    def get(self, url: str, **headers: str) -> HttpRequest:
        """A request that asks for something; it bears the token where it goes to the hub."""
        signed = {"authorization": Bearer(self.token)} if self.token is not None and self.holds(url) else {}
        return HttpRequest("GET", url, {**headers, **signed}, None, self.route)


def site(options: HuggingFaceOptions) -> Site:
    """The hub that the options mean. Raises ``ConfigError`` where its address is none."""
    place = f"[providers.{options.provider}] hub_url" if options.hub_url else "HF_ENDPOINT"
    return Site(options.provider, checked(options.hub(), place), hub_token(options), options.route())
