"""The door for tests: conformance classes, a scripted runtime, a loopback server that misbehaves on request.

``class TestQuote(TextConformance)`` holds a plugin's model against the laws every model keeps; see ``docs/plugins/testing.md``.
Nothing is imported before it is named.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modelhub.testing.conformance.embedding import EmbeddingConformance as EmbeddingConformance
    from modelhub.testing.conformance.embedding import EmbeddingEndpointConformance as EmbeddingEndpointConformance
    from modelhub.testing.conformance.image import ImageConformance as ImageConformance
    from modelhub.testing.conformance.image import ImageEndpointConformance as ImageEndpointConformance
    from modelhub.testing.conformance.plugin import PluginConformance as PluginConformance
    from modelhub.testing.conformance.reranking import RerankingConformance as RerankingConformance
    from modelhub.testing.conformance.reranking import RerankingEndpointConformance as RerankingEndpointConformance
    from modelhub.testing.conformance.speech import SpeechConformance as SpeechConformance
    from modelhub.testing.conformance.speech import SpeechEndpointConformance as SpeechEndpointConformance
    from modelhub.testing.conformance.text import TextConformance as TextConformance
    from modelhub.testing.conformance.text import TextEndpointConformance as TextEndpointConformance
    from modelhub.testing.conformance.transcription import TranscriptionConformance as TranscriptionConformance
    from modelhub.testing.conformance.transcription import TranscriptionEndpointConformance as TranscriptionEndpointConformance
    from modelhub.testing.driven import Driven as Driven
    from modelhub.testing.fake import FakeRuntime as FakeRuntime
    from modelhub.testing.laws import collect as collect
    from modelhub.testing.recording import Recording as Recording
    from modelhub.testing.recording import recordings as recordings
    from modelhub.testing.server import FaultServer as FaultServer
    from modelhub.testing.server import Received as Received
    from modelhub.testing.server import Reply as Reply
    from modelhub.testing.server import retry_after_forms as retry_after_forms
    from modelhub.testing.server import sse as sse
    from modelhub.transport.drive import drive as drive

_MODULES = {
    "Driven": "modelhub.testing.driven",
    "EmbeddingConformance": "modelhub.testing.conformance.embedding",
    "EmbeddingEndpointConformance": "modelhub.testing.conformance.embedding",
    "FakeRuntime": "modelhub.testing.fake",
    "FaultServer": "modelhub.testing.server",
    "ImageConformance": "modelhub.testing.conformance.image",
    "ImageEndpointConformance": "modelhub.testing.conformance.image",
    "PluginConformance": "modelhub.testing.conformance.plugin",
    "Received": "modelhub.testing.server",
    "Recording": "modelhub.testing.recording",
    "Reply": "modelhub.testing.server",
    "RerankingConformance": "modelhub.testing.conformance.reranking",
    "RerankingEndpointConformance": "modelhub.testing.conformance.reranking",
    "SpeechConformance": "modelhub.testing.conformance.speech",
    "SpeechEndpointConformance": "modelhub.testing.conformance.speech",
    "TextConformance": "modelhub.testing.conformance.text",
    "TextEndpointConformance": "modelhub.testing.conformance.text",
    "TranscriptionConformance": "modelhub.testing.conformance.transcription",
    "TranscriptionEndpointConformance": "modelhub.testing.conformance.transcription",
    "collect": "modelhub.testing.laws",
    "drive": "modelhub.transport.drive",
    "recordings": "modelhub.testing.recording",
    "retry_after_forms": "modelhub.testing.server",
    "sse": "modelhub.testing.server",
}


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        from modelhub.errors import did_you_mean

        raise AttributeError(f"modelhub.testing has no {name!r}.{did_you_mean(name, sorted(_MODULES))}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted(_MODULES)
