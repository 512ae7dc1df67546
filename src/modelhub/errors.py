"""What can go wrong, as one tree of exceptions.

    ModelhubError
    ├── SetupError               something about this installation or its configuration
    │   ├── ConfigError          modelhub.toml says something that cannot be: names file and line
    │   ├── UnknownAlias         a name that no table of the configuration defines
    │   ├── PluginMissing        no installed plugin answers to a name: says what to install
    │   ├── PluginBroken         an installed plugin cannot be used: says why
    │   ├── NotEnoughMemory      a model does not fit into this machine, or beside those in use
    │   └── KeyMissing           a credential is not where the configuration says it is
    ├── RequestError             the request itself cannot be served
    │   ├── InvalidRequest       an argument has a value it cannot have
    │   ├── Unsupported          the model lacks what the request needs
    │   └── ContextOverflow      the prompt does not fit into the model's context window
    ├── TransportError           no answer came back
    │   ├── Unreachable          no connection could be made, or it broke before the request was out
    │   ├── OutcomeUnknown       the request was out, and the connection broke: it may have been served, and paid
    │   └── TimedOut             one of the four time-outs passed; ``phase`` says which
    ├── ProviderError            the provider answered, with an error
    │   ├── BadRequest           it did not accept the request
    │   ├── KeyRefused           it did not accept the credential
    │   ├── UnknownModel         it has no such model or deployment
    │   ├── ContentFiltered      it refused the content
    │   ├── RateLimited          too many requests, or a quota is used up
    │   ├── ModelLoading         the model is not ready yet
    │   └── ProviderDown         it failed on its side
    ├── AnswerError              an answer came, and could not be understood
    │   └── OutputInvalid        the text does not follow the ``output_type`` asked for
    └── StreamBroken             a stream ended before its end; carries what had arrived

``retryable`` says whether the same request may be sent again as it is: it was not served, so that it costs nothing, and later
it may succeed. It is the only thing that whoever retries needs to read. Every exception survives pickling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from modelhub.model import Attempt

__all__ = [
    "AnswerError",
    "BadRequest",
    "ConfigError",
    "ContentFiltered",
    "ContextOverflow",
    "InvalidRequest",
    "KeyMissing",
    "KeyRefused",
    "ModelLoading",
    "ModelhubError",
    "NotEnoughMemory",
    "OutcomeUnknown",
    "OutputInvalid",
    "PluginBroken",
    "PluginMissing",
    "ProviderDown",
    "ProviderError",
    "RateLimited",
    "RequestError",
    "SetupError",
    "StreamBroken",
    "TimedOut",
    "TransportError",
    "UnknownAlias",
    "UnknownModel",
    "Unreachable",
    "Unsupported",
    "did_you_mean",
]


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """``" Did you mean 'assistant'?"`` where a known word is close, an empty string where none is."""
    import difflib

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def _rebuild(kind: type[ModelhubError], message: str, state: dict[str, Any]) -> ModelhubError:
    error = kind.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(state)
    return error


class ModelhubError(Exception):
    """The root: ``except ModelhubError`` catches whatever this library raises on purpose."""

    retryable = False
    """Whether the same request may be sent again later: nothing was served, or paid, and then it may succeed."""

    attempts: tuple[Attempt, ...] = ()
    """What was tried before, each with its error, where several attempts failed; this error is the last one's."""

    partial: object = None
    """The response made of what had arrived: of a stream that broke, or of a call that takes several requests."""

    position: int | None = None
    """Which of the request's inputs it is about, counted from 0, where it is about one."""

    @property
    def message(self) -> str:
        """What happened and what to do, in a sentence or two."""
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.__dict__)


class SetupError(ModelhubError):
    """Something about this installation or its configuration has to change."""


class ConfigError(SetupError):
    """The configuration says something that cannot be."""

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        where = f"{file or '<config>'}:{line}: " if line else f"{file}: " if file else ""
        super().__init__(where + message)
        self.file = file
        self.line = line


class UnknownAlias(SetupError):
    """A name that no table of the configuration defines."""


class PluginMissing(SetupError):
    """No installed plugin answers to the name before the colon."""


class PluginBroken(SetupError):
    """A plugin is installed and cannot be used; ``modelhub plugins doctor`` shows the traceback."""


