"""The responses API as Azure answers it: with what the content filter found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from modelhub_openai.responses import Responses

from modelhub.plugin import TextRequest, TextResponse
from modelhub_azure_openai.filters import results_in, with_findings

__all__ = ["AzureResponses"]

_TOLD = "content_filters"


@dataclass(frozen=True)
class AzureResponses(Responses):
    """``responses`` of one deployment. What the filter found is ``provider_metadata["content_filter"]``."""

    def completed(self, request: TextRequest, response: TextResponse[Any]) -> TextResponse[Any]:
        response = super().completed(request, response)
        told = [entry for entry in response.provider_metadata.get(_TOLD) or () if isinstance(entry, Mapping)]
        others = {name: value for name, value in response.provider_metadata.items() if name != _TOLD}
        prompts = results_in(entry for entry in told if entry.get("source_type") == "prompt")
        completions = results_in(entry for entry in told if entry.get("source_type") != "prompt")
        rest = replace(response, provider_metadata=others)
        return with_findings(rest, {"prompt": prompts, "completion": completions}) if told else response
