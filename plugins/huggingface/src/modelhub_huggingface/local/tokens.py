"""A model's own tokenizer: the numbers of a text's tokens, and how many there are. Its weights are not loaded for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any
from weakref import WeakValueDictionary

from modelhub.plugin import SetupError
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.loading import library, loaded, tokenizer_of

__all__ = ["Counter", "Tokens", "counter", "tokens_of"]

_FILE = "tokenizer.json"


class Tokens:
    """``tokenizer`` is one of the library tokenizers. Any number of threads may use it at once."""

    def __init__(self, tokenizer: Any) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer

    def of(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, with the marks that the model has around it."""
        return [found.ids for found in self._tokenizer.encode_batch_fast(list(texts))]

    def before(self, prompt: str) -> int:
        """How many tokens of a text that begins with this are the prompt's, the mark before it included."""
        found = self._tokenizer.encode(prompt)
        marks = found.special_tokens_mask
        return len(marks) - next((end for end, mark in enumerate(reversed(marks)) if not mark), len(marks))

    def count(self, text: str) -> int:
        """How many tokens a text has, marks included."""
        return len(self.of([text])[0])


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


def counter(folder: ModelFolder, prompt: str = "", *, lower_case: bool = False) -> Counter | None:
    """What counts the tokens of one text at small cost; ``None`` where the folder has no ``tokenizer.json`` that says all, or
    the library tokenizers is not installed.
    """
    if not _says_all(folder) or find_spec("tokenizers") is None:
        return None
    return Counter(folder, prompt, lower_case=lower_case)


def _says_all(folder: ModelFolder) -> bool:
    """Whether nothing beside ``tokenizer.json`` has a say: marks that are added because a configuration asks for them."""
    told = folder.json("tokenizer_config.json")
    return folder.has(_FILE) and told.get("add_bos_token") is not True and told.get("add_eos_token") is not True


_KNOWN: WeakValueDictionary[tuple[object, ...], Tokens] = WeakValueDictionary()
_READING = threading.Lock()


def tokens_of(folder: ModelFolder, *, lower_case: bool = False) -> Tokens:
    """The tokenizer in a model's folder, read once for all who use it. Raises ``SetupError`` where there is none.

    Where ``tokenizer.json`` does not say all, transformers makes one of whatever the folder has.
    """
    path = folder.file(_FILE)
    state = os.stat(path) if _says_all(folder) else None
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
    made = getattr(tokenizer_of(folder), "backend_tokenizer", None)
    if made is None or not hasattr(made, "encode_batch_fast"):
        raise SetupError(f"{folder.path} has no {_FILE}, and none can be made of its files. Fetch the model again.")
    return made


def _lowered(tokenizer: Any) -> Any:
    """With every text in small letters first."""
    from tokenizers import normalizers

    own = tokenizer.normalizer
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *([own] if own is not None else [])])
    return tokenizer
