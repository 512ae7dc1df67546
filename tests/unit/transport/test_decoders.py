"""AT-C6: bytes may be cut anywhere."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.errors import AnswerError, StreamBroken
from modelhub.transport.decoders import LengthPrefixedDecoder, NdjsonDecoder, ServerSentEvent, SseDecoder

TEXT = "日本語 🗼 \u0085 \u2028 \u2029 é"
RECORDED = (
    b"\xef\xbb\xbf: keep-alive\r\n\r\n"
    + f'event: delta\r\nid: 7\r\ndata: {{"text": "{TEXT}"}}\r\n\r\n'.encode()
    + f"data:{TEXT}\rdata: second line\r\r".encode()
    + b"retry: 1500\ndata\n\n"
    + b": only a comment\n\nevent: lonely\n\n"
    + b"data: \xff\x20lone\n\n"
    + b"id: 8\nid: a\x00b\nunknown: x\ndata:  two spaces\n\n"
    + b"data: [DONE]\n\n"
)
EVENTS = [
    ServerSentEvent(f'{{"text": "{TEXT}"}}', "delta", "7"),
    ServerSentEvent(f"{TEXT}\nsecond line", id="7"),
    ServerSentEvent("", id="7", retry=1500),
    ServerSentEvent("\ufffd lone", id="7"),
    ServerSentEvent(" two spaces", id="8"),
    ServerSentEvent("[DONE]", id="8"),
]
SHORT = "data: é\r\n\r\nevent: x\rdata: 日\r\r\ndata: a\n\ndata: b\n\n".encode()
Decoder = SseDecoder | NdjsonDecoder | LengthPrefixedDecoder


def decoded(pieces: list[bytes], decoder: Decoder | None = None) -> list[object]:
    decoder = decoder or SseDecoder()
    events: list[object] = []
    for piece in pieces:
        events += decoder.feed(piece)
    return events + list(decoder.close())


def cut(body: bytes, *offsets: int) -> list[bytes]:
    bounds = [0, *offsets, len(body)]
    return [body[start:end] for start, end in pairwise(bounds)]


def test_every_event_is_read_as_the_standard_says() -> None:
    assert decoded([RECORDED]) == EVENTS


def test_a_body_cut_at_any_byte_gives_the_same_events() -> None:
    for offset in range(len(RECORDED) + 1):
        assert decoded(cut(RECORDED, offset)) == EVENTS, offset


def test_a_body_cut_at_any_two_bytes_gives_the_same_events() -> None:
    whole = decoded([SHORT])
    assert len(whole) == 4
    for offsets in combinations(range(len(SHORT) + 1), 2):
        assert decoded(cut(SHORT, *offsets)) == whole, offsets


def test_a_body_that_comes_byte_by_byte_gives_the_same_events() -> None:
    assert decoded([bytes([byte]) for byte in RECORDED]) == EVENTS


def test_empty_pieces_change_nothing() -> None:
    pieces = [part for byte in RECORDED for part in (bytes([byte]), b"")]
    assert decoded(pieces) == EVENTS


@given(
    st.lists(st.tuples(st.sampled_from(["\n", "\r\n", "\r"]), st.text(st.characters(exclude_characters="\r\n"))), max_size=5),
    st.data(),
)
def test_any_text_survives_any_line_end_and_any_cut(lines: list[tuple[str, str]], data: st.DataObject) -> None:
    encodable = [(end, text.encode("utf-8", "replace").decode()) for end, text in lines]
    body = "".join(f"data: {text}{end}{end}" for end, text in encodable).encode()
    offsets = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=4)))
    assert [event.data for event in decoded(cut(body, *offsets)) if isinstance(event, ServerSentEvent)] == [
        t for _, t in encodable
    ]


def test_a_last_event_without_its_blank_line_is_given_at_the_end() -> None:
    assert decoded([b"data: one\n\ndata: [DONE]\n"]) == [ServerSentEvent("one"), ServerSentEvent("[DONE]")]


def test_a_line_that_was_cut_is_dropped() -> None:
    assert decoded([b'data: one\n\ndata: {"te']) == [ServerSentEvent("one")]


def test_a_bom_is_text_anywhere_but_at_the_start() -> None:
    assert decoded(["\ufeffdata: \ufeffx\n\n".encode()]) == [ServerSentEvent("\ufeffx")]


def test_json_of_an_event_that_is_none_says_how_it_begins() -> None:
    with pytest.raises(AnswerError) as caught:
        ServerSentEvent("{kaputt").json()
    assert caught.value.head == b"{kaputt"


VALUES = [{"text": TEXT}, [1, 2.5, None], "日本", {"done": True}]
LINES = ("\n".join(json.dumps(value, ensure_ascii=False) for value in VALUES) + "\r\n\n").encode()
MESSAGES = b"".join(
    len(data).to_bytes(4, "big") + data for data in (json.dumps(v, ensure_ascii=False).encode() for v in VALUES)
)


@pytest.mark.parametrize(("make", "body"), [(NdjsonDecoder, LINES), (LengthPrefixedDecoder, MESSAGES)])
def test_json_messages_cut_anywhere_are_the_same(make: Callable[[], Decoder], body: bytes) -> None:
    assert decoded([body], make()) == VALUES
    assert decoded([bytes([byte]) for byte in body], make()) == VALUES
    for offset in range(len(body) + 1):
        assert decoded(cut(body, offset), make()) == VALUES, offset


def test_a_last_line_without_its_end_is_given() -> None:
    assert decoded([b'{"a": 1}\n{"b": 2}'], NdjsonDecoder()) == [{"a": 1}, {"b": 2}]


def test_a_cut_line_breaks_the_stream() -> None:
    with pytest.raises(StreamBroken):
        decoded([b'{"a": 1}\n{"b": '], NdjsonDecoder())


def test_a_line_that_is_not_json_says_how_it_begins() -> None:
    with pytest.raises(AnswerError) as caught:
        NdjsonDecoder().feed("<html>こ\n".encode())
    assert caught.value.head == "<html>こ".encode()


def test_an_invalid_byte_in_a_line_is_one_replacement_character() -> None:
    assert NdjsonDecoder().feed(b'"a\xffb"\n') == ["a\ufffdb"]


def test_a_cut_message_breaks_the_stream() -> None:
    with pytest.raises(StreamBroken):
        decoded([MESSAGES[:-1]], LengthPrefixedDecoder())


def test_a_message_that_claims_gigabytes_is_refused_at_once() -> None:
    with pytest.raises(AnswerError, match="bytes long"):
        LengthPrefixedDecoder().feed(b"HTTP/1.1 500")


def seconds(make: Callable[[], Decoder], body: bytes) -> float:
    started = time.process_time()
    decoder = make()
    for byte in body:
        decoder.feed(bytes([byte]))
    return time.process_time() - started


@pytest.mark.parametrize(
    ("make", "frame"),
    [
        (SseDecoder, lambda data: b"data: " + data + b"\n\n"),
        (NdjsonDecoder, lambda data: b'"' + data + b'"\n'),
        (LengthPrefixedDecoder, lambda data: (len(data) + 2).to_bytes(4, "big") + b'"' + data + b'"'),
    ],
)
def test_time_grows_with_the_bytes_and_not_with_their_square(
    make: Callable[[], Decoder], frame: Callable[[bytes], bytes]
) -> None:
    short, long = frame(b"x" * 20_000), frame(b"x" * 200_000)
    assert min(seconds(make, long) for _ in range(2)) < 40 * max(seconds(make, short), 0.002)
