"""The hub: one object that gives an application every model by its name. It owns a runtime, and closes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from modelhub.errors import ConfigError, UnknownModel

if TYPE_CHECKING:
    from types import TracebackType

    from modelhub.assembly import Assembly
    from modelhub.catalog.found import FoundModels
    from modelhub.catalog.query import Query
    from modelhub.clients.embedding import AsyncEmbeddingClient, EmbeddingClient
    from modelhub.clients.image import AsyncImageClient, ImageClient
    from modelhub.clients.index import AsyncIndexClient, IndexClient
    from modelhub.clients.reranking import AsyncRerankingClient, RerankingClient
    from modelhub.clients.speech import AsyncSpeechClient, SpeechClient
    from modelhub.clients.text import AsyncTextClient, TextClient
    from modelhub.clients.transcription import AsyncTranscriptionClient, TranscriptionClient
    from modelhub.config import Loaded
    from modelhub.model import AnyModel, Kind, ModelCard, Runtime
    from modelhub.transport.asynchronous import AsyncRuntime
    from modelhub.transport.blocking import BlockingRuntime

__all__ = ["AsyncHub", "Hub"]

RuntimeT = TypeVar("RuntimeT", bound="Runtime")
ClientT = TypeVar("ClientT")
_LATE = (
    "modelhub.clients.streams",
    "modelhub.transport.outgoing",
    "modelhub.transport.pool",
    "modelhub.transport.wire",
    "modelhub.retrieval.grounded",
    "modelhub.retrieval.tokens",
)
"""What the first call would import on its way, and not before."""
Source = str | os.PathLike[str] | Mapping[str, Any] | None


class _AnyHub(Generic[RuntimeT]):
    """What both hubs share: a configuration, what was assembled from it, and a runtime; each made when it is first needed."""

    _new_runtime: Callable[[], RuntimeT]

    def __init__(self, config: Source = None, *, profile: str | None = None) -> None:
        from modelhub.config import load

        self.loaded: Loaded = load(config, profile=profile)
        self._kept: dict[str, Any] = {}

    @property
    def assembly(self) -> Assembly:
        """All that this hub has built."""
        from modelhub.assembly import Assembly

        found: Assembly = self._kept.get("assembly") or self._kept.setdefault("assembly", Assembly(self.loaded))
        return found

    @property
    def runtime(self) -> RuntimeT:
        """The room in which this hub waits; made anew after the hub was closed."""
        found: RuntimeT = self._kept.get("runtime") or self._kept.setdefault("runtime", self._new_runtime())
        return found

    def _warm(self, names: tuple[str, ...]) -> None:
        for module in _LATE:
            import_module(module)
        for name in names or tuple(self.loaded.config.models):
            self._warm_one(name)

    def _warm_one(self, name: str) -> None:
        """Build the clients of every kind that a name can stand for; where it stands for none, say why."""
        failures = []
        kinds = self.assembly.kinds(name)
        for kind in kinds:
            try:
                getattr(self, kind)(name)
            except (UnknownModel, ConfigError) as failure:  # not every model of a provider is of every kind it has
                failures.append(failure)
        if len(failures) == len(kinds):
            raise next((failure for failure in failures if isinstance(failure, ConfigError)), failures[0])

    def _client(self, client: Callable[[AnyModel, Runtime, Any], ClientT], kind: Kind, name: str) -> ClientT:
        assembled = self.assembly.model(kind, name)
        return client(assembled.model, self.runtime, assembled.defaults)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.loaded.file or 'without a file'}>"


class Hub(_AnyHub["BlockingRuntime"]):
    """Every model by its name, blocking: ``Hub().text("assistant").generate("...")``.

    ``config`` is the path of a ``modelhub.toml`` or a mapping of the same shape; left out, the file is looked for from the
    working directory upwards, then in the user's configuration folder. ``profile`` (or ``MODELHUB_PROFILE``) selects a
    ``[profiles.NAME]`` table. Raises ``ConfigError`` with file and line. One hub serves many threads; it works after a fork
    and inside a running event loop. Close it, or use it as a context manager, to give its connections back.
    """

    def _new_runtime(self) -> BlockingRuntime:
        from modelhub.transport.blocking import BlockingRuntime

        return BlockingRuntime()

    def text(self, name: str) -> TextClient:
        """A text model, by alias or id."""
        from modelhub.clients.text import TextClient

        return self._client(TextClient, "text", name)

    def embedding(self, name: str) -> EmbeddingClient:
        """An embedding model, by alias or id."""
        from modelhub.clients.embedding import EmbeddingClient

        return self._client(EmbeddingClient, "embedding", name)

    def image(self, name: str) -> ImageClient:
        """An image model, by alias or id."""
        from modelhub.clients.image import ImageClient

        return self._client(ImageClient, "image", name)

    def speech(self, name: str) -> SpeechClient:
        """A speech model, by alias or id."""
        from modelhub.clients.speech import SpeechClient

        return self._client(SpeechClient, "speech", name)

    def transcription(self, name: str) -> TranscriptionClient:
        """A transcription model, by alias or id."""
        from modelhub.clients.transcription import TranscriptionClient

        return self._client(TranscriptionClient, "transcription", name)

    def reranking(self, name: str) -> RerankingClient:
        """A reranking model, by alias or id."""
        from modelhub.clients.reranking import RerankingClient

        return self._client(RerankingClient, "reranking", name)

    def index(self, name: str) -> IndexClient:
        """The documents of ``[indexes.NAME]``."""
        from modelhub.clients.index import IndexClient

        return IndexClient(self.assembly.index(name), self.runtime)

    def models(self, query: Query | str | None = None, *, provider: str | None = None, everywhere: bool = False) -> FoundModels:
        """The cards of the models that there are, of all sources alike.

        Without arguments: the aliases, then what installed providers list beforehand; nothing is imported for it. With a
        ``Query``, what it asks for of these and of the files on this machine. A provider's name: that provider's own, for which
        its server or its hub is asked; ``everywhere``: all of them, and ``failures`` says which could not be.
        """
        from modelhub.catalog.searching import found
        from modelhub.transport.drive import drive

        return drive(found(self.assembly, query, provider, everywhere, lambda: self.runtime))

    def card(self, name: str) -> ModelCard:
        """All that is known of one model, by its alias, its id or its file's path; its provider's server is asked too."""
        from modelhub.catalog.describing import described
        from modelhub.transport.drive import drive

        return drive(described(self.assembly, name, self.runtime))

    def warmup(self, *names: str) -> None:
        """Import and build now what the first calls would import and build: all aliases, or some."""
        self._warm(names)

    def close(self) -> None:
        """Give all connections back. The hub may be used again; it then opens new ones."""
        if (runtime := self._kept.pop("runtime", None)) is not None:
            runtime.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class AsyncHub(_AnyHub["AsyncRuntime"]):
    """Every model by its name, awaited: ``await AsyncHub().text("assistant").generate("...")``.

    Takes what ``Hub`` takes. One hub serves many event loops, one after another or in different threads.
    """

    def _new_runtime(self) -> AsyncRuntime:
        from modelhub.transport.asynchronous import AsyncRuntime

        return AsyncRuntime()

    def text(self, name: str) -> AsyncTextClient:
        """A text model, by alias or id."""
        from modelhub.clients.text import AsyncTextClient

        return self._client(AsyncTextClient, "text", name)

    def embedding(self, name: str) -> AsyncEmbeddingClient:
        """An embedding model, by alias or id."""
        from modelhub.clients.embedding import AsyncEmbeddingClient

        return self._client(AsyncEmbeddingClient, "embedding", name)

    def image(self, name: str) -> AsyncImageClient:
        """An image model, by alias or id."""
        from modelhub.clients.image import AsyncImageClient

        return self._client(AsyncImageClient, "image", name)

    def speech(self, name: str) -> AsyncSpeechClient:
        """A speech model, by alias or id."""
        from modelhub.clients.speech import AsyncSpeechClient

        return self._client(AsyncSpeechClient, "speech", name)

    def transcription(self, name: str) -> AsyncTranscriptionClient:
        """A transcription model, by alias or id."""
        from modelhub.clients.transcription import AsyncTranscriptionClient

        return self._client(AsyncTranscriptionClient, "transcription", name)

    def reranking(self, name: str) -> AsyncRerankingClient:
        """A reranking model, by alias or id."""
        from modelhub.clients.reranking import AsyncRerankingClient

        return self._client(AsyncRerankingClient, "reranking", name)

    def index(self, name: str) -> AsyncIndexClient:
        """The documents of ``[indexes.NAME]``."""
        from modelhub.clients.index import AsyncIndexClient

        return AsyncIndexClient(self.assembly.index(name), self.runtime)

    async def models(
        self, query: Query | str | None = None, *, provider: str | None = None, everywhere: bool = False
    ) -> FoundModels:
        """The cards of the models that there are, of all sources alike.

        Without arguments: the aliases, then what installed providers list beforehand; nothing is imported for it. With a
        ``Query``, what it asks for of these and of the files on this machine. A provider's name: that provider's own, for which
        its server or its hub is asked; ``everywhere``: all of them, and ``failures`` says which could not be.
        """
        from modelhub.catalog.searching import found

        return await found(self.assembly, query, provider, everywhere, lambda: self.runtime)

    async def card(self, name: str) -> ModelCard:
        """All that is known of one model, by its alias, its id or its file's path; its provider's server is asked too."""
        from modelhub.catalog.describing import described

        return await described(self.assembly, name, self.runtime)

    async def warmup(self, *names: str) -> None:
        """Import and build now, in a thread, what the first calls would import on the event loop: all aliases, or some."""
        await self.runtime.in_thread(self._warm, names)

    async def aclose(self) -> None:
        """Give all connections back. The hub may be used again; it then opens new ones."""
        if (runtime := self._kept.pop("runtime", None)) is not None:
            await runtime.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
