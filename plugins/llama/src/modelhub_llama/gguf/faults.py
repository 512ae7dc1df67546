"""Why a file is not taken for a GGUF model, in a sentence that says what to do."""

from __future__ import annotations

from typing import Literal

from modelhub.plugin import SetupError

__all__ = ["GgufError", "Reason", "foreign"]

Reason = Literal[
    "missing",
    "empty",
    "not-gguf",
    "truncated",
    "absurd",
    "big-endian",
    "old-version",
    "new-version",
    "git-lfs",
    "html",
    "no-model",
]


class GgufError(SetupError):
    """A file cannot be used as a GGUF model. ``file`` is its path, ``reason`` a word for programs."""

    def __init__(self, message: str, *, file: str = "", reason: Reason = "not-gguf") -> None:
        super().__init__(f"{file}: {message}" if file else message)
        self.file = file
        self.reason = reason


_OLD = {b"tjgg", b"fmgg", b"lmgg", b"algg"}  # the formats before GGUF, as they lie in a file
_AGAIN = "Download the file again."


def foreign(head: bytes, file: str) -> GgufError:
    """The error for a file that begins with ``head``, which is not how GGUF begins."""

    def fault(reason: Reason, message: str) -> GgufError:
        return GgufError(message, file=file, reason=reason)

    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if not head:
        return fault("empty", f"the file is empty. {_AGAIN}")
    if head.startswith(b"version https://git-lfs"):
        return fault("git-lfs", "this is a Git-LFS pointer, not the model. Fetch the file itself: git lfs pull")
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--")):
        page = "this is a web page, not the model: use the address of the file itself ('resolve', not 'blob'),"
        return fault("html", f"{page} and a token where the model is gated.")
    if head[:4] in _OLD:
        return fault(
            "old-version", "this is a format from before GGUF, which no engine reads any more. Get a GGUF of the model."
        )
    if b"GGUF".startswith(head):
        return fault("truncated", f"the file ends within its first bytes. {_AGAIN}")
    return fault("not-gguf", f"this is no GGUF file: it begins with {_spelled(head[:8])}{_guess(head)}.")


def _spelled(head: bytes) -> str:
    """The bytes as a person reads them: text as it is, others as digits."""
    return f"'{head.decode()}'" if head.isascii() and head.decode().isprintable() else f"the bytes {head.hex(' ')}"


def _guess(head: bytes) -> str:
    if head.startswith((b"PK\x03\x04", b"\x80\x02")):
        return " and looks like PyTorch weights; convert them with llama.cpp's convert_hf_to_gguf.py"
    if head[8:9] == b"{":
        return " and looks like safetensors; convert them with llama.cpp's convert_hf_to_gguf.py"
    return " and looks like JSON" if head[:1] in b"{[" else ""
