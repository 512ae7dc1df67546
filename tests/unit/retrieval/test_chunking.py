from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.errors import InvalidRequest
from modelhub.retrieval.chunking import Chunk, chunks
from modelhub.retrieval.graphemes import is_boundary
from modelhub.retrieval.tokens import count_tokens

JAPANESE = (
    "大規模言語モデルを選ぶときは、まず目的と評価の方法を決めます。「速度か、費用か。」と彼は言った。"
    "どれを優先しますか？比べてください！"
)
CHINESE = "选择语言模型时，首先要确定目标和评估方法。根据速度、成本和质量的优先顺序，应选择的模型也会不同。你会选哪一个？"
THAI = "เมื่อเลือกแบบจำลองภาษาให้กำหนดเป้าหมายและวิธีการประเมินก่อนจากนั้นเปรียบเทียบด้วยข้อมูลของคุณเองที่นี่น้ำ"
EMOJI = "👩\u200d👩\u200d👧\u200d👦🇯🇵👍🏽❤\ufe0fか\u3099e\u0301葛\U000e0100"
TEXTS = st.lists(
    st.sampled_from(
        [
            *JAPANESE,
            *THAI,
            "👩\u200d👧",
            "🇯🇵",
            "👍🏽",
            "か\u3099",
            "e\u0301",
            "word",
            " ",
            "\n",
            "\n\n",
            "\r\n",
            ". ",
            "。」",
            ",",
        ]
    )
    | st.characters(codec="utf-8"),
    max_size=120,
).map("".join)


def joined(text: str, pieces: list[Chunk]) -> str:
    return "".join(text[piece.fresh : piece.end] for piece in pieces)


