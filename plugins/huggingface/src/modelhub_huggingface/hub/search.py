"""The models of the hub that a query asks for; offline, those of which something is known on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from modelhub.plugin import AnswerError, ModelCard, Query, Runtime, Searched, Unsupported, matches, ordered, unknown
from modelhub_huggingface.hub.asking import ask
from modelhub_huggingface.hub.cards import Known, card_of
from modelhub_huggingface.hub.describe import kept_cards, table_in
from modelhub_huggingface.hub.local import local
from modelhub_huggingface.hub.parameters import Fields, questions, wants_price
from modelhub_huggingface.hub.prices import priced
from modelhub_huggingface.hub.reading import tables, text, under
from modelhub_huggingface.hub.source import Source, offline_by, source
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["search"]

_MOST_PAGES = 10
_MOST_CONFIGURATIONS = 100
_CONFIGURATION = 1 << 20
_HUBS_ORDERS = (None, "downloads", "likes", "updated")
_WINDOWED = ("text", "embedding", "reranking")


async def search(query: Query, options: HuggingFaceOptions | None, runtime: Runtime) -> tuple[ModelCard, ...]:
    """The most downloaded first, or in the order that is asked for; of what the hub itself does not order, the most downloaded.

    Offline, it looks through the models in the hub's cache and the cards that were kept; with an endpoint, through what that
    runs: the hub's other models cannot be asked there. Raises what asking a server may raise.
    """
    options = options or HuggingFaceOptions()
    if options.place("owner/model") == "endpoint":
        return await _at_endpoint(query, options, runtime)
    why = offline_by(options)
    hub = await source(options, runtime, offline=why is not None)
    if hub.offline:
        note = f"the hub was not asked ({why}): these are the models of which something is kept on this machine."
        found = {one.model: one for one in (*await runtime.in_thread(_local, options), *await kept_cards(options, hub))}
        return Searched(_kept(found.values(), query, query), note=note)
    place = options.place("owner/model")
    if query.local not in (None, place == "local") or (wants_price(query) and place != "router"):
        return ()
    look = _Look(hub, options, query)
    asked = questions(query)
    most = max(2, _MOST_PAGES // max(1, len(asked)))
    pages = await runtime.gather(*(partial(look.through, fields, most) for fields in asked))
    known = {one.name: one for one in chain.from_iterable(page.found for page in pages)}
    return Searched(_kept(await look.cards(known.values()), look.loose, query), note=look.note(pages))


async def _at_endpoint(query: Query, options: HuggingFaceOptions, runtime: Runtime) -> tuple[ModelCard, ...]:
    from modelhub_huggingface.endpoints.listing import listing

    words = Query(search=query.search)
    return tuple(one for one in await listing(options, runtime) if matches(one, words))


def _local(options: HuggingFaceOptions) -> tuple[ModelCard, ...]:
    return tuple(one for one in local(options) if one.file_bytes is not None)


def _kept(cards: Iterable[ModelCard], wanted: Query, query: Query) -> tuple[ModelCard, ...]:
    """All that fit as far as is known, in their order: whoever asks counts what does not say all, and what is too many."""
    fit = [one for one in cards if unknown(one, wanted) is not None]
    return tuple(ordered(fit, query.sort or "downloads"))


class _Seen(NamedTuple):
    """What one question brought: what fits of it, of how many, and whether these were all."""

    found: list[Known]
    rows: int
    whole: bool


class _Look:
    """One search: what is asked for, and where."""

    def __init__(self, hub: Source, options: HuggingFaceOptions, query: Query) -> None:
        self.hub = hub
        self.options = options
        self.loose = replace(query, search=None)
        """Without the words: the hub has looked for them in more than a card tells."""
        self.late = replace(self.loose, min_context=None, max_price=None)
        """Without what the hub's interface does not tell of a model."""
        self.wants_context = query.min_context is not None or query.sort == "context"
        self.wants_price = wants_price(query)

    async def through(self, fields: Fields, most: int) -> _Seen:
        """What the first pages hold that fits as far as is known, until enough of it fits for certain."""
        url = self.hub.site.models(fields)
        found: list[Known] = []
        seen = sure = 0
        for _ in range(most):
            answer = await ask(self.hub.site, url, self.hub.runtime)
            rows = _rows(answer.body)
            fates = [(one, self._lacking(one)) for row in rows if (one := _known(row)) is not None]
            found += (one for one, lacking in fates if lacking is not None)
            sure += sum(lacking == () for _, lacking in fates)
            seen += len(rows)
            if answer.next is None:
                return _Seen(found, seen, whole=True)
            if sure >= self._enough():
                break
            url = answer.next
        return _Seen(found, seen, whole=False)

    def note(self, pages: Iterable[_Seen]) -> str:
        """How much of the hub was looked through, where that is not all."""
        asked = list(pages)
        if all(page.whole for page in asked):
            return ""
        first = {"likes": "most liked", "updated": "newest"}.get(self.loose.sort or "", "most downloaded")
        here = "" if self.loose.sort in _HUBS_ORDERS else f": these are ordered by {self.loose.sort}"
        return f"the hub has more than the {sum(page.rows for page in asked)} {first} ones that were looked through{here}."

    async def cards(self, known: Iterable[Known]) -> list[ModelCard]:
        """The cards, with their context windows and their prices where these are asked for."""
        found = list(known)
        if self.wants_context:
            some, rest = found[:_MOST_CONFIGURATIONS], found[_MOST_CONFIGURATIONS:]
            found = [*await self.hub.runtime.gather(*(partial(self._configured, one) for one in some)), *rest]
        cards = [self._card(one) for one in found]
        return await priced(cards, self.options, self.hub.runtime) if self.wants_price else cards

    def _enough(self) -> int:
        late = self.wants_context or self.wants_price
        return max(self.loose.limit, _MOST_CONFIGURATIONS) if late else self.loose.limit

    def _card(self, known: Known) -> ModelCard:
        return card_of(known, self.hub.site, self.options)

    def _lacking(self, known: Known) -> tuple[str, ...] | None:
        """What is asked for and not told of it; ``None`` for what does not fit."""
        try:
            return unknown(self._card(known), self.late)
        except Unsupported:
            return None

    async def _configured(self, known: Known) -> Known:
        """The same with the configuration of its network, which tells its context window."""
        info, found = known.info, self._card(known)
        if found.context_window is not None or found.kind not in _WINDOWED:
            return known
        everyones = info.get("private") is False and info.get("gated") is False
        said = await self.hub.file(known.name, text(info.get("sha")), "config.json", everyones=everyones, most=_CONFIGURATION)
        return replace(known, config=table_in(said))


def _known(row: Mapping[str, Any]) -> Known | None:
    name = row.get("id") or row.get("modelId")
    return Known(name=name, info=row, front=under(row, "cardData")) if isinstance(name, str) else None


def _rows(body: bytes) -> tuple[Mapping[str, Any], ...]:
    try:
        said: object = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, list):
        message = "What came is no list of models: is something else between the hub and this machine?"
        raise AnswerError(message, head=body[:200])
    return tables(said)
