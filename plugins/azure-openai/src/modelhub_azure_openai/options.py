"""What ``[providers.azure-openai]``, or a table that uses this plugin, may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from modelhub_openai.quirks import Quirks

from modelhub.plugin import Route, Secret
from modelhub_azure_openai.address import api_version, read_endpoint, resource_url

__all__ = ["AzureOptions", "Deployment", "Entra"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What a deployment is made of."""

    model: str
    """Its base model: ``gpt-4o``."""
    version: str | None = None
    """The base model's version: ``2024-11-20``."""
    name: str | None = None
    """What the resource calls it, where a model id calls it something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entra:
    """Who asks Microsoft Entra ID for a token. What is left out comes from the environment, as for Microsoft's own tools."""

    tenant: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    certificate: str | None = None
    """A PEM file that holds certificate and key; needs the extra ``entra``."""
    managed_identity: bool = False
    """The identity of the machine, or ``client_id`` among its identities."""
    federated_token_file: str | None = None
    """A file with the token that a cluster gives to a workload (workload identity)."""
    authority: str | None = None
    """Left out, ``AZURE_AUTHORITY_HOST``, else ``https://login.microsoftonline.com``."""

    def __post_init__(self) -> None:
        ways = [self.client_secret, self.certificate, self.managed_identity, self.federated_token_file]
        if sum(map(bool, ways)) > 1:
            message = "entra takes one of client_secret, certificate, managed_identity and federated_token_file."
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureOptions:
    """One resource, one credential."""

    provider: str = "azure-openai"
    resource: str | None = None
    """The resource's name."""
    endpoint: str | None = None
    """Or its address, as the portal shows it. Both left out, ``AZURE_OPENAI_ENDPOINT``."""
    api_version: str | None = None
    """``v1``, ``preview`` or a dated one, for every operation. Left out, what the endpoint or ``OPENAI_API_VERSION`` says, else
    v1 for what it has, and the last dated preview for sounds and images."""
    api_key: Secret | None = None
    """Left out with ``token`` and ``entra``: ``AZURE_OPENAI_AD_TOKEN``, else ``AZURE_OPENAI_API_KEY``."""
    token: Secret | None = None
    """A token of Entra ID: ``{ command = [...] }``, ``{ file = ... }``, ``{ env = ... }``."""
    entra: bool | Entra | None = None
    """``true``: whoever runs this program, as the environment says."""
    token_provider: Any = field(default=None, repr=False)
    """In code only: a function that gives a token, or a credential of ``azure-identity``."""
    scope: str | None = None
    """What the token is for. Left out, ``https://cognitiveservices.azure.com/.default``."""
    deployments: Mapping[str, str | Deployment] = field(default_factory=dict)
    """The base model of each deployment: ``{ "my-gpt" = "gpt-4o" }``."""
    api: Literal["chat", "responses"] = "chat"
    """Which of the two APIs text goes through."""
    headers: Mapping[str, str | Secret] = field(default_factory=dict, repr=False)
    """Sent with every request; a secret is written ``{ env = "NAME" }`` and shown nowhere."""
    quirks: Quirks = Quirks()
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    """Fields put into every JSON body as they are."""
    ca_bundle: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    proxy: str | None = None

    def __post_init__(self) -> None:
        if self.resource and self.endpoint:
            message = "write one of resource and endpoint, not both."
            raise ValueError(message)
        if self.resource:
            resource_url(self.resource)
        if self.endpoint:
            read_endpoint(self.endpoint)
        if self.api_version:
            api_version(self.api_version)
        self._refuse_two_credentials()

    def _refuse_two_credentials(self) -> None:
        given = [name for name in ("api_key", "token", "entra", "token_provider") if getattr(self, name)]
        given += [f"headers.{name}" for name in self.headers if name.lower() in ("api-key", "authorization")]
        if len(given) > 1:
            message = f"one credential is enough: keep one of {', '.join(given)}."
            raise ValueError(message)
        if self.token_provider is not None and not _gives_tokens(self.token_provider):
            message = "token_provider is a function that gives a token, or a credential: it can be given in code only."
            raise ValueError(message)

    def route(self) -> Route | None:
        """How the resource is reached, where the machine's own settings do not suffice."""
        given = (self.ca_bundle, self.client_certificate, self.client_key, self.proxy)
        return Route(*given) if any(given) else None


def _gives_tokens(provider: object) -> bool:
    return callable(provider) or callable(getattr(provider, "get_token", None))
