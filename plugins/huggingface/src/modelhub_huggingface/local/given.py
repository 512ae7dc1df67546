"""What a call, or the options, hand to the library that computes, as it is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from modelhub.plugin import InvalidRequest, Request, did_you_mean
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.waiting import ON_LOADING

__all__ = ["given", "known", "only"]


def given(request: Request, options: HuggingFaceOptions, ours: Collection[str] = ()) -> dict[str, Any]:
    """The ``arguments`` of the options, and over them what the request has in ``extra`` for this provider.

    Raises ``InvalidRequest`` for one of ``ours``: what the request says in words of its own.
    """
    extra = {name: value for name, value in request.extra.get(options.provider, {}).items() if name != ON_LOADING}
    arguments = {**options.arguments, **extra}
    for name in arguments:
        if name in ours:
            raise InvalidRequest(f"{name!r} is no argument to be set beside a request: it is made of the request itself.")
    return arguments


def only(names: Sequence[str], request: Request, options: HuggingFaceOptions, what: str) -> dict[str, Any]:
    """As ``given``, where nothing else than ``names`` is taken: what is not looked at is refused."""
    arguments = given(request, options)
    for name in arguments:
        if name not in names:
            takes = f"takes the arguments {' and '.join(names)}, not" if names else "takes no arguments, so not"
            raise InvalidRequest(f"{what} {takes} {name!r}.{did_you_mean(name, names)}")
    return arguments


def known(arguments: Mapping[str, Any], function: Callable[..., Any], what: str) -> None:
    """Raise ``InvalidRequest`` for an argument that the library's function has no name for."""
    parameters = inspect.signature(function).parameters
    for name in arguments:
        if name not in parameters:
            raise InvalidRequest(f"{what} takes no argument {name!r}.{did_you_mean(name, sorted(parameters))}")
