"""Models fetched by Ollama: ``POST api/pull``, with how far it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from modelhub.plugin import (
    AnswerError,
    Finished,
    HttpModel,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    NdjsonDecoder,
    Request,
    Response,
    Runtime,
    StreamBroken,
    Timeouts,
)
from modelhub_llama.ollama.answer import object_in
from modelhub_llama.ollama.faults import error_in, reported
from modelhub_llama.ollama.site import Ollama, ollama
from modelhub_llama.options import LlamaOptions
from modelhub_llama.served import Served

__all__ = ["Pull", "PullProgress", "Pulled", "pull", "pulling"]

_PATIENCE = Timeouts(first_token=600.0, idle=600.0, total=None)
"""A model is many gigabytes, and the check of its hash says nothing while it goes on."""


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far it is, in Ollama's own words (``pulling manifest``, ``verifying sha256 digest``).

    While a layer is fetched, ``digest`` names it, and ``completed`` of its ``total`` bytes are here.
    """

    status: str
    digest: str | None = None
    completed: int | None = None
    total: int | None = None


@dataclass(frozen=True, kw_only=True)
class Pulled(Response):
    """The model is here. ``size`` is the bytes of all its layers, as far as they were told of."""

    status: str = ""
    size: int | None = None


async def pull(
    name: str,
    options: LlamaOptions | None,
    runtime: Runtime,
    progress: Callable[[PullProgress], None] | None = None,
    *,
    timeouts: Timeouts = _PATIENCE,
) -> Pulled:
    """Have Ollama fetch the model, and wait until it is there. What an earlier, broken pull has fetched is not fetched again.

    ``progress`` is told of each step. Raises ``UnknownModel`` where the library has none of that name, ``Unreachable`` where
    no Ollama is running, ``StreamBroken`` where it went away.
    """
    async with aclosing(pulling(name, options, runtime, timeouts=timeouts)) as steps:
        async for step in steps:
            if isinstance(step, Finished):
                return step.response
            if progress is not None:
                progress(step)
    raise StreamBroken("The pull ended without saying that the model is complete.")


async def pulling(
    name: str, options: LlamaOptions | None, runtime: Runtime, *, timeouts: Timeouts = _PATIENCE
) -> AsyncGenerator[PullProgress | Finished[Pulled], None]:
    """The steps of a pull as they come, ``Finished`` last. Close it to stop the pull."""
    site = ollama(options or LlamaOptions())
    model: Served[Request, Pulled, PullProgress | Finished[Pulled]] = Served(HttpModel(Pull(site, name)), site.advice)
    async with aclosing(model.stream(Request(timeouts=timeouts), runtime)) as steps:
        async for step in steps:
            yield step


@dataclass(frozen=True)
class Pull:
    """``pull`` of one model."""

    site: Ollama
    name: str

    @property
    def card(self) -> ModelCard:
        return ModelCard(model=f"{self.site.provider}:{self.name}", kind="text")

    def build(self, request: Request, *, stream: bool) -> HttpRequest:  # noqa: ARG002  # there is nothing to ask but for the model
        return self.site.post("pull", {"model": self.name, "stream": stream})

    def parse(self, response: HttpResponse) -> Pulled:
        said = object_in(response.body)
        if error_in(said):
            raise reported(said, self.site, self.name)
        if said.get("status") != "success":
            raise AnswerError(f"The pull ended as {said.get('status')!r}, not as a success.", head=response.body[:200])
        return Pulled(status="success", model=self.name, raw=said)

    def decoder(self) -> _PullDecoder:
        return _PullDecoder(self)

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)


class _PullDecoder:
    """Lines of progress; the last one says ``success``."""

    def __init__(self, endpoint: Pull) -> None:
        self._endpoint = endpoint
        self._lines = NdjsonDecoder()
        self._sizes: dict[str, int] = {}
        self._status = ""
        self.done = False

    def feed(self, data: bytes) -> list[PullProgress | Finished[Pulled]]:
        return [self._step(line) for line in self._lines.feed(data)]

    def close(self) -> list[PullProgress | Finished[Pulled]]:
        steps: list[PullProgress | Finished[Pulled]] = [self._step(line) for line in self._lines.close()]
        if not self.done:
            raise StreamBroken("The pull ended before the model was complete.", partial=self.partial())
        return [*steps, Finished(self.partial())]

    def partial(self) -> Pulled:
        size = sum(self._sizes.values()) if self._sizes else None
        return Pulled(status=self._status, model=self._endpoint.name, size=size)

    def _step(self, line: Any) -> PullProgress:
        if not isinstance(line, Mapping):
            raise AnswerError(f"A line of the pull is not a JSON object: {str(line)[:100]!r}.")
        if error_in(line):
            raise reported(line, self._endpoint.site, self._endpoint.name)
        step = _progress(line)
        if step.digest and step.total:
            self._sizes[step.digest] = step.total
        self._status = step.status
        self.done = step.status == "success"
        return step


def _progress(line: Mapping[str, Any]) -> PullProgress:
    """One line. A layer of which nothing is here yet has no ``completed``: Ollama leaves out what is zero."""
    status, digest = line.get("status"), line.get("digest")
    total, completed = line.get("total"), line.get("completed")
    step = PullProgress(status if isinstance(status, str) else "", digest if isinstance(digest, str) else None)
    if not isinstance(total, int):
        return step
    return replace(step, total=total, completed=completed if isinstance(completed, int) else 0)
