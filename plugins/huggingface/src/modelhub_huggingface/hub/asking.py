"""One question to the hub: an address, what is known of its answer already, and the way that redirects lead."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Never, Self
from urllib.parse import urljoin

from modelhub.plugin import (
    AnswerError,
    HttpModel,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    Request,
    Response,
    Retry,
    Runtime,
    Timeouts,
    Unsupported,
    shown,
)
from modelhub_huggingface.hub.faults import hub_fault
from modelhub_huggingface.hub.site import Site

__all__ = ["Answer", "Unchanged", "ask"]

_TIMEOUTS = Timeouts(connect=10, first_token=30, idle=30, total=60)
_PATIENCE = 5.0
"""Seconds that somebody who looks through a catalog waits at most before the hub is asked again."""
_REDIRECTS = (301, 302, 303, 307, 308)
_NEXT = re.compile(r"<([^<>]*)>[^,<>]*?;\s*rel=\"?next\b")


class Unchanged(ModelhubError):
    """What is known of the answer holds still."""


class _Moved(AnswerError):
    """The answer is somewhere else."""

    location = ""


@dataclass(frozen=True, kw_only=True)
class Answer(Response):
    """What came back. ``next`` is the address of the next page, where there is one."""

    body: bytes
    etag: str | None = None
    next: str | None = None


async def ask(
    site: Site,
    url: str,
    runtime: Runtime,
    *,
    model: str = "",
    etag: str | None = None,
    most: int | None = None,
    retries: int | None = None,
) -> Answer:
    """The answer from an address of the hub, or from where it leads. ``most`` is how many bytes of it are wanted.

    Where an error passes, the hub is asked again, twice unless ``retries`` says how often.

    Raises ``Unchanged`` where the answer is the one that ``etag`` was of, and what asking a server may raise.
    """
    question = Retry[Request, Answer, Never](HttpModel(_Question(site, url, model, etag, most)), max_wait=_PATIENCE)
    return await question.call(Request(timeouts=_TIMEOUTS, retries=retries), runtime)


@dataclass(frozen=True)
class _Question:
    site: Site
    url: str
    model: str
    etag: str | None
    most: int | None

    @property
    def card(self) -> ModelCard:
        return ModelCard(model=f"{self.site.provider}:{self.model}", kind="text", title="the hub")

    def build(self, request: Request, *, stream: bool) -> HttpRequest:  # noqa: ARG002  # the address says all
        known = {"if-none-match": self.etag} if self.etag else {}
        part = {"range": f"bytes=0-{self.most - 1}", "accept-encoding": "identity"} if self.most else {}
        return self.site.get(self.url, **known, **part)

    def parse(self, response: HttpResponse) -> Answer:
        found = _NEXT.search(response.headers.get("link", ""))
        following = urljoin(self.url, found[1]) if found else None
        if following is not None and not self.site.holds(following):
            raise AnswerError(f"The next page is not on the hub but at {shown(following)}: it is not followed.")
        return Answer(body=response.body[: self.most], etag=response.headers.get("etag"), next=following)

    def decoder(self) -> Never:
        raise Unsupported("An answer of the hub comes whole.")

    def fault(self, response: HttpResponse) -> ModelhubError:
        if response.status == 304:
            return Unchanged("Nothing has changed.")
        if response.status in _REDIRECTS and "location" in response.headers:
            return self._moved(response.headers["location"])
        return hub_fault(response, self.model, self.site)

    def learned(self, error: ModelhubError) -> Self | None:
        """The same question where the answer is."""
        return replace(self, url=error.location) if isinstance(error, _Moved) else None

    def _moved(self, location: str) -> AnswerError:
        there = urljoin(self.url, location)
        secure = there.startswith("https://") or (there.startswith("http://") and not self.url.startswith("https://"))
        if not secure:
            return AnswerError(f"The hub redirects to {shown(there)}, where nothing is fetched from.")
        moved = _Moved(f"{shown(self.url)} redirects too many times.")
        moved.location = there
        return moved
