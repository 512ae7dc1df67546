"""Speech and recognition in this process keep the laws that every model keeps, in both runtimes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tiny_sound import spoken, tones, wav

from modelhub.plugin import AudioPart, SpeechRequest, TranscriptionRequest, engines
from modelhub.testing import SpeechConformance, TranscriptionConformance

pytest.importorskip("torch", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')
pytest.importorskip("transformers", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')


@pytest.fixture(autouse=True, scope="module")
def unloaded() -> Iterator[None]:
    yield
    engines().close()


class _InAFolder:
    """The model is the folder of its own name, where the test runs."""

    changes: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def there(self, made: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(Path(made("tiny_sound", self.model_id.rpartition("/")[2], **self.changes)).parent)


class TestWhisper(_InAFolder, TranscriptionConformance):
    model_id = "huggingface:./whisper"

    def request(self) -> TranscriptionRequest:
        return TranscriptionRequest(audio=AudioPart(data=wav(tones(3))))


class TestWhisperInEnglish(_InAFolder, TranscriptionConformance):
    model_id = "huggingface:./whisper"
    changes: ClassVar[dict[str, Any]] = {"many": False, "timed": False}


class TestLetters(_InAFolder, TranscriptionConformance):
    model_id = "huggingface:./ctc"

    def request(self) -> TranscriptionRequest:
        return TranscriptionRequest(audio=AudioPart(data=wav(spoken("abc あい"))))


class TestVoice(_InAFolder, SpeechConformance):
    model_id = "huggingface:./vits"

    def request(self) -> SpeechRequest:
        return SpeechRequest(text="Hello, とうだい！")


class TestVoices(_InAFolder, SpeechConformance):
    model_id = "huggingface:./vits"
    changes: ClassVar[dict[str, Any]] = {"speakers": 3}
    knobs: ClassVar[dict[str, Any]] = {**SpeechConformance.knobs, "voice": "2"}
