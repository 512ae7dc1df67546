"""Terms: one spelling for each word, in every script."""

from __future__ import annotations

import time

import pytest

from modelhub.retrieval.words import terms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ﾊﾝｶｸ", "ハンカク"),
        ("ｶﾞｷﾞ", "ガギ"),
        ("全角ＡＢＣ１２", "全角abc12"),
        ("髙橋", "高橋"),
        ("山﨑", "山崎"),
        ("渡邊", "渡辺"),
        ("葛\U000e0100飾", "葛飾"),
        ("Café", "CAFE\u0301"),
        ("straße", "STRASSE"),
        ("rotating keys", "Rotate key"),
        ("the company's", "the company’s"),
        ("1,000,000", "1000000"),
        ("co\u00adoperate", "cooperate"),
        ("ёлка", "ЕЛКА"),
        ("команды", "команда"),
        ("한국어", "\u1112\u1161\u11ab\u1100\u116e\u11a8\u110b\u1165"),
    ],
)
def test_two_spellings_give_the_same_terms(one: str, other: str) -> None:
    """AT-P2."""
    assert terms(one) == terms(other) != []


@pytest.mark.parametrize(("one", "other"), [("かき", "がき"), ("ハ", "バ"), ("is", "island"), ("cats", "cars"), ("10", "100")])
def test_two_words_stay_two(one: str, other: str) -> None:
    assert terms(one) != terms(other)


def test_a_word_beside_japanese_is_a_word() -> None:
    """AT-P2."""
    assert terms("GPT-5の料金") == ["gpt", "5", "の料", "料金", "料", "金"]


def test_each_term_of_a_query_stands_in_the_longer_text() -> None:
    """AT-P2."""
    assert set(terms("国際標準化")) <= set(terms("国際標準化に関する動向"))
    assert set(terms("한국")) <= set(terms("한국어의"))


def test_rare_characters_count_like_common_ones() -> None:
    """AT-P2: extension A and B."""
    assert terms("㐀㐁") == ["㐀㐁", "㐀", "㐁"]
    assert terms("𠀋𠀌") == ["𠀋𠀌", "𠀋", "𠀌"]


def test_a_lone_character_is_a_term() -> None:
    assert terms("水") == ["水"]
    assert terms("あ") == ["あ"]


def test_thai_signs_stay_with_their_letters() -> None:
    assert terms("ที่นี่") == ["ที่นี่"]
    assert all(term[0] not in "ัิีึืุู่้๊๋็์" for term in terms("ภาษาไทยที่นี่ดี"))


def test_indic_signs_stay_in_their_words() -> None:
    assert terms("हिन्दी में लिखना।") == ["हिन्दी", "में", "लिखना"]
    assert terms("தமிழ் மொழி") == ["தமிழ்", "மொழி"]


@pytest.mark.parametrize("nothing", ["", "  \n", "!? … 「」 --", "👩‍🚀"])
def test_what_has_no_letters_has_no_terms(nothing: str) -> None:
    assert terms(nothing) == []


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("caresses", "caress"),
        ("ponies", "poni"),
        ("agreed", "agre"),
        ("hopping", "hop"),
        ("filing", "file"),
        ("relational", "relat"),
        ("vietnamization", "vietnam"),
        ("adjustable", "adjust"),
        ("probate", "probat"),
        ("controll", "control"),
        ("sky", "sky"),
        ("is", "is"),
    ],
)
def test_english_endings_come_off_as_porter_published(word: str, stem: str) -> None:
    assert terms(word) == [stem]


@pytest.mark.parametrize(
    "text", ["国際標準化に関する動向。", "The keys, which are rotated monthly, open all doors. ", "ключи меняют раз в месяц. "]
)
def test_a_megabyte_takes_about_a_second(text: str) -> None:
    whole = text * (1_000_000 // len(text.encode()))
    start = time.process_time()
    assert terms(whole)
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    "text", ["a\u0301" * 50_000, "क" * 100_000, "่" * 100_000, "a" * 200_000, "1," * 50_000, "'s" * 50_000, "ー" * 100_000]
)
def test_strange_texts_take_no_longer(text: str) -> None:
    start = time.process_time()
    terms(text)
    assert time.process_time() - start < 2
