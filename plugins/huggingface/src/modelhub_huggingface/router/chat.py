"""Chat through the router: one address for all providers, whom the model's name or a policy chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from modelhub_openai.chat import Chat
from modelhub_openai.chat_stream import ChatDecoder
from modelhub_openai.forms import Form
from modelhub_openai.gathering import Extras
from modelhub_openai.quirks import Quirks

from modelhub.plugin import Headers, HttpRequest, HttpResponse, ModelhubError, TextResponse, Unsupported
from modelhub_huggingface.options import AUTO, POLICIES
from modelhub_huggingface.router.site import Router

__all__ = ["ChatSite", "RouterChat"]

_SERVED_BY = "x-inference-provider"
_OWN_ADDRESS = "hf-inference"
"""The one provider whose models have an address of their own under the hub's own names."""


@dataclass(frozen=True, slots=True)
class ChatSite:
    """The router as a host of the dialect. ``wanted`` is a provider's name or a policy, which the model's name bears.

    A policy that is not written leaves the choice to the router: the account's own settings decide then.
    """

    router: Router
    model: str
    """As the hub has it, whatever it is called here."""
    wanted: str = AUTO
    quirks: Quirks = Quirks()
    listed_prices: bool = False

    @property
    def provider(self) -> str:
        return self.router.provider

    @property
    def told(self) -> Mapping[str, str]:
        """What is known beforehand of who serves and who pays."""
        named = {} if self.wanted in POLICIES else {"inference_provider": self.wanted}
        return {**named, **self.router.billing}

    def base_model(self, model: str) -> str:  # noqa: ARG002  # however it is called
        return self.model

    def post(self, operation: str, model: str, body: Mapping[str, Any] | Form) -> HttpRequest:  # noqa: ARG002  # it knows which
        """The model stands first in the body: a router reads no more of it than that."""
        if isinstance(body, Form):
            raise Unsupported(f"The router takes no files for {operation}.", feature=operation)
        written = _DIALECTS.get(self.wanted, dict)(body)
        if self.wanted == _OWN_ADDRESS:
            return self.router.json(f"{_OWN_ADDRESS}/models/{self.model}/v1/{operation}", {**written, "model": self.model})
        suffix = "" if self.wanted == AUTO else f":{self.wanted}"
        return self.router.json(f"v1/{operation}", {**written, "model": f"{self.model}{suffix}"})

    def get(self, path: str) -> HttpRequest:
        return self.router.get(f"v1/{path.lstrip('/')}")

    def fault(self, response: HttpResponse, model: str) -> ModelhubError:
        return self.router.fault(response, model, "" if self.wanted in POLICIES else self.wanted)


@dataclass(frozen=True)
class RouterChat(Chat):
    """``chat/completions`` of one model at the router.

    Who served it and who pays stand in ``provider_metadata``: ``inference_provider`` as the router tells it in a header, else
    the one that was asked for by name, and ``bill_to``.
    """

    site: ChatSite
    task: str | None = None

    def __post_init__(self) -> None:
        Chat.__post_init__(self)
        card, host = self.card, self.site.router.host
        by = "the provider that it chooses" if self.site.wanted in POLICIES else self.site.wanted
        object.__setattr__(self, "card", replace(card, settings=_SETTINGS, data=f"{host}, then {by}", task=self.task, **_OPEN))

    def extras(self) -> Extras:
        extras = Extras()
        extras.metadata.update(self.site.told)
        return extras

    def parse(self, response: HttpResponse) -> TextResponse[Any]:
        answer = super().parse(response)
        told = served_by(response.headers)
        return replace(answer, provider_metadata={**answer.provider_metadata, **told}) if told else answer

    def decoder(self) -> RouterDecoder:
        return RouterDecoder(self.site, self.name, self.extras())


class RouterDecoder(ChatDecoder):
    """One stream, whose headers tell who serves it."""

    def __init__(self, site: ChatSite, name: str, extras: Extras) -> None:
        super().__init__(site, name, extras)
        self._told = extras.metadata

    def opened(self, headers: Headers) -> None:
        """The headers of the answer, before any of its bytes."""
        self._told.update(served_by(headers))


def served_by(headers: Headers) -> dict[str, str]:
    """Who served an answer, where the router tells it."""
    told = headers.get(_SERVED_BY, "").strip()
    return {"inference_provider": told} if told else {}


def _grammar(body: Mapping[str, Any]) -> dict[str, Any]:
    """A schema as text-generation-inference takes it."""
    schema = _schema(body)
    return {**body, "response_format": {"type": "json_object", "value": schema}} if schema is not None else dict(body)


def _flattened(body: Mapping[str, Any]) -> dict[str, Any]:
    """A schema where Together looks for it, and where all others do: the router may hand it on as it is, or not."""
    schema = _schema(body)
    return {**body, "response_format": {**body["response_format"], "schema": schema}} if schema is not None else dict(body)


def _schema(body: Mapping[str, Any]) -> Any:
    """The JSON Schema that the answer is to follow."""
    form = body.get("response_format")
    inner = form.get("json_schema") if isinstance(form, Mapping) else None
    return inner.get("schema") if isinstance(inner, Mapping) else None


_DIALECTS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {"hf-inference": _grammar, "together": _flattened}
_OPEN: Mapping[str, Any] = {"local": False, "open_weights": True}
_SETTINGS = frozenset(
    {
        "max_output_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
        "reasoning_effort",
        "parallel_tool_calls",
    }
)
"""What is sent; what a provider refuses by name is left out from then on, and a notice says so."""
