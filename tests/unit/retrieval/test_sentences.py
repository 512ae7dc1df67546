"""Sentences end where a reader says they do; together they are the text."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.retrieval.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    "wanted",
    [
        ["Keys rotate.", "Do they?", "They do!", "Fine."],
        ["Mr. Smith met Dr. Jones at St. Paul's.", "They spoke."],
        ["It costs 3.14 dollars.", "That is cheap."],
        ["See Fig. 3 and No. 5 for more.", "Then go on."],
        ["J. K. Rowling wrote it.", "He read it."],
        ["It is used in the U.S. Army and elsewhere.", "It was made in the U.S.", "The price fell."],
        ["Use a tool, e.g. Apple's, i.e. theirs.", "Or not."],
        ['He said "Stop."', "She did."],
        ["It grew (a lot.)", "Then it fell."],
        ["It began in 1999.", "It ended soon."],
        ["No.", "I said so."],
        ["It works.[1]", "It lasts.[2]"],
        ["Wait… what?", "Yes."],
        ["Он родился в 1799 г. в Москве.", "Он умер."],
    ],
)
def test_english_and_its_kin(wanted: list[str]) -> None:
    assert sentences(" ".join(wanted)) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        ["今日は雨です。", "傘を持ちます！", "本当に？", "はい"],
        ["「行こう。」と彼は言った。", "「帰ろう。」", "次の日になった。"],
        ["本当！？", "（そうだ。）", "続けよう…。", "終わり。"],
        ["費用は３．１４円です．", "安いです．", "終わり"],
        ["他说：“好。”", "然后走了。", "真的吗？"],
        ["यह पहला है।", "यह दूसरा है॥", "अंत"],
    ],
)
def test_scripts_with_marks_of_their_own(wanted: list[str]) -> None:
    assert sentences("".join(wanted)) == wanted


def test_thai_is_cut_at_lines_and_at_spaces_once_a_piece_is_long() -> None:
    piece = "ภาษาไทยไม่มีเครื่องหมายจบประโยค" * 4
    assert sentences(f"{piece} {piece}\nสั้น สั้น") == [piece, piece, "สั้น สั้น"]


def test_titles_lists_and_paragraphs_stand_alone() -> None:
    text = "# Title\nFirst line\ngoes on.\n- one\n- two\n\n1. First item. Second.\n2. Next\n> quoted\n\nEnd"
    assert sentences(text) == [
        "# Title",
        "First line\ngoes on.",
        "- one",
        "- two",
        "1. First item.",
        "Second.",
        "2. Next",
        "> quoted",
        "End",
    ]


def test_windows_line_ends_are_line_ends() -> None:
    assert sentences("# 題\r\n本文は一行目から\r\n続く。\r\n\r\n次") == ["# 題", "本文は一行目から\r\n続く。", "次"]


def test_nothing_has_no_sentences_and_white_space_is_one() -> None:
    assert sentence_spans("") == []
    assert sentence_spans(" \n") == [(0, 2)]


@given(st.text(alphabet=st.sampled_from("aA1 .!?。！」)\n\r\t#-「กข่่\u0301\ufe0fé次Mr…\u200d👩"), max_size=60))
def test_the_sentences_are_the_whole_text_in_order(text: str) -> None:
    spans = sentence_spans(text)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(start < end for start, end in spans)
    if text.strip():
        assert all(text[start:end].strip() for start, end in spans)


@given(st.text(alphabet=st.sampled_from("あ。！a. \u3099\u0301\ufe0f\u200d่ก"), max_size=40))
def test_no_character_is_parted_from_what_is_attached_to_it(text: str) -> None:
    for start, _ in sentence_spans(text)[1:]:
        attached = unicodedata.combining(text[start]) or text[start] in "\ufe0f\u200d"
        assert not attached, (text, start)


@pytest.mark.parametrize(
    "text",
    [
        " ",
        ".",
        ". ",
        "\n",
        "\n \n",
        "」",
        "。",
        "。」",
        "ก ",
        "a.\t",
        "[1]",
        ".[1]",
        "\r\n",
        "Mr. ",
        "...",
        "x\n",
        "# ",
        "`",
        "`a ",
        "`` `a\n",
        "[",
        "[a",
        "[a](",
        "\t\n",
    ],
)
def test_strange_texts_take_time_in_proportion(text: str) -> None:
    whole = text * (200_000 // len(text))
    start = time.process_time()
    sentence_spans(whole)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    "wanted",
    [
        ["The table `{ a = 1. B = 2 }` is replaced as a whole.", "Then go on."],
        ["Write ``a `b. C` d`` here.", "Done."],
        ["Read [Why? Because. So](why.md) first.", "Then act."],
        ["詳しくは[使い方。次の章](how.md)を見る。", "終わり。"],
        ["A lone ` is no code.", "It ends nothing."],
        ["The key is `a`.", "The value is `b`."],
    ],
)
def test_no_sentence_ends_within_inline_code_or_a_link(wanted: list[str]) -> None:
    assert sentences("\n".join(wanted)) == wanted


def test_a_backtick_left_open_in_one_item_reaches_no_other() -> None:
    assert sentences("- A ` stands open. Here.\n- The key `a. B` is whole. Yes.") == [
        "- A ` stands open.",
        "Here.",
        "- The key `a. B` is whole.",
        "Yes.",
    ]
