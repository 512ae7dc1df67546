"""A model's own tokenizer: the numbers of a text's tokens, and how many there are. Its weights are not loaded for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from modelhub.plugin import SetupError
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.loading import library, loaded, part

__all__ = ["Counter", "Pair", "Tokens", "can_count", "tokens_of"]

_FILE = "tokenizer.json"


class Pair(NamedTuple):
    """Two texts as one, and for each token to which of them it belongs."""

    ids: list[int]
    kinds: list[int]


class Tokens:
    """``tokenizer`` is one of the library tokenizers. Any number of threads may use it at once."""

    def __init__(self, tokenizer: Any) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer

    def of(self, texts: Sequence[str], *, marks: bool = True) -> list[list[int]]:
        """The tokens of each text, with the marks that the model has around it."""
        return [found.ids for found in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=marks)]

    def of_pairs(self, pairs: Sequence[tuple[str, str]]) -> list[Pair]:
        """The tokens of two texts, as the model is given them together."""
        return [Pair(found.ids, found.type_ids) for found in self._tokenizer.encode_batch_fast(list(pairs))]

    def before(self, prompt: str) -> int:
        """How many tokens of a text that begins with this are the prompt's, the mark before it included."""
        found = self._tokenizer.encode(prompt)
        marks = found.special_tokens_mask
        return len(marks) - next((end for end, mark in enumerate(reversed(marks)) if not mark), len(marks))

    def count(self, text: str) -> int:
        """How many tokens a text has, marks included."""
        return len(self._tokenizer.encode(text))


class Counter:
    """Counts the tokens of one text as the model takes it, with ``prompt`` before it; the tokenizer is read at the first."""

    def __init__(self, folder: ModelFolder, prompt: str = "", *, lower_case: bool = False) -> None:
        self._folder = folder
        self._prompt = prompt
        self._lower_case = lower_case
        self._tokens: Tokens | None = None

    def __call__(self, text: str) -> int:
        if self._tokens is None:
            self._tokens = tokens_of(self._folder, lower_case=self._lower_case)
        return self._tokens.count(self._prompt + text)


def can_count(folder: ModelFolder) -> bool:
    """Whether its tokens can be counted at small cost: by its ``tokenizer.json`` alone."""
    return folder.has(_FILE) and find_spec("tokenizers") is not None


_KNOWN: WeakValueDictionary[tuple[object, ...], Tokens] = WeakValueDictionary()
_READING = threading.Lock()


def tokens_of(folder: ModelFolder, *, lower_case: bool = False) -> Tokens:
    """The tokenizer in a model's folder, read once for all who use it. Raises ``SetupError`` where there is none.

    Without ``tokenizer.json``, transformers makes one of whatever the folder has.
    """
    path = folder.file(_FILE)
    state = os.stat(path) if folder.has(_FILE) else None
    key = (os.path.realpath(folder.path), state and (state.st_mtime_ns, state.st_size), lower_case)
    with _READING:
        found = _KNOWN.get(key)
        if found is None:
            tokenizer = _from_file(path, folder) if state else _from_transformers(folder)
            found = _KNOWN[key] = Tokens(_lowered(tokenizer) if lower_case else tokenizer)
    return found


def _from_file(path: str, folder: ModelFolder) -> Any:
    tokenizers = library("tokenizers", "tokenizers")
    with loaded(folder):
        return tokenizers.Tokenizer.from_file(path)


def _from_transformers(folder: ModelFolder) -> Any:
    made = getattr(part("AutoTokenizer", folder), "backend_tokenizer", None)
    if made is None or not hasattr(made, "encode_batch_fast"):
        raise SetupError(f"{folder.path} has no {_FILE}, and none can be made of its files. Fetch the model again.")
    return made


def _lowered(tokenizer: Any) -> Any:
    """With every text in small letters first."""
    from tokenizers import normalizers

    own = tokenizer.normalizer
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *([own] if own is not None else [])])
    return tokenizer
