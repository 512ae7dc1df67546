"""AT-J4, AT-M and AT-N at the router: pictures and sounds in each provider's form, named for what their bytes are."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router.site import router as site_of
from scripted_router import PNG, WAV, ScriptedRouter, sound

from modelhub import Hub
from modelhub.plugin import (
    AnswerError,
    AudioPart,
    BadRequest,
    InvalidRequest,
    KeyRefused,
    Plain,
    ProviderError,
    RateLimited,
    TimedOut,
    Timeouts,
    UnknownModel,
    Unsupported,
)
from modelhub.testing import Reply

FLUX, KONTEXT = "huggingface:black-forest-labs/FLUX.1-dev", "huggingface:black-forest-labs/FLUX.1-Kontext-dev"
KOKORO, WHISPER = "huggingface:hexgrad/Kokoro-82M", "huggingface:openai/whisper-large-v3"
PROMPT = "夜の灯台 a lighthouse at night"
DATA_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


@pytest.fixture
def router() -> Iterator[ScriptedRouter]:
    with ScriptedRouter() as router:
        yield router


@pytest.fixture
def hub(router: ScriptedRouter) -> Iterator[Hub]:
    with Hub({"providers": {"huggingface": router.options}}) as hub:
        yield hub


def sent(router: ScriptedRouter) -> tuple[str, Any]:
    """The path and the body of the one request that costs."""
    (asked,) = [received for received in router.requests if received.method == "POST"]
    return asked.path, asked.json()


PAINTED = {
    "fal-ai": (
        "/fal-ai/fal-ai/flux/dev",
        {"prompt": PROMPT, "image_size": {"width": 64, "height": 48}, "seed": 7, "negative_prompt": "fog"},
    ),
    "together": (
        "/together/v1/images/generations",
        {
            "prompt": PROMPT,
            "model": "black-forest-labs/FLUX.1-dev",
            "response_format": "base64",
            "width": 64,
            "height": 48,
            "seed": 7,
            "negative_prompt": "fog",
        },
    ),
    "nscale": (
        "/nscale/v1/images/generations",
        {
            "prompt": PROMPT,
            "model": "black-forest-labs/FLUX.1-dev",
            "response_format": "b64_json",
            "size": "64x48",
            "seed": 7,
            "negative_prompt": "fog",
        },
    ),
    "replicate": (
        "/replicate/v1/models/black-forest-labs/flux-dev/predictions",
        {"input": {"prompt": PROMPT, "width": 64, "height": 48, "seed": 7, "negative_prompt": "fog"}},
    ),
    "wavespeed": (
        "/wavespeed/api/v3/wavespeed-ai/flux-dev",
        {"prompt": PROMPT, "width": 64, "height": 48, "seed": 7, "negative_prompt": "fog"},
    ),
}


@pytest.mark.parametrize("by", PAINTED)
def test_at_m_a_picture_in_each_providers_form(router: ScriptedRouter, hub: Hub, by: str) -> None:
    answer = hub.image(f"{FLUX}:{by}").generate(PROMPT, size=(64, 48), seed=7, negative_prompt="fog")
    assert answer.bytes() == PNG
    assert answer.images[0].media_type == "image/png"
    assert answer.usage.images == 1
    assert answer.provider_metadata["inference_provider"] == by
    assert sent(router) == PAINTED[by]
    assert router.requests[1].headers["accept"] == "image/png"


def test_at_m_z_ai_is_asked_after_its_task(router: ScriptedRouter, hub: Hub) -> None:
    answer = hub.image("huggingface:zai-org/GLM-Image").generate(PROMPT, size=(64, 48))
    assert answer.bytes() == PNG
    assert sent(router) == (
        "/zai-org/api/paas/v4/async/images/generations",
        {"model": "glm-image", "prompt": PROMPT, "size": "64x48"},
    )
    assert router.requests[1].headers["x-source-channel"] == "hugging_face"


def test_an_adapter_is_fetched_from_the_hub_by_its_provider(router: ScriptedRouter, hub: Hub) -> None:
    hub.image("huggingface:acme/lighthouse-lora").generate(PROMPT)
    assert sent(router)[1] == {
        "prompt": PROMPT,
        "loras": [{"path": "https://huggingface.co/acme/lighthouse-lora/resolve/main/lighthouse.safetensors", "scale": 1}],
        "model_name": "stabilityai/stable-diffusion-xl-base-1.0",
    }


EDITED = {
    "fal-ai": ("/fal-ai/fal-ai/flux-kontext/dev?_subdomain=queue", {"image_url": DATA_URL, "image_urls": [DATA_URL]}),
    "together": (
        "/together/v1/images/generations",
        {"image_url": DATA_URL, "response_format": "base64", "model": "black-forest-labs/FLUX.1-kontext-dev"},
    ),
    "replicate": (
        "/replicate/v1/models/black-forest-labs/flux-kontext-dev/predictions",
        {"input": {"image": DATA_URL, "images": [DATA_URL], "input_image": DATA_URL, "input_images": [DATA_URL]}},
    ),
    "wavespeed": ("/wavespeed/api/v3/wavespeed-ai/flux-kontext-dev", {"image": DATA_URL}),
    "hf-inference": (
        "/hf-inference/models/black-forest-labs/FLUX.1-Kontext-dev",
        {"inputs": base64.b64encode(PNG).decode(), "parameters": {}},
    ),
}


@pytest.mark.parametrize("by", EDITED)
def test_at_m_a_picture_is_changed_in_each_providers_form(router: ScriptedRouter, hub: Hub, by: str) -> None:
    answer = hub.image(f"{KONTEXT}:{by}").edit(PNG, prompt=PROMPT)
    assert answer.bytes() == PNG
    path, body = sent(router)
    where, expected = EDITED[by]
    inner = {"replicate": "input", "hf-inference": "parameters"}.get(by)
    told = {**expected, inner: {**expected[inner], "prompt": PROMPT}} if inner else {**expected, "prompt": PROMPT}
    assert (path, body) == (where, told)


def test_at_m_a_queue_is_asked_until_the_picture_is_there(router: ScriptedRouter, hub: Hub) -> None:
    hub.image(f"{KONTEXT}:fal-ai").edit(PNG, prompt=PROMPT)
    job = "/fal-ai/fal-ai/flux-kontext/requests/0001"
    assert router.paths[1:] == [
        "POST /fal-ai/fal-ai/flux-kontext/dev?_subdomain=queue",
        f"GET {job}/status?_subdomain=queue",
        f"GET {job}/status?_subdomain=queue",
        f"GET {job}?_subdomain=queue",
        "GET /files/edited.png",
    ], "submitted once"
    signed = ["authorization" in received.headers for received in router.requests]
    assert signed == [True, True, True, True, True, False], "AT-H5: no key goes to where a file lies"


def test_at_m_a_job_that_fails_says_why_and_is_not_submitted_again(router: ScriptedRouter, hub: Hub) -> None:
    router.on(
        "/replicate/v1/models/black-forest-labs/flux-dev/predictions",
        Reply(201, json={"id": "p1", "status": "failed", "error": "NSFW content detected"}),
    )
    with pytest.raises(ProviderError, match="NSFW content detected") as failed:
        hub.image(f"{FLUX}:replicate").generate(PROMPT)
    assert not failed.value.retryable
    assert sum(received.method == "POST" for received in router.requests) == 1


def test_at_m_a_job_ends_at_the_deadline(router: ScriptedRouter, hub: Hub) -> None:
    job = "/fal-ai/fal-ai/flux-kontext/requests/0001/status?_subdomain=queue"
    router.on(job, Reply(json={"status": "IN_PROGRESS", "request_id": "0001"}))
    with pytest.raises(TimedOut):
        hub.image(f"{KONTEXT}:fal-ai").edit(PNG, prompt=PROMPT, timeouts=Timeouts(total=2))
    assert sum(received.method == "POST" for received in router.requests) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"images": []},
        {"images": None},
        {"images": [{"url": "http://169.254.169.254/latest/meta-data"}]},
        {"images": [{"url": "file:///etc/passwd"}]},
        {},
    ],
)
def test_at_m_an_answer_without_a_picture_is_none_and_nothing_strange_is_fetched(
    router: ScriptedRouter, hub: Hub, said: dict[str, Any]
) -> None:
    router.on("/fal-ai/fal-ai/flux/dev", Reply(json=said))
    with pytest.raises(AnswerError):
        hub.image(f"{FLUX}:fal-ai").generate(PROMPT)
    assert [received.method for received in router.requests] == ["GET", "POST"]


def test_at_m_what_lies_there_may_be_no_picture(router: ScriptedRouter, hub: Hub) -> None:
    router.on("/files/painted.png", Reply(body="<html>gone</html>"))
    with pytest.raises(AnswerError, match="no picture"):
        hub.image(f"{FLUX}:fal-ai").generate(PROMPT)


def test_at_m_several_pictures_of_one_answer_stay_where_they_lie(router: ScriptedRouter, hub: Hub) -> None:
    files = [{"url": "https://fal.media/1.png"}, {"url": "https://fal.media/2.png"}]
    router.on("/fal-ai/fal-ai/flux/dev", Reply(json={"images": files}))
    answer = hub.image(f"{FLUX}:fal-ai").generate(PROMPT, extra={"huggingface": {"num_images": 2}})
    assert [image.url for image in answer.images] == [file["url"] for file in files]
    assert sent(router)[1] == {"prompt": PROMPT, "num_images": 2}


def test_what_is_configured_for_every_call_goes_along_beneath_what_a_call_says(router: ScriptedRouter) -> None:
    arguments = {"num_inference_steps": 20, "guidance_scale": 3.5, "seed": 1}
    with Hub({"providers": {"huggingface": {**router.options, "arguments": arguments}}}) as hub:
        hub.image(f"{FLUX}:together").generate(PROMPT, seed=7, extra={"huggingface": {"guidance_scale": 4.0}})
    assert sent(router)[1] == {
        "prompt": PROMPT,
        "model": "black-forest-labs/FLUX.1-dev",
        "response_format": "base64",
        "steps": 20,
        "guidance_scale": 4.0,
        "seed": 7,
    }


def test_at_h7_a_client_certificate_goes_to_the_router_alone() -> None:
    given = HuggingFaceOptions(api_key=Plain("hf_x"), ca_bundle="ca.pem", client_certificate="me.pem", client_key="me.key")
    account = site_of(given)
    here, abroad = account.fetch(f"{account.url}/files/a.png").route, account.fetch("https://fal.media/a.png").route
    assert here == account.route
    assert abroad is not None
    assert (abroad.ca_bundle, abroad.client_certificate, abroad.client_key) == ("ca.pem", None, None)


def test_at_m_several_pictures_are_several_calls(router: ScriptedRouter, hub: Hub) -> None:
    answer = hub.image(f"{FLUX}:together").generate(PROMPT, count=2, seed=7)
    assert len(answer.images) == 2
    assert sorted(body["seed"] for body in router.asked("/together/v1/images/generations")) == [7, 8]


def test_at_m_what_no_provider_does_is_refused_before_anything_is_sent(router: ScriptedRouter, hub: Hub) -> None:
    with pytest.raises(Unsupported, match="mask"):
        hub.image(KONTEXT).edit(PNG, prompt=PROMPT, mask=PNG)
    with pytest.raises(Unsupported, match="upscale"):
        hub.image(FLUX).upscale(PNG, scale=2)
    assert not router.requests


PAINT = "/together/v1/images/generations"


def test_credits_that_are_used_up_end_it_at_once_whoever_serves(router: ScriptedRouter, hub: Hub) -> None:
    router.on(PAINT, Reply(402, json={"error": "You have depleted your monthly included credits. Purchase pre-paid credits."}))
    with pytest.raises(RateLimited, match="account's credits are used up") as refused:
        hub.image(f"{FLUX}:together").generate(PROMPT)
    assert not refused.value.retryable
    assert len(router.asked(PAINT)) == 1


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (400, {"error": "Model not supported by provider together"}, UnknownModel),
        (404, {"error": "Not Found"}, UnknownModel),
        (422, {"error": ["Error in `parameters.seed`: must be positive"], "warnings": ["x"]}, BadRequest),
        (401, {"error": "Invalid credentials in Authorization header"}, KeyRefused),
        (403, {"error": "This authentication method does not have sufficient permissions"}, KeyRefused),
    ],
)
def test_a_refusal_is_told_for_what_it_is_whoever_serves(
    router: ScriptedRouter, hub: Hub, status: int, said: Any, kind: type[ProviderError]
) -> None:
    router.on(PAINT, Reply(status, json=said))
    with pytest.raises(kind) as refused:
        hub.image(f"{FLUX}:together").generate(PROMPT)
    assert refused.value.status == status
    assert refused.value.model == "black-forest-labs/FLUX.1-dev"
    assert not refused.value.retryable


SPOKEN = {
    "fal-ai": ("/fal-ai/fal-ai/kokoro", {"text": "こんにちは", "voice": "af_heart"}),
    "replicate": (
        "/replicate/v1/predictions",
        {"input": {"text": "こんにちは", "voice": "af_heart"}, "version": "f559560eb822dc509045f3921a1921234918b913"},
    ),
    "together": ("/together/v1/audio/speech", {"model": "hexgrad/Kokoro-82M", "input": "こんにちは", "voice": "af_heart"}),
    "deepinfra": (
        "/deepinfra/v1/openai/audio/speech",
        {"model": "hexgrad/Kokoro-82M", "input": "こんにちは", "voice": "af_heart"},
    ),
}


@pytest.mark.parametrize("by", SPOKEN)
def test_at_n_a_sound_in_each_providers_form(router: ScriptedRouter, hub: Hub, by: str) -> None:
    answer = hub.speech(f"{KOKORO}:{by}").speak("こんにちは", voice="af_heart")
    assert answer.bytes() == WAV
    assert (answer.media_type, answer.sample_rate) == ("audio/wav", 16_000), "AT-J4: as its bytes tell, and no header"
    assert answer.duration == pytest.approx(0.2)
    assert sent(router) == SPOKEN[by]
    assert router.requests[1].headers.get("prefer") == ("wait" if by == "replicate" else None)


def test_at_j4_a_pipelines_sound_is_what_its_bytes_are(router: ScriptedRouter, hub: Hub) -> None:
    """The scripted router calls WAV audio/flac."""
    answer = hub.speech("huggingface:facebook/mms-tts-eng").speak("hello")
    assert answer.media_type == "audio/wav"
    assert sent(router) == ("/hf-inference/models/facebook/mms-tts-eng", {"inputs": "hello"})


def test_at_n_a_sound_streams_from_its_first_byte_on_where_the_provider_sends_it_so(router: ScriptedRouter, hub: Hub) -> None:
    router.on(
        "/together/v1/audio/speech",
        Reply(headers={"content-type": "audio/wav"}, chunks=[WAV[:100], WAV[100:]], chunk_delay=0.2),
    )
    sounds = list(hub.speech(f"{KOKORO}:together").stream("hello", voice="af_heart"))
    assert [type(event).__name__ for event in sounds] == ["AudioDelta", "AudioDelta", "Finished"]
    timing = sounds[-1].response.timing
    assert timing.first_token is not None
    assert timing.total is not None
    assert timing.total - timing.first_token > 0.1


HEARD = "東京は雨です。 It rains."
FORMATS = {
    "audio/wav": WAV,
    "audio/mpeg": b"ID3\x04" + bytes(64),
    "audio/flac": b"fLaC" + bytes(64),
    "audio/ogg": b"OggS" + bytes(64),
    "audio/m4a": b"\0\0\0\x18ftypM4A " + bytes(64),  # as Hugging Face's own servers call it
    "audio/webm": b"\x1aE\xdf\xa3" + bytes(64),
}


@pytest.mark.parametrize("media_type", FORMATS)
def test_at_j4_a_sound_goes_as_it_is_under_the_type_that_its_bytes_tell(
    router: ScriptedRouter, hub: Hub, media_type: str
) -> None:
    audio = AudioPart(data=FORMATS[media_type], media_type="audio/lies", name="lies.wav")
    assert hub.transcription("huggingface:openai/whisper-tiny").transcribe(audio).text == HEARD
    asked = router.requests[-1]
    assert (asked.path, asked.headers["content-type"], asked.body) == (
        "/hf-inference/models/openai/whisper-tiny",
        media_type,
        FORMATS[media_type],
    )


def test_at_j4_a_sound_goes_as_base64_where_more_is_asked(router: ScriptedRouter, hub: Hub) -> None:
    answer = hub.transcription("huggingface:openai/whisper-tiny").transcribe(WAV, timestamps="segment")
    assert [(segment.start, segment.end, segment.text) for segment in answer.segments] == [(0.0, 0.2, HEARD)]
    _, body = sent(router)
    assert body["inputs"] == base64.b64encode(WAV).decode()
    assert body["parameters"]["return_timestamps"] is True


SOUND = f"data:audio/wav;base64,{base64.b64encode(WAV).decode()}"


def test_at_n_fal_is_told_language_and_times(router: ScriptedRouter, hub: Hub) -> None:
    answer = hub.transcription(f"{WHISPER}:fal-ai").transcribe(WAV, language="ja", timestamps="segment")
    assert answer.srt() == f"1\n00:00:00,000 --> 00:00:00,200\n{HEARD}\n"
    assert sent(router) == ("/fal-ai/fal-ai/whisper", {"audio_url": SOUND, "language": "ja", "chunk_level": "segment"})
    assert hub.transcription(f"{WHISPER}:fal-ai").transcribe(WAV).segments == (), "times that nobody asked for"


def test_at_n_replicate_gives_words_under_many_names(router: ScriptedRouter, hub: Hub) -> None:
    path = "/replicate/v1/models/openai/whisper/predictions"
    heard = hub.transcription(f"{WHISPER}:replicate")
    for output in (
        "東京",
        ["東京"],
        [{"text": "東京"}],
        {"transcription": "東京"},
        {"translation": "東京", "transcription": "x"},
    ):
        router.on(path, Reply(201, json={"id": "p", "status": "succeeded", "output": output}))
        assert heard.transcribe(WAV).text == "東京", output
    router.on(
        path, Reply(201, json={"id": "p", "status": "succeeded", "output": {"txt_file": f"{router.url}/files/words.txt"}})
    )
    router.on("/files/words.txt", Reply(headers={"content-type": "text/plain"}, body="東京\n"))
    assert heard.transcribe(WAV).text == "東京"
    assert "authorization" not in router.requests[-1].headers


def test_at_n_the_dialects_form_has_the_file_under_a_fitting_name(router: ScriptedRouter, hub: Hub) -> None:
    answer = hub.transcription(f"{WHISPER}:deepinfra").transcribe(
        AudioPart(data=WAV, name="lies.mp3"), timestamps=["word", "segment"]
    )
    assert [word.text for word in answer.words] == ["東京"]
    asked = router.requests[-1]
    assert asked.path == "/deepinfra/v1/openai/audio/transcriptions"
    assert b'filename="audio.wav"' in asked.body
    assert b'name="model"\r\n\r\nopenai/whisper-large-v3\r\n' in asked.body


def test_at_n_what_is_no_sound_is_refused(router: ScriptedRouter, hub: Hub) -> None:
    for name in (f"{WHISPER}:fal-ai", "huggingface:openai/whisper-tiny"):
        with pytest.raises(InvalidRequest, match="format"):
            hub.transcription(name).transcribe(b"not a sound at all")
    assert all(received.method == "GET" for received in router.requests)


def test_at_n_words_that_are_missing_are_no_answer(router: ScriptedRouter, hub: Hub) -> None:
    router.on("/fal-ai/fal-ai/whisper", Reply(json={"chunks": []}))
    with pytest.raises(AnswerError, match="no text"):
        hub.transcription(f"{WHISPER}:fal-ai").transcribe(sound(0.1))
