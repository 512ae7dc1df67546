"""What the scores of a network that reads pairs come to: one number for each pair, as its makers mean it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelhub.plugin import SetupError, Unsupported
from modelhub_huggingface.local.files import ModelFolder

__all__ = ["Verdict", "verdict"]

_ACTIVATIONS = ("sigmoid", "identity", "tanh")
_YES = ("relevant", "yes", "true", "duplicate", "equivalent", "paraphrase", "1", "label_1")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one score: it, under its ``activation``. Of two labels: how sure the network is of the one that says ``yes``."""

    activation: str
    yes: int | None = None

    def of(self, scores: Any) -> list[float]:
        """One number for each row."""
        if self.yes is not None:
            found: list[float] = scores.softmax(-1)[:, self.yes].tolist()
            return found
        column = scores[:, 0]
        match self.activation:
            case "sigmoid":
                column = column.sigmoid()
            case "tanh":
                column = column.tanh()
        single: list[float] = column.tolist()
        return single


def verdict(folder: ModelFolder, name: str) -> Verdict:
    """What a network's configuration says. Raises ``Unsupported`` for labels of which none says yes, ``SetupError`` for an
    activation that is unknown.
    """
    config = folder.config
    told = sorted((config.get("id2label") or {}).items(), key=lambda pair: int(pair[0]))
    labels = [str(label) for _, label in told] or ["LABEL_0", "LABEL_1"][: config.get("num_labels", 2)]
    return Verdict(_activation(config, folder)) if len(labels) == 1 else Verdict("softmax", _yes(labels, name))


def _yes(labels: list[str], name: str) -> int:
    found = next((place for place, label in enumerate(labels) if label.lower() in _YES), None)
    if found is None or len(labels) > 2:
        message = f"{name} tells apart {', '.join(labels[:8])}: none of these says how well two texts belong together."
        raise Unsupported(message, feature="reranking", model=name)
    return found


def _activation(config: Mapping[str, Any], folder: ModelFolder) -> str:
    told = config.get("sentence_transformers")
    named = told.get("activation_fn") if isinstance(told, Mapping) else config.get("sbert_ce_default_activation_function")
    name = str(named or "sigmoid").rpartition(".")[2].lower()
    if name not in _ACTIVATIONS:
        raise SetupError(f"{folder.path} has the activation {named}, which is not computed here.")
    return name
