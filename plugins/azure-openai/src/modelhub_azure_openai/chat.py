"""Chat completions as Azure answers them: with what the content filter found."""

from __future__ import annotations

from dataclasses import dataclass

from modelhub_openai.chat import Chat

from modelhub_azure_openai.filters import FilterExtras

__all__ = ["AzureChat"]


@dataclass(frozen=True)
class AzureChat(Chat):
    """``chat/completions`` of one deployment. What the filter found is ``provider_metadata["content_filter"]``."""

    def extras(self) -> FilterExtras:
        return FilterExtras()
