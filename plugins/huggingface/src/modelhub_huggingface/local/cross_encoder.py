"""A network that reads two texts as one: what it says of each pair, those of one length computed together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelhub.plugin import ContextOverflow
from modelhub_huggingface.local.encoders.encoder import Encoder
from modelhub_huggingface.local.lengths import at_once, together

__all__ = ["judged", "scores"]


def judged(encoder: Encoder, query: str, documents: Sequence[str], name: str, wanted: Callable[[], bool]) -> tuple[Any, int]:
    """A row of scores, as the network gives them, for the query with each document; and the tokens of all pairs.

    Those that are no longer ``wanted`` stay zeros. Raises ``ContextOverflow`` where a pair is too long.
    """
    read = encoder.tokenizer([query] * len(documents), list(documents), verbose=False)
    lengths = list(map(len, read["input_ids"]))
    _check(lengths, encoder.window, name)
    return scores(encoder, read, wanted), sum(lengths)


def scores(encoder: Encoder, read: Mapping[str, Any], wanted: Callable[[], bool]) -> Any:
    """A row of scores for each pair, by their tokens; those that are no longer ``wanted`` stay zeros."""
    import torch

    lengths = list(map(len, read["input_ids"]))
    found = torch.zeros(len(lengths), encoder.network.config.num_labels)
    for places in together(lengths, at_once(encoder.device)):
        if not wanted():
            break
        some = {key: [values[place] for place in places] for key, values in read.items()}
        filled = encoder.tokenizer.pad(some, return_tensors="pt", verbose=False)
        found[places] = encoder.seen(filled).logits.float().cpu()
    return found


def _check(lengths: Sequence[int], limit: int | None, name: str) -> None:
    place = max(range(len(lengths)), key=lengths.__getitem__)
    if limit is None or lengths[place] <= limit:
        return
    error = ContextOverflow(
        f"documents[{place}] and the query have {lengths[place]} tokens together, and {name} takes {limit}. Shorten one.",
        prompt_tokens=lengths[place],
        context_window=limit,
    )
    error.position = place
    raise error
