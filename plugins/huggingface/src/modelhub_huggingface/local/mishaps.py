"""What a library raises while it computes, as errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from modelhub.plugin import AnswerError, InvalidRequest, ModelhubError, NotEnoughMemory
from modelhub_huggingface.local.watching import Left

__all__ = ["told_apart"]


@contextmanager
def told_apart(what: str, less: str) -> Iterator[None]:
    """``what`` computes, and ``less`` says what to ask for where the memory does not suffice: a sentence."""
    try:
        yield
    except (ModelhubError, Left):
        raise
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError) as error:
        raise InvalidRequest(f"{what} refuses this request: {_said(error)}") from error
    except (MemoryError, RuntimeError) as error:
        said = _said(error)
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "allocate memory" in said:
            raise NotEnoughMemory(f"{what} found too little memory for this request. {less}") from error
        raise AnswerError(f"{what} failed: {said}") from error


def _said(error: BaseException) -> str:
    """What it says, without the pages that libraries add."""
    return " ".join(str(error).split())[:300] or type(error).__name__
