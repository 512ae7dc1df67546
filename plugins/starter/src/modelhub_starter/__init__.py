"""Models of every kind that need no key and no network: small, honest, and the same answer every time."""

from __future__ import annotations

from modelhub.plugin import Provider, hookimpl

__all__ = ["modelhub_provider"]


@hookimpl
def modelhub_provider() -> Provider:
    """One model of each kind; ``modelhub_cards.json`` describes them."""
    return Provider(
        name="starter",
        title="Embedded models",
        kinds={
            "text": "modelhub_starter.quote:model",
            "embedding": "modelhub_starter.embedding:model",
            "reranking": "modelhub_starter.reranking:model",
            "image": "modelhub_starter.placeholder:model",
            "speech": "modelhub_starter.speech:model",
            "transcription": "modelhub_starter.transcription:model",
        },
        options="modelhub_starter.options:StarterOptions",
        cards="modelhub_starter.cards:cards",
    )
