"""Text that comes from outside: standard input and files, always as UTF-8, with or without its mark."""

from __future__ import annotations

from modelhub.cli.streams import Streams
from modelhub.errors import InvalidRequest

__all__ = ["decoded", "lines", "read_bytes", "read_text", "standard_input"]


def standard_input(streams: Streams) -> str | None:
    """What was piped in; ``None`` where a person sits at the keyboard or nothing is connected."""
    if streams.stdin is None or streams.stdin.isatty():
        return None
    return decoded(streams.stdin.read(), "standard input")


def read_text(path: str) -> str:
    """A file's text. Raises ``InvalidRequest`` where there is none or it is not text."""
    return decoded(read_bytes(path), path)


def read_bytes(path: str) -> bytes:
    """A file's bytes. Raises ``InvalidRequest`` where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise InvalidRequest(f"Cannot read {path}: {error.strerror}.") from None


def decoded(data: bytes, what: str) -> str:
    """UTF-8 as text. Raises ``InvalidRequest`` that says what else ``what`` is."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InvalidRequest(f"{what} is UTF-16 text, and modelhub reads UTF-8. Convert it first.")
    if (place := data.find(b"\0")) >= 0:
        raise InvalidRequest(f"{what} is binary, not text: byte {place} is NUL.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wrong = f"byte {error.start} is 0x{data[error.start]:02x}"
        raise InvalidRequest(f"{what} is not UTF-8 text: {wrong}. Convert it to UTF-8 first.") from None


def lines(text: str) -> list[str]:
    """The lines that are not blank. Only a line feed ends a line: other separators belong to the text."""
    return [line.removesuffix("\r") for line in text.split("\n") if line.strip()]
