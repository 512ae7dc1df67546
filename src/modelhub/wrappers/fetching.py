"""Sounds that are an address: read, for models that take files."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from modelhub.errors import InvalidRequest
from modelhub.http import HttpRequest, HttpResponse, shown
from modelhub.interfaces.media import AudioPart
from modelhub.interfaces.transcription import TranscriptionEvent, TranscriptionRequest, TranscriptionResponse
from modelhub.model import Runtime, Wrapper
from modelhub.wrappers.deadline import Deadline

__all__ = ["Fetching"]

_MOVED = (301, 302, 303, 307, 308)
_MOST_MOVES = 5


class Fetching(Wrapper[TranscriptionRequest, TranscriptionResponse, TranscriptionEvent]):
    """Reads a sound that is given as an address, and passes on its bytes, within the time of the call.

    The address is asked without any key; up to five redirects are followed, none of them from https to http. A model whose
    card says ``audio_urls`` reads addresses itself.
    """

    async def call(self, request: TranscriptionRequest, runtime: Runtime) -> TranscriptionResponse:
        return await self.inner.call(await self._read(request, runtime), runtime)

    async def stream(self, request: TranscriptionRequest, runtime: Runtime) -> AsyncGenerator[TranscriptionEvent, None]:
        asked = await self._read(request, runtime)
        async with aclosing(self.inner.stream(asked, runtime)) as events:
            async for event in events:
                yield event

    async def _read(self, request: TranscriptionRequest, runtime: Runtime) -> TranscriptionRequest:
        url = request.audio.url
        if url is None or self.card.supports("audio_urls"):
            return request
        deadline = Deadline(request.timeouts, runtime)
        response = await _got(url, deadline, runtime)
        if not 200 <= response.status < 300 or not response.body:
            reason = f"the server answers {response.status}" if response.body else "it is empty"
            raise InvalidRequest(f"The sound at {shown(url)} cannot be read: {reason}.")
        said = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        name = request.audio.name or urlsplit(url).path.rpartition("/")[2] or None
        sound = AudioPart(data=response.body, name=name)
        if sound.media_type is None and said.startswith("audio/"):
            sound = AudioPart(data=response.body, name=name, media_type=said)
        return replace(request, audio=sound, timeouts=deadline.left())


async def _got(url: str, deadline: Deadline, runtime: Runtime) -> HttpResponse:
    """What the address holds, or the one to which it sends us."""
    for _ in range(_MOST_MOVES + 1):
        response = await runtime.send(HttpRequest("GET", url, {"accept": "audio/*, */*;q=0.5"}), deadline.left())
        place = response.headers.get("location", "")
        if response.status not in _MOVED or not place:
            return response
        following = urljoin(url, place)
        if url.startswith("https:") and not following.startswith("https:"):
            raise InvalidRequest(f"The sound at {shown(url)} cannot be read: it moved to an address that is not https.")
        url = following
    raise InvalidRequest(f"The sound cannot be read: more than {_MOST_MOVES} redirects, the last to {shown(url)}.")
