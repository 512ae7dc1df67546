"""A plugin's functions, called so that whatever they raise comes out typed, and shows no key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelhub.errors import AnswerError, InvalidRequest, ModelhubError
from modelhub.http import HttpRequest
from modelhub.transport.failures import raise_alone
from modelhub.transport.keys import holding, refused
from modelhub.transport.redaction import unspoken

__all__ = ["understood", "written"]


def written(build: Callable[[], HttpRequest], endpoint: object, model: str) -> HttpRequest:
    """What an endpoint builds. Raises ``InvalidRequest`` where it raises anything that is not ours."""
    try:
        return build()
    except ModelhubError as error:
        failure = [unspoken(error, holding(endpoint))]
    except Exception as error:  # noqa: BLE001  # whatever a request makes of a plugin, the caller can catch it
        told = InvalidRequest(f"The request cannot be written for {model} ({type(error).__name__}: {error}).")
        told.__cause__ = error
        failure = [unspoken(told, holding(endpoint))]
        del told
    return raise_alone(failure)


def understood(read: Callable[[], Any], outgoing: HttpRequest, data: Callable[[], bytes]) -> Any:
    """What an endpoint reads out of ``data()``. Raises ``AnswerError`` where it raises anything that is not ours."""
    try:
        return read()
    except ModelhubError as error:
        refused(error, outgoing)
        failure = [unspoken(error, outgoing, data())]
    except Exception as error:  # noqa: BLE001  # whatever a provider's answer makes of a plugin, the caller can catch it
        reason = f"{type(error).__name__}: {error}"
        told = AnswerError(f"The answer could not be understood ({reason}){_begins(data())}.", head=data()[:200])
        told.__cause__ = error
        failure = [unspoken(told, outgoing, data())]
        del told, reason  # they may show a key
    return raise_alone(failure)


def _begins(data: bytes) -> str:
    """What an answer begins with, which mostly says what it is: a page that asks to log in, say."""
    beginning = " ".join(data[:200].decode("utf-8", "replace").split())[:80]
    return f"; it begins with {beginning!r}" if beginning else "; it is empty"
