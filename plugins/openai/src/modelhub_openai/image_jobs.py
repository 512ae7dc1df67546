"""Jobs: the older form of an answer, which says where it may be asked for, again and again, until it is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelhub.plugin import AnswerError, FollowUp, HttpResponse, ModelhubError, ProviderError
from modelhub_openai.chat_answer import reported
from modelhub_openai.site import Site

__all__ = ["job"]

_AT_WORK = frozenset({"notstarted", "running", "queued", "inprogress", "processing", "pending", "validating", "created"})
_ENDED = frozenset({"failed", "cancelled", "canceled", "deleted", "expired"})
_LONGEST = 65_536
"""Bytes of what is told of a job; a longer answer holds pictures."""


def job(response: HttpResponse, site: Site, name: str) -> FollowUp | None:
    """What to ask next; ``None`` where this is the answer. Raises where the job has ended without one."""
    said = _said(response)
    status = str(said.get("status", "")).lower().replace("_", "").replace(" ", "")
    if status in _ENDED:
        raise _ended(status, said, response, site, name)
    if "operation-location" in response.headers or (response.status == 202 and "location" in response.headers):
        if status != "succeeded":
            return FollowUp(site.get(response.headers.get("operation-location") or response.headers["location"]))
    elif response.status == 202 and not status:
        raise AnswerError(
            "The host has accepted the job, and does not say where to ask for its result.", head=response.body[:200]
        )
    return FollowUp() if status in _AT_WORK else None


def _said(response: HttpResponse) -> Mapping[str, Any]:
    if len(response.body) > _LONGEST or b'"status"' not in response.body:
        return {}
    said = json.loads(response.body)
    return said if isinstance(said, Mapping) else {}


def _ended(status: str, said: Mapping[str, Any], response: HttpResponse, site: Site, name: str) -> ModelhubError:
    if isinstance(said.get("error"), Mapping):
        return reported(site, name, {"error": said["error"]}, response)
    return ProviderError(f"The job was {status}.", code=status, provider=site.provider, model=name, raw=said)
