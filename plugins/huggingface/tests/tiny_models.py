"""Tiny models in folders, as transformers saves them: real architectures, seeded random weights, small vocabularies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["CHATML", "CODE", "KINDS", "PROSE", "byte_level", "quiet", "save", "unigram", "word_piece"]

PROSE = (
    "Tokyo is the capital of Japan, and it rains there in June.",
    "A model answers a request, at once or as a stream of events.",
    "The lighthouse stands on the cliff; the sea is grey and the wind is cold.",
    "東京は日本の首都です。雨が降っています。",
    "モデルは質問に答えます。灯台は崖の上に立っています。",
)
CODE = (
    "def add(a, b):\n    return a + b\n\n",
    "def greet(name):\n    print('こんにちは', name)\n\n",
    "for i in range(10):\n    if i % 2 == 0:\n        print(i)\n",
    "class Model:\n    def __init__(self, name):\n        self.name = name\n",
)
CHATML = (
    "{{ bos_token }}{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_CHAT_MARKS = ["<|im_start|>", "<|im_end|>"]
_WIDTH = 32


def save(folder: Path | str, kind: str, *, seed: int = 0, dtype: str = "float32", **changes: Any) -> str:
    """Save a model of one of the ``KINDS`` with its tokenizer; gives the folder. ``changes`` go into its ``config.json``."""
    quiet()
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network, tokenizer = KINDS[kind](changes)
    network.eval().to(getattr(torch, dtype)).save_pretrained(folder)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    return str(folder)


def quiet() -> None:
    """Let nothing be asked of a hub, and let one thread do, so that tests beside each other do not wait for each other."""
    import os

    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from transformers.utils import logging

    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def byte_level(texts: tuple[str, ...] = PROSE, size: int = 400, specials: tuple[str, ...] = ()) -> tuple[Any, list[Any]]:
    """Vocabulary and merges of a byte-level BPE: what it has not seen, as most of Japanese, falls into bytes."""
    import json

    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(specials), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    told = json.loads(tokenizer.to_str())["model"]
    return told["vocab"], [tuple(merge) for merge in told["merges"]]


def unigram() -> list[tuple[str, float]]:
    """The pieces of a Unigram vocabulary, as T5 has it, its first three special. Not trained: training it comes out differently
    every time.
    """
    import re

    words = sorted({f"▁{word}" for text in PROSE[:3] for word in re.findall(r"\w+", text)})
    letters = sorted({letter for text in PROSE for letter in text if letter != " "})
    likely = [(word, -4.0) for word in (*words, "東京", "です", "雨が")]
    return [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *likely, *((letter, -6.0) for letter in letters)]


def word_piece() -> dict[str, int]:
    """A WordPiece vocabulary of some words, and of single letters for all others."""
    import re

    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = sorted({word for text in PROSE[:3] for word in re.findall(r"\w+", text.lower())})
    letters = sorted({letter for text in PROSE for letter in text.lower() if letter != " "})
    pieces = [*marks, *letters, *(f"##{letter}" for letter in letters), *words, "good", "bad", "joy", "weather", "sport"]
    return {piece: place for place, piece in enumerate(dict.fromkeys(pieces))}


def _gpt2(changes: Mapping[str, Any]) -> tuple[Any, Any]:
    return _gpt2_of(PROSE, changes)


def _codeparrot(changes: Mapping[str, Any]) -> tuple[Any, Any]:
    """GPT-2 for Python, with what CodeParrot's configuration adds."""
    return _gpt2_of(CODE, {"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True, **changes})


def _gpt2_of(texts: tuple[str, ...], changes: Mapping[str, Any]) -> tuple[Any, Any]:
    from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer

    vocabulary, merges = byte_level(texts, specials=("<|endoftext|>",))
    marks = {"bos_token_id": 0, "eos_token_id": 0, "vocab_size": len(vocabulary)}
    config = GPT2Config(**{"n_embd": _WIDTH, "n_layer": 2, "n_head": 2, "n_positions": 128, **marks, **changes})
    return GPT2LMHeadModel(config), GPT2Tokenizer(vocab=vocabulary, merges=merges)


def _llama(changes: Mapping[str, Any]) -> tuple[Any, Any]:
    """As the third Llama: a byte-level tokenizer that puts its mark before a text, and a chat template that does so, too."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary, merges = byte_level(specials=("<pad>", "<s>", "</s>", *_CHAT_MARKS))
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B:1", special_tokens=[("<s>", 1)]
    )
    marks = {"bos_token": "<s>", "eos_token": "<|im_end|>", "pad_token": "<pad>", "additional_special_tokens": _CHAT_MARKS}
    template = changes.get("chat_template", CHATML)
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": vocabulary["<|im_end|>"]}
    return _llama_network(len(vocabulary), ids, changes), PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, chat_template=template, **marks
    )


def _llama2(changes: Mapping[str, Any]) -> tuple[Any, Any]:
    """As the second: words begin with ``▁``, what is not in the vocabulary falls into ``<0xNN>``; without a chat template."""
    from transformers import LlamaTokenizer

    letters = sorted({letter for text in PROSE[:3] for letter in text if letter != " "})
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *letters]
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    merges = [("▁", letter) for letter in "aistcTA"]
    vocabulary |= {first + second: len(vocabulary) + place for place, (first, second) in enumerate(merges)}
    tokenizer = LlamaTokenizer(vocab=vocabulary, merges=merges, add_bos_token=True)
    ids = {"pad_token_id": None, "bos_token_id": 1, "eos_token_id": 2}
    return _llama_network(len(vocabulary), ids, changes), tokenizer


def _llama_network(size: int, ids: Mapping[str, Any], changes: Mapping[str, Any]) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 2}
    sizes = {"vocab_size": size, "hidden_size": _WIDTH, "intermediate_size": 2 * _WIDTH, "max_position_embeddings": 256}
    own = {name: value for name, value in changes.items() if name != "chat_template"}
    return LlamaForCausalLM(LlamaConfig(**{**sizes, **heads, **ids, **own}))


def _bloom(changes: Mapping[str, Any]) -> tuple[Any, Any]:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import BloomConfig, BloomForCausalLM, PreTrainedTokenizerFast

    vocabulary, merges = byte_level(specials=("<unk>", "<s>", "</s>", "<pad>"))
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    config = BloomConfig(**{"vocab_size": len(vocabulary), "hidden_size": _WIDTH, "n_layer": 2, "n_head": 2, **changes})
    marks = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
    return BloomForCausalLM(config), PreTrainedTokenizerFast(tokenizer_object=tokenizer, padding_side="left", **marks)


def _bart(changes: Mapping[str, Any]) -> tuple[Any, Any]:
    """BART for summaries, with the settings that such models carry along."""
    from transformers import BartConfig, BartForConditionalGeneration, BartTokenizer

    vocabulary, merges = byte_level(specials=("<s>", "<pad>", "</s>", "<unk>", "<mask>"))
    halves = ("encoder", "decoder")
    sizes = {f"{half}_{name}": 2 for half in halves for name in ("layers", "attention_heads")}
    sizes |= {f"{half}_ffn_dim": 2 * _WIDTH for half in halves} | {"d_model": _WIDTH, "max_position_embeddings": 128}
    summary = {"task_specific_params": {"summarization": {"num_beams": 2, "max_length": 24, "min_length": 4}}}
    marks = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2, "forced_eos_token_id": 2}
    config = BartConfig(**{"vocab_size": len(vocabulary), **sizes, **marks, **summary, **changes})
    return BartForConditionalGeneration(config), BartTokenizer(vocab=vocabulary, merges=merges)


def _t5(changes: Mapping[str, Any]) -> tuple[Any, Any]:
    """T5, told its task by the words before a text."""
    from transformers import T5Config, T5ForConditionalGeneration, T5Tokenizer

    pieces = unigram()
    tokenizer = T5Tokenizer(vocab=pieces, extra_ids=0)
    prefixes = {
        "summarization": {"prefix": "summarize: ", "max_length": 20},
        "translation_en_to_fr": {"prefix": "translate English to French: ", "max_length": 20},
    }
    sizes = {"d_model": _WIDTH, "d_kv": 16, "d_ff": 2 * _WIDTH, "num_layers": 2, "num_heads": 2, "vocab_size": len(tokenizer)}
    marks = {"decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1, "task_specific_params": prefixes}
    return T5ForConditionalGeneration(T5Config(**{**sizes, **marks, **changes})), tokenizer


def _bert(name: str, **told: Any) -> Callable[[Mapping[str, Any]], tuple[Any, Any]]:
    def make(changes: Mapping[str, Any]) -> tuple[Any, Any]:
        import transformers

        tokenizer = transformers.BertTokenizer(vocab=word_piece())
        sizes = {"hidden_size": _WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 2 * _WIDTH}
        sizes |= {"vocab_size": len(tokenizer), "max_position_embeddings": 64, "initializer_range": 0.5}
        return getattr(transformers, name)(transformers.BertConfig(**{**sizes, **told, **changes})), tokenizer

    return make


def _labels(*names: str) -> dict[str, Any]:
    return {"id2label": dict(enumerate(names)), "label2id": {name: place for place, name in enumerate(names)}}


KINDS: Mapping[str, Callable[[Mapping[str, Any]], tuple[Any, Any]]] = {
    "gpt2": _gpt2,
    "codeparrot": _codeparrot,
    "llama": _llama,
    "llama2": _llama2,
    "bloom": _bloom,
    "bart": _bart,
    "t5": _t5,
    "bert": _bert("BertModel"),
    "bert-gaps": _bert("BertForMaskedLM"),
    "bert-classes": _bert("BertForSequenceClassification", **_labels("negative", "neutral", "positive")),
    "bert-entailment": _bert("BertForSequenceClassification", **_labels("contradiction", "neutral", "entailment")),
    "bert-ranking": _bert("BertForSequenceClassification", num_labels=1),
    "bert-answers": _bert("BertForQuestionAnswering"),
    "bert-words": _bert("BertForTokenClassification", **_labels("O", "B-LOC", "I-LOC", "B-PER", "I-PER")),
}
