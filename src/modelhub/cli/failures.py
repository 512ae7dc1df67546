"""An error as one line for a person, as a document for a program, and as an exit code for a shell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from modelhub.errors import ModelhubError, RequestError, SetupError, UnknownModel

if TYPE_CHECKING:
    from modelhub.cli.context import Context

__all__ = ["report"]

FAILED = 1
MISUSED = 2


def report(error: Exception, context: Context) -> int:
    """Say it on standard error (and with ``--json`` as a document on standard output); give the exit code."""
    if os.environ.get("MODELHUB_TRACEBACK", "0") not in ("", "0"):
        _show_traceback(error, context)
    sentence = _sentence(error)
    context.streams.stdout.flush()
    context.streams.stderr.write(f"modelhub: {sentence}\n")
    context.streams.stderr.flush()
    if context.options.json:
        retryable = isinstance(error, ModelhubError) and error.retryable
        context.document({"error": {"type": type(error).__name__, "message": sentence, "retryable": retryable}})
    unsent = isinstance(error, UnknownModel) and error.status is None  # the plugin's own list has no such model
    return MISUSED if unsent or isinstance(error, SetupError | RequestError) else FAILED


def _sentence(error: Exception) -> str:
    match error:
        case ModelhubError():
            return " ".join(error.message.split()) or type(error).__name__
        case OSError() if error.filename is not None:
            return f"{error.filename}: {error.strerror}."
        case OSError():
            return f"{error.strerror or error}."
    return f"{type(error).__name__}: {' '.join(str(error).split())} (MODELHUB_TRACEBACK=1 shows where)"


def _show_traceback(error: Exception, context: Context) -> None:
    import traceback

    context.streams.stderr.write("".join(traceback.format_exception(error)))
