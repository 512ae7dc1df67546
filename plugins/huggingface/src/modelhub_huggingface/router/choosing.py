"""The choice of a provider: the first that serves the model for the task and that this version knows how to ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from modelhub.plugin import Notice, Unsupported, did_you_mean
from modelhub_huggingface.options import AUTO, POLICIES
from modelhub_huggingface.router.mapping import Mapped, Offer
from modelhub_huggingface.router.providers import PROVIDERS, Form

__all__ = ["CHAT", "Choice", "choose", "refused"]

_SETTING = "inference_provider"
_ALIKE = {"feature-extraction": "sentence-similarity", "sentence-similarity": "feature-extraction"}
"""Models of sentences serve for both where the pipelines themselves run: at ``hf-inference``."""
_PIPELINES = "hf-inference"
CHAT = "conversational"
"""The task of an offer to chat, as the hub names it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is asked, for which task and in which form; and what the caller should know of it."""

    offer: Offer
    task: str
    form: Form
    notices: tuple[Notice, ...] = ()


def choose(mapped: Mapped, tasks: Sequence[str], wanted: str, model: str) -> Choice:
    """Who serves the model for one of these tasks.

    ``wanted`` is a provider's name, or a policy: outside of chat each policy means the first in the hub's order that is live.
    A provider that this version does not know is passed over, with a notice. Raises ``Unsupported``, which says who serves it.
    """
    if wanted in POLICIES:
        return _first(mapped, tasks, wanted, model)
    for offer, task in _offered(mapped, tasks):
        if offer.by == wanted and (form := _form(offer, task)) is not None:
            return Choice(offer, task, form, _ailing(offer, model))
    raise Unsupported(_refusal(mapped, tasks, wanted, model), feature=tasks[0], model=model)


def refused(mapped: Mapped, tasks: Sequence[str], wanted: str, model: str) -> Unsupported | None:
    """What is said of a model for text that the router does not chat with, and that nobody serves for one of these tasks.

    ``None`` where somebody does, and where the router's own words tell more: nobody serves it at all, or who is wanted chats.
    """
    able = list(dict.fromkeys(offer.by for offer in mapped.offers if offer.task == CHAT))
    if not mapped.offers or wanted in able or (able and wanted in POLICIES) or any(_offered(mapped, tasks)):
        return None
    if able:
        words = f"{wanted} does not serve {model} for chat. These do: {', '.join(able)}.{did_you_mean(wanted, able)}"
        return Unsupported(words, feature=CHAT, model=model)
    return Unsupported(_refusal(mapped, tasks, wanted, model, "text"), feature="text", model=model)


def _first(mapped: Mapped, tasks: Sequence[str], policy: str, model: str) -> Choice:
    known = [(offer, task, form) for offer, task in _offered(mapped, tasks) if (form := _form(offer, task)) is not None]
    if not known:
        raise Unsupported(_refusal(mapped, tasks, policy, model), feature=tasks[0], model=model)
    offer, task, form = next((found for found in known if found[0].live), known[0])
    notices = (*_passed_over(mapped, tasks, offer, model), *_unheeded(policy, task, offer), *_ailing(offer, model))
    return Choice(offer, task, form, notices)


def _offered(mapped: Mapped, tasks: Sequence[str]) -> Iterator[tuple[Offer, str]]:
    """The offers for these tasks, the hub's order before that of the tasks."""
    for offer in mapped.offers:
        for task in tasks:
            if offer.task == task or (offer.by == _PIPELINES and _ALIKE.get(task) == offer.task):
                yield offer, task
                break


def _form(offer: Offer, task: str) -> Form | None:
    return PROVIDERS.get(offer.by, {}).get(task)


def _passed_over(mapped: Mapped, tasks: Sequence[str], chosen: Offer, model: str) -> Iterator[Notice]:
    """Those that stood before the one that was chosen, and that nobody here knows how to ask."""
    for offer, task in _offered(mapped, tasks):
        if offer is chosen:
            return
        if offer.live and _form(offer, task) is None:
            yield Notice(_SETTING, f"{offer.by} serves {model} too, and this version does not know it: it was passed over.")


def _unheeded(policy: str, task: str, offer: Offer) -> Iterator[Notice]:
    if policy not in (AUTO, "preferred"):
        words = f"{policy!r} is a policy of chat: for {task}, the first provider in the hub's order was asked, {offer.by}."
        yield Notice(_SETTING, words)


def _ailing(offer: Offer, model: str) -> tuple[Notice, ...]:
    if offer.live:
        return ()
    return (Notice(_SETTING, f"{offer.by} has {model} as {offer.status!r} and not as live: a call may fail."),)


def _refusal(mapped: Mapped, tasks: Sequence[str], wanted: str, model: str, named: str = "") -> str:
    what = named or " or ".join(tasks)
    able = list(dict.fromkeys(offer.by for offer, task in _offered(mapped, tasks) if _form(offer, task) is not None))
    if able:
        return f"{wanted} does not serve {model} for {what}. These do: {', '.join(able)}.{did_you_mean(wanted, able)}"
    strange = list(dict.fromkeys(offer.by for offer, _ in _offered(mapped, tasks)))
    if strange:
        return f"{model} is served for {what} by {', '.join(strange)} alone, which this version does not know how to ask."
    others = sorted({f"{offer.task} (by {offer.by})" for offer in mapped.offers})
    if others:
        return f"{model} is not served for {what} by any provider, but for {', '.join(others)}."
    return f'No provider serves {model}. Run it on an endpoint of your own (base_url), or on this machine (engine = "local").'
