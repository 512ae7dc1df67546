"""Images as Azure answers them: with what the content filter found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelhub_openai.images import Images

from modelhub.plugin import ImageRequest, ImageResponse
from modelhub_azure_openai.filters import prompt_results_in, results_in, with_findings

__all__ = ["AzureImages"]


@dataclass(frozen=True)
class AzureImages(Images):
    """The operations on images of one deployment. What the filter found is ``provider_metadata["content_filter"]``."""

    def completed(self, request: ImageRequest, response: ImageResponse) -> ImageResponse:
        response = super().completed(request, response)
        if not isinstance(response.raw, Mapping):
            return response
        parts = [response.raw, *(response.raw.get("data") or ())]
        return with_findings(response, {"prompt": prompt_results_in(parts), "completion": results_in(parts)})
