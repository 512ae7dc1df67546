"""A picture as it becomes clear: previews and the whole, or the whole answer of a model that does not stream."""

from __future__ import annotations

from binascii import a2b_base64
from typing import Any

from modelhub.plugin import (
    AnswerError,
    Finished,
    GeneratedImage,
    ImageEvent,
    ModelhubError,
    PartialImage,
    Response,
    ServerSentEvent,
    SseDecoder,
    StreamBroken,
)
from modelhub_openai.chat_answer import error_in, reported
from modelhub_openai.pictures import pictures, understood
from modelhub_openai.site import Site

__all__ = ["ImageDecoder"]

_BLANK = b"\xef\xbb\xbf \r\n\t"


class ImageDecoder:
    """One answer. It has ended well with ``...completed``; a JSON object in the place of events is the whole answer."""

    def __init__(self, site: Site, name: str) -> None:
        self._site = site
        self._name = name
        self._lines = SseDecoder()
        self._beginning = bytearray()
        self._whole: list[bytes] | None = None
        self._preview: bytes | None = None
        self._completed: dict[str, Any] | None = None
        self.done = False
        """Whether ``[DONE]`` has come."""
        self._images: list[GeneratedImage] = []

    def feed(self, data: bytes) -> list[ImageEvent]:
        if self._whole is not None:
            self._whole.append(data)
            return []
        if not self._beginning.strip(_BLANK):
            self._beginning += data[:1024]
            if self._beginning.lstrip(_BLANK).startswith(b"{"):
                self._whole = [bytes(self._beginning), data[1024:]]
                return []
        return [shown for event in self._lines.feed(data) for shown in self._heard(event)]

    def close(self) -> list[ImageEvent]:
        if self._whole is not None:
            return [Finished(self._understood(b"".join(self._whole)))]
        events = [shown for event in self._lines.close() for shown in self._heard(event)]
        if self._completed is None:
            raise StreamBroken("The stream ended before the picture was complete.", partial=self.partial())
        return [*events, Finished(pictures(self._completed, self._images))]

    def partial(self) -> Response:
        """The last preview, as a picture; a bare response where there was none."""
        if self._preview is None:
            return Response(model=self._name, provider=self._site.provider)
        return pictures({}, [GeneratedImage(self._preview)])

    def _understood(self, body: bytes) -> Any:
        try:
            return understood(body, self._site, self._name)
        except ValueError:
            raise StreamBroken("The answer ended in its middle.", partial=self.partial()) from None

    def _heard(self, event: ServerSentEvent) -> list[ImageEvent]:
        if event.data == "[DONE]":
            self.done = True
            return []
        said = event.json()
        if not isinstance(said, dict):
            raise AnswerError("An event of the stream is no JSON object.", head=event.data.encode()[:200])
        if error_in(said):
            raise self._broken(reported(self._site, self._name, said))
        kind, encoded = str(said.get("type", "")), said.pop("b64_json", None)
        if kind.endswith(".partial_image") and encoded:
            self._preview = a2b_base64(encoded)
            return [PartialImage(0, self._preview)]
        if kind.endswith(".completed") and encoded:
            self._images.append(GeneratedImage(a2b_base64(encoded)))
            self._completed = said
        return []

    def _broken(self, error: ModelhubError) -> ModelhubError:
        """The error as it is where nothing had come, else as that of a stream that broke."""
        return error if self._preview is None else StreamBroken(error.message, partial=self.partial(), code=None)
