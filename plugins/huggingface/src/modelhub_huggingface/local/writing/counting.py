"""How many tokens a request has, counted by the model's own tokenizer; its weights are not loaded for it."""

from __future__ import annotations

from importlib.util import find_spec
from threading import Lock
from typing import Any

from modelhub.plugin import TextRequest
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.loading import tokenizer_of
from modelhub_huggingface.local.writing.prompts import Prompts
from modelhub_huggingface.local.writing.purpose import Purpose
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["Counter", "has_template"]


class Counter:
    """Reads the tokenizer when it is first asked, and keeps it. Safe in any thread."""

    def __init__(self, folder: ModelFolder, options: HuggingFaceOptions, purpose: Purpose) -> None:
        self._folder = folder
        self._options = options
        self._purpose = purpose
        self._lock = Lock()
        self._prompts: Prompts | None = None

    def count(self, request: TextRequest) -> int | None:
        """The number of tokens; ``None`` where no library that counts is installed."""
        with self._lock:
            if self._prompts is None:
                tokenizer = self._tokenizer()
                if tokenizer is None:
                    return None
                encodes = self._folder.config.get("is_encoder_decoder") is True
                self._prompts = Prompts(tokenizer, self._options, encodes, self._purpose.prefix)
            return len(self._prompts.made(request).tokens)

    def _tokenizer(self) -> Any:
        """Without the libraries that compute, which take seconds to come, wherever a text is counted as it is."""
        told = self._folder.json("tokenizer_config.json")
        chat = self._options.prompt != "plain" and has_template(self._folder, self._options)
        marked = told.get("add_bos_token") is True or told.get("add_eos_token") is True
        if not chat and not marked and self._folder.has("tokenizer.json") and find_spec("tokenizers"):
            return _Light(self._folder)
        able = find_spec("transformers") and (not chat or find_spec("jinja2"))
        return tokenizer_of(self._folder) if able else None


def has_template(folder: ModelFolder, options: HuggingFaceOptions) -> bool:
    """Whether there is a chat template: one of the options, or one beside the weights."""
    if options.chat_template is not None or folder.has("chat_template.jinja") or folder.has("chat_template.json"):
        return True
    return bool(folder.json("tokenizer_config.json").get("chat_template"))


class _Light:
    """A tokenizer without a chat."""

    chat_template = None

    def __init__(self, folder: ModelFolder) -> None:
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(folder.file("tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        told = folder.json("tokenizer_config.json")
        self.bos_token = _word(told.get("bos_token"))
        self.bos_token_id, self.eos_token_id = self._id(self.bos_token), self._id(_word(told.get("eos_token")))

    def __call__(self, text: str, *, add_special_tokens: bool, verbose: bool) -> dict[str, list[int]]:  # noqa: ARG002
        (found,) = self._tokenizer.encode_batch_fast([text], add_special_tokens=add_special_tokens)  # it lets others run
        return {"input_ids": found.ids}

    def _id(self, word: str | None) -> int | None:
        found: int | None = None if word is None else self._tokenizer.token_to_id(word)
        return found


def _word(told: Any) -> str | None:
    """A special token, which may be a table with its word in it."""
    found = told.get("content") if isinstance(told, dict) else told
    return found if isinstance(found, str) else None