class NotEnoughMemory(SetupError):
    """A model that runs here does not fit. ``needed``, ``available`` and ``limit`` (the configured one) are bytes.

    It is ``retryable`` where it fits as soon as those models are idle that are in use now.
    """

    def __init__(
        self, message: str, *, needed: int | None = None, available: int | None = None, limit: int | None = None
    ) -> None:
        super().__init__(message)
        self.needed = needed
        self.available = available
        self.limit = limit


class KeyMissing(SetupError):
    """A credential is not where the configuration says it is."""


class RequestError(ModelhubError):
    """The request cannot be served as it is; nothing was sent."""


class InvalidRequest(RequestError, ValueError):
    """An argument has a value that it cannot have."""


class Unsupported(RequestError):
    """The model lacks ``feature``, which the request needs."""

    def __init__(self, message: str, *, feature: str = "", model: str = "") -> None:
        super().__init__(message)
        self.feature = feature
        self.model = model


class ContextOverflow(RequestError):
    """The prompt and the room kept for the answer exceed the context window. All counts are tokens."""

    def __init__(
        self,
        message: str,
        *,
        prompt_tokens: int | None = None,
        context_window: int | None = None,
        max_output_tokens: int | None = None,
    ) -> None:
        super().__init__(message)
        self.prompt_tokens = prompt_tokens
        self.context_window = context_window
        self.max_output_tokens = max_output_tokens


class TransportError(ModelhubError):
    """No answer came back."""


class Unreachable(TransportError):
    """No connection could be made, or it broke before the whole request was sent."""

    retryable = True


class OutcomeUnknown(TransportError):
    """The request was sent and no answer came: it may have been served, and paid for, so nothing sends it again by itself."""


class TimedOut(TransportError, TimeoutError):
    """A time-out passed. ``phase`` is ``connect``, ``first_token``, ``idle`` or ``total``; ``seconds`` its length.

    It is ``retryable`` where no connection was made (``connect``): after that, the request may have been served, and paid for.
    """

    def __init__(self, message: str, *, phase: str, seconds: float) -> None:
        super().__init__(message)
        self.retryable = phase == "connect"
        self.phase = phase
        self.seconds = seconds


class ProviderError(ModelhubError):
    """The provider answered, with an error.

    ``status`` is the HTTP status where there was one, ``code`` the provider's own word for the error, ``retry_after`` the
    seconds it asked to wait, ``request_id`` what its support will ask for, ``raw`` the body it sent.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        provider: str = "",
        model: str = "",
        request_id: str | None = None,
        raw: object = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.provider = provider
        self.model = model
        self.request_id = request_id
        self.raw = raw


class BadRequest(ProviderError):
    """The provider did not accept the request."""


class KeyRefused(ProviderError):
    """The provider did not accept the credential."""


class UnknownModel(ProviderError):
    """The provider has no such model or deployment."""


class ContentFiltered(ProviderError):
    """The provider refused the content.

    ``categories`` says for what, and how bad it was, in the provider's words (``{"violence": "high"}``), and ``source`` whether
    that was the ``prompt`` or the ``completion``, where it told.
    """

    categories: Mapping[str, str] = {}  # never written to: an error that knows has its own
    source: Literal["prompt", "completion"] | None = None


class RateLimited(ProviderError):
    """Too many requests at once, or a quota is used up."""

    retryable = True


class ModelLoading(ProviderError):
    """The model is not ready yet; ``retry_after`` is the provider's estimate."""

    retryable = True


class ProviderDown(ProviderError):
    """The provider failed on its side."""

    retryable = True


class AnswerError(ModelhubError):
    """An answer came and could not be understood; ``head`` is how it begins."""

    def __init__(self, message: str, *, head: bytes = b"") -> None:
        super().__init__(message)
        self.head = head


class OutputInvalid(AnswerError):
    """The answer does not follow the ``output_type`` asked for; ``text`` is the whole answer, ``partial`` its response."""

    def __init__(self, message: str, *, text: str = "") -> None:
        super().__init__(message, head=text.encode()[:200])
        self.text = text


class StreamBroken(ModelhubError):
    """A stream ended before its end. ``partial`` is the response made of what had arrived; ``code`` the provider's word.

    It is not ``retryable``: what came may have been paid for, and may have been shown.
    """

    def __init__(self, message: str, *, partial: object = None, code: str | None = None) -> None:
        super().__init__(message)
        self.partial = partial
        self.code = code
