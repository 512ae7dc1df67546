"""Whatever a damaged or hostile file holds, its header is read or refused: soon, in little memory, with a typed error."""

from __future__ import annotations

import os
import struct
import time
import tracemalloc
from pathlib import Path

import pytest
from gguf_bytes import ARRAY, STRING, U32, array, header, pair, string, tensor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from modelhub_llama.gguf.cards import inspect
from modelhub_llama.gguf.faults import GgufError
from modelhub_llama.gguf.header import Header, read

SOUND = header(
    pair("tokenizer.ggml.tokens", ARRAY, array(STRING, (f"t{number}" for number in range(5000)))),
    pair("general.tags", ARRAY, array(STRING, ["日本語", "chat"])),
    pair("llama.attention.head_count_kv", ARRAY, array(U32, [4, 4])),
    texts={"general.architecture": "llama", "tokenizer.chat_template": "{% for m in messages %}{{ m }}{% endfor %}"},
    numbers={"llama.context_length": 4096, "llama.block_count": 2, "llama.embedding_length": 64, "general.file_type": 15},
    tensors=[tensor("token_embd.weight", (64, 32)), tensor("output.weight", (64, 32), 1, 8192)],
)
INTERESTING = st.sampled_from([0, 1, 7, 8, 9, 255, 256, (1 << 31) - 1, (1 << 32) - 1, 1 << 40, (1 << 63) - 1, (1 << 64) - 1])


def outcome(folder: Path, raw: bytes) -> Header | GgufError:
    file = folder / "x.gguf"
    file.write_bytes(raw)
    try:
        inspect(str(file))
        return read(file)
    except GgufError as error:
        return error


examples = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@examples
@given(length=st.integers(0, len(SOUND) - 1))
def test_a_header_that_was_cut_is_refused(tmp_path: Path, length: int) -> None:
    error = outcome(tmp_path, SOUND[:length])
    assert isinstance(error, GgufError)
    assert error.reason in ("empty", "truncated")


@examples
@given(data=st.data())
def test_a_header_with_other_bytes_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.one_of(st.integers(0, 60), st.integers(0, len(raw) - 1)))
        change = data.draw(
            st.one_of(st.binary(min_size=1, max_size=8), INTERESTING.map(lambda number: struct.pack("<Q", number)))
        )
        raw[place : place + len(change)] = change
    found = outcome(tmp_path, bytes(raw))
    assert isinstance(found, Header | GgufError)


@examples
@given(raw=st.binary(max_size=400))
def test_any_bytes_behind_the_magic_are_read_or_refused(tmp_path: Path, raw: bytes) -> None:
    assert isinstance(outcome(tmp_path, b"GGUF\x03\0\0\0" + raw), Header | GgufError)


@examples
@given(
    words=st.lists(st.binary(max_size=12) | st.binary(min_size=250, max_size=270), min_size=1, max_size=40),
    seed=st.integers(0, 99),
)
def test_a_long_list_of_any_words_is_left_behind_whole(tmp_path: Path, words: list[bytes], seed: int) -> None:
    many = [words[(number * 7 + seed) % len(words)] for number in range(4100)]
    raw = header(pair("a.words", ARRAY, array(STRING, many)), texts={}, numbers={})
    file = tmp_path / "words.gguf"
    file.write_bytes(raw[:16] + struct.pack("<Q", 2) + raw[24:] + pair("general.name", STRING, string("behind")))
    found = read(file)
    assert found.metadata["general.name"] == "behind"
    assert found.header_bytes == os.path.getsize(file)


LYING = {
    "a billion words of nothing": header(pair("a.b", ARRAY, array(STRING, [], count=1 << 30)), pair_count=1),
    "a header of gigabytes": header(pair("a.b", ARRAY, array(0, [], count=3 << 30)), pair_count=2),
    "a string of gigabytes": header(pair("a.b", STRING, struct.pack("<Q", 3 << 30))),
    "a list of lists": header(pair("a.b", ARRAY, struct.pack("<IQ", ARRAY, 1 << 28))),
}


@pytest.mark.parametrize("what", LYING)
def test_a_header_that_lies_about_a_huge_file_takes_neither_time_nor_memory(tmp_path: Path, what: str) -> None:
    """The file is as large as it says (with a hole in it), so that its size gives nothing away."""
    file = tmp_path / "huge.gguf"
    with open(file, "wb") as writer:
        writer.write(LYING[what])
        writer.truncate(9 << 30)
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(GgufError) as raised:
            read(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert raised.value.reason == "absurd"
    assert time.process_time() - began < 20
    assert peak < 100 << 20
