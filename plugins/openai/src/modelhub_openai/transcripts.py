"""The answers to a sound: JSON short or verbose, with speakers or without, subtitles, or bare text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from modelhub.plugin import AnswerError, HttpResponse, Segment, TranscriptionResponse, Usage, Word
from modelhub_openai.chat_answer import error_in, reported
from modelhub_openai.languages import code
from modelhub_openai.site import Site
from modelhub_openai.usage import read_usage

__all__ = ["read_segment", "transcript", "understood"]

_CLOCK = r"(?:(\d+):)?(\d{1,2}):(\d{1,2}[.,]\d{1,3})"
_CUE = re.compile(rf"^{_CLOCK}[ \t]*-->[ \t]*{_CLOCK}[^\n]*\n(.*?)(?:\n[ \t]*\n|\Z)", re.MULTILINE | re.DOTALL)


def understood(response: HttpResponse, site: Site, name: str) -> TranscriptionResponse:
    """A whole answer, in whichever form it came. Raises ``AnswerError`` where it is none."""
    text = response.body.decode("utf-8-sig", "replace")
    told = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if told != "text/plain" or text.lstrip().startswith("{"):
        said = _object(text)
        if said is not None:
            if error_in(said):
                raise reported(site, name, said, response)
            return transcript(said, site, name)
        if told != "text/plain" and not told.endswith(("subrip", "vtt")):
            raise AnswerError(f"The answer ({told or 'of no stated type'}) is no transcript.", head=response.body[:200])
    return _written(text.replace("\r\n", "\n"), site, name)


def transcript(said: Mapping[str, Any], site: Site, name: str) -> TranscriptionResponse:
    """What a JSON answer says. Raises ``AnswerError`` where it holds no text."""
    if not isinstance(said.get("text"), str) and not isinstance(said.get("segments"), list):
        raise AnswerError("The answer holds no text.", head=json.dumps(said, ensure_ascii=False).encode()[:200])
    segments = tuple(filter(None, map(read_segment, _listed(said, "segments"))))
    duration = _number(said.get("duration"))
    usage = said.get("usage")
    details = usage.get("input_token_details") if isinstance(usage, Mapping) else None
    return TranscriptionResponse(
        model=name,
        provider=site.provider,
        text=said["text"] if isinstance(said.get("text"), str) else " ".join(segment.text for segment in segments),
        language=_language(said),
        duration=duration,
        segments=segments,
        words=tuple(filter(None, map(_word, _listed(said, "words")))),
        usage=_usage(usage, duration),
        provider_metadata={"input_token_details": details} if details else {},
        raw=said,
    )


def _listed(said: Mapping[str, Any], name: str) -> list[Any]:
    found = said.get(name)
    return found if isinstance(found, list) else []


def read_segment(said: Any) -> Segment | None:
    """A segment, if it has both of its times."""
    if not isinstance(said, Mapping):
        return None
    start, end = _number(said.get("start")), _number(said.get("end"))
    if start is None or end is None:
        return None
    return Segment(start, max(start, end), str(said.get("text") or "").strip(), said.get("speaker") or None)


def _word(said: Any) -> Word | None:
    if not isinstance(said, Mapping):
        return None
    start, end = _number(said.get("start")), _number(said.get("end"))
    if start is None or end is None:
        return None
    text = said.get("word") or said.get("text") or ""
    return Word(start, max(start, end), str(text).strip(), _number(said.get("probability")))


def _usage(said: Any, duration: float | None) -> Usage:
    """Tokens where these are counted, else seconds: those that are billed, or those of the sound."""
    usage = read_usage(said)
    if usage.input_tokens is not None or usage.output_tokens is not None:
        return usage
    billed = _number(said.get("seconds")) if isinstance(said, Mapping) else None
    return replace(usage, audio_seconds=billed or duration or None)


def _language(said: Mapping[str, Any]) -> str | None:
    found = said.get("language")
    heard = said.get("languages")
    if not found and isinstance(heard, list) and heard and isinstance(heard[0], Mapping):
        found = heard[0].get("code")
    return code(found) if isinstance(found, str) and found else None


def _written(text: str, site: Site, name: str) -> TranscriptionResponse:
    """Bare text, or the subtitles that were asked for."""
    segments = tuple(_cues(text))
    words = " ".join(segment.text for segment in segments) if segments else text.strip()
    empty = text.strip() == "WEBVTT"
    return TranscriptionResponse(model=name, provider=site.provider, text="" if empty else words, segments=segments, raw=text)


def _cues(text: str) -> Iterator[Segment]:
    for cue in _CUE.finditer(text):
        *clocks, words = cue.groups()
        yield Segment(_seconds(*clocks[:3]), _seconds(*clocks[3:]), " ".join(words.split()))


def _seconds(hours: str | None, minutes: str, seconds: str) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))


def _number(value: object) -> float | None:
    """A number, also where it comes as text: hosts differ."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _object(text: str) -> Mapping[str, Any] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None
