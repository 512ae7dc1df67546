"""Jobs: providers that accept a request, say where its result will be, and are asked again until it is there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from modelhub.plugin import FollowUp, HttpResponse, ProviderError, sniff
from modelhub_huggingface.router.served import Served

__all__ = ["HELD_OPEN", "delivery", "fal", "inline", "replicate", "told", "wavespeed", "zai"]

_SOON = 0.5
"""Seconds between two questions, as the providers' own clients ask."""
_QUEUE = "?_subdomain=queue"
HELD_OPEN = {"prefer": "wait"}
"""Asks Replicate to answer with the result, if it is there within a minute."""


def told(response: HttpResponse) -> Mapping[str, Any] | None:
    """What an answer says; ``None`` where it is the picture or the sound itself, or no object at all."""
    if sniff(response.body) is not None or response.body.lstrip()[:1] != b"{":
        return None
    try:
        said = json.loads(response.body)
    except ValueError:
        return None
    return said if isinstance(said, Mapping) else None


def delivery(served: Served, places: Sequence[str]) -> FollowUp | None:
    """The way to a result that lies somewhere as one file; ``None`` where it is in the answer, or there are several."""
    if len(places) == 1 and "://" in places[0][:8]:
        return FollowUp(served.router.fetch(places[0]), 0.0)
    return None


def inline(said: Mapping[str, Any], served: Served) -> None:  # the others need it
    """No job: the answer is the result."""


def fal(said: Mapping[str, Any], served: Served) -> FollowUp | None:
    """The queue of fal: the status of a request, and behind it its result."""
    status = said.get("status")
    if status is None or not said.keys() & {"request_id", "response_url"}:
        return None
    path = urlsplit(str(said.get("response_url") or "")).path.strip("/")
    if not path and (number := said.get("request_id")):
        path = f"{'/'.join(served.id.split('/')[:2])}/requests/{number}"  # what stands behind is no part of the queue's name
    if status == "COMPLETED":
        return FollowUp(served.get(path + _QUEUE), 0.0)
    if status in ("IN_QUEUE", "IN_PROGRESS"):
        return FollowUp(served.get(f"{path}/status{_QUEUE}") if path else None, _SOON)
    raise _failed(status, said.get("error"), said, served)


def replicate(said: Mapping[str, Any], served: Served) -> FollowUp | None:
    """A prediction that took longer than the minute for which the request was held open."""
    status = said.get("status")
    if status in ("failed", "canceled", "aborted"):
        raise _failed(status, said.get("error"), said, served)
    if said.get("output") is not None or status not in ("starting", "processing"):
        return None
    where = said.get("urls")
    address = where.get("get") if isinstance(where, Mapping) else None
    path = urlsplit(str(address)).path.strip("/") if address else f"v1/predictions/{said.get('id')}"
    return FollowUp(served.get(path), _SOON)


def wavespeed(said: Mapping[str, Any], served: Served) -> FollowUp | None:
    """A prediction under ``data``, with the address of its result."""
    data = said.get("data")
    if not isinstance(data, Mapping):
        return None
    status = data.get("status")
    if status == "failed":
        raise _failed(status, data.get("error"), said, served)
    if data.get("outputs") or status not in ("created", "processing"):
        return None
    where = data.get("urls")
    address = where.get("get") if isinstance(where, Mapping) else None
    return FollowUp(served.get(urlsplit(str(address)).path.strip("/")) if address else None, _SOON)


def zai(said: Mapping[str, Any], served: Served) -> FollowUp | None:
    """A task, whose result is asked for by its number."""
    status = said.get("task_status")
    if status == "FAIL":
        raise _failed(status, None, said, served)
    if status != "PROCESSING":
        return None
    number = said.get("id")
    return FollowUp(served.get(f"api/paas/v4/async-result/{number}") if number else None, 4 * _SOON)


def _failed(status: object, reason: object, said: Mapping[str, Any], served: Served) -> ProviderError:
    why = reason.get("message") if isinstance(reason, Mapping) else reason
    message = f"{served.by} gave the job up ({status}){f': {why}' if why else '.'}"
    return ProviderError(message, code=str(status), provider=served.provider, model=served.model, raw=said)
