"""One token's chunk is like the next: what is around the text is compared as bytes, and only the text is read."""

from __future__ import annotations

__all__ = ["Template"]

_OBFUSCATION = b'"obfuscation":"'


class Template:
    """A chunk that was parsed and held nothing but a piece of one text.

    Another whose bytes differ from it in that string alone, and in OpenAI's random padding, is the same JSON with another
    string: it needs no parsing, and what else it says is known already.
    """

    __slots__ = ("_after", "_before", "_length", "_padded", "says")

    def __init__(self, says: str, before: bytes, after: bytes, padded: bool) -> None:
        self.says = says
        """What its text is: ``content``, ``reasoning`` or ``refusal``."""
        self._before = before
        self._length = len(before)
        self._after = after
        self._padded = padded

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
