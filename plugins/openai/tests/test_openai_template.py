"""Chunks that are alike are cut out of a piece at once: whatever stands between them, nothing is read otherwise for that."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from modelhub_openai.chat_stream import ChatDecoder
from modelhub_openai.gathering import Extras
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.site import host
from modelhub_openai.template import Template

SITE = host(OpenAIOptions(api_key_env=None))
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def chunk(text: str, *, escaped: bool = False, **more: object) -> bytes:
    said = {"id": "c", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}], **more}
    return b"data: %b\n\n" % json.dumps(said, ensure_ascii=escaped, separators=(",", ":")).encode()


def events(*pieces: bytes) -> list[object]:
    decoder = ChatDecoder(SITE, "m", Extras())
    return [event for piece in pieces for event in decoder.feed(piece)] + list(decoder.close())


TEXTS = st.text(st.sampled_from('a灯"\\\n\r\t{}[]:, data\u2028') | st.characters(codec="utf-8"), max_size=6)
CHUNKS = (
    st.builds(chunk, TEXTS, escaped=st.booleans())
    | st.builds(chunk, TEXTS, usage=st.just({"prompt_tokens": 1}))
    | st.builds(chunk, TEXTS, obfuscation=st.sampled_from(["", "ab1", "x"]))
    | st.sampled_from([b": ping\n\n", b"event: message\ndata: {}\n\n", b"data: {}\r\n\r\n", b"\n", b'data: {"choices":[]}\n\n'])
)


@given(st.lists(CHUNKS, max_size=12), st.lists(st.integers(1, 400), max_size=6))
def test_events_are_the_same_however_the_stream_is_cut(chunks: list[bytes], places: list[int]) -> None:
    whole = chunk("first") + b"".join(chunks) + END
    cuts = sorted({0, len(whole), *(place for place in places if place < len(whole))})
    pieces = [whole[start:end] for start, end in pairwise(cuts)]
    one_by_one = events(*(bytes([byte]) for byte in whole))
    assert events(*pieces) == one_by_one
    assert events(chunk("first"), whole[len(chunk("first")) :]) == one_by_one


def test_alike_chunks_are_cut_out_at_once_and_what_follows_is_left() -> None:
    data = chunk("a").removeprefix(b"data: ").removesuffix(b"\n\n")
    template = Template.of(data, "content", "a", "content")
    assert template is not None
    assert template.texts(chunk("東") + chunk("") + chunk("京") + END) == (["東", "", "京"], len(chunk("東京") + chunk("") * 2))
    assert template.texts(chunk("東") + chunk("cut")[:-9]) == (["東"], len(chunk("東")))
    assert template.texts(chunk('"') + chunk("a")) == ([], 0)
    assert template.texts(END) == ([], 0)
