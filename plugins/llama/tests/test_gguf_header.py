"""The header of a GGUF file: read as the reference reads it, and refused with a reason where it is none."""

from __future__ import annotations

import pickle
import re
import struct
from pathlib import Path

import gguf
import pytest
from gguf_bytes import ARRAY, STRING, U32, U64, array, header, pair, string, tensor
from modelhub_llama.gguf.faults import GgufError, Reason
from modelhub_llama.gguf.header import Array, read

from modelhub.plugin import SetupError


def written(folder: Path, raw: bytes) -> Path:
    file = folder / "日本語 model.gguf"
    file.write_bytes(raw)
    return file


def test_it_says_what_the_reference_says(tiny: str) -> None:
    ours, theirs = read(tiny), gguf.GGUFReader(tiny)
    for key, found in theirs.fields.items():
        if key.startswith("GGUF."):
            continue
        expected = found.contents()
        if isinstance(expected, list):
            assert ours.metadata[key] == tuple(expected), key
        else:
            assert ours.metadata[key] == expected, key
    assert [(line.name, line.shape, line.kind) for line in ours.tensors] == [
        (line.name, tuple(int(count) for count in line.shape), int(line.tensor_type)) for line in theirs.tensors
    ]
    start = min(int(line.data_offset) for line in theirs.tensors)
    assert ours.header_bytes <= start < ours.header_bytes + 32


def test_the_named_properties(tiny: str) -> None:
    ours = read(tiny)
    assert (ours.architecture, ours.context_length, ours.vocabulary) == ("llama", 512, 356)
    assert ours.chat_template is not None
    assert "<|im_start|>" in ours.chat_template
    assert ours.parameters == sum(int(line.n_elements) for line in gguf.GGUFReader(tiny).tensors)
    assert ours.version == 3


def test_a_version_2_header_is_read_too(tmp_path: Path) -> None:
    ours = read(written(tmp_path, header(texts={"general.architecture": "llama", "general.name": "小さい"}, version=2)))
    assert (ours.version, ours.metadata["general.name"]) == (2, "小さい")


def test_the_context_window_is_that_of_the_architecture(tmp_path: Path) -> None:
    numbers = {"llama.context_length": 1, "qwen2.context_length": 32768}
    assert read(written(tmp_path, header(texts={"general.architecture": "qwen2"}, numbers=numbers))).context_length == 32768


@pytest.mark.parametrize("count", [1025, 5000, 150_000])
def test_of_a_long_list_its_length_is_kept(tmp_path: Path, count: int) -> None:
    tokens = pair("tokenizer.ggml.tokens", ARRAY, array(STRING, (f"語{number}" for number in range(count))))
    scores = pair("tokenizer.ggml.scores", ARRAY, array(U32, range(count)))
    ours = read(written(tmp_path, header(tokens, scores, pair("tokenizer.chat_template", STRING, string("{{ messages }}")))))
    assert ours.metadata["tokenizer.ggml.tokens"] == Array(count, STRING)
    assert ours.metadata["tokenizer.ggml.scores"] == Array(count, U32)
    assert (ours.vocabulary, ours.chat_template) == (count, "{{ messages }}")


ODD = {
    "an empty one": b"",
    "a zero byte": b"\0",
    "zeros within": b"a" + b"\0" * 7 + b"b",
    "zeros at the end": b"a" + b"\0" * 8,
    "zeros at the start": b"\0" * 14 + b"a",
    "a length of two bytes": b" " * 300,
    "a length whose low byte is 0": b" " * 512,
    "a length of three bytes": b"x" * 70_000,
    "bytes that are no text": b"\xff\xfe\x80",
    "what looks like a key": string("general.x") + struct.pack("<I", STRING) + string("y"),
}


