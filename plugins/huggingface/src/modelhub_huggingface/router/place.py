"""Where a model is asked for: by which account, of which hub, for what, and who is to serve it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelhub.plugin import ConfigError, Kind, ModelCard, did_you_mean
from modelhub_huggingface.hub.site import Site, site
from modelhub_huggingface.options import POLICIES, HuggingFaceOptions
from modelhub_huggingface.router.site import Router, named, router
from modelhub_huggingface.tasks import TASKS, task_named

__all__ = ["Place", "asked_task", "known_task", "place"]


@dataclass(frozen=True, slots=True)
class Place:
    """A model's place at the router. ``wanted`` is a provider's name, or a policy that chooses one."""

    router: Router
    hub: Site
    name: str
    """As it is written, with the provider that may stand behind it."""
    model: str
    """As the hub has it."""
    wanted: str
    options: HuggingFaceOptions

    def card(self, kind: Kind, **fields: Any) -> ModelCard:
        """What is known of the model before anybody is asked."""
        by = "the provider that is chosen" if self.wanted in POLICIES else self.wanted
        data = f"{self.router.host}, then {by}"
        return ModelCard(
            model=f"{self.router.provider}:{self.name}", kind=kind, local=False, open_weights=True, data=data, **fields
        )


def place(name: str, options: HuggingFaceOptions) -> Place:
    """The place that a model's name and the options mean."""
    model, wanted = named(name, options)
    return Place(router(options), site(options), name, model, wanted, options)


def asked_task(kind: Kind, options: HuggingFaceOptions, usual: str | None) -> str | None:
    """The task that the options name, else the usual one. Raises ``ConfigError`` where it is none of this kind."""
    if options.task is None:
        return usual
    task, where = task_named(options.task), f"[providers.{options.provider}] task"
    if task is None:
        raise ConfigError(
            f"{where} is {options.task!r}, which is no task of the hub.{did_you_mean(options.task, sorted(TASKS))}"
        )
    if kind not in TASKS[task].kinds:
        raise ConfigError(f"{where} is {task!r}, which no model for {kind} has: it is one for {', '.join(TASKS[task].kinds)}.")
    return task


def known_task(kind: Kind, where: Place) -> str | None:
    """The task that a card tells: the options name it, or the hub did before; ``None`` where it is no model of this kind's."""
    asked = asked_task(kind, where.options, None)
    if asked is not None:
        return asked
    from modelhub_huggingface.hub.kept import kept_task

    kept = kept_task(where.model, where.options)
    return kept if kept is not None and kind in TASKS[kept].kinds else None
