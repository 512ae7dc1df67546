"""What went wrong on the way, in our own words: neither keys nor paths in them, and no library's exception behind them."""

from __future__ import annotations

from typing import Never

from modelhub.errors import AnswerError, InvalidRequest, ModelhubError, OutcomeUnknown, Unreachable
from modelhub.http import origin

__all__ = ["broken", "invalid_address", "raise_alone", "unconnected", "undecodable"]


def raise_alone(failure: list[ModelhubError]) -> Never:
    """Raise the one error of the list. Called after an ``except``, it leaves behind the error nothing of what was caught.

    It stands in a list, which is emptied, because an error that a frame of its own traceback names would keep itself alive.
    """
    raise failure.pop()


def unconnected(url: str, reason: str) -> Unreachable:
    """No connection was made."""
    return Unreachable(f"Cannot connect to {origin(url)}: {reason or 'refused'}. Check the address and the network.")


def broken(url: str, reason: str, *, sent: bool) -> Unreachable | OutcomeUnknown:
    """The connection broke before the answer had ended. ``sent``: after the request was out."""
    message = f"The connection to {origin(url)} broke: {(reason or 'it was closed').rstrip('.')}."
    if not sent:
        return Unreachable(message)
    return OutcomeUnknown(f"{message} The request was out: it may have been served, and paid for, so it is not sent again.")


def undecodable(url: str, reason: str) -> AnswerError:
    """The body is not compressed as its headers say."""
    return AnswerError(f"{origin(url)} sent a body that cannot be decompressed: {reason}.")


def invalid_address(url: str) -> InvalidRequest:
    """Not something that a request can be sent to."""
    return InvalidRequest(f"{origin(url)!r} is not an address to send to: it must be http://host or https://host.")
