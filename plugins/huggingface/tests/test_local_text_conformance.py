"""The laws of text models and streams, of each way in which a model in this process answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import pytest
from tiny_scripts import PROMPT, scripted

from modelhub.plugin import Message, TextRequest, output_type
from modelhub.testing import TextConformance

pytest.importorskip("torch", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')
pytest.importorskip("transformers", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')

ANSWER = "日本の首都です。🗼👩‍🚀 Ünïcödé"
CHAT = "{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}<assistant>"
FEELING = output_type(Literal["positive", "negative", "neutral"])


class _Local(TextConformance):
    options: ClassVar[Mapping[str, Any]] = {"threads": 1}
    text: ClassVar[str] = PROMPT

    def request(self) -> TextRequest:
        return TextRequest(messages=(Message("user", self.text),))


class TestPlain(_Local):
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _named(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.model_id = f"huggingface:{scripted(tmp_path_factory.mktemp('models') / 'plain', ANSWER)}"


class TestChat(_Local):
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _named(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.model_id = f"huggingface:{scripted(tmp_path_factory.mktemp('models') / 'chat', ANSWER, chat_template=CHAT)}"


class TestEncoderDecoder(_Local):
    text: ClassVar[str] = "The lighthouse stands on the cliff."
    options: ClassVar[Mapping[str, Any]] = {"threads": 1, "task": "summarization"}

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _named(cls, tiny: Callable[..., str]) -> None:
        cls.model_id = f"huggingface:{tiny('t5', seed=4)}"

    def test_it_says_something(self, runtime: Any) -> None:
        assert runtime.call(self.model(), self.request()).text.strip()


class TestBeams(TestEncoderDecoder):
    options: ClassVar[Mapping[str, Any]] = {"threads": 1, "arguments": {"num_beams": 3, "max_new_tokens": 8}}

    def test_a_setting_that_the_card_names_is_taken_and_any_other_is_a_notice(self, runtime: Any) -> None:
        """What takes a token at a time is a notice: with several beams, nobody but the library sees the tokens."""
        for setting in self.knobs:
            noticed = {notice.setting for notice in runtime.call(self.negotiated(), self.having(setting)).notices}
            alone = setting in ("logprobs", "presence_penalty", "frequency_penalty")
            assert noticed == ({setting} if alone or setting not in self.model().card.settings else set())


class TestGaps(_Local):
    text: ClassVar[str] = "Tokyo is the [MASK] of Japan: 東京。"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _named(cls, tiny: Callable[..., str]) -> None:
        cls.model_id = f"huggingface:{tiny('bert-gaps')}"


class TestAnswers(_Local):
    text: ClassVar[str] = "東京は日本の首都です。Tokyo is the capital of Japan.\n\nWhat is Tokyo?"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _named(cls, tiny: Callable[..., str]) -> None:
        cls.model_id = f"huggingface:{tiny('bert-answers')}"


class _Choosing(_Local):
    """What it takes for an output is a type of choices."""

    def needing(self) -> Mapping[str, TextRequest]:
        return {**super().needing(), "structured_output": replace(self.request(), output=FEELING)}


class TestClasses(_Choosing):
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _named(cls, tiny: Callable[..., str]) -> None:
        cls.model_id = f"huggingface:{tiny('bert-classes')}"


class TestZeroShot(_Choosing):
    def request(self) -> TextRequest:
        return replace(super().request(), output=FEELING)

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _named(cls, tiny: Callable[..., str]) -> None:
        cls.model_id = f"huggingface:{tiny('bert-entailment')}"
