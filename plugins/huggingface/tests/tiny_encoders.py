"""Tiny encoders in folders, as sentence-transformers saves them: real architectures, seeded random weights; and their vectors,
computed text by text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tiny_models import PROSE, byte_level, quiet, unigram, word_piece
from tiny_models import save as save_network

__all__ = ["NETWORKS", "TEXTS", "network", "sentences", "vectors"]

TEXTS = (
    "It rains in Tokyo.",
    "東京は日本の首都です。雨が降っています。",
    "The lighthouse stands on the cliff; the sea is grey and the wind is cold. " * 2,
    "a",
    "Hello, 世界！ 👩‍🚀 Ünïcödé",
    "モデルは質問に答えます。",
    "A model answers a request, at once or as a stream of events.",
)
_WIDTH = 32
_LOUD = {"initializer_range": 0.5}
"""Weights as small as usual would make all vectors alike."""
_SIZES = {"hidden_size": _WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 2 * _WIDTH, **_LOUD}


def network(folder: Path, kind: str = "bert", seed: int = 0, **changes: Any) -> Path:
    """A plain network with its tokenizer, of one of the ``NETWORKS``."""
    if kind not in NETWORKS:
        save_network(folder, kind, seed=seed, **changes)
        return folder
    quiet()
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made, tokenizer = NETWORKS[kind](changes)
    made.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def sentences(
    folder: Path,
    kind: str = "bert",
    *,
    pooling: Mapping[str, Any] | None = None,
    parts: Sequence[str] = ("Transformer", "Pooling", "Normalize"),
    prompts: Mapping[str, str] | None = None,
    longest: int | None = 48,
    told: Mapping[str, Any] | None = None,
    lower_case: bool = False,
    activation: str = "torch.nn.modules.activation.Tanh",
    within: str = "",
    readme: str = "---\nlicense: apache-2.0\nlanguage:\n- en\n- ja\n---\n\n# A tiny encoder\n\nIt makes vectors.\n",
    **changes: Any,
) -> Path:
    """A sentence transformer: a network, and the parts that come after it. ``within``: the subfolder of the network."""
    place = folder / within
    network(place, kind, **changes)
    listed = [
        {
            "idx": n,
            "name": f"{n}",
            "path": within if part == "Transformer" else f"{n}_{part}",
            "type": f"sentence_transformers.models.{part}",
        }
        for n, part in enumerate(parts)
    ]
    _json(folder / "modules.json", listed)
    for part in listed:
        _part(folder / part["path"], part["type"].rpartition(".")[2], pooling, activation)
    _json(place / "sentence_bert_config.json", {"max_seq_length": longest, "do_lower_case": lower_case})
    _json(folder / "config_sentence_transformers.json", {"prompts": dict(prompts or {}), **(told or {})})
    (folder / "README.md").write_text(readme, encoding="utf-8")
    return folder


def vectors(folder: Path, texts: Sequence[str], mode: str = "mean", *, normalised: bool = True) -> np.ndarray:
    """By transformers alone, one text after another, without anything filled up, and pooled here in 64 bits."""
    quiet()
    import torch
    from transformers import AutoModel, AutoTokenizer

    made, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    rows = []
    for text in texts:
        with torch.no_grad():
            states = made(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].double().numpy()
        row = {"mean": states.mean(axis=0), "cls": states[0], "max": states.max(axis=0), "last": states[-1]}[mode]
        rows.append(row / np.linalg.norm(row) if normalised else row)
    return np.array(rows)


def _part(folder: Path, kind: str, pooling: Mapping[str, Any] | None, activation: str) -> None:
    match kind:
        case "Pooling":
            _json(
                folder / "config.json", {"word_embedding_dimension": _WIDTH, **(pooling or {"pooling_mode_mean_tokens": True})}
            )
        case "Dense":
            from safetensors.numpy import save_file

            random = np.random.default_rng(7)
            made = {"linear.weight": random.normal(0, 0.3, (8, _WIDTH)), "linear.bias": random.normal(0, 0.3, 8)}
            _json(
                folder / "config.json",
                {"in_features": _WIDTH, "out_features": 8, "bias": True, "activation_function": activation},
            )
            save_file({name: tensor.astype(np.float32) for name, tensor in made.items()}, folder / "model.safetensors")
        case _:
            folder.mkdir(exist_ok=True)


def _json(file: Path, told: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(told), encoding="utf-8")


def _distilbert(changes: Mapping[str, Any]) -> tuple[Any, Any]:
    from transformers import DistilBertConfig, DistilBertModel, DistilBertTokenizer

    tokenizer = DistilBertTokenizer(vocab=word_piece())
    sizes = {"dim": _WIDTH, "n_layers": 2, "n_heads": 2, "hidden_dim": 2 * _WIDTH, "max_position_embeddings": 96, **_LOUD}
    return DistilBertModel(DistilBertConfig(**{"vocab_size": len(tokenizer), **sizes, **changes})), tokenizer


def _mpnet(changes: Mapping[str, Any]) -> tuple[Any, Any]:
    """As all-mpnet-base-v2: words in pieces, marks of its own, positions relative and absolute."""
    from transformers import MPNetConfig, MPNetModel, MPNetTokenizer

    marks = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": 4, "[UNK]": 5}
    pieces = [piece for piece in word_piece() if not piece.startswith("[")]
    tokenizer = MPNetTokenizer(vocab=marks | {piece: 6 + place for place, piece in enumerate(pieces)})
    config = MPNetConfig(**{"vocab_size": len(tokenizer), **_SIZES, "max_position_embeddings": 98, **changes})
    return MPNetModel(config), tokenizer


def _roberta(changes: Mapping[str, Any]) -> tuple[Any, Any]:
    from transformers import RobertaConfig, RobertaModel, RobertaTokenizer

    vocabulary, merges = byte_level(specials=("<s>", "<pad>", "</s>", "<unk>", "<mask>"))
    config = RobertaConfig(
        **{"vocab_size": len(vocabulary), **_SIZES, "max_position_embeddings": 98, "type_vocab_size": 1, **changes}
    )
    return RobertaModel(config), RobertaTokenizer(vocab=vocabulary, merges=merges)


def _xlm_roberta(changes: Mapping[str, Any]) -> tuple[Any, Any]:
    """As the many multilingual embedders: a Unigram vocabulary, positions that begin behind the padding's."""
    from transformers import XLMRobertaConfig, XLMRobertaModel, XLMRobertaTokenizer

    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *unigram()[3:], ("<mask>", 0.0)]
    tokenizer = XLMRobertaTokenizer(vocab=pieces)
    config = XLMRobertaConfig(
        **{"vocab_size": len(tokenizer), **_SIZES, "max_position_embeddings": 98, "type_vocab_size": 1, **changes}
    )
    return XLMRobertaModel(config), tokenizer


def _modernbert(changes: Mapping[str, Any]) -> tuple[Any, Any]:
    """Rotary positions, and a window in every other layer."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import ModernBertConfig, ModernBertModel, PreTrainedTokenizerFast

    vocabulary, merges = byte_level(PROSE, specials=("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    marks = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
    windows = {"local_attention": 16, "global_attn_every_n_layers": 2, "max_position_embeddings": 128}
    config = ModernBertConfig(**{"vocab_size": len(vocabulary), **_SIZES, **marks, **windows, **changes})
    named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    return ModernBertModel(config), PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named)


NETWORKS: Mapping[str, Callable[[Mapping[str, Any]], tuple[Any, Any]]] = {
    "distilbert": _distilbert,
    "mpnet": _mpnet,
    "roberta": _roberta,
    "xlm-roberta": _xlm_roberta,
    "modernbert": _modernbert,
}
"""Beside those of ``tiny_models`` that make vectors: ``bert``, ``llama``."""
