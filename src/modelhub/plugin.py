"""The door for plugin authors: everything a plugin needs, and the only names that are promised to it.

``from modelhub.plugin import Provider, hookimpl`` loads what these two need and nothing else: each name is imported when it is
first asked for. A name that is not here may change without notice.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modelhub.catalog.download import Download
    from modelhub.catalog.found import Searched
    from modelhub.catalog.matching import folded, matches, unknown
    from modelhub.catalog.ordering import ordered
    from modelhub.catalog.query import Query
    from modelhub.catalog.shards import shard_number, shards, stem
    from modelhub.catalog.store import StoredModel, cache_folder, stored
    from modelhub.cli.command import Command
    from modelhub.engines.memory import bytes_of
    from modelhub.engines.plan import Engine, Plan
    from modelhub.engines.pool import EnginePool, engines
    from modelhub.errors import (
        AnswerError,
        BadRequest,
        ConfigError,
        ContentFiltered,
        ContextOverflow,
        InvalidRequest,
        KeyMissing,
        KeyRefused,
        ModelhubError,
        ModelLoading,
        NotEnoughMemory,
        OutcomeUnknown,
        OutputInvalid,
        PluginBroken,
        PluginMissing,
        ProviderDown,
        ProviderError,
        RateLimited,
        RequestError,
        SetupError,
        StreamBroken,
        TimedOut,
        TransportError,
        UnknownAlias,
        UnknownModel,
        Unreachable,
        Unsupported,
        did_you_mean,
    )
    from modelhub.hookspecs import hookimpl
    from modelhub.http import Headers, HttpRequest, HttpResponse, HttpStream, Secret, shown
    from modelhub.interfaces.content import Message, Part, ReasoningPart, Role, TextPart, Tool, ToolCall, ToolResult
    from modelhub.interfaces.embedding import EmbeddingModel, EmbeddingRequest, EmbeddingResponse, pack
    from modelhub.interfaces.envelope import enveloped
    from modelhub.interfaces.events import (
        Cited,
        ReasoningDelta,
        TextDelta,
        TextEvent,
        TextModel,
        ToolCallDelta,
        ToolCalled,
        ToolCallStarted,
    )
    from modelhub.interfaces.image import (
        GeneratedImage,
        ImageEvent,
        ImageModel,
        ImageOperation,
        ImageRequest,
        ImageResponse,
        PartialImage,
    )
    from modelhub.interfaces.instructions import instructed
    from modelhub.interfaces.media import AudioPart, FilePart, ImagePart, Media, extension, sniff
    from modelhub.interfaces.output import OutputType, output_type
    from modelhub.interfaces.passages import Citation, Passage, Span
    from modelhub.interfaces.reranking import Ranked, RerankingModel, RerankingRequest, RerankingResponse
    from modelhub.interfaces.speech import AudioDelta, SpeechEvent, SpeechModel, SpeechRequest, SpeechResponse
    from modelhub.interfaces.text import FinishReason, TextRequest, TextResponse, TextSettings, TokenLogprob
    from modelhub.interfaces.transcription import (
        Segment,
        SegmentTranscribed,
        TranscriptDelta,
        TranscriptionEvent,
        TranscriptionModel,
        TranscriptionRequest,
        TranscriptionResponse,
        Word,
    )
    from modelhub.model import (
        Attempt,
        Family,
        Finished,
        Kind,
        Metric,
        Model,
        ModelCard,
        Notice,
        Request,
        Response,
        Runtime,
        Timeouts,
        Timing,
        Usage,
        Wrapper,
    )
    from modelhub.price import Price
    from modelhub.prompting.examples import Example
    from modelhub.prompting.strategy import Prompt, Strategy
    from modelhub.provider import Provider
    from modelhub.retrieval.documents import Document, Heading
    from modelhub.retrieval.lexical import Bm25, terms
    from modelhub.retrieval.loaders import Loader
    from modelhub.retrieval.sentences import sentence_spans
    from modelhub.retrieval.tokens import count_tokens
    from modelhub.route import Route
    from modelhub.sound.conversion import as_wav, converter
    from modelhub.sound.wav import Wav, WavForm, read_wav
    from modelhub.transport.blocking import BlockingRuntime
    from modelhub.transport.credentials import Bearer, Environment, Plain
    from modelhub.transport.decoders import LengthPrefixedDecoder, NdjsonDecoder, ServerSentEvent, SseDecoder
    from modelhub.transport.drive import drive
    from modelhub.transport.endpoint import Decoder, Endpoint, HttpModel
    from modelhub.transport.faults import fault
    from modelhub.transport.fetched import Fetched
    from modelhub.transport.following import FollowUp
    from modelhub.wrappers.negotiation import Negotiation
    from modelhub.wrappers.retry import Retry

_HOMES = {
    "modelhub.catalog.download": "Download",
    "modelhub.catalog.found": "Searched",
    "modelhub.catalog.matching": "folded matches unknown",
    "modelhub.catalog.ordering": "ordered",
    "modelhub.catalog.query": "Query",
    "modelhub.catalog.shards": "shard_number shards stem",
    "modelhub.catalog.store": "StoredModel cache_folder stored",
    "modelhub.cli.command": "Command",
    "modelhub.engines.memory": "bytes_of",
    "modelhub.engines.plan": "Engine Plan",
    "modelhub.engines.pool": "EnginePool engines",
    "modelhub.errors": (
        "AnswerError BadRequest ConfigError ContentFiltered ContextOverflow InvalidRequest KeyMissing KeyRefused "
        "ModelLoading ModelhubError NotEnoughMemory OutcomeUnknown OutputInvalid PluginBroken PluginMissing "
        "ProviderDown ProviderError RateLimited RequestError SetupError StreamBroken TimedOut TransportError UnknownAlias "
        "UnknownModel Unreachable Unsupported did_you_mean"
    ),
    "modelhub.hookspecs": "hookimpl",
    "modelhub.http": "Headers HttpRequest HttpResponse HttpStream Secret shown",
    "modelhub.interfaces.content": "Message Part ReasoningPart Role TextPart Tool ToolCall ToolResult",
    "modelhub.interfaces.embedding": "EmbeddingModel EmbeddingRequest EmbeddingResponse pack",
    "modelhub.interfaces.envelope": "enveloped",
    "modelhub.interfaces.events": (
        "Cited ReasoningDelta TextDelta TextEvent TextModel ToolCallDelta ToolCallStarted ToolCalled"
    ),
    "modelhub.interfaces.image": (
        "GeneratedImage ImageEvent ImageModel ImageOperation ImageRequest ImageResponse PartialImage"
    ),
    "modelhub.interfaces.instructions": "instructed",
    "modelhub.interfaces.media": "AudioPart FilePart ImagePart Media extension sniff",
    "modelhub.interfaces.output": "OutputType output_type",
    "modelhub.interfaces.passages": "Citation Passage Span",
    "modelhub.interfaces.reranking": "Ranked RerankingModel RerankingRequest RerankingResponse",
    "modelhub.interfaces.speech": "AudioDelta SpeechEvent SpeechModel SpeechRequest SpeechResponse",
    "modelhub.interfaces.text": "FinishReason TextRequest TextResponse TextSettings TokenLogprob",
    "modelhub.interfaces.transcription": (
        "Segment SegmentTranscribed TranscriptDelta TranscriptionEvent TranscriptionModel TranscriptionRequest "
        "TranscriptionResponse Word"
    ),
    "modelhub.model": (
        "Attempt Family Finished Kind Metric Model ModelCard Notice Request Response Runtime Timeouts Timing Usage Wrapper"
    ),
    "modelhub.price": "Price",
    "modelhub.prompting.examples": "Example",
    "modelhub.prompting.strategy": "Prompt Strategy",
    "modelhub.provider": "Provider",
    "modelhub.retrieval.documents": "Document Heading",
    "modelhub.retrieval.lexical": "Bm25 terms",
    "modelhub.retrieval.loaders": "Loader",
    "modelhub.retrieval.sentences": "sentence_spans",
    "modelhub.retrieval.tokens": "count_tokens",
    "modelhub.route": "Route",
    "modelhub.sound.conversion": "as_wav converter",
    "modelhub.sound.wav": "Wav WavForm read_wav",
    "modelhub.transport.blocking": "BlockingRuntime",
    "modelhub.transport.credentials": "Bearer Environment Plain",
    "modelhub.transport.decoders": "LengthPrefixedDecoder NdjsonDecoder ServerSentEvent SseDecoder",
    "modelhub.transport.drive": "drive",
    "modelhub.transport.endpoint": "Decoder Endpoint HttpModel",
    "modelhub.transport.faults": "fault",
    "modelhub.transport.fetched": "Fetched",
    "modelhub.transport.following": "FollowUp",
    "modelhub.wrappers.negotiation": "Negotiation",
    "modelhub.wrappers.retry": "Retry",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "AnswerError",
    "Attempt",
    "AudioDelta",
    "AudioPart",
    "BadRequest",
    "Bearer",
    "BlockingRuntime",
    "Bm25",
    "Citation",
    "Cited",
    "Command",
    "ConfigError",
    "ContentFiltered",
    "ContextOverflow",
    "Decoder",
    "Document",
    "Download",
    "EmbeddingModel",
    "EmbeddingRequest",
    "EmbeddingResponse",
    "Endpoint",
    "Engine",
    "EnginePool",
    "Environment",
    "Example",
    "Family",
    "Fetched",
    "FilePart",
    "FinishReason",
    "Finished",
    "FollowUp",
    "GeneratedImage",
    "Headers",
    "Heading",
    "HttpModel",
    "HttpRequest",
    "HttpResponse",
    "HttpStream",
    "ImageEvent",
    "ImageModel",
    "ImageOperation",
    "ImagePart",
    "ImageRequest",
    "ImageResponse",
    "InvalidRequest",
    "KeyMissing",
    "KeyRefused",
    "Kind",
    "LengthPrefixedDecoder",
    "Loader",
    "Media",
    "Message",
    "Metric",
    "Model",
    "ModelCard",
    "ModelLoading",
    "ModelhubError",
    "NdjsonDecoder",
    "Negotiation",
    "NotEnoughMemory",
    "Notice",
    "OutcomeUnknown",
    "OutputInvalid",
    "OutputType",
    "Part",
    "PartialImage",
    "Passage",
    "Plain",
    "Plan",
    "PluginBroken",
    "PluginMissing",
    "Price",
    "Prompt",
    "Provider",
    "ProviderDown",
    "ProviderError",
    "Query",
    "Ranked",
    "RateLimited",
    "ReasoningDelta",
    "ReasoningPart",
    "Request",
    "RequestError",
    "RerankingModel",
    "RerankingRequest",
    "RerankingResponse",
    "Response",
    "Retry",
    "Role",
    "Route",
    "Runtime",
    "Searched",
    "Secret",
    "Segment",
    "SegmentTranscribed",
    "ServerSentEvent",
    "SetupError",
    "Span",
    "SpeechEvent",
    "SpeechModel",
    "SpeechRequest",
    "SpeechResponse",
    "SseDecoder",
    "StoredModel",
    "Strategy",
    "StreamBroken",
    "TextDelta",
    "TextEvent",
    "TextModel",
    "TextPart",
    "TextRequest",
    "TextResponse",
    "TextSettings",
    "TimedOut",
    "Timeouts",
    "Timing",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallStarted",
    "ToolCalled",
    "ToolResult",
    "TranscriptDelta",
    "TranscriptionEvent",
    "TranscriptionModel",
    "TranscriptionRequest",
    "TranscriptionResponse",
    "TransportError",
    "UnknownAlias",
    "UnknownModel",
    "Unreachable",
    "Unsupported",
    "Usage",
    "Wav",
    "WavForm",
    "Word",
    "Wrapper",
    "as_wav",
    "bytes_of",
    "cache_folder",
    "converter",
    "count_tokens",
    "did_you_mean",
    "drive",
    "engines",
    "enveloped",
    "extension",
    "fault",
    "folded",
    "hookimpl",
    "instructed",
    "matches",
    "ordered",
    "output_type",
    "pack",
    "read_wav",
    "sentence_spans",
    "shard_number",
    "shards",
    "shown",
    "sniff",
    "stem",
    "stored",
    "terms",
    "unknown",
]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        if name.startswith("__"):  # what the import system asks for must cost nothing
            raise AttributeError(name)
        from modelhub.errors import did_you_mean

        raise AttributeError(f"modelhub.plugin has no {name!r}.{did_you_mean(name, __all__)}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
