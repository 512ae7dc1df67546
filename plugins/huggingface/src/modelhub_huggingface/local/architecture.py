"""What a network is for, as the name of its class tells: every one of transformers ends in what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelhub.plugin import Family, SetupError
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.pipelines import pipeline_of
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["architecture", "before_first", "family", "task"]

_SOUND = ("Whisper", "Speech2Text", "Moonshine", "SeamlessM4T")
_ENDINGS: tuple[tuple[str, str], ...] = (
    ("ForCausalLM", "text-generation"),
    ("LMHeadModel", "text-generation"),
    ("ForCTC", "automatic-speech-recognition"),
    ("ForSpeechSeq2Seq", "automatic-speech-recognition"),
    ("ForTextToSpeech", "text-to-speech"),
    ("VitsModel", "text-to-speech"),
    ("BarkModel", "text-to-speech"),
    ("ForConditionalGeneration", "text2text-generation"),
    ("MTModel", "text2text-generation"),
    ("ForMaskedLM", "fill-mask"),
    ("ForPreTraining", "fill-mask"),
    ("ForSequenceClassification", "text-classification"),
    ("ForTokenClassification", "token-classification"),
    ("ForQuestionAnswering", "question-answering"),
    ("Model", "feature-extraction"),
)
_BEHIND_PADDING = (
    "roberta",
    "xlm-roberta",
    "xlm-roberta-xl",
    "camembert",
    "mpnet",
    "xmod",
    "data2vec-text",
    "longformer",
    "luke",
)
_FAMILIES: dict[str, Family] = {
    "text-generation": "decoder",
    "text2text-generation": "encoder-decoder",
    "fill-mask": "encoder",
    "text-classification": "encoder",
    "token-classification": "encoder",
    "question-answering": "encoder",
    "feature-extraction": "encoder",
}


def architecture(folder: ModelFolder) -> str:
    """The class of its network: ``BertForMaskedLM``. Raises ``SetupError`` where the files do not say."""
    if folder.pipeline:
        return str(folder.pipeline.get("_class_name", "DiffusionPipeline"))
    found = folder.config.get("architectures")
    if isinstance(found, list) and found and isinstance(found[0], str):
        return found[0]
    if not folder.has("config.json"):
        raise SetupError(
            f"{folder.path} holds no model that can be computed here: it has no config.json. Name the folder that has one. "
            "Fetch the model again where it should be here."
        )
    message = f"{folder.path} does not say what its network is: its config.json has no architectures."
    raise SetupError(f'{message} Add them where you know them, as in "architectures": ["BertForMaskedLM"].')


def before_first(config: Mapping[str, Any]) -> int:
    """Of the positions that a network knows, those that lie before a text's first: RoBERTa begins behind that of padding."""
    if config.get("model_type") not in _BEHIND_PADDING:
        return 0
    padding = config.get("pad_token_id")
    return padding + 1 if type(padding) is int else 2


def task(folder: ModelFolder, options: HuggingFaceOptions) -> str:
    """What the model is for, in the hub's words: as the options say, else as the name of its class ends."""
    if options.task is not None:
        return options.task
    if folder.pipeline:
        return pipeline_of(folder).task
    name = architecture(folder)
    if name.startswith(_SOUND):
        return "automatic-speech-recognition"
    found = next((task for ending, task in _ENDINGS if name.endswith(ending)), None)
    if found is None:
        raise SetupError(f"{folder.path} is a {name}, and what that is for is not known here: set task in its options.")
    return _classification(folder) if found == "text-classification" else found


def _classification(folder: ModelFolder) -> str:
    """A model that judges whether one text follows from another takes any labels; one with a single score ranks."""
    labels = [str(label).lower() for label in (folder.config.get("label2id") or {})]
    if any(label.startswith("entail") for label in labels):
        return "zero-shot-classification"
    names = folder.config.get("id2label") or {}
    return "text-ranking" if len(names) == 1 or folder.config.get("num_labels") == 1 else "text-classification"


def family(folder: ModelFolder) -> Family | None:
    """Which half of the transformer the network has, or both."""
    if folder.pipeline:
        return "diffusion"
    name = architecture(folder)
    if folder.config.get("is_encoder_decoder") is True:
        return "encoder-decoder"
    found = next((task for ending, task in _ENDINGS if name.endswith(ending)), "")
    return _FAMILIES.get(found)
