"""Vectors whose beginning is a vector, too: models that were trained so (Matryoshka), and how theirs are cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelhub.plugin import Unsupported
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.front import readme

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from modelhub_huggingface.local.sentence_folder import SentenceFolder

__all__ = ["Shortening", "shortened", "shortening"]

_LISTED = ("matryoshka_dims", "matryoshka_dimensions")
_WRITTEN = re.compile(r'"?matryoshka_dim(?:s|ensions)"?\s*[:=]\s*\[([\d,\s]+)\]')
_TRAINED = "loss:MatryoshkaLoss"


@dataclass(frozen=True, slots=True)
class Shortening:
    """Whether a model was ``trained`` to be cut, to which lengths (none: to any), and the ``usual`` one."""

    trained: bool = False
    lengths: tuple[int, ...] = ()
    usual: int | None = None

    def length(self, asked: int | None, whole: int, model: str) -> int:
        """What is left of a vector. Raises ``Unsupported`` for a length that the model was not trained for."""
        if asked is None or asked == whole:
            return whole if asked is not None or self.usual is None else min(self.usual, whole)
        if not self.trained:
            message = f"{model} makes vectors of {whole} numbers, and was not trained to have them cut: leave out dimensions."
            raise Unsupported(message, feature="dimensions", model=model)
        if asked > whole or (self.lengths and asked not in self.lengths):
            fitting = f"of {', '.join(map(str, self.lengths))}" if self.lengths else f"up to {whole}"
            message = f"{model} has no vectors of {asked} numbers: it was trained for those {fitting}."
            raise Unsupported(message, feature="dimensions", model=model)
        return asked


def shortening(folder: ModelFolder, said: SentenceFolder) -> Shortening:
    """What the configuration and the README of a model say of it."""
    told = folder.json("config_sentence_transformers.json")
    front, words = readme(folder)
    listed = [length for lengths in _listed((said.network.config, told), words) for length in lengths]
    usual = told.get("truncate_dim")
    usual = usual if type(usual) is int and usual > 0 else None
    tags = front.get("tags")
    tagged = isinstance(tags, list) and _TRAINED in tags
    return Shortening(bool(listed or tagged or usual), tuple(sorted(set(listed))), usual)


def _listed(configurations: tuple[Mapping[str, Any], ...], words: str) -> Iterator[list[int]]:
    for configuration in configurations:
        for name in _LISTED:
            lengths = configuration.get(name)
            if isinstance(lengths, list):
                yield [length for length in lengths if type(length) is int and length > 0]
    for written in _WRITTEN.findall(words):
        yield [int(length) for length in re.findall(r"\d+", written)]


def shortened(vectors: NDArray[np.float32], length: int, *, normalised: bool) -> NDArray[np.float32]:
    """The beginning of each vector; it has the length 1 again, where the whole one had."""
    if length == vectors.shape[1]:
        return vectors
    import numpy as np

    cut = vectors[:, :length]
    if not normalised:
        return cut
    sizes = np.linalg.norm(cut, axis=1, keepdims=True).astype(np.float32)
    sizes[sizes == 0] = 1
    scaled: NDArray[np.float32] = cut / sizes
    return scaled
