"""Text from outside is UTF-8, or an error that says what it is instead."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from modelhub.cli.reading import decoded, lines, read_text, standard_input
from modelhub.cli.streams import Streams
from modelhub.errors import InvalidRequest


def piped(data: bytes) -> Streams:
    return Streams(io.BytesIO(data), io.StringIO(), io.StringIO())


def test_what_is_piped_in_is_utf_8_with_or_without_its_mark() -> None:
    assert standard_input(piped("鍵を交換する 🔑\u2028次".encode())) == "鍵を交換する 🔑\u2028次"
    assert standard_input(piped("\ufeff鍵".encode())) == "鍵"


def test_a_closed_standard_input_is_no_input() -> None:
    assert standard_input(Streams(None, io.StringIO(), io.StringIO())) is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"a\0b", "binary, not text: byte 1 is NUL"),
        (b"abc\xff", "not UTF-8 text: byte 3 is 0xff"),
        ("鍵".encode("cp932"), "not UTF-8 text: byte 0 is 0x8c"),
        ("text".encode("utf-16"), "UTF-16"),
    ],
)
def test_what_is_not_utf_8_text_is_named(data: bytes, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        decoded(data, "standard input")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"Cannot read .*gone\.txt: No such file"):
        read_text(str(tmp_path / "gone.txt"))


def test_only_a_line_feed_ends_a_line() -> None:
    assert lines("one\r\n\n  \n二\u2028行目\u0085x\n") == ["one", "二\u2028行目\u0085x"]
