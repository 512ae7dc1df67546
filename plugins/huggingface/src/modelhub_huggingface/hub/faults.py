"""What it means when the hub refuses, and what its caller may do."""

from __future__ import annotations

from typing import TypedDict

from modelhub.plugin import HttpResponse, KeyRefused, ModelhubError, UnknownModel, fault
from modelhub_huggingface.hub.site import Site

__all__ = ["MISSING_FILE", "hub_fault"]

MISSING_FILE = "EntryNotFound"
"""The code of the error for a file that a repository does not have."""
_BAD_TOKEN = ("invalid credentials", "expired")


def hub_fault(response: HttpResponse, model: str, site: Site) -> ModelhubError:
    """An unsuccessful answer about a model, or about none, as an exception that says what to do.

    The hub answers 401 also where there is no such model: it tells nobody whether there is a private one.
    """
    code = response.headers.get("x-error-code", "")
    said = response.headers.get("x-error-message", "").strip()
    kind, sentence = _meaning(response.status, code, said, model, site)
    error = fault(response, sentence or said or None, code=code or None, provider=site.provider, model=model, **kind)
    if not sentence:
        error.args = (f"The hub refused to answer ({response.status}): {error.message}",)
    return error


class _Kind(TypedDict, total=False):
    kind: type[ModelhubError]


def _meaning(status: int, code: str, said: str, model: str, site: Site) -> tuple[_Kind, str]:
    """The class of an error that the hub names, and its sentence; nothing for what is read like any other server's."""
    page = site.page(model)
    refused: _Kind = {"kind": KeyRefused}
    unknown: _Kind = {"kind": UnknownModel}
    match code:
        case "GatedRepo":
            with_token = "with the account whose token is used here" if site.token else "and set HF_TOKEN to a token of yours"
            return refused, f"{model} is given only to those who accepted its terms: accept them at {page} {with_token}."
        case "RevisionNotFound":
            return unknown, f"{model} has no such revision: its branches and commits are listed at {page}/commits/main."
        case "EntryNotFound":
            return unknown, f"{model} has no such file: its files are listed at {page}/tree/main."
    if "disabled" in said.lower():
        return unknown, f"The hub no longer gives {model or 'this'}: {said}"
    if status == 401 and (not model or any(words in said.lower() for words in _BAD_TOKEN)):
        return (
            refused,
            f"The hub does not accept the token from {site.token!r}: make another at {site.page('settings/tokens')}.",
        )
    if model and (code == "RepoNotFound" or status in (401, 404)):
        hint = "its token has no access to it" if site.token else "set HF_TOKEN to a token that has access to it"
        return unknown, f"The hub has no model {model}, as far as it tells. If it is private, {hint}."
    return {}, ""
