"""What it means when the router refuses, or a provider behind it, and what its caller may do."""

from __future__ import annotations

from typing import Any

from modelhub_openai.faults import dialect_fault

from modelhub.plugin import (
    BadRequest,
    ContextOverflow,
    HttpResponse,
    KeyRefused,
    ModelhubError,
    ProviderError,
    UnknownModel,
)
from modelhub_huggingface.router.site import Router

__all__ = ["NOT_SERVED", "router_fault"]

NOT_SERVED = "model_not_supported"
"""The code of the error for a model that nobody serves, or not for this."""
_NOT_SERVED = ("not supported by any provider", "not supported by provider", "is not a chat model", "doesn't support task")
_TOKENS = "https://huggingface.co/settings/tokens"
_BILLING = "https://huggingface.co/settings/billing"


def router_fault(response: HttpResponse, router: Router, model: str, served_by: str = "") -> ModelhubError:
    """The error as the dialect reads it, with what only the router means by it."""
    error = dialect_fault(response, provider=router.provider, model=model)
    if not isinstance(error, ProviderError):
        return error
    if response.status in (400, 404, 422) and _is_not_served(error) and not isinstance(error, ContextOverflow):
        error = _as(UnknownModel, error, code=NOT_SERVED)
    advice = _advice(error, response.status, router, served_by)
    if advice:
        error.args = (f"{error.message.rstrip('.')}. {advice}",)
    return error


def _is_not_served(error: ProviderError) -> bool:
    said = error.message.lower()
    return error.code == NOT_SERVED or any(words in said for words in _NOT_SERVED)


def _as(kind: type[ProviderError], error: ProviderError, **changes: Any) -> ProviderError:
    """The same of another class."""
    if isinstance(error, kind):
        vars(error).update(changes)
        return error
    other = kind(error.message)
    vars(other).update({**vars(error), **changes})
    return other


def _advice(error: ProviderError, status: int, router: Router, served_by: str) -> str:
    match error:
        case KeyRefused() if status == 403:
            return f"Give the token the permission to make calls to Inference Providers, or make another at {_TOKENS}."
        case KeyRefused():
            return f"The token is from {router.headers['authorization']!r}; make another at {_TOKENS}."
        case UnknownModel() if error.code == NOT_SERVED:
            who = served_by or "any provider that is switched on at https://huggingface.co/settings/inference-providers"
            return f"Its page on the hub lists who serves it and for what; here {who} was asked for {error.model}."
        case _ if status == 402:
            payer = f"Those of {router.bill_to}" if router.bill_to else "The account's credits"
            return f"{payer} are used up, and waiting does not help: buy more at {_BILLING}, or let bill_to name who pays."
        case BadRequest() if status == 413:
            return "The request is larger than the provider takes."
        case _:
            return ""