@pytest.mark.parametrize("text", [JAPANESE, CHINESE, THAI, EMOJI], ids=["japanese", "chinese", "thai", "emoji"])
@pytest.mark.parametrize("overlap", [0, 40])
def test_five_thousand_characters_without_spaces_are_cut_within_the_limit(text: str, overlap: int) -> None:
    """AT-P1."""
    text = (text * (5000 // len(text) + 1))[:5000].rstrip("\u200d")
    pieces = chunks(text, tokens=300, overlap=overlap)
    assert joined(text, pieces) == text
    assert max(count_tokens(text[piece.start : piece.end]) for piece in pieces) <= 300
    assert max(count_tokens(text[piece.start : piece.fresh]) for piece in pieces) <= overlap
    assert all(is_boundary(text, piece.end) and is_boundary(text, piece.start) for piece in pieces)


@pytest.mark.parametrize("text", [JAPANESE, CHINESE], ids=["japanese", "chinese"])
def test_cuts_fall_after_a_sentence_where_one_ends_in_range(text: str) -> None:
    """AT-P1: nine in ten at least."""
    text = (text * 200)[:5000]
    ends = [piece.end for piece in chunks(text, tokens=300)][:-1]
    assert sum(text[end - 1] in "。！？」\n" for end in ends) >= 0.9 * len(ends)


@given(text=TEXTS, tokens=st.integers(1, 40), overlap=st.integers(0, 20))
@settings(max_examples=400)
def test_chunks_tile_the_text_within_the_limit_and_part_no_character(text: str, tokens: int, overlap: int) -> None:
    """AT-P1: join(chunks minus overlap) == source, no grapheme split unless one alone is too long, whatever the text."""
    overlap = min(overlap, tokens - 1)
    pieces = chunks(text, tokens=tokens, overlap=overlap)
    assert joined(text, pieces) == text
    assert all(piece.start <= piece.fresh < piece.end for piece in pieces)
    assert all(before.end == after.fresh for before, after in pairwise(pieces))
    for piece in pieces:
        assert count_tokens(text[piece.start : piece.end]) <= tokens or piece.end - piece.start == 1
        assert count_tokens(text[piece.start : piece.fresh]) <= overlap
        assert is_boundary(text, piece.end) or count_tokens(whole_around(text, piece.end)) > tokens


def whole_around(text: str, position: int) -> str:
    """What is seen as one character where the text was cut."""
    start = next(place for place in range(position, -1, -1) if is_boundary(text, place))
    return text[start : next(place for place in range(position, len(text) + 1) if is_boundary(text, place))]


@given(text=TEXTS, first=st.integers(0, 60), length=st.integers(0, 60))
def test_a_stretch_is_cut_as_a_text_of_its_own(text: str, first: int, length: int) -> None:
    first = min(first, len(text))
    last = min(first + length, len(text))
    pieces = chunks(text, tokens=20, start=first, end=last)
    assert joined(text, pieces) == text[first:last]


def test_any_counter_is_kept_to() -> None:
    """AT-P1: the limit of the embedding model's own counter, even one that charges for joining."""

    def characters(text: str) -> int:
        return len(text) + 3 * text.count("。")

    text = JAPANESE * 20
    for counter in (len, characters, lambda text: len(text) ** 2 // 50 + 1):
        pieces = chunks(text, tokens=80, overlap=10, count=counter)
        assert joined(text, pieces) == text
        assert max(counter(text[piece.start : piece.end]) for piece in pieces) <= 80


def test_a_paragraph_end_is_preferred_to_a_sentence_end() -> None:
    text = "First one here. Second one here.\n\nThird one here. Fourth one here. Fifth one here. Sixth one here."
    pieces = chunks(text, tokens=14)
    assert text[pieces[0].start : pieces[0].end] == "First one here. Second one here.\n\n"


def test_the_overlap_begins_at_a_sentence_where_it_can() -> None:
    text = "The first sentence is here. The second one is here. The third one is here. The fourth one is here. "
    _, second, *_ = chunks(text * 3, tokens=30, overlap=10)
    assert (text * 3)[second.start : second.fresh].startswith("The ")


@pytest.mark.parametrize(("tokens", "overlap"), [(0, 0), (-1, 0), (10, 10), (10, -1)])
def test_a_chunk_that_cannot_be_is_refused(tokens: int, overlap: int) -> None:
    with pytest.raises(InvalidRequest, match="cannot overlap"):
        chunks("x", tokens=tokens, overlap=overlap)


@pytest.mark.parametrize(
    "text", [JAPANESE, "words and words. ", "x", "\n", " "], ids=["japanese", "english", "x", "lines", "spaces"]
)
def test_the_time_is_in_proportion_to_the_length(text: str) -> None:
    def seconds(characters: int) -> float:
        whole = text * (characters // len(text))
        began = time.process_time()
        chunks(whole, tokens=128, overlap=16)
        return time.process_time() - began

    def at_best(characters: int) -> float:
        return min(seconds(characters) for _ in range(3))

    assert at_best(200_000) < 40 * max(at_best(25_000), 0.001)


def marked(text: str) -> int:
    """A model's own counter: a token each word, or each character of a script without spaces, and two marks around them."""
    words = sum(len(word) if word[:1] > "\u0e00" else 1 for word in text.split())
    return words + 2


@pytest.mark.parametrize("text", [JAPANESE, "It rains in Tokyo. " * 9], ids=["japanese", "english"])
def test_a_models_own_counter_is_held_to_with_the_marks_around_a_text(text: str) -> None:
    """AT-P1: by the counter of the embedding model; its marks are counted once a chunk, and not once a sentence."""
    text *= 40
    pieces = chunks(text, tokens=60, overlap=10, count=marked)
    counts = [marked(text[piece.start : piece.end]) for piece in pieces]
    assert joined(text, pieces) == text
    assert max(counts) <= 60
    assert sum(counts) / len(counts) > 40
    assert max(marked(text[piece.start : piece.fresh]) - 2 for piece in pieces) <= 10


def test_a_limit_that_the_marks_alone_exceed_still_cuts() -> None:
    assert joined("雨が降る", chunks("雨が降る", tokens=2, count=marked)) == "雨が降る"
