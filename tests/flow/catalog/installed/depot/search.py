"""What is asked over HTTP: a search, a description, a list."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, Never
from urllib.parse import quote

from depot.models import Options
from modelhub.plugin import ConfigError, HttpRequest, ModelCard, Query, Runtime, Timeouts, UnknownModel, fault


async def search(query: Query, options: Options, runtime: Runtime) -> tuple[ModelCard, ...]:
    asked = "&".join(f"{name}={quote(str(value))}" for name, value in query.given().items())
    return tuple(map(_card, await _got(f"search?{asked}&limit={query.limit}", options, runtime)))


async def describe(name: str, options: Options, runtime: Runtime) -> ModelCard:
    return _card(await _got(f"models/{quote(name)}", options, runtime))


async def listing(options: Options, runtime: Runtime) -> list[ModelCard]:
    return [_card(row) for row in await _got("models", options, runtime)]


async def broken(query: Query, options: Options, runtime: Runtime) -> Never:
    raise KeyError(options.key.reveal() if options.key else "灯台")


async def _got(path: str, options: Options, runtime: Runtime) -> Any:
    if not options.url:
        raise ConfigError(f"{options.provider} has no url.")
    response = await runtime.send(HttpRequest("GET", f"{options.url}/{path}"), Timeouts())
    if response.status == 404:
        raise UnknownModel("It has no such model.", provider=options.provider, status=404)
    if response.status != 200:
        raise fault(response, provider=options.provider, model="")
    return json.loads(response.body)


def _card(row: dict[str, Any]) -> ModelCard:
    lists = {field.name for field in fields(ModelCard) if str(field.type).startswith("tuple")}
    return ModelCard(**{name: tuple(value) if name in lists else value for name, value in row.items()})
