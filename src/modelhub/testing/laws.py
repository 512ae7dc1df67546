"""The laws of streams and answers, as pure functions: each raises ``AssertionError`` with what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from modelhub.interfaces.events import Cited, ReasoningDelta, TextDelta, ToolCallDelta, ToolCalled, ToolCallStarted
from modelhub.interfaces.speech import AudioDelta, SpeechResponse
from modelhub.interfaces.text import TextResponse
from modelhub.interfaces.transcription import SegmentTranscribed, TranscriptDelta, TranscriptionResponse
from modelhub.model import Finished, Response, Usage

__all__ = ["collect", "count_honestly", "merge"]


def collect(events: Iterable[Any]) -> Any:
    """The response at a stream's end, after checking that the events before it tell the same story.

    Laws: exactly one ``Finished``, and it is last; text, reasoning, sound and transcript pieces join to what the response
    holds; tool calls, citations and segments are those of the response, in its order.
    """
    events = list(events)
    endings = [event for event in events if isinstance(event, Finished)]
    assert endings, "The stream ended without Finished: end it with Finished(response), or raise StreamBroken."
    assert len(endings) == 1, f"The stream gave Finished {len(endings)} times: give it once, as the last event."
    assert events[-1] is endings[0], f"{events[-1]!r} came after Finished: Finished is the last event."
    response = endings[0].response
    match response:
        case TextResponse():
            _joins(events, TextDelta, response.text)
            _joins(events, ReasoningDelta, response.reasoning)
            _same("ToolCalled events", [event.call for event in events if isinstance(event, ToolCalled)], response.tool_calls)
            _same("Cited events", [event.citation for event in events if isinstance(event, Cited)], response.citations)
            _calls_are_whole(events)
        case SpeechResponse():
            sound = b"".join(event.data for event in events if isinstance(event, AudioDelta))
            assert sound == response.audio, "The AudioDelta bytes do not join to response.audio: stream all of the sound."
        case TranscriptionResponse():
            _transcribes(events, response)
    return response


def merge(events: Iterable[Any]) -> list[Any]:
    """The events with neighbouring pieces joined, so that two streams cut at different places can be compared."""
    merged: list[Any] = []
    for event in events:
        last: Any = merged[-1] if merged else None
        if isinstance(event, (TextDelta, ReasoningDelta, TranscriptDelta)) and type(last) is type(event):
            merged[-1] = replace(last, text=last.text + event.text)
        elif isinstance(event, AudioDelta) and isinstance(last, AudioDelta):
            merged[-1] = AudioDelta(last.data + event.data)
        elif isinstance(event, ToolCallDelta) and isinstance(last, ToolCallDelta) and last.id == event.id:
            merged[-1] = replace(last, arguments=last.arguments + event.arguments)
        else:
            merged.append(event)
    return merged


def count_honestly(response: Response) -> None:
    """Usage holds what was counted; what was not is ``None``. A zero where something was used is neither."""
    usage = response.usage
    zeros = {"input_tokens": usage.input_tokens == 0, "characters": usage.characters == 0, "images": usage.images == 0}
    zeros["output_tokens"] = usage.output_tokens == 0 and bool(getattr(response, "text", ""))
    zeros["audio_seconds"] = usage.audio_seconds == 0
    told = [name for name, zero in zeros.items() if zero]
    assert not told, f"usage.{told[0]} is 0 for a call that used some: leave what the provider does not tell at None."
    _inside(usage, "cached_tokens", "input_tokens")
    _inside(usage, "cache_write_tokens", "input_tokens")
    _inside(usage, "reasoning_tokens", "output_tokens")


def _inside(usage: Usage, part: str, whole: str) -> None:
    inner, outer = getattr(usage, part), getattr(usage, whole)
    if inner is not None and outer is not None:
        assert inner <= outer, f"usage.{part} ({inner}) exceeds usage.{whole} ({outer}), which includes it: add it there."


def _joins(events: Sequence[Any], kind: type[Any], whole: str) -> None:
    pieces = "".join(event.text for event in events if isinstance(event, kind))
    assert pieces == whole, f"The {kind.__name__} events join to {pieces!r}, the response holds {whole!r}."


def _transcribes(events: Sequence[Any], response: TranscriptionResponse) -> None:
    segments = [event.segment for event in events if isinstance(event, SegmentTranscribed)]
    if segments:
        _same("SegmentTranscribed events", segments, response.segments)
    if not segments or any(isinstance(event, TranscriptDelta) for event in events):
        _joins(events, TranscriptDelta, response.text)


def _same(what: str, told: Sequence[Any], kept: Sequence[Any]) -> None:
    assert list(told) == list(kept), f"The {what} tell {list(told)!r}, the response holds {list(kept)!r}: tell each one once."


def _calls_are_whole(events: Sequence[Any]) -> None:
    fragments: dict[str, str] = {}
    for event in events:
        match event:
            case ToolCallStarted(id=call):
                assert call not in fragments, f"Tool call {call!r} started twice: give every call an id of its own."
                fragments[call] = ""
            case ToolCallDelta(id=call, arguments=more):
                assert call in fragments, f"A ToolCallDelta came for {call!r} before its ToolCallStarted: start it first."
                fragments[call] += more
            case ToolCalled(call=whole):
                told = fragments.get(whole.id, "")
                assert not told or told == whole.arguments, (
                    f"The fragments of tool call {whole.id!r} join to {told!r}, the call has {whole.arguments!r}."
                )
