"""What the hub tells: asked now, or kept from before where it is not to be asked, cannot be, or says that it still holds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from modelhub.plugin import (
    AnswerError,
    BadRequest,
    KeyMissing,
    KeyRefused,
    ModelhubError,
    Runtime,
    TransportError,
    UnknownModel,
)
from modelhub_huggingface.credential import says_yes
from modelhub_huggingface.hub.asking import Unchanged, ask
from modelhub_huggingface.hub.cache import Cache, Kept, cache_of
from modelhub_huggingface.hub.site import Site, site
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["Source", "Told", "is_offline", "offline_by", "source", "table"]


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, and why it was not asked for now: ``None`` where the hub was asked, or need not be."""

    kept: Kept
    old: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The hub as one caller sees it."""

    site: Site
    cache: Cache
    runtime: Runtime
    offline: bool

    async def info(self, model: str, url: str) -> tuple[Mapping[str, Any], Told]:
        """What the hub's interface tells of a model. Raises what asking a server may raise."""
        told = await self._told(url, model, _is_everyones)
        return table(told.kept.body), told

    async def file(self, model: str, commit: str | None, path: str, *, everyones: bool, most: int) -> str | None:
        """The first ``most`` bytes of a text file; ``None`` where it is not to be had.

        At a commit it never changes: what was kept is not asked for again. Without one, it is that of ``main``.
        """
        url = self.site.file(model, commit or "main", path)
        try:
            return (await self._told(url, model, lambda _: everyones, most, fixed=commit is not None)).kept.body
        except (UnknownModel, KeyRefused, BadRequest, TransportError):
            return None

    async def _told(
        self, url: str, model: str, everyones: Callable[[str], bool], most: int | None = None, *, fixed: bool = False
    ) -> Told:
        kept = await self.runtime.in_thread(self.cache.read, url)
        if kept is not None and fixed:
            return Told(kept)
        if self.offline:
            return Told(_there(kept, model, self.site), "it was not to be asked")
        try:
            etag = kept.etag if kept else None
            retries = 0 if kept else None  # what was kept does as well
            answer = await ask(self.site, url, self.runtime, model=model, etag=etag, most=most, retries=retries)
            kept = Kept(url=url, body=answer.body.decode("utf-8-sig", "replace"), etag=answer.etag)
        except Unchanged:
            kept = _there(kept, model, self.site)
        except ModelhubError as error:
            if kept is None or not (error.retryable or isinstance(error, TransportError)):
                raise
            return Told(kept, f"it could not be asked ({error.message.rstrip('.')})")
        await self.runtime.in_thread(partial(self.cache.keep, kept, everyones=everyones(kept.body)))
        return Told(kept)


def _there(kept: Kept | None, model: str, at: Site) -> Kept:
    if kept is None:
        message = f"No card of {model} is kept on this machine, and the hub is not to be asked (offline)."
        raise UnknownModel(message, provider=at.provider, model=model)
    return kept


def _is_everyones(body: str) -> bool:
    """Whether a model's page is one that everybody sees."""
    said = table(body)
    return said.get("private") is False and said.get("gated") is False


def table(body: str) -> Mapping[str, Any]:
    """A JSON object. Raises ``AnswerError`` for anything else."""
    try:
        said: object = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, Mapping):
        head = body[:200].encode("utf-8", "replace")
        raise AnswerError("What came is no answer of a hub: is something else between it and this machine?", head=head)
    return said


def is_offline(options: HuggingFaceOptions) -> bool:
    """Whether the hub is not to be asked."""
    return offline_by(options) is not None


def offline_by(options: HuggingFaceOptions) -> str | None:
    """What says that the hub is not to be asked; ``None`` where nothing does."""
    if options.offline:
        return f"[providers.{options.provider}] offline"
    said = next((name for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE") if os.environ.get(name)), "")
    return said if says_yes(said) else None


async def source(options: HuggingFaceOptions, runtime: Runtime, *, offline: bool) -> Source:
    """The hub that the options mean. Raises ``KeyMissing`` where a configured token is not there; offline, none is needed."""
    at = site(options)
    try:
        if at.token is not None and not at.token.loaded:
            await runtime.in_thread(at.token.load)
        cache = cache_of(at.url, at.token)
    except KeyMissing:
        if not offline:
            raise
        cache = cache_of(at.url, None)
    return Source(at, cache, runtime, offline)
