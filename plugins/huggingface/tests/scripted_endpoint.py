"""Endpoints of the tests: loopback servers that answer as TGI, TEI, the Inference Toolkit and OpenAI-like servers do.

    with ScriptedEndpoint("tgi") as endpoint:
        ...                                          # [providers.huggingface] base_url = endpoint.url, server = "tgi"
        assert endpoint.asked("/generate")[0]["parameters"]["seed"] == 7

Each does what the real one does, as far as a client can tell: what it refuses and in which words, what it counts and where it
tells it, how it streams, and that it takes what it does not know in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

from scripted_tei import ScriptedTei
from scripted_tgi import ScriptedTgi
from scripted_toolkit import ScriptedToolkit
from scripted_words import base64_of, png, wav

from modelhub.testing import FaultServer, Received, Reply

__all__ = ["ScriptedEndpoint"]

Kept = Literal["tgi", "tei", "openai", "plain"]


class ScriptedEndpoint(ScriptedTgi, ScriptedTei, ScriptedToolkit):
    """A context manager. ``task`` says what a plain one, or a TEI, is for; ``say`` makes the text of an answer.

    Everything that was asked is in ``requests``; ``on`` answers a path otherwise.
    """

    def __init__(
        self,
        kind: Kept,
        task: str = "text-generation",
        *,
        say: Callable[[str], str] | None = None,
        window: int = 2_048,
        batch: int = 32,
        dimensions: int = 32,
        prompts: Sequence[str] = ("query",),
        token_level: bool = False,
    ) -> None:
        self.kind = kind
        self.task = task
        self.window = window
        self.batch = batch
        self.dimensions = dimensions
        self.prompts = prompts
        self.token_level = token_level
        self._say = say or (lambda text: f" You said: {text} 👩‍🚀")
        self._server = FaultServer(self._answer)

    @property
    def url(self) -> str:
        """What ``base_url`` says."""
        return self._server.url

    @property
    def requests(self) -> list[Received]:
        """Every request, in the order in which they came."""
        return self._server.requests

    def asked(self, path: str) -> list[Any]:
        """The bodies of the requests to a path."""
        return [request.json() for request in self.requests if request.path == path and request.body]

    def on(self, path: str, *answers: Reply | Callable[[Received], Reply]) -> Self:
        """Answer this path so, instead."""
        self._server.on(path, *answers)
        return self

    def usual(self, received: Received) -> Reply:
        """What it answers by itself: ``endpoint.on("/embed", Reply(503), endpoint.usual)``."""
        return self._answer(received)

    def wait_for_disconnect(self, timeout: float = 1.0) -> bool:
        """Whether the client of the last request closes its connection within that many seconds."""
        return self._server.wait_for_disconnect(timeout)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(*error)

    def _answer(self, received: Received) -> Reply:
        operations = {
            "tgi": {
                ("POST", "/v1/chat/completions"): self._chat,
                ("POST", "/generate"): self._generate,
                ("POST", "/generate_stream"): self._generate_stream,
                ("POST", "/"): self._compatible,
                ("GET", "/info"): self._tgi_info,
                ("GET", "/v1/models"): self._models,
            },
            "tei": {
                ("POST", "/embed"): self._embed,
                ("POST", "/v1/embeddings"): self._openai_embed,
                ("POST", "/rerank"): self._rerank,
                ("POST", "/predict"): self._predict,
                ("GET", "/info"): self._tei_info,
            },
            "openai": {
                ("POST", "/v1/chat/completions"): self._chat,
                ("POST", "/v1/completions"): self._completions,
                ("POST", "/v1/embeddings"): self._openai_embed,
                ("POST", "/v1/rerank"): self._openai_rerank,
                ("POST", "/v1/images/generations"): lambda _: Reply(json={"data": [{"b64_json": base64_of(png())}]}),
                ("POST", "/v1/audio/speech"): lambda _: Reply(headers={"content-type": "audio/wav"}, body=wav(0.1)),
                ("POST", "/v1/audio/transcriptions"): lambda _: Reply(json={"text": "東京は雨です。"}),
                ("GET", "/v1/models"): self._models,
            },
            "plain": {("POST", "/"): self._pipeline},
        }
        operation = operations[self.kind].get((received.method, received.path))
        if operation is None:
            return Reply(404, headers={"content-type": "text/plain"}, body="Not Found")
        return operation(received)
