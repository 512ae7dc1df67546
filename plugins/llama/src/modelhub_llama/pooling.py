"""How llama.cpp is set up to make vectors and scores instead of words, and how it says that a text is too long for that."""

from __future__ import annotations

import re
from typing import Any

from modelhub.plugin import ContextOverflow, ModelhubError
from modelhub_llama.options import LlamaOptions

__all__ = ["pool", "too_long"]

_TOO_LONG = re.compile(r"input \((\d+) tokens\) is (?:too large|larger than).*?size[^\d]*(\d+)", re.DOTALL)


def pool(llama: Any, parameters: Any, purpose: str, options: LlamaOptions, context_window: int) -> None:
    """A text goes through the network whole, so that as much is computed at once as the longest text has tokens.

    A batch that did not hold a token of each request would be the engine's end.
    """
    parameters.embedding = True
    least = max(context_window, options.parallel, 2)
    parameters.n_batch = max(options.batch or 0, least)
    parameters.n_ubatch = max(options.micro_batch or 0, least)
    how = "rank" if purpose == "reranking" else options.pooling
    if how is not None:
        kinds = llama.llama_pooling_type
        parameters.pooling_type = getattr(kinds, f"LLAMA_POOLING_TYPE_{how.upper()}")


def too_long(error: ModelhubError, name: str) -> ContextOverflow | None:
    """The error, where it says that a text has more tokens than go through at once; llama.cpp sends it as a 500."""
    told = _TOO_LONG.search(error.message)
    if told is None:
        return None
    tokens, limit = int(told[1]), int(told[2])
    message = f"A text has {tokens} tokens, and {name} takes {limit} as it is loaded."
    return ContextOverflow(message, prompt_tokens=tokens, context_window=limit)
