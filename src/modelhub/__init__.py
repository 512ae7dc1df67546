"""modelhub: one uniform way to use text, embedding, image and speech models.

``import modelhub`` loads nothing but this table; each name is imported when it is first used.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # type checkers take this name for True; `typing` would cost more than all the rest of this file
if TYPE_CHECKING:
    from modelhub.catalog.found import FoundModels
    from modelhub.catalog.query import Query
    from modelhub.clients.counting import TokenCount
    from modelhub.clients.tool_run import ToolRun, ToolUse
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
    )
    from modelhub.hub import AsyncHub, Hub
    from modelhub.interfaces.content import (
        AudioPart,
        FilePart,
        ImagePart,
        Message,
        ReasoningPart,
        TextPart,
        Tool,
        ToolCall,
        ToolResult,
    )
    from modelhub.interfaces.embedding import EmbeddingResponse
    from modelhub.interfaces.events import Cited, ReasoningDelta, TextDelta, ToolCallDelta, ToolCalled, ToolCallStarted
    from modelhub.interfaces.functions import FunctionTool, tool
    from modelhub.interfaces.image import GeneratedImage, ImageResponse, PartialImage
    from modelhub.interfaces.passages import Citation, Passage, Span
    from modelhub.interfaces.reranking import Ranked, RerankingResponse
    from modelhub.interfaces.speech import AudioDelta, SpeechResponse
    from modelhub.interfaces.text import TextResponse, TokenLogprob
    from modelhub.interfaces.transcription import Segment, SegmentTranscribed, TranscriptDelta, TranscriptionResponse, Word
    from modelhub.model import Attempt, Finished, Metric, ModelCard, Notice, Timeouts, Timing, Usage

_HOMES = {
    "modelhub.catalog.found": "FoundModels",
    "modelhub.catalog.query": "Query",
    "modelhub.clients.counting": "TokenCount",
    "modelhub.clients.tool_run": "ToolRun ToolUse",
    "modelhub.errors": (
        "AnswerError BadRequest ConfigError ContentFiltered ContextOverflow InvalidRequest KeyMissing KeyRefused "
        "ModelLoading ModelhubError NotEnoughMemory OutcomeUnknown OutputInvalid PluginBroken PluginMissing "
        "ProviderDown ProviderError RateLimited RequestError SetupError StreamBroken TimedOut TransportError UnknownAlias "
        "UnknownModel Unreachable Unsupported"
    ),
    "modelhub.hub": "AsyncHub Hub",
    "modelhub.interfaces.content": ("AudioPart FilePart ImagePart Message ReasoningPart TextPart Tool ToolCall ToolResult"),
    "modelhub.interfaces.embedding": "EmbeddingResponse",
    "modelhub.interfaces.events": "Cited ReasoningDelta TextDelta ToolCallDelta ToolCallStarted ToolCalled",
    "modelhub.interfaces.functions": "FunctionTool tool",
    "modelhub.interfaces.image": "GeneratedImage ImageResponse PartialImage",
    "modelhub.interfaces.passages": "Citation Passage Span",
    "modelhub.interfaces.reranking": "Ranked RerankingResponse",
    "modelhub.interfaces.speech": "AudioDelta SpeechResponse",
    "modelhub.interfaces.text": "TextResponse TokenLogprob",
    "modelhub.interfaces.transcription": "Segment SegmentTranscribed TranscriptDelta TranscriptionResponse Word",
    "modelhub.model": "Attempt Finished Metric ModelCard Notice Timeouts Timing Usage",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "AnswerError",
    "AsyncHub",
    "Attempt",
    "AudioDelta",
    "AudioPart",
    "BadRequest",
    "Citation",
    "Cited",
    "ConfigError",
    "ContentFiltered",
    "ContextOverflow",
    "EmbeddingResponse",
    "FilePart",
    "Finished",
    "FoundModels",
    "FunctionTool",
    "GeneratedImage",
    "Hub",
    "ImagePart",
    "ImageResponse",
    "InvalidRequest",
    "KeyMissing",
    "KeyRefused",
    "Message",
    "Metric",
    "ModelCard",
    "ModelLoading",
    "ModelhubError",
    "NotEnoughMemory",
    "Notice",
    "OutcomeUnknown",
    "OutputInvalid",
    "PartialImage",
    "Passage",
    "PluginBroken",
    "PluginMissing",
    "ProviderDown",
    "ProviderError",
    "Query",
    "Ranked",
    "RateLimited",
    "ReasoningDelta",
    "ReasoningPart",
    "RequestError",
    "RerankingResponse",
    "Segment",
    "SegmentTranscribed",
    "SetupError",
    "Span",
    "SpeechResponse",
    "StreamBroken",
    "TextDelta",
    "TextPart",
    "TextResponse",
    "TimedOut",
    "Timeouts",
    "Timing",
    "TokenCount",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallStarted",
    "ToolCalled",
    "ToolResult",
    "ToolRun",
    "ToolUse",
    "TranscriptDelta",
    "TranscriptionResponse",
    "TransportError",
    "UnknownAlias",
    "UnknownModel",
    "Unreachable",
    "Unsupported",
    "Usage",
    "Word",
    "tool",
]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'modelhub' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
