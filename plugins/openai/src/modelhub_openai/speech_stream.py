"""A sound as it comes: bare bytes, or events that carry them; and the error that may stand in its place."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from modelhub.plugin import (
    AnswerError,
    AudioDelta,
    Finished,
    ModelhubError,
    ServerSentEvent,
    SpeechEvent,
    SpeechResponse,
    SseDecoder,
    StreamBroken,
    Usage,
    read_wav,
    sniff,
)
from modelhub_openai.chat_answer import error_in, reported
from modelhub_openai.site import Site
from modelhub_openai.usage import read_usage

__all__ = ["SpeechDecoder"]

_EVENTS = (b"data:", b"event:", b"id:", b"retry:", b":")
_LONGEST_TEXT = 65_536


class SpeechDecoder:
    """One sound. Its first bytes tell what it is: events, text (which is no sound, and is held back to be told), or sound."""

    def __init__(self, site: Site, name: str) -> None:
        self._site = site
        self._name = name
        self._held: bytearray | None = bytearray()
        self._lines: SseDecoder | None = None
        self._sound = bytearray()
        self._usage: Any = None
        self.done = False
        """Whether the last event has come: the sound is complete, whether or not the body ends."""

    def feed(self, data: bytes) -> Iterable[SpeechEvent]:
        if self._held is None:
            return self._read(data)
        self._held += data
        beginning = bytes(self._held)
        if _undecided(beginning):
            return []
        self._held = None
        if beginning.startswith(_EVENTS):
            self._lines = SseDecoder()
        return self._read(beginning)

    def close(self) -> list[SpeechEvent]:
        held, self._held = bytes(self._held or b""), None
        if _is_text(held):
            raise self._told(held)
        events = list(self._read(held))
        for event in self._lines.close() if self._lines else ():
            events += self._heard(event)
        if self._lines and not self.done:
            raise StreamBroken("The stream ended in the middle of the sound.", partial=self.partial())
        if not self._sound:
            raise AnswerError("The answer holds no sound.")
        return [*events, Finished(self.partial())]

    def partial(self) -> SpeechResponse:
        """The sound so far. ``media_type`` is empty where its bytes do not tell."""
        sound = bytes(self._sound)
        wav = read_wav(sound)
        return SpeechResponse(
            model=self._name,
            provider=self._site.provider,
            audio=sound,
            media_type=sniff(sound) or "",
            sample_rate=wav.form.rate if wav else None,
            duration=wav.seconds if wav else None,
            usage=read_usage(self._usage) if self._usage else Usage(),
            raw=self._usage and {"usage": self._usage},
        )

    def _read(self, data: bytes) -> Iterable[SpeechEvent]:
        """One by one, so that what stands before an error is given."""
        if self._lines is None:
            return self._more(data)
        return (said for event in self._lines.feed(data) for said in self._heard(event))

    def _more(self, sound: bytes) -> list[SpeechEvent]:
        self._sound += sound
        return [AudioDelta(sound)] if sound else []

    def _heard(self, event: ServerSentEvent) -> list[SpeechEvent]:
        if event.data == "[DONE]" or self.done:
            return []
        said = event.json()
        if not isinstance(said, dict):
            return []
        if error_in(said):
            raise self._broken(reported(self._site, self._name, said))
        match said.get("type"):
            case "speech.audio.delta":
                return self._more(base64.b64decode(said.get("audio") or ""))
            case "speech.audio.done":
                self.done, self._usage = True, said.get("usage")
        return []

    def _broken(self, error: ModelhubError) -> ModelhubError:
        """The error as it is where nothing had come, else as that of a stream that broke."""
        return StreamBroken(error.message, partial=self.partial()) if self._sound else error

    def _told(self, text: bytes) -> ModelhubError:
        """What a text means that came in the place of a sound."""
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        if isinstance(said, dict) and error_in(said):
            return reported(self._site, self._name, said)
        return AnswerError("The answer is text, and no sound.", head=text[:200])


def _undecided(beginning: bytes) -> bool:
    """Whether more bytes are needed to tell what this is."""
    if any(mark.startswith(beginning) and mark != beginning for mark in _EVENTS):
        return True
    return len(beginning) < _LONGEST_TEXT and _is_text(beginning)


def _is_text(beginning: bytes) -> bool:
    """Whether it begins like JSON or HTML, and all of it can be read: a sound soon has bytes that cannot."""
    if beginning.lstrip()[:1] not in (b"{", b"<"):
        return False
    try:
        text = beginning.decode()
    except UnicodeDecodeError as error:
        if error.end < len(beginning):  # a letter may be cut at the end
            return False
        text = beginning[: error.start].decode()
    return all(letter.isprintable() or letter in "\r\n\t" for letter in text)
