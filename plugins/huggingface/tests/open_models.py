"""The models of ``examples/open-models``: tiny ones of the same architectures in a hub's cache, and a router with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["cache", "routed"]

SHA = "0123456789abcdef0123456789abcdef01234567"


def cache(folder: Path) -> Path:
    """A hub's cache with each of the models in it, under its real name; gives the folder."""
    for name, save in _makers().items():
        repository = folder / f"models--{name.replace('/', '--')}"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text(SHA, encoding="utf-8")
        save(repository / "snapshots" / SHA)
    return folder


@contextmanager
def routed() -> Iterator[tuple[str, str]]:
    """The addresses of a hub and of a router that know them."""
    from scripted_router import ScriptedRouter

    with ScriptedRouter() as router:
        yield router.url, router.url


def _makers() -> Mapping[str, Callable[[Path], object]]:
    from tiny_diffusion import stable_diffusion
    from tiny_models import save
    from tiny_sound import vits, whisper

    return {
        "facebook/bart-large-cnn": lambda folder: save(folder, "bart", max_position_embeddings=512),
        "codeparrot/codeparrot-small": lambda folder: save(folder, "codeparrot"),
        "MoritzLaurer/mDeBERTa-v3-base-mnli-xnli": lambda folder: save(folder, "bert-entailment", max_position_embeddings=512),
        "google-bert/bert-base-multilingual-cased": lambda folder: save(folder, "bert-gaps", max_position_embeddings=512),
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2": _embedder,
        "facebook/mms-tts-eng": vits,
        "openai/whisper-tiny": whisper,
        "stable-diffusion-v1-5/stable-diffusion-v1-5": stable_diffusion,
    }


def _embedder(folder: Path) -> None:
    """A BERT beside what sentence-transformers keeps of its pooling."""
    import json

    from tiny_models import save

    save(folder, "bert")
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling), encoding="utf-8")
