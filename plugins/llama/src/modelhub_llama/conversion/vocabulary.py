"""The vocabulary of a BERT: its pieces of words, its marks, and what becomes of a text before it is cut."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelhub.plugin import SetupError

__all__ = ["Vocabulary", "vocabulary"]

_MARKS = {"cls": "[CLS]", "sep": "[SEP]", "unk": "[UNK]", "pad": "[PAD]", "mask": "[MASK]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Pieces by their numbers; ``marks`` are the numbers of ``cls``, ``sep``, ``unk``, ``pad`` and ``mask``."""

    pieces: Sequence[str] = field(repr=False)
    marks: Mapping[str, int]
    lower_case: bool
    strip_accents: bool


def vocabulary(path: str, words: int) -> Vocabulary:
    """The vocabulary in a folder. Raises ``SetupError`` where it is not WordPiece, or of another size than the model's."""
    config = _table(path, "tokenizer_config.json")
    whole = _table(path, "tokenizer.json")
    pieces = _pieces(path, whole)
    if len(pieces) != words:
        raise SetupError(f"{path} has {len(pieces)} words in its vocabulary, and {words} in its config.json.")
    numbers = {piece: number for number, piece in enumerate(pieces)}
    marks = {name: numbers[mark] for name, mark in _marks(config).items() if mark in numbers}
    if missing := [name for name in ("cls", "sep", "unk") if name not in marks]:
        raise SetupError(f"The vocabulary in {path} lacks {', '.join(_marks(config)[name] for name in missing)}.")
    lower_case, strip_accents = _normaliser(path, config, whole)
    return Vocabulary(pieces=pieces, marks=marks, lower_case=lower_case, strip_accents=strip_accents)


def _marks(config: Mapping[str, Any]) -> dict[str, str]:
    """How the marks are written; some configurations tell them as tables."""
    told = {name: config.get(f"{name}_token") for name in _MARKS}
    plain = {name: mark.get("content") if isinstance(mark, Mapping) else mark for name, mark in told.items()}
    return {name: mark if isinstance(mark := plain[name], str) else _MARKS[name] for name in _MARKS}


def _pieces(path: str, whole: Mapping[str, Any]) -> list[str]:
    file = os.path.join(path, "vocab.txt")
    if os.path.exists(file):
        with open(file, encoding="utf-8", newline="\n") as stream:
            return [line.rstrip("\r\n") for line in stream]
    model = whole.get("model")
    if not isinstance(model, Mapping) or model.get("type") != "WordPiece":
        raise SetupError(f"{path} has no vocabulary of WordPiece: neither vocab.txt nor a tokenizer.json with one.")
    numbers = model["vocab"]
    return sorted(numbers, key=numbers.__getitem__)


def _normaliser(path: str, config: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether texts are put into lower case, and whether accents are left out; left unsaid, the second goes with the first."""
    told = whole.get("normalizer")
    told = told if isinstance(told, Mapping) else {}
    lower_case = told.get("lowercase", config.get("do_lower_case", True))
    accents = told.get("strip_accents", config.get("strip_accents"))
    if told.get("handle_chinese_chars", config.get("tokenize_chinese_chars", True)) is False:
        raise SetupError(f"{path} does not take Chinese characters one by one, and the engine knows no other way.")
    return bool(lower_case), bool(lower_case if accents is None else accents)


def _table(path: str, name: str) -> Mapping[str, Any]:
    file = os.path.join(path, name)
    if not os.path.exists(file):
        return {}
    try:
        with open(file, encoding="utf-8") as stream:
            told = json.load(stream)
    except (OSError, ValueError) as error:
        raise SetupError(f"{file} cannot be read: {error}.") from error
    return told if isinstance(told, Mapping) else {}
