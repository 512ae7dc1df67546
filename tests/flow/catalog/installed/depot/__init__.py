"""A hub of models that searches and describes, a server that lists, one that fails, and a plugin that has no models."""

from __future__ import annotations

from modelhub.plugin import Command, Provider, hookimpl


class Depot:
    @hookimpl
    def modelhub_provider(self) -> Provider:
        return Provider(
            name="depot",
            kinds={"text": "depot.models:text", "embedding": "depot.models:embedding"},
            options="depot.models:Options",
            local="depot.shelf:local",
            files={".depot": "depot.shelf:read"},
            search="depot.search:search",
            describe="depot.search:describe",
        )


class Counter:
    @hookimpl
    def modelhub_provider(self) -> Provider:
        return Provider(
            name="counter",
            kinds={"text": "depot.models:text"},
            options="depot.models:Options",
            listing="depot.search:listing",
        )


class Grumpy:
    @hookimpl
    def modelhub_provider(self) -> Provider:
        kinds = {"text": "depot.models:text"}
        return Provider(name="grumpy", kinds=kinds, options="depot.models:Options", search="depot.search:broken")


class Greeting:
    @hookimpl
    def modelhub_command(self) -> Command:
        return Command("greeting", "greet", lambda _: None, lambda _arguments, _context: 0)


depot, counter, grumpy, greeting = Depot(), Counter(), Grumpy(), Greeting()
