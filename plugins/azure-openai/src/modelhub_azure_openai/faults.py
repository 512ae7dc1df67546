"""What an unsuccessful answer of a resource means, and which line of the configuration mends it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from modelhub.plugin import (
    BadRequest,
    ContentFiltered,
    HttpResponse,
    KeyRefused,
    ModelhubError,
    UnknownModel,
    did_you_mean,
    fault,
)
from modelhub_azure_openai.address import Address
from modelhub_azure_openai.filters import results_in

__all__ = ["Resource", "azure_fault"]

_FILTER_CODES = ("content_filter", "contentfilter", "content_policy_violation", "responsibleaipolicyviolation")
_RETRY = re.compile(
    r"(?:retry|try again) (?:after|in) (\d+(?:\.\d+)?) ?(milliseconds|ms|seconds|s|minutes|min)?\b", re.IGNORECASE
)
_UNITS = {"milliseconds": 0.001, "ms": 0.001, "minutes": 60.0, "min": 60.0}
_REQUEST_IDS = ("apim-request-id", "x-ms-request-id", "x-request-id")


class Resource(NamedTuple):
    """Who was asked, in the words of the configuration."""

    provider: str
    address: Address
    deployment: str
    model: str
    key: str
    """Where the credential comes from, as it may be shown."""
    pasted: str | None = None
    bases: Mapping[str, str] = {}
    """What each deployment of the configuration is made of."""


def azure_fault(response: HttpResponse, place: Resource) -> ModelhubError:
    """The error, with what to do where Azure's own words do not say it."""
    said = _error(response)
    code = _text(said.get("code"))
    inner = _inner(said)
    known: dict[str, Any] = {"provider": place.provider, "model": place.model, "request_id": _request_id(response)}
    if (wait := _wait(response, _text(said.get("message")))) is not None:
        known["wait"] = wait
    if code.lower() in _FILTER_CODES or _text(inner.get("code")).lower() in _FILTER_CODES:
        return _located(_filtered(response, inner, said, known), response)
    read = fault(response, **known)
    advice = _advice(read, code, response, place)
    return _located(fault(response, f"{_sentence(read.message)} {advice}", **known) if advice else read, response)


def _filtered(
    response: HttpResponse, inner: Mapping[str, Any], said: Mapping[str, Any], known: Mapping[str, Any]
) -> ModelhubError:
    results = results_in([inner, said])
    categories = {name: _degree(result) for name, result in results.items() if result.get("filtered") is True}
    told = ", ".join(f"{name} ({degree})" for name, degree in categories.items())
    message = _text(said.get("message")) or "The content filter refused it."
    error = fault(
        response, f"{_sentence(message)} Filtered for: {told}." if told else message, **{**known, "kind": ContentFiltered}
    )
    if isinstance(error, ContentFiltered):
        error.categories = categories
        error.source = "completion" if said.get("param") not in ("prompt", None) else "prompt"
    return error


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?", "。")) else f"{words}."


def _degree(result: Mapping[str, Any]) -> str:
    return _text(result.get("severity")) or ("detected" if result.get("detected") else "filtered")


def _advice(error: ModelhubError, code: str, response: HttpResponse, place: Resource) -> str:
    words = error.message.lower()
    table = f"[providers.{place.provider}]"
    match error:
        case KeyRefused():
            return _about_the_key(code, words, table, place)
        case UnknownModel() if code == "DeploymentNotFound" or "deployment" in words:
            root, named = place.address.root, place.deployment
            return f"{root} has no deployment {named!r}; a model id ends with a deployment's name.{_meant(place)}"
        case UnknownModel() if response.status == 404:
            version = place.address.api_version
            told = f'api_version = "{version}"' if version else "api_version"
            return f"Check endpoint ({place.address.root}) and {told} in {table}: not every version has every operation."
        case BadRequest() if "api version" in words or "api-version" in words:
            return f'Write api_version = "v1" in {table}.'
        case BadRequest() if code == "OperationNotSupported":
            return f"The deployment {place.deployment!r} is of another kind of model."
    return ""


def _meant(place: Resource) -> str:
    """Which deployment may be meant: the endpoint's, the one that is made of the model of this name, or one named like it."""
    if place.pasted:
        return f' The endpoint names {place.pasted!r}: write model = "{place.provider}:{place.pasted}".'
    made = [name for name, base in place.bases.items() if base == place.model != name]
    if made:
        return f' {made[0]!r} is made of it: write model = "{place.provider}:{made[0]}".'
    return did_you_mean(place.model, [name for name in place.bases if name != place.model])


def _about_the_key(code: str, words: str, table: str, place: Resource) -> str:
    if code == "PermissionDenied" or "lacks the required data action" in words:
        return f"Give the identity the role 'Cognitive Services OpenAI User' on {place.address.root}; it takes up to 5 minutes."
    if "authenticationtypedisabled" in (code + words).lower() or "key based authentication is disabled" in words:
        return f"The resource takes no keys: write entra = true in {table}."
    if "audience" in words:
        return f"Check scope in {table}."
    if "tenant" in words:
        return f"Check tenant in entra of {table}."
    source = "the configuration" if place.key == "given" else place.key
    return f"The credential comes from {source}; it has to be one of {place.address.root}." if place.key else ""


def _wait(response: HttpResponse, words: str) -> float | None:
    """Seconds to wait, where the usual headers do not say: in words, or until a used-up limit is reset."""
    if _positive(response.headers.get("retry-after-ms")) or _positive(response.headers.get("retry-after")):
        return None
    if response.headers.get("retry-after", "").strip()[:1].isalpha():
        return None
    if found := _RETRY.search(words):
        return float(found[1]) * _UNITS.get((found[2] or "").lower(), 1.0)
    resets = [
        _positive(response.headers.get(f"x-ratelimit-reset-{what}"))
        for what in ("requests", "tokens")
        if _spent(response.headers.get(f"x-ratelimit-remaining-{what}"))
    ]
    return max((reset for reset in resets if reset), default=None) if response.status == 429 else None


def _spent(remaining: str | None) -> bool:
    return remaining is not None and re.fullmatch(r"-?\d+", remaining.strip()) is not None and int(remaining) <= 0


def _positive(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None


def _request_id(response: HttpResponse) -> str | None:
    return next((response.headers[name] for name in _REQUEST_IDS if name in response.headers), None)


def _located(error: ModelhubError, response: HttpResponse) -> ModelhubError:
    """The error with the region that answered, for whoever asks the support."""
    if region := response.headers.get("x-ms-region"):
        error.add_note(f"Answered in the region {region}.")
    return error


def _error(response: HttpResponse) -> Mapping[str, Any]:
    try:
        said = json.loads(response.body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return {}
    inner = said.get("error") if isinstance(said, Mapping) else None
    return inner if isinstance(inner, Mapping) else said if isinstance(said, Mapping) else {}


def _inner(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The inner error, in either spelling."""
    found = said.get("innererror") or said.get("inner_error")
    return found if isinstance(found, Mapping) else {}


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
