"""Why a hub does not give a file, and what its caller may do."""

from __future__ import annotations

from modelhub.errors import KeyRefused, ModelhubError, UnknownModel
from modelhub.http import HttpResponse, shown
from modelhub.transport.faults import fault

__all__ = ["refusal"]


def refusal(response: HttpResponse, address: str, advice: str) -> ModelhubError:
    """An answer that is no file, as an exception that says what to do."""
    said = response.headers.get("x-error-message", "")
    code = response.headers.get("x-error-code")
    error = fault(response, said or None, code=code)
    told = (said or _short(error.message)).rstrip(". ")
    sentence = f"{shown(address)} was refused ({response.status}{': ' if told else ''}{told})."
    if isinstance(error, KeyRefused):
        sentence = f"{sentence} {advice}" if advice else sentence
    elif isinstance(error, UnknownModel):
        sentence = f"There is no file at {shown(address)} ({response.status}{': ' if told else ''}{told})."
    error.args = (sentence,)
    return error


def _short(message: str) -> str:
    """A message of an API; a whole page says nothing that fits on a line."""
    return "" if "<" in message else " ".join(message.split())[:200]
