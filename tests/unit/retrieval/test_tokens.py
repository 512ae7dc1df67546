from __future__ import annotations

import threading
import time

import pytest

from modelhub.retrieval.tokens import count_tokens

CODE = '''def fused(rankings, top_k):
    """The best items of all rankings."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for place, item in enumerate(ranking, 1):
            scores[item] = scores.get(item, 0.0) + 1 / (60 + place)
    return sorted(scores.items(), key=lambda pair: -pair[1])[:top_k]
'''
JAPANESE = (
    "大規模言語モデルを選ぶときは、まず目的と評価の方法を決めます。速度、費用、品質のどれを優先するかによって、"
    "選ぶべきモデルは変わります。カタログから候補を絞り、自分のデータで比較してください。"
)
CHINESE = "选择语言模型时，首先要确定目标和评估方法。根据速度、成本和质量的优先顺序，应选择的模型也会不同。"
THAI = "เมื่อเลือกแบบจำลองภาษา ให้กำหนดเป้าหมายและวิธีการประเมินก่อน จากนั้นเปรียบเทียบด้วยข้อมูลของคุณเอง"
RUSSIAN = "При выборе языковой модели сначала определите цель и способ оценки, затем сравните модели на своих данных."
KOREAN = "언어 모델을 고를 때는 먼저 목적과 평가 방법을 정합니다. 그런 다음 자신의 데이터로 비교합니다."
ENGLISH = (
    "When you choose a language model, first decide what it is for and how you will evaluate it. "
    "Then compare the candidates on your own data: speed, cost and quality rarely agree."
)
TABLE = "| model | tokens | price |\n|---|---|---|\n| small | 8192 | 0.15 |\n| large | 128000 | 2.50 |\n"
COUNTED = [
    (ENGLISH, 37, 37),
    (JAPANESE, 106, 70),
    (CHINESE, 48, 33),
    (THAI, 90, 34),
    (RUSSIAN, 44, 21),
    (KOREAN, 46, 25),
    (CODE, 88, 88),
    (TABLE, 38, 38),
]
"""Each text with what the vocabularies cl100k_base and o200k_base, both public, make of it."""
POLISH = (
    "Wybierając model językowy, najpierw określ, do czego ma służyć i jak go ocenisz. "
    "Następnie porównaj kandydatów na własnych danych: szybkość, koszt i jakość rzadko idą w parze."
)
TURKISH = (
    "Bir dil modeli seçerken önce ne için kullanılacağını ve nasıl değerlendirileceğini belirleyin. "
    "Sonra adayları kendi verilerinizle karşılaştırın: hız, maliyet ve kalite nadiren birbiriyle uyuşur."
)
NUMBERS = "[0.0123, -1.5e-07, 299792458, 3.14159265358979, 2024-05-31T23:59:59.123456Z, 192.168.10.254]"
MIXED = (
    "GPT-5の料金は1,000,000トークンあたり$2.50です(2026年11月時点)。"
    "APIキーはOPENAI_API_KEYに設定し、`pip install openai`を実行してください。"
)
C = (
    "static int cmp(const void *a, const void *b) {\n\treturn strcmp(*(const char **)a, *(const char **)b);\n}\n\n"
    "#define MAX(a, b) ((a) > (b) ? (a) : (b))\n"
)
KANA = "ｶﾀｶﾅとひらがな、そして漢字。シミュレーション・インターフェース・プログラミング。"
OPEN_MODELS = [
    (ENGLISH, (37, 37, 37, 37, 37)),
    (JAPANESE, (106, 68, 63, 58, 48)),
    (CHINESE, (48, 35, 25, 29, 29)),
    (CODE, (88, 88, 91, 89, 106)),
    (TABLE, (38, 38, 34, 46, 47)),
    (POLISH, (71, 71, 61, 64, 52)),
    (TURKISH, (72, 46, 74, 58, 50)),
    (NUMBERS, (55, 55, 55, 91, 91)),
    (MIXED, (62, 56, 53, 61, 56)),
    (C, (50, 50, 54, 50, 58)),
    (KANA, (44, 37, 33, 27, 24)),
]
"""Each text with its tokens in the vocabularies of cl100k_base, Llama 3, DeepSeek, Qwen and Gemma 3."""


@pytest.mark.parametrize(("text", "older", "newer"), COUNTED)
def test_the_estimate_is_never_a_tenth_too_low(text: str, older: int, newer: int) -> None:
    """AT-A4: approximations that gate limits err upward."""
    assert count_tokens(text) >= 0.9 * max(older, newer)


@pytest.mark.parametrize(("text", "counts"), OPEN_MODELS)
def test_the_estimate_holds_for_the_vocabularies_of_open_models(text: str, counts: tuple[int, ...]) -> None:
    """AT-A4: Japanese, Chinese, English, code, and what has been too low: Polish, Turkish, numbers cut into digits."""
    assert count_tokens(text) >= 0.9 * max(counts)


@pytest.mark.parametrize(("text", "older", "newer"), COUNTED)
def test_the_estimate_is_not_absurdly_high(text: str, older: int, newer: int) -> None:
    assert count_tokens(text) <= 1.6 * older


def test_nothing_costs_nothing() -> None:
    assert count_tokens("") == 0


@pytest.mark.parametrize("text", ["字", "😀", "a", "9", "\n", "፨", "ｱ", "𝔸"])
def test_everything_else_costs_something(text: str) -> None:
    assert count_tokens(text) >= 1


def test_the_time_is_in_proportion_to_the_length() -> None:
    def seconds(text: str) -> float:
        began = time.process_time()
        count_tokens(text)
        return time.process_time() - began

    text = (ENGLISH + JAPANESE + CODE) * 400
    assert seconds(text * 8) < 40 * max(min(seconds(text) for _ in range(3)), 0.001)


def test_a_long_text_lets_other_threads_run_while_it_is_counted() -> None:
    late: list[float] = []
    counting = threading.Thread(target=count_tokens, args=(ENGLISH * 100_000,))
    counting.start()
    while counting.is_alive():
        started = time.monotonic()
        time.sleep(0.005)
        late.append(time.monotonic() - started)
    counting.join()
    assert len(late) > 20, "It took long enough to be told."
    assert max(late) < 0.5
