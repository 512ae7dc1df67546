"""The door for tests: conformance classes, a scripted runtime, a loopback server that misbehaves on request.

``class TestQuote(TextConformance)`` holds a plugin's model against the laws every model keeps; see ``docs/plugins/testing.md``.
Nothing is imported before it is named.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modelhub.testing.conformance.embedding import EmbeddingConformance, EmbeddingEndpointConformance
    from modelhub.testing.conformance.image import ImageConformance, ImageEndpointConformance
    from modelhub.testing.conformance.plugin import PluginConformance
    from modelhub.testing.conformance.reranking import RerankingConformance, RerankingEndpointConformance
    from modelhub.testing.conformance.speech import SpeechConformance, SpeechEndpointConformance
    from modelhub.testing.conformance.text import TextConformance, TextEndpointConformance
    from modelhub.testing.conformance.transcription import TranscriptionConformance, TranscriptionEndpointConformance
    from modelhub.testing.driven import Driven
    from modelhub.testing.fake import FakeRuntime
    from modelhub.testing.laws import collect
    from modelhub.testing.recording import Recording, recordings
    from modelhub.testing.server import FaultServer, Received, Reply, retry_after_forms, sse
    from modelhub.transport.drive import drive

_HOMES = {
    "modelhub.testing.conformance.embedding": "EmbeddingConformance EmbeddingEndpointConformance",
    "modelhub.testing.conformance.image": "ImageConformance ImageEndpointConformance",
    "modelhub.testing.conformance.plugin": "PluginConformance",
    "modelhub.testing.conformance.reranking": "RerankingConformance RerankingEndpointConformance",
    "modelhub.testing.conformance.speech": "SpeechConformance SpeechEndpointConformance",
    "modelhub.testing.conformance.text": "TextConformance TextEndpointConformance",
    "modelhub.testing.conformance.transcription": "TranscriptionConformance TranscriptionEndpointConformance",
    "modelhub.testing.driven": "Driven",
    "modelhub.testing.fake": "FakeRuntime",
    "modelhub.testing.laws": "collect",
    "modelhub.testing.recording": "Recording recordings",
    "modelhub.testing.server": "FaultServer Received Reply retry_after_forms sse",
    "modelhub.transport.drive": "drive",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "Driven",
    "EmbeddingConformance",
    "EmbeddingEndpointConformance",
    "FakeRuntime",
    "FaultServer",
    "ImageConformance",
    "ImageEndpointConformance",
    "PluginConformance",
    "Received",
    "Recording",
    "Reply",
    "RerankingConformance",
    "RerankingEndpointConformance",
    "SpeechConformance",
    "SpeechEndpointConformance",
    "TextConformance",
    "TextEndpointConformance",
    "TranscriptionConformance",
    "TranscriptionEndpointConformance",
    "collect",
    "drive",
    "recordings",
    "retry_after_forms",
    "sse",
]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        if name.startswith("__"):  # what the import system asks for must cost nothing
            raise AttributeError(name)
        from modelhub.errors import did_you_mean

        raise AttributeError(f"modelhub.testing has no {name!r}.{did_you_mean(name, __all__)}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
