"""What we send to an Azure resource is what the official client sends, on the dated surface and on v1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from answers import PNG, WAV, vendor
from asked import asked

from modelhub import Hub
from modelhub.testing import FaultServer

openai = pytest.importorskip("openai", reason="the official client is not installed: nox -s proof installs it")
pytest.importorskip("modelhub_azure_openai", reason="the plugin is not installed: pip install -e plugins/azure-openai")

KEY = "0123456789abcdef0123456789abcdef"
DATED = "2025-04-01-preview"
TURN = [{"role": "user", "content": "首都はどこですか？"}]
DEPLOYMENTS = {
    "my gpt": "gpt-4o",
    "my-embedding": "text-embedding-3-small",
    "my-dall-e": "dall-e-3",
    "my-image": "gpt-image-1",
    "my-voice": "tts-1",
    "my-whisper": "whisper-1",
}


class Case(NamedTuple):
    """One thing asked in both ways."""

    name: str
    theirs: Callable[[Any], Any]
    ours: Callable[[Hub], Any]


CASES = [
    Case(
        "chat",
        lambda client: client.chat.completions.create(model="my gpt", messages=TURN, temperature=0),
        lambda hub: hub.text("azure-openai:my gpt").generate("首都はどこですか？", temperature=0),
    ),
    Case(
        "chat, streamed",
        lambda client: list(
            client.chat.completions.create(model="my gpt", messages=TURN, stream=True, stream_options={"include_usage": True})
        ),
        lambda hub: list(hub.text("azure-openai:my gpt").stream("首都はどこですか？")),
    ),
    Case(
        "embeddings",
        lambda client: client.embeddings.create(model="my-embedding", input=["猫"], dimensions=3),
        lambda hub: hub.embedding("azure-openai:my-embedding").embed(["猫"], dimensions=3),
    ),
    Case(
        "an image",
        lambda client: client.images.generate(
            model="my-dall-e", prompt="猫", size="1024x1024", response_format="b64_json", n=1
        ),
        lambda hub: hub.image("azure-openai:my-dall-e").generate("猫", size=(1024, 1024)),
    ),
    Case(
        "an edited image",
        lambda client: client.images.edit(model="my-image", image=("image-0.png", PNG, "image/png"), prompt="帽子", n=1),
        lambda hub: hub.image("azure-openai:my-image").edit(PNG, "帽子"),
    ),
    Case(
        "speech",
        lambda client: client.audio.speech.create(model="my-voice", input="はい", voice="nova", response_format="wav"),
        lambda hub: hub.speech("azure-openai:my-voice").speak("はい", voice="nova", output_format="wav"),
    ),
    Case(
        "a transcript",
        lambda client: client.audio.transcriptions.create(
            model="my-whisper",
            file=("audio.wav", WAV, "audio/wav"),
            response_format="verbose_json",
            timestamp_granularities=["segment"],
        ),
        lambda hub: hub.transcription("azure-openai:my-whisper").transcribe(WAV, timestamps=["segment"]),
    ),
]


def sent(server: FaultServer, ours: Callable[[Hub], Any], **options: Any) -> Any:
    resource = {"endpoint": server.url, "deployments": DEPLOYMENTS, **options}
    with Hub({"providers": {"azure-openai": resource}}) as hub:
        ours(hub)
    return _comparable(asked(server.requests.pop()))


def _comparable(request: Any) -> Any:
    """Without ``n`` where it is the usual 1."""
    body = request.body
    if isinstance(body, dict) and body.get("n") in (1, ["1"]):
        body = {name: value for name, value in body.items() if name != "n"}
    return request._replace(body=body)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_we_send_what_the_official_client_sends_on_the_dated_surface(case: Case) -> None:
    with FaultServer(vendor) as server:
        with openai.AzureOpenAI(azure_endpoint=server.url, api_version=DATED, api_key=KEY, max_retries=0) as client:
            case.theirs(client)
        theirs = _comparable(asked(server.requests.pop()))
        assert sent(server, case.ours, api_version=DATED, api_key=KEY) == theirs


@pytest.mark.parametrize("case", CASES[:3], ids=lambda case: case.name)
def test_we_send_what_the_official_client_sends_on_v1(case: Case) -> None:
    """Where the official client signs with a bearer key, which v1 takes as well, we send the key as Azure's own header."""
    with FaultServer(vendor) as server:
        with openai.OpenAI(base_url=f"{server.url}/openai/v1", api_key=KEY, max_retries=0) as client:
            case.theirs(client)
        theirs = _comparable(asked(server.requests.pop()))
        ours = sent(server, case.ours, api_version="v1", api_key=KEY)
        assert theirs.signed == {"authorization": f"Bearer {KEY}"}
        assert ours.signed == {"api-key": KEY}
        assert ours._replace(signed={}) == theirs._replace(signed={})


def test_a_token_is_sent_as_the_official_client_sends_it() -> None:
    with FaultServer(vendor) as server:
        with openai.AzureOpenAI(
            azure_endpoint=server.url, api_version=DATED, azure_ad_token_provider=lambda: "eyJ.token.one", max_retries=0
        ) as client:
            CASES[0].theirs(client)
        theirs = _comparable(asked(server.requests.pop()))
        assert sent(server, CASES[0].ours, api_version=DATED, token_provider=lambda: "eyJ.token.one") == theirs
