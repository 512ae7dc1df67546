"""What only the library can write: with several beams, or where a network keeps more than keys and values. One at a time."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from modelhub.plugin import InvalidRequest
from modelhub_huggingface.local.dice import seeded
from modelhub_huggingface.local.writing.row import Row

__all__ = ["write_alone"]


def write_alone(module: Any, row: Row) -> None:
    """Have the answer written by ``generate``, and tell it when it is whole; stopped where nobody waits for it any more."""
    import torch

    seed = row.sampler.choices.seed
    prompt = torch.tensor([row.prompt], device=module.device)
    given = _given(row)
    try:
        with nullcontext() if seed is None else seeded(seed):
            written = module.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=row.limit,
                stopping_criteria=[_unwanted(row)],
                **given,
            )
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, AssertionError) as error:
        why = " ".join(str(error).split())
        raise InvalidRequest(f"The library does not write with these arguments ({', '.join(given)}): {why}") from error
    if not row.wanted():  # it was stopped, so that this is no answer: whoever waited has his own error
        return
    for token in written[0].tolist()[row.length :]:
        if not row.over:
            row.put(token)
    if not row.over:
        row.end("ended")


def _given(row: Row) -> dict[str, Any]:
    """What is set for the library, and the chance that the request asks for."""
    choices = row.sampler.choices
    drawing = {"do_sample": True, "temperature": choices.temperature, "top_k": choices.top_k, "top_p": choices.top_p}
    chance = {"do_sample": False} if choices.temperature == 0 else {n: v for n, v in drawing.items() if v is not None}
    return {**{name: value for name, value in (choices.library or {}).items() if name not in drawing}, **chance}


def _unwanted(row: Row) -> Any:
    """Whether to stop, asked by the library after each token."""
    import torch

    def stop(tokens: Any, scores: Any, **_: Any) -> Any:  # noqa: ARG001  # called by the library
        return torch.full((tokens.shape[0],), not row.wanted(), device=tokens.device, dtype=torch.bool)

    return stop
