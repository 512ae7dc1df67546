"""One vector of those of a text's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, assert_never

if TYPE_CHECKING:
    from modelhub_huggingface.local.sentence_folder import Mode

__all__ = ["pooled"]


def pooled(states: Any, lengths: Sequence[int], modes: Sequence[Mode], before: int = 0) -> Any:
    """Shape ``(texts, dimensions)``, in 32 bits, of states of shape ``(texts, longest, width)`` that begin at the left.

    ``before`` tokens of each text (its prompt) are left out. Several ways give vectors side by side.
    """
    import torch

    counts = torch.tensor(lengths, device=states.device)
    first = counts.sub(1).clamp(max=before)  # of a text that is nothing but its prompt, the last token is left
    places = torch.arange(states.shape[1], device=states.device)
    inside = (places >= first[:, None]) & (places < counts[:, None])
    vectors = [_one(states, inside, first, counts, mode) for mode in modes]
    return vectors[0] if len(vectors) == 1 else torch.cat(vectors, dim=1)


def _one(states: Any, inside: Any, first: Any, counts: Any, mode: Mode) -> Any:
    import torch

    rows = torch.arange(len(counts), device=states.device)
    match mode:
        case "cls":
            return states[rows, first].float()
        case "lasttoken":
            return states[rows, counts - 1].float()
        case "max":
            return states.masked_fill(~inside[:, :, None], float("-inf")).amax(dim=1).float()
        case "mean":
            return _sum(states, inside) / inside.sum(dim=1, keepdim=True)
        case "mean_sqrt_len_tokens":
            return _sum(states, inside) / inside.sum(dim=1, keepdim=True).sqrt()
        case "weightedmean":
            weights = inside * torch.arange(1, inside.shape[1] + 1, device=states.device)
            return _sum(states, weights) / weights.sum(dim=1, keepdim=True)
        case _:
            assert_never(mode)


def _sum(states: Any, weights: Any) -> Any:
    """The weighted sum over the tokens, in 32 bits."""
    return (weights.float()[:, None, :] @ states.float())[:, 0, :]
