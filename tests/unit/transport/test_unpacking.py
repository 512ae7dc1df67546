"""Compressed bodies, whatever pieces they come in."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest

from modelhub.transport.unpacking import unpacker

TEXT = "灯台守は灯りをともす。" * 50


def raw(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"), [(b"gzip", gzip.compress), (b"GZip", gzip.compress), (b"deflate", zlib.compress), (b"deflate", raw)]
)
@pytest.mark.parametrize("size", [3, 10_000])
def test_a_packed_body_is_unpacked_as_it_comes(encoding: bytes, pack: Callable[[bytes], bytes], size: int) -> None:
    packed = pack(TEXT.encode())
    unpacking = unpacker([(b"Content-Encoding", encoding)])
    assert unpacking is not None
    pieces = [unpacking.feed(packed[start : start + size]) for start in range(0, len(packed), size)]
    assert b"".join([*pieces, unpacking.close()]).decode() == TEXT


@pytest.mark.parametrize("fields", [[], [(b"content-encoding", b"identity")], [(b"content-type", b"gzip")]])
def test_what_is_not_packed_is_left_alone(fields: list[tuple[bytes, bytes]]) -> None:
    assert unpacker(fields) is None


def test_what_only_claims_to_be_packed_is_an_error() -> None:
    unpacking = unpacker([(b"content-encoding", b"gzip")])
    assert unpacking is not None
    with pytest.raises(zlib.error):
        unpacking.feed(b'{"text": 1}')
