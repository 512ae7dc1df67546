"""The door for plugin authors: everything a plugin needs, and the only names that are promised to it.

``from modelhub.plugin import Provider, hookimpl`` loads what these two need and nothing else: each name is imported when it is
first asked for. A name that is not here may change without notice.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modelhub.cli.command import Command as Command
    from modelhub.errors import AnswerError as AnswerError
    from modelhub.errors import BadRequest as BadRequest
    from modelhub.errors import ConfigError as ConfigError
    from modelhub.errors import ContentFiltered as ContentFiltered
    from modelhub.errors import ContextOverflow as ContextOverflow
    from modelhub.errors import InvalidRequest as InvalidRequest
    from modelhub.errors import KeyMissing as KeyMissing
    from modelhub.errors import KeyRefused as KeyRefused
    from modelhub.errors import ModelhubError as ModelhubError
    from modelhub.errors import ModelLoading as ModelLoading
    from modelhub.errors import OutputInvalid as OutputInvalid
    from modelhub.errors import PluginBroken as PluginBroken
    from modelhub.errors import PluginMissing as PluginMissing
    from modelhub.errors import ProviderDown as ProviderDown
    from modelhub.errors import ProviderError as ProviderError
    from modelhub.errors import RateLimited as RateLimited
    from modelhub.errors import RequestError as RequestError
    from modelhub.errors import SetupError as SetupError
    from modelhub.errors import StreamBroken as StreamBroken
    from modelhub.errors import TimedOut as TimedOut
    from modelhub.errors import TransportError as TransportError
    from modelhub.errors import UnknownAlias as UnknownAlias
    from modelhub.errors import UnknownModel as UnknownModel
    from modelhub.errors import Unreachable as Unreachable
    from modelhub.errors import Unsupported as Unsupported
    from modelhub.hookspecs import hookimpl as hookimpl
    from modelhub.http import Headers as Headers
    from modelhub.http import HttpRequest as HttpRequest
    from modelhub.http import HttpResponse as HttpResponse
    from modelhub.http import HttpStream as HttpStream
    from modelhub.http import Secret as Secret
    from modelhub.interfaces.content import Citation as Citation
    from modelhub.interfaces.content import Message as Message
    from modelhub.interfaces.content import Part as Part
    from modelhub.interfaces.content import Passage as Passage
    from modelhub.interfaces.content import ReasoningPart as ReasoningPart
    from modelhub.interfaces.content import Role as Role
    from modelhub.interfaces.content import Span as Span
    from modelhub.interfaces.content import TextPart as TextPart
    from modelhub.interfaces.content import Tool as Tool
    from modelhub.interfaces.content import ToolCall as ToolCall
    from modelhub.interfaces.content import ToolResult as ToolResult
    from modelhub.interfaces.embedding import EmbeddingModel as EmbeddingModel
    from modelhub.interfaces.embedding import EmbeddingRequest as EmbeddingRequest
    from modelhub.interfaces.embedding import EmbeddingResponse as EmbeddingResponse
    from modelhub.interfaces.embedding import pack as pack
    from modelhub.interfaces.image import GeneratedImage as GeneratedImage
    from modelhub.interfaces.image import ImageEvent as ImageEvent
    from modelhub.interfaces.image import ImageModel as ImageModel
    from modelhub.interfaces.image import ImageOperation as ImageOperation
    from modelhub.interfaces.image import ImageRequest as ImageRequest
    from modelhub.interfaces.image import ImageResponse as ImageResponse
    from modelhub.interfaces.image import PartialImage as PartialImage
    from modelhub.interfaces.media import AudioPart as AudioPart
    from modelhub.interfaces.media import FilePart as FilePart
    from modelhub.interfaces.media import ImagePart as ImagePart
    from modelhub.interfaces.media import Media as Media
    from modelhub.interfaces.media import extension as extension
    from modelhub.interfaces.media import sniff as sniff
    from modelhub.interfaces.output import OutputType as OutputType
    from modelhub.interfaces.output import output_type as output_type
    from modelhub.interfaces.reranking import Ranked as Ranked
    from modelhub.interfaces.reranking import RerankingModel as RerankingModel
    from modelhub.interfaces.reranking import RerankingRequest as RerankingRequest
    from modelhub.interfaces.reranking import RerankingResponse as RerankingResponse
    from modelhub.interfaces.speech import AudioDelta as AudioDelta
    from modelhub.interfaces.speech import SpeechEvent as SpeechEvent
    from modelhub.interfaces.speech import SpeechModel as SpeechModel
    from modelhub.interfaces.speech import SpeechRequest as SpeechRequest
    from modelhub.interfaces.speech import SpeechResponse as SpeechResponse
    from modelhub.interfaces.text import Cited as Cited
    from modelhub.interfaces.text import FinishReason as FinishReason
    from modelhub.interfaces.text import ReasoningDelta as ReasoningDelta
    from modelhub.interfaces.text import TextDelta as TextDelta
    from modelhub.interfaces.text import TextEvent as TextEvent
    from modelhub.interfaces.text import TextModel as TextModel
    from modelhub.interfaces.text import TextRequest as TextRequest
    from modelhub.interfaces.text import TextResponse as TextResponse
    from modelhub.interfaces.text import TextSettings as TextSettings
    from modelhub.interfaces.text import TokenLogprob as TokenLogprob
    from modelhub.interfaces.text import ToolCallDelta as ToolCallDelta
    from modelhub.interfaces.text import ToolCalled as ToolCalled
    from modelhub.interfaces.text import ToolCallStarted as ToolCallStarted
    from modelhub.interfaces.transcription import Segment as Segment
    from modelhub.interfaces.transcription import SegmentTranscribed as SegmentTranscribed
    from modelhub.interfaces.transcription import TranscriptDelta as TranscriptDelta
    from modelhub.interfaces.transcription import TranscriptionEvent as TranscriptionEvent
    from modelhub.interfaces.transcription import TranscriptionModel as TranscriptionModel
    from modelhub.interfaces.transcription import TranscriptionRequest as TranscriptionRequest
    from modelhub.interfaces.transcription import TranscriptionResponse as TranscriptionResponse
    from modelhub.interfaces.transcription import Word as Word
    from modelhub.model import Attempt as Attempt
    from modelhub.model import Finished as Finished
    from modelhub.model import Kind as Kind
    from modelhub.model import Model as Model
    from modelhub.model import ModelCard as ModelCard
    from modelhub.model import Notice as Notice
    from modelhub.model import Request as Request
    from modelhub.model import Response as Response
    from modelhub.model import Runtime as Runtime
    from modelhub.model import Timeouts as Timeouts
    from modelhub.model import Timing as Timing
    from modelhub.model import Usage as Usage
    from modelhub.model import Wrapper as Wrapper
    from modelhub.prompting.examples import Example as Example
    from modelhub.prompting.strategy import Prompt as Prompt
    from modelhub.prompting.strategy import Strategy as Strategy
    from modelhub.provider import Provider as Provider
    from modelhub.retrieval.documents import Document as Document
    from modelhub.retrieval.documents import Heading as Heading
    from modelhub.retrieval.lexical import Bm25 as Bm25
    from modelhub.retrieval.lexical import terms as terms
    from modelhub.retrieval.loaders import Loader as Loader
    from modelhub.retrieval.sentences import sentence_spans as sentence_spans
    from modelhub.retrieval.tokens import count_tokens as count_tokens
    from modelhub.transport.endpoint import Decoder as Decoder
    from modelhub.transport.endpoint import Endpoint as Endpoint
    from modelhub.transport.endpoint import HttpModel as HttpModel

_MODULES = {
    "AnswerError": "modelhub.errors",
    "Attempt": "modelhub.model",
    "AudioDelta": "modelhub.interfaces.speech",
    "AudioPart": "modelhub.interfaces.media",
    "BadRequest": "modelhub.errors",
    "Bm25": "modelhub.retrieval.lexical",
    "Citation": "modelhub.interfaces.content",
    "Cited": "modelhub.interfaces.text",
    "Command": "modelhub.cli.command",
    "ConfigError": "modelhub.errors",
    "ContentFiltered": "modelhub.errors",
    "ContextOverflow": "modelhub.errors",
    "Decoder": "modelhub.transport.endpoint",
    "Document": "modelhub.retrieval.documents",
    "EmbeddingModel": "modelhub.interfaces.embedding",
    "EmbeddingRequest": "modelhub.interfaces.embedding",
    "EmbeddingResponse": "modelhub.interfaces.embedding",
    "Endpoint": "modelhub.transport.endpoint",
    "Example": "modelhub.prompting.examples",
    "FilePart": "modelhub.interfaces.media",
    "FinishReason": "modelhub.interfaces.text",
    "Finished": "modelhub.model",
    "GeneratedImage": "modelhub.interfaces.image",
    "Headers": "modelhub.http",
    "Heading": "modelhub.retrieval.documents",
    "HttpModel": "modelhub.transport.endpoint",
    "HttpRequest": "modelhub.http",
    "HttpResponse": "modelhub.http",
    "HttpStream": "modelhub.http",
    "ImageEvent": "modelhub.interfaces.image",
    "ImageModel": "modelhub.interfaces.image",
    "ImageOperation": "modelhub.interfaces.image",
    "ImagePart": "modelhub.interfaces.media",
    "ImageRequest": "modelhub.interfaces.image",
    "ImageResponse": "modelhub.interfaces.image",
    "InvalidRequest": "modelhub.errors",
    "KeyMissing": "modelhub.errors",
    "KeyRefused": "modelhub.errors",
    "Kind": "modelhub.model",
    "Loader": "modelhub.retrieval.loaders",
    "Media": "modelhub.interfaces.media",
    "Message": "modelhub.interfaces.content",
    "Model": "modelhub.model",
    "ModelCard": "modelhub.model",
    "ModelLoading": "modelhub.errors",
    "ModelhubError": "modelhub.errors",
    "Notice": "modelhub.model",
    "OutputInvalid": "modelhub.errors",
    "OutputType": "modelhub.interfaces.output",
    "Part": "modelhub.interfaces.content",
    "PartialImage": "modelhub.interfaces.image",
    "Passage": "modelhub.interfaces.content",
    "PluginBroken": "modelhub.errors",
    "PluginMissing": "modelhub.errors",
    "Prompt": "modelhub.prompting.strategy",
    "Provider": "modelhub.provider",
    "ProviderDown": "modelhub.errors",
    "ProviderError": "modelhub.errors",
    "Ranked": "modelhub.interfaces.reranking",
    "RateLimited": "modelhub.errors",
    "ReasoningDelta": "modelhub.interfaces.text",
    "ReasoningPart": "modelhub.interfaces.content",
    "Request": "modelhub.model",
    "RequestError": "modelhub.errors",
    "RerankingModel": "modelhub.interfaces.reranking",
    "RerankingRequest": "modelhub.interfaces.reranking",
    "RerankingResponse": "modelhub.interfaces.reranking",
    "Response": "modelhub.model",
    "Role": "modelhub.interfaces.content",
    "Runtime": "modelhub.model",
    "Secret": "modelhub.http",
    "Segment": "modelhub.interfaces.transcription",
    "SegmentTranscribed": "modelhub.interfaces.transcription",
    "SetupError": "modelhub.errors",
    "Span": "modelhub.interfaces.content",
    "SpeechEvent": "modelhub.interfaces.speech",
    "SpeechModel": "modelhub.interfaces.speech",
    "SpeechRequest": "modelhub.interfaces.speech",
    "SpeechResponse": "modelhub.interfaces.speech",
    "Strategy": "modelhub.prompting.strategy",
    "StreamBroken": "modelhub.errors",
    "TextDelta": "modelhub.interfaces.text",
    "TextEvent": "modelhub.interfaces.text",
    "TextModel": "modelhub.interfaces.text",
    "TextPart": "modelhub.interfaces.content",
    "TextRequest": "modelhub.interfaces.text",
    "TextResponse": "modelhub.interfaces.text",
    "TextSettings": "modelhub.interfaces.text",
    "TimedOut": "modelhub.errors",
    "Timeouts": "modelhub.model",
    "Timing": "modelhub.model",
    "TokenLogprob": "modelhub.interfaces.text",
    "Tool": "modelhub.interfaces.content",
    "ToolCall": "modelhub.interfaces.content",
    "ToolCallDelta": "modelhub.interfaces.text",
    "ToolCallStarted": "modelhub.interfaces.text",
    "ToolCalled": "modelhub.interfaces.text",
    "ToolResult": "modelhub.interfaces.content",
    "TranscriptDelta": "modelhub.interfaces.transcription",
    "TranscriptionEvent": "modelhub.interfaces.transcription",
    "TranscriptionModel": "modelhub.interfaces.transcription",
    "TranscriptionRequest": "modelhub.interfaces.transcription",
    "TranscriptionResponse": "modelhub.interfaces.transcription",
    "TransportError": "modelhub.errors",
    "UnknownAlias": "modelhub.errors",
    "UnknownModel": "modelhub.errors",
    "Unreachable": "modelhub.errors",
    "Unsupported": "modelhub.errors",
    "Usage": "modelhub.model",
    "Word": "modelhub.interfaces.transcription",
    "Wrapper": "modelhub.model",
    "count_tokens": "modelhub.retrieval.tokens",
    "extension": "modelhub.interfaces.media",
    "hookimpl": "modelhub.hookspecs",
    "output_type": "modelhub.interfaces.output",
    "pack": "modelhub.interfaces.embedding",
    "sentence_spans": "modelhub.retrieval.sentences",
    "sniff": "modelhub.interfaces.media",
    "terms": "modelhub.retrieval.lexical",
}


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        from modelhub.errors import did_you_mean

        raise AttributeError(f"modelhub.plugin has no {name!r}.{did_you_mean(name, sorted(_MODULES))}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted(_MODULES)
