from __future__ import annotations

import pytest

from modelhub.retrieval.graphemes import cut_before, is_boundary

WHOLE = {
    "an accent": "e\u0301",
    "Japanese voicing": "か\u3099",
    "a family": "👩\u200d👩\u200d👧\u200d👦",
    "a skin colour": "👍🏽",
    "a flag": "🇯🇵",
    "a tagged flag": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "an emoji style": "❤\ufe0f",
    "a keycap": "1\ufe0f\u20e3",
    "Thai signs": "ที่",
    "Thai sara am": "น้ำ"[:3],
    "Hangul in pieces": "\u1112\u1161\u11ab",
    "Hangul with a final": "하\u11ab",
    "Devanagari": "नि",
    "a variant of a Chinese character": "葛\U000e0100",
    "a line end": "\r\n",
}


@pytest.mark.parametrize("whole", WHOLE.values(), ids=WHOLE.keys())
def test_one_seen_character_is_never_parted(whole: str) -> None:
    text = f"x{whole}y"
    assert [position for position in range(1, len(text)) if is_boundary(text, position)] == [1, len(text) - 1]


def test_flags_are_parted_between_flags() -> None:
    flags = "🇯🇵🇩🇪🇹🇭"
    assert [position for position in range(1, 6) if is_boundary(flags, position)] == [2, 4]


@pytest.mark.parametrize("text", ["ab", "日本", "한국", "a語", "\n\u0301", "😀😀", "。」"])
def test_plain_neighbours_may_be_parted(text: str) -> None:
    assert is_boundary(text, 1)


def test_the_ends_are_boundaries() -> None:
    assert is_boundary("e\u0301", 0)
    assert is_boundary("e\u0301", 2)


def test_a_cut_moves_back_to_a_place_where_it_may_fall() -> None:
    text = "ab👩\u200d👩\u200d👧"
    assert cut_before(text, 5) == 2
    assert cut_before(text, 5, 2) == 2