@pytest.mark.parametrize("place", [0, 2500, 4999])
@pytest.mark.parametrize("odd", ODD)
def test_strange_words_in_a_long_list_shift_nothing(tmp_path: Path, odd: str, place: int) -> None:
    """Long lists are leapt over by counting zeros; where that does not hold, each word is walked over."""
    words = [f"word{number}".encode() for number in range(5000)]
    words[place] = ODD[odd]
    tokens = pair("tokenizer.ggml.tokens", ARRAY, array(STRING, words))
    after = {"general.architecture": "llama", "general.name": "behind"}
    ours = read(written(tmp_path, header(tokens, *(pair(key, STRING, string(text)) for key, text in after.items()))))
    assert ours.metadata == {"tokenizer.ggml.tokens": Array(5000, STRING), **after}


def test_lists_within_lists_are_kept(tmp_path: Path) -> None:
    inner = array(U32, [1, 2]) + array(U32, [])
    nested = pair("x.nested", ARRAY, struct.pack("<IQ", ARRAY, 2) + inner)
    assert read(written(tmp_path, header(nested))).metadata == {"x.nested": ((1, 2), ())}


BIG_ENDIAN = b"GGUF" + struct.pack(">IQQ", 3, 0, 0)
REFUSED: dict[str, tuple[bytes, Reason]] = {
    "nothing": (b"", "empty"),
    "two letters": (b"GG", "truncated"),
    "the magic alone": (b"GGUF\x03\x00", "truncated"),
    "text": (b"once upon a time", "not-gguf"),
    "a zip": (b"PK\x03\x04" + b"\0" * 40, "not-gguf"),
    "safetensors": (struct.pack("<Q", 90) + b'{"__metadata__": {}}', "not-gguf"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4212\n", "git-lfs"),
    "a page": (b"\n <!DOCTYPE html><html><head><title>Sign in</title>", "html"),
    "a page after a mark": ("\ufeff<html>".encode(), "html"),
    "another byte order": (BIG_ENDIAN, "big-endian"),
    "version 1": (b"GGUF" + struct.pack("<III", 1, 0, 0) + b"\0" * 16, "old-version"),
    "version 0": (b"GGUF" + b"\0" * 40, "old-version"),
    "a format before": (b"tjgg" + b"\0" * 40, "old-version"),
    "version 4": (header(version=4), "new-version"),
    "a list cut off": (header(pair("x.y", ARRAY, array(U32, [1, 2], count=5000))), "truncated"),
    "a key too long": (header(pair(b"k" * 70_000, STRING, string("v"))), "absurd"),
    "a key that is no text": (header(pair(b"\xff\xff", STRING, string("v"))), "absurd"),
    "more keys than bytes": (header(pair_count=1000), "truncated"),
    "absurdly many keys": (header(pair_count=1 << 60), "absurd"),
    "absurdly many tensors": (header(tensor_count=1 << 60), "absurd"),
    "a string longer than the file": (header(pair("a.b", STRING, struct.pack("<Q", 1 << 62))), "truncated"),
    "a list longer than the file": (header(pair("a.b", ARRAY, array(U64, [], count=1 << 61))), "truncated"),
    "five dimensions": (header(tensors=[tensor("t", (1, 1, 1, 1, 1))]), "absurd"),
    "a tensor of all the world": (header(tensors=[tensor("t", (1 << 40, 1 << 40))]), "absurd"),
    "an unknown type": (header(pair("a.b", 99, b"")), "absurd"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_model_is_refused_with_a_reason(tmp_path: Path, what: str) -> None:
    raw, reason = REFUSED[what]
    file = written(tmp_path, raw)
    with pytest.raises(GgufError) as raised:
        read(file)
    assert raised.value.reason == reason, raised.value
    assert isinstance(raised.value, SetupError)
    assert raised.value.file == str(file)
    assert raised.value.message.startswith(f"{file}: ")
    assert pickle.loads(pickle.dumps(raised.value)).reason == reason


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for missing in (tmp_path / "none.gguf", tmp_path):
        with pytest.raises(GgufError, match=re.escape(str(missing))) as raised:
            read(missing)
        assert raised.value.reason == "missing"


def test_a_hundred_nested_lists_end_in_an_error(tmp_path: Path) -> None:
    deep = b"".join(struct.pack("<IQ", ARRAY, 1) for _ in range(100))
    with pytest.raises(GgufError):
        read(written(tmp_path, header(pair("a.b", ARRAY, deep + b"\0" * 64))))
