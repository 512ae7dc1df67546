"""Recognisers of speech in this process: Whisper, and those that hear letters."""

from __future__ import annotations

from modelhub.plugin import TranscriptionModel, Unsupported
from modelhub_huggingface.local.architecture import architecture
from modelhub_huggingface.local.files import find
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["model"]


def model(name: str, options: HuggingFaceOptions) -> TranscriptionModel:
    """The recogniser of that name on this machine. Raises ``Unsupported`` for a network of another kind, ``UnknownModel``."""
    folder = find(name, options)
    network = architecture(folder)
    if network == "WhisperForConditionalGeneration":
        from modelhub_huggingface.local.dictation import Dictation

        return Dictation.of(name, folder, options)
    if network.endswith("ForCTC"):
        from modelhub_huggingface.local.spelling import Spelling

        return Spelling.of(name, folder, options)
    message = (
        f"{options.provider}:{name} is a {network}. In this process, speech is written down by Whisper "
        "(WhisperForConditionalGeneration) and by networks that hear letters (Wav2Vec2ForCTC and its like)."
    )
    raise Unsupported(message, feature="transcription", model=f"{options.provider}:{name}")
