"""BM25 finds what shares terms with the query, in every script, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from math import log

import numpy as np
import pytest

from modelhub.retrieval.lexical import Bm25

MINUTES = (
    "国際標準化に関する動向について報告があった。",
    "国内市場の動向を調査し、来年度の予算を検討した。",
    "標準的な手順書を改訂し、関係者に配布した。",
    "髙橋部長が料金改定の方針を説明した。",
    "GPT-5の料金は入力と出力で異なる。",
    "ハンカクのカタカナは全角に直して保存する。",
    "モデルの評価には、正解率と応答時間を用いる。",
    "応答が遅い場合は、再試行の間隔を延ばす。",
    "文書を分割するときは、文の終わりを尊重する。",
    "秘密の鍵は環境変数から読み、記録には残さない。",
    "東京都の水道水は検査の結果、安全と判断された。",
    "京都の観光客は前年より二割増えた。",
)
QUERIES = (
    ("国際標準化", 0),
    ("来年度の予算", 1),
    ("手順書の改訂", 2),
    ("高橋部長", 3),
    ("GPT-5の料金", 4),
    ("ﾊﾝｶｸ", 5),
    ("正解率", 6),
    ("再試行の間隔", 7),
    ("文書の分割", 8),
    ("秘密鍵の扱い", 9),
    ("水", 10),
    ("京都の観光", 11),
)


def plain_pairs(text: str) -> list[str]:
    """The baseline: pairs of neighbouring characters, as they stand."""
    return [text[place : place + 2] for place in range(len(text) - 1)]


def baseline(query: str) -> list[int]:
    counted = [Counter(plain_pairs(text)) for text in MINUTES]
    average = sum(each.total() for each in counted) / len(counted)

    def score(counts: Counter[str]) -> float:
        total = 0.0
        for pair in plain_pairs(query):
            having = sum(pair in each for each in counted)
            rarity = log(1 + (len(counted) - having + 0.5) / (having + 0.5))
            total += rarity * counts[pair] * 2.2 / (counts[pair] + 1.2 * (0.25 + 0.75 * counts.total() / average))
        return total

    scores = [score(each) for each in counted]
    return sorted((place for place in range(len(scores)) if scores[place] > 0), key=lambda place: -scores[place])


def test_the_japanese_recall_is_at_least_that_of_plain_pairs() -> None:
    """AT-P2."""
    index = Bm25.build(MINUTES)
    found = [wanted in [place for place, _ in index.search(query, 5)] for query, wanted in QUERIES]
    plain = [wanted in baseline(query)[:5] for query, wanted in QUERIES]
    assert sum(found) >= sum(plain)
    assert all(found)
    assert sum(plain) < len(QUERIES), "the baseline misses some, or this shows nothing"


@pytest.mark.parametrize(("query", "wanted"), QUERIES)
def test_the_best_text_is_the_one_that_answers(query: str, wanted: int) -> None:
    """AT-P2."""
    assert Bm25.build(MINUTES).search(query, 1)[0][0] == wanted


def test_a_text_that_shares_nothing_is_never_found() -> None:
    """AT-P2."""
    index = Bm25.build(["鍵の更新", "rotate keys", "", "ключ"])
    assert [place for place, _ in index.search("更新", 10)] == [0]
    assert index.search("zebra 斑馬", 10) == []
    assert index.search("", 10) == []
    assert all(score > 0 for _, score in index.search("rotate 鍵", 10))


def test_english_scores_do_not_depend_on_the_other_scripts() -> None:
    """AT-P2: the figures are worked out by hand from the formula."""
    index = Bm25.build(["red fish", "blue fish sea"])
    rarity, average = log(1 + (2 - 1 + 0.5) / 1.5), 2.5
    wanted = rarity * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 2 / average))
    assert index.search("red", 5) == [(0, pytest.approx(wanted, rel=1e-6))]


def test_the_rarer_word_decides() -> None:
    index = Bm25.build(["the key", "the lock", "the door", "the the the"])
    assert index.search("the lock", 1)[0][0] == 1
    assert index.rarity("lock") > index.rarity("the")
    assert index.rarity("window") > index.rarity("lock")


def test_a_short_text_beats_a_long_one_with_the_same_word() -> None:
    assert Bm25.build(["key " + "filler " * 50, "key"]).search("keys", 2)[0][0] == 1


def test_equals_come_in_their_order_and_top_k_limits_them() -> None:
    index = Bm25.build(["same text"] * 5)
    assert [place for place, _ in index.search("text", 3)] == [0, 1, 2]
    assert index.search("text", 0) == []


def test_scores_are_those_of_the_search() -> None:
    index = Bm25.build(MINUTES)
    scores = index.scores("料金の動向")
    assert scores.dtype == np.float32
    shown = {place: pytest.approx(float(scores[place])) for place in np.flatnonzero(scores)}
    assert shown == dict(index.search("料金の動向", 99))


def test_an_index_of_nothing_finds_nothing() -> None:
    assert Bm25.build([]).search("key", 5) == []
    assert Bm25.build(["", " "]).search("key", 5) == []


def test_plain_data_brings_the_index_back() -> None:
    index = Bm25.build(MINUTES)
    data = index.to_data()
    plain = {name: part if name == "terms" else part.tolist() for name, part in data.items()}
    through_json = json.loads(json.dumps(plain))
    for again in (Bm25.from_data(data), Bm25.from_data(through_json)):
        assert again.search("国際標準化の動向", 5) == index.search("国際標準化の動向", 5)
        assert len(again) == len(MINUTES)


@pytest.mark.parametrize(
    "damage",
    [{"terms": ["one"]}, {"frequencies": [1]}, {"documents": None}, {"lengths": [1]}, {"offsets": None}],
)
def test_damaged_data_is_refused(damage: dict[str, list[object] | None]) -> None:
    data = Bm25.build(MINUTES).to_data()
    for name, part in damage.items():
        data[name] = data[name] + 1000 if part is None else part
    with pytest.raises(ValueError, match="build it again"):
        Bm25.from_data(data)


def test_importing_it_loads_no_numpy() -> None:
    script = "import sys, modelhub.retrieval.lexical; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "False"
