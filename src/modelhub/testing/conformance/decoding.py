"""The laws of decoders: pieces may be cut anywhere, and an end is never invented."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from modelhub.errors import ModelhubError, StreamBroken, Unreachable
from modelhub.model import AnyModel, Finished
from modelhub.testing.conformance.endpoint import AnyEndpoint, EndpointConformance
from modelhub.testing.driven import MANNERS, driven
from modelhub.testing.fake import FakeRuntime
from modelhub.testing.laws import collect, merge
from modelhub.testing.recording import Recording, differences

__all__ = ["StreamedEndpointConformance"]


class StreamedEndpointConformance(EndpointConformance):
    """For an endpoint that streams: each recording with ``chunks`` is fed to its decoder, whole and cut."""

    end_is_marked: ClassVar[bool] = True
    """Whether the body itself says where it ends; a bare sound does not, so only the transport can tell that it was cut."""

    def streams(self) -> Sequence[Recording]:
        """The recordings that were streamed."""
        found = [recording for recording in self.recorded() if recording.chunks is not None]
        if not found:
            pytest.skip("No recording has chunks: add NAME.chunks.txt if this endpoint streams.")
        return found

    def test_events_are_the_same_wherever_the_bytes_are_cut(self) -> None:
        for recording in self.streams():
            whole = merge(_decode(self.endpoint(), [recording.chunks or b""]))
            for manner, pieces in _cuts(recording.chunks or b""):
                cut = merge(_decode(self.endpoint(), pieces))
                assert cut == whole, (
                    f"{recording.name} cut {manner} gives {cut!r}, not {whole!r}: keep bytes until a line ends."
                )

    def test_a_recorded_stream_collects_to_the_recorded_answer(self) -> None:
        for recording in self.streams():
            streamed = collect(_decode(self.endpoint(), [recording.chunks or b""]))
            wrong = differences(recording.answer, streamed)
            assert not wrong, f"{recording.name}.chunks collects to something else: {'; '.join(wrong)}."
            if recording.response is not None:
                called = self.comparable(self.endpoint().parse(recording.whole()))
                same = self.comparable(streamed) == called
                assert same, f"{recording.name}: the stream collects to {streamed!r}, parse() gives {called!r}."

    def test_two_streams_at_once_do_not_mix(self) -> None:
        for recording in self.streams():
            whole = recording.chunks or b""
            endpoint = self.endpoint()
            streams: list[tuple[Any, list[Any]]] = [(endpoint.decoder(), []) for _ in range(2)]
            for place in range(len(whole)):
                for decoder, seen in streams:
                    seen += [] if _is_finished(seen) else decoder.feed(whole[place : place + 1])
            for decoder, seen in streams:
                seen += [] if _is_finished(seen) else decoder.close()
                assert merge(seen) == merge(_decode(endpoint, [whole])), "Two decoders share state: make it in decoder()."

    def test_a_stream_cut_short_breaks_and_keeps_what_came(self) -> None:
        if not self.end_is_marked:
            pytest.skip("Only the transport can tell that such a body was cut.")
        for recording in self.streams():
            whole = collect(_decode(self.endpoint(), [recording.chunks or b""]))
            broken = [self._cut(recording, place, whole) for place in _borders(recording.chunks or b"")]
            assert any(broken), f"No cut of {recording.name} was noticed: close() must raise StreamBroken without its end mark."

    def test_an_empty_stream_never_becomes_an_answer(self) -> None:
        self.streams()
        try:
            events = _decode(self.endpoint(), [])
        except ModelhubError:
            return
        raise AssertionError(f"An empty body became {events!r}: close() must raise StreamBroken where the end mark is missing.")

    def test_a_connection_lost_in_the_middle_breaks_the_stream(self) -> None:
        for recording in self.streams():
            half = (recording.chunks or b"")[: len(recording.chunks or b"") // 2]
            world = FakeRuntime([[half, Unreachable("The connection was lost.")]])
            _, error = _streamed(self.wired(), self.asked(recording), world)
            assert isinstance(error, StreamBroken), f"A connection lost in the middle became {error!r}: expected StreamBroken."
            assert error.partial is not None, "StreamBroken came without what had arrived: give decoder.partial()."

    def test_an_abandoned_stream_gives_its_connection_back(self) -> None:
        for recording in self.streams():
            for manner in MANNERS:
                world = FakeRuntime([recording.streamed()])
                with driven(manner, world) as caller:
                    caller.abandon(self.wired(), self.asked(recording))
                assert world.streams[0].closed, "The abandoned stream left its connection open: close it in a finally."

    def _cut(self, recording: Recording, place: int, whole: Any) -> bool:
        """Whether the cut broke the stream. Where it did not, the answer must have been whole already."""
        runtime = FakeRuntime([replace(recording, chunks=(recording.chunks or b"")[:place]).streamed()])
        events, error = _streamed(self.wired(), self.asked(recording), runtime)
        if error is None:
            response = collect(events)
            same = _gist(response) == _gist(whole)
            assert same, f"{recording.name} cut after {place} bytes became the answer {response!r}: raise StreamBroken instead."
            return False
        assert isinstance(error, StreamBroken), (
            f"{recording.name} cut after {place} bytes became {error!r}: raise StreamBroken."
        )
        assert error.partial is not None, "StreamBroken came without what had arrived: give partial=self.partial()."
        return True


def _decode(endpoint: AnyEndpoint, pieces: Iterable[bytes]) -> list[Any]:
    """What a model makes of the pieces: it stops reading at ``Finished``, and closes where there was none."""
    decoder = endpoint.decoder()
    events: list[Any] = []
    for piece in pieces:
        events += decoder.feed(piece)
        if _is_finished(events):
            return events
    return [*events, *decoder.close()]


def _is_finished(events: Sequence[Any]) -> bool:
    return any(isinstance(event, Finished) for event in events)


def _cuts(body: bytes) -> list[tuple[str, list[bytes]]]:
    dice = random.Random(7)
    places = sorted(dice.sample(range(1, len(body)), min(12, len(body) - 1))) if len(body) > 1 else []
    pieces = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]
    return [
        ("line by line", body.splitlines(keepends=True)),
        ("byte by byte", [body[place : place + 1] for place in range(len(body))]),
        ("at random", pieces),
        ("with empty pieces", [b"", body, b""]),
    ]


def _borders(body: bytes) -> list[int]:
    """Where lines end, and the middle of each line."""
    borders, place = [], 0
    for line in body.splitlines(keepends=True):
        borders += [place + len(line) // 2, place + len(line)]
        place += len(line)
    return [border for border in borders if 0 < border < len(body)]


def _gist(response: Any) -> tuple[Any, ...]:
    return tuple(getattr(response, name, None) for name in ("content", "text", "finish_reason", "audio", "images", "segments"))


def _streamed(model: AnyModel, request: Any, world: FakeRuntime) -> tuple[list[Any], Exception | None]:
    with driven("blocking", world) as caller:
        try:
            return caller.stream(model, request), None
        except ModelhubError as error:
            return [], error
