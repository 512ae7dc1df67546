"""A resource as a site of the dialect: addresses with deployments and versions, one credential, names that stand for models."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelhub_openai.forms import Form
from modelhub_openai.quirks import Quirks
from modelhub_openai.site import guarded, json_bytes

from modelhub.plugin import AnswerError, ConfigError, HttpRequest, HttpResponse, ModelhubError, Route, Secret
from modelhub_azure_openai.address import Address, Endpoint, api_version, read_endpoint, resource_url
from modelhub_azure_openai.credentials import credential
from modelhub_azure_openai.faults import Resource, azure_fault
from modelhub_azure_openai.options import AzureOptions, Deployment

__all__ = ["AzureSite", "azure_site"]

_OLD_NAMES = {"gpt-35-turbo": "gpt-3.5-turbo"}
"""What Azure calls otherwise than its maker: its names had no dots."""
_PART_OF_A_NAME = re.compile(r"(?:turbo-)?\d{4}(?:-\d{2}-\d{2})?(?:-preview)?")
"""A version as the maker's own names end: ``2024-11-20``, ``0613``. Others (``1``, ``001``) are Azure's own."""


@dataclass(frozen=True, slots=True)
class AzureSite:
    """One resource, whoever of its deployments answers."""

    provider: str
    address: Address
    headers: Mapping[str, str | Secret] = field(repr=False)
    quirks: Quirks = Quirks()
    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    route: Route | None = None
    pasted: str | None = None
    """The deployment that the endpoint's spelling named."""
    listed_prices: bool = False
    """Whether it is known what the deployment stands for, so that its price is: a name alone proves nothing."""

    def base_model(self, model: str) -> str:
        """With its version where that is known: ``gpt-4o-2024-11-20``. One that nobody told of is named as its model."""
        known = self.deployments.get(model)
        base = known.model if known else model
        for old, new in _OLD_NAMES.items():
            base = new + base.removeprefix(old) if base.startswith(old) else base
        version = known.version.lower() if known and known.version else ""
        return f"{base}-{version}" if _PART_OF_A_NAME.fullmatch(version) else base

    def deployment(self, model: str) -> str:
        """What the resource calls it."""
        known = self.deployments.get(model)
        return known.name if known and known.name else model

    def post(self, operation: str, model: str, body: Mapping[str, Any] | Form) -> HttpRequest:
        deployment = self.deployment(model)
        if isinstance(body, Form):
            content_type, data = _named(body, deployment).encoded()
        else:
            content_type, data = "application/json", json_bytes({**body, "model": deployment, **self.extra_body})
        headers = {**self.headers, "content-type": content_type}
        return HttpRequest("POST", self.address.of(operation, deployment), headers, data, self.route)

    def get(self, path: str) -> HttpRequest:
        if "://" not in path:
            path = self.address.of(path.lstrip("/"))
        elif not self.address.owns(path):
            message = f"The answer leads away from {self.address.root}, where the key may not go: it is not followed."
            raise AnswerError(message)
        return HttpRequest("GET", path, self.headers, None, self.route)

    def fault(self, response: HttpResponse, model: str) -> ModelhubError:
        key = next((repr(value) for name, value in self.headers.items() if name in ("api-key", "authorization")), "")
        bases = {name: known.model for name, known in self.deployments.items()}
        place = Resource(self.provider, self.address, self.deployment(model), model, key, self.pasted, bases)
        return azure_fault(response, place)


def azure_site(options: AzureOptions | None, name: str = "") -> AzureSite:
    """The resource that the options, or the environment, describe, for the model of that name.

    Raises ``ConfigError`` with the line to write.
    """
    options = options or AzureOptions()
    try:
        place = _endpoint(options)
        version = options.api_version or place.api_version or os.environ.get("OPENAI_API_VERSION", "").strip()
        address = Address(place.root, api_version(version) if version else None)
    except ValueError as error:
        raise ConfigError(f"providers.{options.provider}: {error}") from None
    own = {name.lower(): value for name, value in guarded(options.headers).items()}
    return AzureSite(
        options.provider,
        address,
        {**credential(options, place.root), **own},
        options.quirks,
        {name: _deployment(told) for name, told in options.deployments.items()},
        options.extra_body,
        options.route(),
        place.deployment,
        name in options.deployments,
    )


def _endpoint(options: AzureOptions) -> Endpoint:
    if options.resource:
        return Endpoint(resource_url(options.resource))
    told = options.endpoint or os.environ.get("AZURE_OPENAI_ENDPOINT", "").strip()
    if not told:
        message = 'no resource is named: write resource = "my-resource", or set AZURE_OPENAI_ENDPOINT.'
        raise ValueError(message)
    return read_endpoint(told)


def _deployment(told: str | Deployment) -> Deployment:
    return told if isinstance(told, Deployment) else Deployment(model=told)


def _named(form: Form, deployment: str) -> Form:
    """The form with the deployment's own name for its model."""
    return form._replace(fields=tuple((name, deployment if name == "model" else value) for name, value in form.fields))
