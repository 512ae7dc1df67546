"""One token's chunk is like the next: what is around the text is compared as bytes, and only the text is read."""

from __future__ import annotations

__all__ = ["Template"]

_OBFUSCATION = b'"obfuscation":"'


class Template:
    """A chunk that was parsed and held nothing but a piece of one text.

    Another whose bytes differ from it in that string alone, and in OpenAI's random padding, is the same JSON with another
    string: it needs no parsing, and what else it says is known already.
    """

    __slots__ = ("_after", "_before", "_between", "_end", "_length", "_padded", "_start", "says")

    def __init__(self, says: str, before: bytes, after: bytes, padded: bool) -> None:
        self.says = says
        """What its text is: ``content``, ``reasoning`` or ``refusal``."""
        self._before = before
        self._length = len(before)
        self._after = after
        self._padded = padded
        self._start = b"data: " + before
        self._end = after + b"\n\n"
        self._between = self._end + self._start

    @classmethod
    def of(cls, data: bytes, member: str, said: str, says: str) -> Template | None:
        """The template that a chunk gives which was parsed, and whose ``member`` said this; ``None`` where it is not plain."""
        opening = b'"%s":"' % member.encode()
        start = data.find(opening) + len(opening)
        end = data.find(b'"', start)
        text = data[start:end]
        if data.count(opening) != 1 or b"\\" in text or text.decode("utf-8", "replace") != said:
            return None
        after = data[end:]
        padding = after.find(_OBFUSCATION)
        if padding < 0:
            return cls(says, data[:start], after, padded=False)
        known = after[: padding + len(_OBFUSCATION)]
        return cls(says, data[:start], known, padded=True) if _is_padding(after[len(known) :]) else None

    def texts(self, data: bytes) -> tuple[list[str], int]:
        """The texts of the events like this one that a stream goes on with, all cut out at once; and where these events end."""
        if self._padded or not data.startswith(self._start):
            return [], 0
        *texts, last = data[len(self._start) :].split(self._between)
        end = last.find(self._end)
        rest = len(self._start) + len(last)
        if end >= 0:
            texts.append(last[:end])
            rest = len(last) - end - len(self._end)
        together = b"".join(texts)
        if b'"' in together or b"\\" in together or b"\n" in together:
            return [], 0  # something else stands between them
        return [text.decode("utf-8", "replace") for text in texts], len(data) - rest

    def text(self, data: bytes) -> str | None:
        """The text of a chunk that is like this one; ``None`` for any other."""
        if not data.startswith(self._before):
            return None
        end = data.find(b'"', self._length)
        text, after = data[self._length : end], data[end:]
        if b"\\" in text:
            return None
        if after != self._after and not (
            self._padded and after.startswith(self._after) and _is_padding(after[len(self._after) :])
        ):
            return None
        return text.decode("utf-8", "replace")


def _is_padding(rest: bytes) -> bool:
    """Letters and digits, and the end of string and object."""
    return rest.endswith(b'"}') and (len(rest) == 2 or rest[:-2].isalnum())
