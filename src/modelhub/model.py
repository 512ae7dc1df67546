"""The one protocol: a model answers a request, at once or as a stream of events, in a runtime that is handed to it.

Every kind (text, embedding, image, speech, transcription, reranking) is this protocol with its own request, response and
events, so whatever wraps a model is written once for all kinds.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, Self, TypeVar

from modelhub.errors import InvalidRequest

if TYPE_CHECKING:
    from concurrent.futures import Future
    from decimal import Decimal

    from modelhub.http import HttpRequest, HttpResponse, HttpStream
    from modelhub.price import Price

__all__ = [
    "KINDS",
    "AnyModel",
    "Attempt",
    "Family",
    "Finished",
    "Kind",
    "Metric",
    "Model",
    "ModelCard",
    "Notice",
    "Request",
    "Response",
    "Runtime",
    "Timeouts",
    "Timing",
    "Usage",
    "Wrapper",
]

Kind = Literal["text", "embedding", "image", "speech", "transcription", "reranking"]
Family = Literal["decoder", "encoder", "encoder-decoder", "diffusion"]
KINDS: tuple[Kind, ...] = ("text", "embedding", "image", "speech", "transcription", "reranking")

T = TypeVar("T")
RequestT = TypeVar("RequestT", bound="Request")
ResponseT = TypeVar("ResponseT", bound="Response")
EventT = TypeVar("EventT")
RequestT_contra = TypeVar("RequestT_contra", bound="Request", contravariant=True)
ResponseT_co = TypeVar("ResponseT_co", bound="Response", covariant=True)
EventT_co = TypeVar("EventT_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait, in seconds, for each of four things; ``None`` waits for ever.

    ``connect``: a connection. ``first_token``: the first event of a stream (keep-alive comments do not count).
    ``idle``: the next bytes, once an answer has begun. ``total``: the whole call.
    """

    connect: float | None = 10.0
    first_token: float | None = 120.0
    idle: float | None = 60.0
    total: float | None = 600.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            seconds: Any = getattr(self, name)
            if seconds == float("inf"):
                object.__setattr__(self, name, None)
            elif seconds is not None and not (type(seconds) in (int, float) and seconds > 0):
                raise InvalidRequest(f"timeouts.{name} is {seconds!r}; it must be a number of seconds above 0, or None.")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the caller should know: ``setting`` could not be honoured, or was changed, for the reason in ``message``."""

    setting: str
    message: str


_COUNTS = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "images", "characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a call used. What the provider did not tell is ``None``, never 0. ``source`` says who counted.

    ``input_tokens`` is everything that went in: ``cached_tokens`` (read from the provider's cache) and ``cache_write_tokens``
    are inside it. ``output_tokens`` is everything that came out: ``reasoning_tokens`` are inside it.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    images: int | None = None
    characters: int | None = None
    audio_seconds: float | None = None
    source: Literal["provider", "estimated"] = "provider"

    def __post_init__(self) -> None:
        for name in _COUNTS:
            count: object = getattr(self, name)
            if count is not None and not isinstance(count, int):
                raise TypeError(f"usage.{name} is {count!r}; it must be a whole number, or None for unknown.")

    @property
    def total_tokens(self) -> int | None:
        """Input and output together, where both are known."""
        if self.input_tokens is None or self.output_tokens is None:
            return None
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Where the time went, in seconds from the call's start."""

    first_token: float | None = None
    total: float | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at an answer: which model was asked, and the error if it failed."""

    model: str
    error: Exception | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What every request carries."""

    timeouts: Timeouts = Timeouts()
    retries: int | None = None
    """How often the same model is asked again after an error that may pass; ``None``: as configured."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Options that only one provider knows, by provider name: ``{"azure-openai": {"user": "u-1"}}``."""

    def __post_init__(self) -> None:
        if not isinstance(self.timeouts, Timeouts):
            raise InvalidRequest(f"timeouts is {self.timeouts!r}; write Timeouts(total=30).")
        if self.retries is not None and (type(self.retries) is not int or self.retries < 0):
            raise InvalidRequest(f"retries is {self.retries!r}; it must be a whole number, 0 or more, or None.")
        if not isinstance(self.extra, Mapping):
            raise InvalidRequest(f"extra is {self.extra!r}; it must be a mapping: {{'provider': {{'option': value}}}}.")
        for name, options in self.extra.items():
            if not isinstance(options, Mapping):
                told = f"extra[{name!r}] is {type(options).__name__}; options stand under a provider"
                raise InvalidRequest(f"{told}: {{'provider': {{{name!r}: ...}}}}.")

    def needs(self) -> frozenset[str]:
        """The capabilities this request cannot do without, by their names on a ``ModelCard``."""
        return frozenset()

    def settings(self) -> Mapping[str, Any]:
        """The optional knobs that are set, by name: what a model that lacks one reports as a ``Notice``."""
        return {}

    def without(self, names: Iterable[str]) -> Self:
        """The same request with these settings unset."""
        unset: dict[str, Any] = {name: self.__dataclass_fields__[name].default for name in names}  # no setting has a factory
        return replace(self, **unset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What every response carries beside its content. Attempts, timing and ``raw`` take no part in equality."""

    model: str = ""
    """The model that answered, as the provider names it."""
    provider: str = ""
    usage: Usage = Usage()
    cost: Decimal | None = None
    """In US dollars; ``None`` where it cannot be told, and then ``unpriced`` says why."""
    unpriced: str | None = "No price is known for this model."
    notices: tuple[Notice, ...] = ()
    provider_metadata: Mapping[str, Any] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = field(default=(), compare=False)
    timing: Timing = field(default=Timing(), compare=False)
    raw: Any = field(default=None, compare=False, repr=False)
    """The provider's own answer, parsed and otherwise untouched."""


@dataclass(frozen=True)  # with slots, Finished[TextResponse](...) would raise in its frozen __setattr__
class Finished(Generic[ResponseT_co]):
    """The last event of every stream: the whole response, equal to what ``call`` would have given."""

    response: ResponseT_co


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A result that the makers of a model report: on which data, by which measure."""

    name: str
    value: float | str
    dataset: str = ""
    task: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What is known of a model before it is asked. ``None`` is "unknown", everywhere."""

    model: str
    """With its provider: ``starter:quote``."""
    kind: Kind
    title: str = ""
    description: str = ""
    capabilities: Mapping[str, bool] = field(default_factory=dict)
    """``{"tools": True, "images": False}``; a capability that is not named is unknown."""
    settings: frozenset[str] | None = None
    """The optional settings that the model honours."""
    context_window: int | None = None
    """Tokens, prompt and answer together."""
    max_output_tokens: int | None = None
    dimensions: int | None = None
    """Of an embedding."""
    max_batch: int | None = None
    """Inputs of one embedding request."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """What else one request may hold at most: ``input_tokens`` of one embedded or spoken text, ``batch_tokens`` and
    ``batch_bytes`` of one embedding request, ``audio_bytes`` and ``audio_seconds`` of one recording, ``characters`` and
    ``text_bytes`` of one spoken text, ``images`` that are made at once."""
    price: Price | None = None
    languages: tuple[str, ...] = ()
    licence: str | None = None
    local: bool | None = None
    """Whether the model runs on this machine, so that no data leaves it."""
    architecture: str | None = None
    """How its network is built, in the words of its files: ``qwen2``, ``bert``."""
    parameters: int | None = None
    """How many weights it has."""
    quantization: str | None = None
    """How its weights are stored: ``F16``, ``Q4_K_M``."""
    file: str | None = None
    """Where its weights lie on this machine, or the first of several files."""
    file_bytes: int | None = None
    """What all its files take."""
    memory_bytes: int | None = None
    """What it needs to run, about, as configured: its weights, the cache of its context window, and room to compute."""
    task: str | None = None
    """What it was made for, in the words of model hubs: ``text-generation``, ``summarization``, ``fill-mask``."""
    family: Family | None = None
    """Which half of the transformer it has, or both; ``diffusion`` for what paints step by step."""
    open_weights: bool | None = None
    """Whether its weights can be had; ``False`` for a model that is a service alone."""
    fine_tunable: bool | None = None
    """Whether it can be trained further, on one's own machine or by its provider."""
    data: str | None = None
    """Where what is sent to it goes: ``this machine``, or the host, and the place if it is known."""
    inputs: tuple[str, ...] = ()
    """What it takes: ``text``, ``image``, ``audio``, ``file``; left out, what its kind and capabilities say."""
    outputs: tuple[str, ...] = ()
    """What it gives: ``text``, ``vector``, ``image``, ``audio``, ``order``; left out, what its kind says."""
    base_model: tuple[str, ...] = ()
    """What it was trained from."""
    datasets: tuple[str, ...] = ()
    """What it was trained on."""
    metrics: tuple[Metric, ...] = ()
    """Results that its makers report; nobody checked them here."""
    library: str | None = None
    """The library whose files it has: ``transformers``, ``diffusers``, ``gguf``."""
    gated: bool | None = None
    """Whether its files are given only to those who accepted its terms."""
    downloads: int | None = None
    """From its hub, in the last month."""
    likes: int | None = None
    updated: str | None = None
    """When it was last changed: a date in ISO 8601."""
    revision: str | None = None
    """Which state of its repository this card speaks of."""
    url: str | None = None
    """A page about it."""

    def supports(self, capability: str) -> bool | None:
        """``True``, ``False``, or ``None`` for unknown."""
        return self.capabilities.get(capability)


class Runtime(Protocol):
    """The only window to the world: whoever waits, sends, sleeps or starts threads does it here."""

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        """One exchange, read whole. Raises ``TransportError``; an error status is a response like any other."""

    async def open(self, request: HttpRequest, timeouts: Timeouts) -> HttpStream:
        """One exchange whose body is read as it comes. The caller closes the stream."""

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""

    async def gather(self, *calls: Callable[[], Awaitable[T]]) -> list[T]:
        """Run the calls beside each other; results in the order of the calls. The first error is raised when all have ended."""

    async def in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        """Run a function that computes or blocks where it stops nobody else."""

    async def wait(self, future: Future[T], seconds: float | None = None) -> T:
        """What a future of another thread comes to. Whoever leaves, or has waited enough, cancels it (``TimeoutError``)."""

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""


class Model(Protocol[RequestT_contra, ResponseT_co, EventT_co]):
    """Something that answers requests of one kind."""

    @property
    def card(self) -> ModelCard:
        """What is known of it."""

    async def call(self, request: RequestT_contra, runtime: Runtime) -> ResponseT_co:
        """The whole answer. Raises ``ModelhubError``."""

    def stream(self, request: RequestT_contra, runtime: Runtime) -> AsyncGenerator[EventT_co, None]:
        """The answer as it comes: events, of which ``Finished`` is the last. Ends so, or raises ``ModelhubError``."""


AnyModel = Model[Any, Any, Any]


@dataclass(frozen=True, eq=False)
class Wrapper(Generic[RequestT, ResponseT, EventT]):
    """A model around a model: passes everything through, so that a subclass says only what it changes."""

    inner: Model[RequestT, ResponseT, EventT]

    @property
    def card(self) -> ModelCard:
        return self.inner.card

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        return await self.inner.call(request, runtime)

    async def count_tokens(self, request: RequestT, runtime: Runtime) -> int | None:
        """What a model may have beside: the exact number of tokens of a request; ``None`` where it cannot tell."""
        count = getattr(self.inner, "count_tokens", None)
        counted: int | None = None if count is None else await count(request, runtime)
        return counted

    @property
    def counter(self) -> Callable[[str], int] | None:
        """What a model may have beside: it counts the tokens of one text exactly, at once and without being loaded. ``None``
        where it cannot. Of an embedding model, the marks around a text and what is put before a document are counted in.
        """
        counter: Callable[[str], int] | None = getattr(self.inner, "counter", None)
        return counter

    async def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        async with aclosing(self.inner.stream(request, runtime)) as events:
            async for event in events:
                yield event
