"""What the hub told of a model before, where it is kept on this machine: nobody is asked for it."""

from __future__ import annotations

from contextlib import suppress

from modelhub.plugin import AnswerError, KeyMissing, Unsupported
from modelhub_huggingface.hub.cache import cache_of
from modelhub_huggingface.hub.purpose import task_of
from modelhub_huggingface.hub.reading import under
from modelhub_huggingface.hub.site import Site, site
from modelhub_huggingface.hub.source import table
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["FIELDS", "card_address", "kept_task"]

FIELDS = (
    "cardData", "config", "downloads", "evalResults", "gated", "gguf", "inferenceProviderMapping", "lastModified",
    "library_name", "likes", "model-index", "pipeline_tag", "private", "safetensors", "sha", "siblings", "tags",
)  # fmt: skip
"""What the hub is asked to tell of one model."""
_EXPANDED = [("expand", name) for name in FIELDS]


def card_address(at: Site, name: str, options: HuggingFaceOptions) -> str:
    """The address that the card of a model is made of, at the revision that the options mean."""
    return at.model(name, options.revision, _EXPANDED)


def kept_task(name: str, options: HuggingFaceOptions) -> str | None:
    """What ``OWNER/MODEL`` is for; ``None`` where no card of it is kept that this caller may read, or it does not say."""
    at = site(options)
    with suppress(KeyMissing, AnswerError, Unsupported):
        token = at.token if at.token is not None and at.token.loaded else None
        kept = cache_of(at.url, token).read(card_address(at, name, options))
        if kept is not None:
            info = table(kept.body)
            return task_of(name, info, under(info, "cardData"))
    return None
