"""What ``starter:quote`` says of itself, in the language it is asked in: Japanese, Chinese, or English for all others."""

from __future__ import annotations

import re
from collections.abc import Sequence

from modelhub.plugin import Passage

__all__ = ["NO_PASSAGES", "NO_SUPPORT", "said"]

NO_PASSAGES = {
    "en": "I can only quote from documents, and I was given none.",
    "ja": "このモデルは文書から引用することしかできませんが、文書が渡されていません。",
    "zh": "本模型只能引用文档，但没有收到任何文档。",
}
NO_SUPPORT = {
    "en": "The passages do not answer this.",
    "ja": "渡された文書には、この質問への答えが見つかりません。",
    "zh": "所给的文档没有回答这个问题。",
}
_KANA = re.compile("[\u3041-\u30ff]")
_HAN = re.compile("[\u3400-\u9fff]")


def said(what: dict[str, str], question: str, passages: Sequence[Passage] = ()) -> str:
    """The sentence in the question's language; characters shared by two languages are settled by the passages."""
    if _KANA.search(question):
        return what["ja"]
    if not _HAN.search(question):
        return what["en"]
    return what["ja" if any(_KANA.search(passage.text) for passage in passages) else "zh"]
