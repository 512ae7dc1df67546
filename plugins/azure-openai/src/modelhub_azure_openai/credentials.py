"""The one credential of a resource: what is configured, else what the environment says; a key or a token, never both."""

from __future__ import annotations

import os
from collections.abc import Mapping

from modelhub.plugin import Bearer, Environment, Secret
from modelhub_azure_openai.options import AzureOptions, Entra

__all__ = ["credential"]

_KEY = "AZURE_OPENAI_API_KEY"
_TOKEN = "AZURE_OPENAI_AD_TOKEN"  # noqa: S105  # a variable's name


def credential(options: AzureOptions, root: str) -> Mapping[str, Secret]:
    """The header that says who we are; none where ``headers`` says it already."""
    if options.api_key is not None:
        return {"api-key": options.api_key}
    if (token := _token(options, root)) is not None:
        return {"authorization": Bearer(token)}
    if any(name.lower() in ("api-key", "authorization") for name in options.headers):
        return {}
    if os.environ.get(_TOKEN, "").strip():
        return {"authorization": Bearer(Environment(_TOKEN, f"The token of {options.provider}"))}
    return {"api-key": Environment(_KEY, f"The key of {options.provider}")}


def _token(options: AzureOptions, root: str) -> Secret | None:
    if options.token is None and options.token_provider is None and not options.entra:
        return None
    from modelhub_azure_openai.tokens import Asked, Renewed

    if options.token is not None:
        return Renewed(options.token)
    scope = options.scope or _scope(root)
    if options.entra:
        from modelhub_azure_openai.entra import of_entra

        return of_entra(
            options.entra if isinstance(options.entra, Entra) else Entra(), scope, options.route(), options.provider
        )
    if callable(getattr(options.token_provider, "get_token", None)):
        from modelhub_azure_openai.entra import of_credential

        return of_credential(options.token_provider, scope)
    return Asked(options.token_provider)


def _scope(root: str) -> str:
    """What a token is for, in the cloud in which the resource is."""
    cloud = next((cloud for cloud in ("us", "cn") if root.endswith(f".azure.{cloud}")), "com")
    return f"https://cognitiveservices.azure.{cloud}/.default"
