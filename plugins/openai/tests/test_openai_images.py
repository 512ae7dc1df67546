"""The images endpoints: what each model is sent, what it is not, and what is read out of its answers."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from modelhub_openai.images import Images, model
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.quirks import Quirks
from modelhub_openai.site import host

from modelhub.plugin import (
    AnswerError,
    ContentFiltered,
    Finished,
    Headers,
    HttpRequest,
    HttpResponse,
    ImagePart,
    ImageRequest,
    InvalidRequest,
    OutcomeUnknown,
    PartialImage,
    ProviderError,
    StreamBroken,
    Unsupported,
)
from modelhub.testing import Driven, FakeRuntime, ImageEndpointConformance, Recording, drive, sse

PNG = b"\x89PNG\r\n\x1a\n" + zlib.compress(b"a picture")
WEBP = b"RIFF\x10\0\0\0WEBPVP8 "
JPEG = b"\xff\xd8\xff\xe0 a picture"
USAGE = {"input_tokens": 50, "output_tokens": 4160, "total_tokens": 4210, "input_tokens_details": {"text_tokens": 50}}
NO_KEY = OpenAIOptions(api_key_env=None)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def endpoint(name: str = "gpt-image-1", **options: Any) -> Images:
    return Images(host(OpenAIOptions(api_key_env=None, **options)), name)


def written(asked: Images, *, stream: bool = False, **fields: Any) -> Any:
    return json.loads(asked.build(ImageRequest(**{"prompt": "灯台", **fields}), stream=stream).body or b"")


def answer(*data: Mapping[str, Any], **more: Any) -> HttpResponse:
    return HttpResponse(200, Headers(), json.dumps({"created": 1, "data": data, **more}).encode())


COMPLETED = {"type": "image_generation.completed", "b64_json": encoded(PNG), "size": "1024x1024", "usage": USAGE}
PREVIEW = {"type": "image_generation.partial_image", "b64_json": encoded(JPEG), "partial_image_index": 0}


class TestGptImage(ImageEndpointConformance):
    model_id = "openai:gpt-image-1"
    knobs = {**ImageEndpointConformance.knobs, "size": (1024, 1536)}  # noqa: RUF012  # a ClassVar of the class above
    recordings = (
        Recording(
            name="picture",
            request={"model": "gpt-image-1", "prompt": "Hello, 世界！ 👩‍🚀 Ünïcödé"},
            response=answer({"b64_json": encoded(PNG)}, size="1024x1024", usage=USAGE).body,
            chunks=b"".join(sse([("image_generation.partial_image", PREVIEW), ("image_generation.completed", COMPLETED)])),
            answer={
                "usage": {"input_tokens": 50, "output_tokens": 4160, "images": None},
                "images": [{"media_type": "image/png", "url": None}],
                "provider_metadata": {"size": "1024x1024"},
            },
        ),
    )
    faults = (
        (400, {"error": {"code": "content_policy_violation", "message": "no"}}, ContentFiltered),
        (
            400,
            {"error": {"code": "contentFilter", "message": "Your task failed as a result of our safety system."}},
            ContentFiltered,
        ),
    )

    def endpoint(self) -> Images:
        return Images(host(OpenAIOptions(api_key=self.secret)), "gpt-image-1")

    def comparable(self, response: Any) -> Any:
        return replace(response, raw=None)


ADDRESS = answer({"url": "https://example.net/1.png", "revised_prompt": "a tall 灯台"}).body
BYTES = answer({"b64_json": encoded(WEBP)}).body


class WholeConformance(ImageEndpointConformance):
    """For models whose answers come whole, whether they are asked to stream or not."""

    def test_a_connection_lost_in_the_middle_breaks_the_stream(self) -> None:
        """Nothing was shown before the end, so the transport's own error stands."""
        world = FakeRuntime([[ADDRESS[:20], OutcomeUnknown("The connection was lost.")]])
        with pytest.raises(OutcomeUnknown):
            Driven(world).stream(self.wired(), self.request())


class TestDallE3(WholeConformance):
    model_id = "openai:dall-e-3"
    knobs = {**ImageEndpointConformance.knobs, "size": (1792, 1024), "quality": "hd"}  # noqa: RUF012
    recordings = (
        Recording(
            name="address",
            request={"model": "dall-e-3", "response_format": "b64_json"},
            response=ADDRESS,
            chunks=ADDRESS,
            answer={
                "images": [{"url": "https://example.net/1.png", "revised_prompt": "a tall 灯台", "data": None}],
                "usage": {"images": 1, "input_tokens": None},
            },
        ),
    )

    def endpoint(self) -> Images:
        return Images(host(OpenAIOptions(api_key=self.secret)), "dall-e-3")


class TestDallE2(WholeConformance):
    model_id = "openai:dall-e-2"
    knobs = {**ImageEndpointConformance.knobs, "size": (512, 512)}  # noqa: RUF012
    recordings = (Recording(name="bytes", response=BYTES, chunks=BYTES),)

    def endpoint(self) -> Images:
        return Images(host(OpenAIOptions(api_key=self.secret)), "dall-e-2")


class TestAnUnknownModel(WholeConformance):
    model_id = "openai:flux"
    recordings = (Recording(name="bytes", response=BYTES, chunks=BYTES),)

    def endpoint(self) -> Images:
        return Images(host(OpenAIOptions(api_key=self.secret)), "flux")


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("dall-e-2", True),
        ("dall-e-3", True),
        ("gpt-image-1", False),
        ("gpt-image-1.5", False),
        ("gpt-image-2-2026-04-21", False),
    ],
)
def test_response_format_is_sent_only_to_models_that_take_it(name: str, sent: bool) -> None:
    """AT-M: response_format only where it is taken, and then bytes are asked for."""
    assert written(endpoint(name)).get("response_format") == ("b64_json" if sent else None)


def test_a_deployment_is_what_its_base_model_is() -> None:
    site = endpoint("painter", base_models={"painter": "dall-e-3"})
    assert written(site)["response_format"] == "b64_json"
    assert site.card.limits["images"] == 1


def test_an_unknown_host_may_refuse_response_format_once() -> None:
    asked: list[bool] = []

    def strict(request: HttpRequest) -> HttpResponse:
        asked.append("response_format" in json.loads(request.body or b""))
        if asked[-1]:
            return HttpResponse(400, Headers(), b'{"error": {"message": "Unknown parameter: \'response_format\'."}}')
        return answer({"b64_json": encoded(PNG)})

    painter = model("flux", NO_KEY)
    for _ in range(2):
        assert drive(painter.call(ImageRequest(prompt="a"), FakeRuntime(strict))).bytes() == PNG
    assert asked == [True, False, False]


@pytest.mark.parametrize(
    ("name", "fields", "listed"),
    [
        ("dall-e-3", {"size": (640, 480)}, "1024x1024, 1792x1024, 1024x1792"),
        ("dall-e-2", {"size": (1792, 1024)}, "256x256, 512x512, 1024x1024"),
        ("gpt-image-1", {"size": (1792, 1024)}, "1024x1024, 1024x1536, 1536x1024"),
        ("gpt-image-2", {"size": (1000, 1000)}, "multiples of 16"),
        ("gpt-image-2", {"size": (1024, 4096)}, "at most 3840"),
        ("gpt-image-2", {"size": (256, 1024)}, "3 times each other"),
        ("dall-e-3", {"quality": "high"}, "standard, hd"),
        ("gpt-image-1", {"quality": "hd"}, "low, medium, high, auto"),
        ("dall-e-3", {"style": "baroque"}, "vivid, natural"),
        ("gpt-image-1", {"background": "blue"}, "transparent, opaque, auto"),
        ("gpt-image-1", {"output_format": "gif"}, "png, jpeg, webp"),
        ("dall-e-2", {"prompt": "x" * 1001}, "takes 1000"),
        ("dall-e-3", {"prompt": "x" * 4001}, "takes 4000"),
    ],
)
def test_what_a_model_does_not_take_is_told_with_what_it_takes(name: str, fields: dict[str, Any], listed: str) -> None:
    """AT-M: sizes and qualities by a capability table; the error lists the allowed values, before any request."""
    runtime = FakeRuntime()
    with pytest.raises(InvalidRequest, match=re.escape(listed)):
        drive(model(name, NO_KEY).call(ImageRequest(**{"prompt": "a", **fields}), runtime))
    assert runtime.requests == []


def test_a_free_size_that_follows_the_rule_is_sent() -> None:
    assert written(endpoint("gpt-image-2"), size=(1536, 864))["size"] == "1536x864"


def test_everything_that_is_set_reaches_the_body() -> None:
    body = written(
        endpoint(), size=(1024, 1536), quality="low", background="opaque", output_format="jpeg", count=3,
        extra={"openai": {"moderation": "low"}},
    )  # fmt: skip
    assert body == {
        "model": "gpt-image-1", "prompt": "灯台", "n": 3, "size": "1024x1536", "quality": "low",
        "background": "opaque", "output_format": "jpeg", "moderation": "low",
    }  # fmt: skip
    assert "quality" not in written(endpoint(quirks=Quirks(omit=("quality",))), quality="low")


def form(asked: Images, **fields: Any) -> tuple[str, list[tuple[str, bytes]]]:
    """The address, and each part of the form: its disposition and its bytes."""
    request = asked.build(ImageRequest(**fields), stream=False)
    kind = request.headers["content-type"]
    assert isinstance(kind, str)
    boundary = kind.partition("boundary=")[2].encode()
    parts = (request.body or b"").split(b"--" + boundary)[1:-1]
    pairs = [part.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n") for part in parts]
    return request.url, [(head.decode().partition("form-data; ")[2], data) for head, _, data in pairs]


def test_an_edit_is_a_form_with_the_picture_and_its_mask() -> None:
    url, parts = form(
        endpoint(),
        operation="edit",
        prompt="青い扉",
        images=(ImagePart(data=JPEG, name="wrong.png"),),
        mask=ImagePart(data=PNG),
    )
    assert url == "https://api.openai.com/v1/images/edits"
    assert parts == [
        ('name="model"', b"gpt-image-1"),
        ('name="prompt"', "青い扉".encode()),
        ('name="image"; filename="image-0.jpg"\r\ncontent-type: image/jpeg', JPEG),
        ('name="mask"; filename="mask.png"\r\ncontent-type: image/png', PNG),
    ]


def test_several_pictures_are_a_field_that_is_repeated() -> None:
    _, parts = form(
        endpoint(), operation="edit", prompt="a", images=(ImagePart(data=PNG), ImagePart(data=WEBP)),
        extra={"openai": {"input_fidelity": "high"}},
    )  # fmt: skip
    assert [name.partition(";")[0] for name, _ in parts] == [
        'name="model"', 'name="prompt"', 'name="input_fidelity"', 'name="image[]"', 'name="image[]"',
    ]  # fmt: skip


def test_a_variation_has_no_prompt() -> None:
    url, parts = form(endpoint("dall-e-2"), operation="variation", images=(ImagePart(data=PNG),), count=2)
    assert url.endswith("/images/variations")
    assert [name.partition(";")[0] for name, _ in parts] == [
        'name="model"', 'name="n"', 'name="response_format"', 'name="image"',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "images", "told"),
    [
        ("gpt-image-1", (ImagePart(url="https://example.net/a.png"),), "read it first"),
        ("gpt-image-1", (ImagePart(data=b"not a picture"),), "of no known format"),
        ("gpt-image-1", (ImagePart(data=b"GIF89a"),), "image/png, image/jpeg, image/webp"),
        ("dall-e-2", (ImagePart(data=JPEG),), "takes image/png"),
        ("dall-e-2", (ImagePart(data=PNG), ImagePart(data=PNG)), "takes 1"),
        ("dall-e-2", (ImagePart(data=PNG + bytes(4_194_304)),), "fewer than 4194304"),
        ("flux", (ImagePart(data=b"not a picture"),), "no picture of a known format"),
        ("gpt-image-1", (), "needs a picture"),
    ],
)
def test_pictures_that_cannot_be_sent_are_told_before(name: str, images: tuple[ImagePart, ...], told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        endpoint(name).build(ImageRequest(operation="edit", prompt="a", images=images), stream=False)


def test_enlarging_is_not_to_be_had() -> None:
    with pytest.raises(Unsupported, match="does not enlarge"):
        endpoint("flux").build(ImageRequest(operation="upscale", images=(ImagePart(data=PNG),), scale=2), stream=False)


@pytest.mark.parametrize(("data", "media_type"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")])
def test_bytes_are_decoded_and_named_for_what_they_are(data: bytes, media_type: str) -> None:
    """AT-M: one result with bytes, and a media type by magic bytes, whatever was asked for."""
    image = endpoint().parse(answer({"b64_json": encoded(data)}, output_format="png")).images[0]
    assert (image.bytes(), image.media_type) == (data, media_type)


def test_an_address_stays_an_address() -> None:
    """AT-M: `.url`."""
    response = endpoint("dall-e-3").parse(answer({"url": "https://example.net/1.png", "revised_prompt": "a 灯台"}))
    assert (response.images[0].url, response.images[0].revised_prompt) == ("https://example.net/1.png", "a 灯台")
    with pytest.raises(AnswerError, match=r"example\.net"):
        response.bytes()


def test_several_pictures_and_words_that_look_like_one() -> None:
    tricky = 'said "b64_json": "AAAA" \\ and 灯台'
    said = answer(
        {"revised_prompt": tricky, "b64_json": encoded(PNG)}, {"b64_json": encoded(JPEG)}, {"b64_json": None, "url": "u"}
    )
    response = endpoint().parse(said)
    assert [image.data for image in response.images] == [PNG, JPEG, None]
    assert response.images[0].revised_prompt == tricky
    assert response.raw["data"][0] == {"revised_prompt": tricky}


def test_slashes_may_be_escaped() -> None:
    data = PNG + bytes(range(256)) * 3
    body = json.dumps({"data": [{"b64_json": encoded(data)}]}).replace("/", "\\/")
    assert endpoint().parse(HttpResponse(200, Headers(), body.encode())).bytes() == data


@pytest.mark.parametrize(
    "body",
    [
        '{"data": []}',
        "{}",
        '{"data": null}',
        '{"data": [{"b64_json": ""}]}',
        '{"data": [{"revised_prompt": "x"}]}',
        '{"data": [{"b64_json": "AAAA',
        "[]",
        "null",
        "not json",
        '{"data": [{"b64_json": "A"}]}',
    ],
)
def test_an_answer_without_a_picture_is_an_error(body: str, runtime: Driven) -> None:
    """AT-M: empty data is an error."""
    fake = Driven(FakeRuntime([HttpResponse(200, Headers(), body.encode())]), runtime.loop)
    with pytest.raises(AnswerError):
        fake.call(model("gpt-image-1", NO_KEY), ImageRequest(prompt="a"))


def test_an_error_in_the_place_of_pictures_is_that_error() -> None:
    said = HttpResponse(200, Headers(), b'{"created": 1, "error": {"code": "content_policy_violation", "message": "no"}}')
    with pytest.raises(ContentFiltered):
        endpoint().parse(said)


def test_fewer_pictures_than_asked_for_are_a_notice() -> None:
    runtime = FakeRuntime([answer({"b64_json": encoded(PNG)})])
    response = drive(model("gpt-image-1", NO_KEY).call(ImageRequest(prompt="a", count=3), runtime))
    assert [notice.message for notice in response.notices] == ["3 pictures were asked for, 1 came."]


def streamed(name: str, *chunks: bytes) -> list[Any]:
    runtime = FakeRuntime([chunks])
    return Driven(runtime).stream(model(name, NO_KEY), ImageRequest(prompt="a"))


def test_previews_come_before_the_picture() -> None:
    events = streamed("gpt-image-1", *sse([PREVIEW, COMPLETED, "[DONE]"]))
    assert [type(event) for event in events] == [PartialImage, Finished]
    assert events[0].data == JPEG
    assert (events[1].response.bytes(), events[1].response.usage.output_tokens) == (PNG, 4160)


def test_previews_are_asked_for_where_there_are_some() -> None:
    body = written(endpoint(), stream=True)
    assert (body["stream"], body["partial_images"]) == (True, 2)
    assert "stream" not in written(endpoint("dall-e-3"), stream=True)
    assert written(endpoint(), stream=True, extra={"openai": {"partial_images": 0}})["partial_images"] == 0


def test_an_edit_streams_too() -> None:
    events = streamed(
        "gpt-image-1", *sse([{**PREVIEW, "type": "image_edit.partial_image"}, {**COMPLETED, "type": "image_edit.completed"}])
    )
    assert events[-1].response.bytes() == PNG


def test_a_model_that_does_not_stream_answers_at_the_end() -> None:
    (event,) = streamed("dall-e-3", b"\n {", json.dumps({"data": [{"b64_json": encoded(PNG)}]})[1:].encode())
    assert event.response.bytes() == PNG


def test_a_stream_that_breaks_carries_the_last_preview() -> None:
    with pytest.raises(StreamBroken) as failure:
        streamed("gpt-image-1", *sse([PREVIEW]))
    assert failure.value.partial.bytes() == JPEG  # type: ignore[attr-defined]


def test_an_error_in_a_stream_is_that_error_until_something_came() -> None:
    error = {"type": "error", "error": {"code": "content_policy_violation", "message": "no"}}
    with pytest.raises(ContentFiltered):
        streamed("gpt-image-1", *sse([error]))
    with pytest.raises(StreamBroken, match="no"):
        streamed("gpt-image-1", *sse([PREVIEW, error]))


BASE = "https://api.openai.com/v1"
LOCATION = f"{BASE}/operations/images/7?api-version=1"
ACCEPTED = HttpResponse(
    202, Headers({"operation-location": LOCATION, "retry-after": "3"}), b'{"id": "7", "status": "notRunning"}'
)


def state(status: str, **more: Any) -> HttpResponse:
    return HttpResponse(200, Headers({"retry-after": "3"}), json.dumps({"id": "7", "status": status, **more}).encode())


def test_the_older_form_is_followed_to_its_end(runtime: Driven) -> None:
    """AT-M: 202 and operation-location; Retry-After is honoured, nothing is submitted again (AT-D3)."""
    done = state("succeeded", result={"created": 1, "data": [{"url": "https://example.net/1.png"}]})
    fake = FakeRuntime([ACCEPTED, state("notStarted"), state("running"), done])
    response = Driven(fake, runtime.loop).call(model("dall-e-2", NO_KEY), ImageRequest(prompt="a"))
    assert response.images[0].url == "https://example.net/1.png"
    assert [(request.method, request.url) for request in fake.requests[1:]] == [("GET", LOCATION)] * 3
    assert fake.requests[0].method == "POST"
    assert fake.sleeps == [3.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("ending", "error", "told"),
    [
        (state("failed", error={"code": "contentFilter", "message": "content_filter: no"}), ContentFiltered, "no"),
        (state("failed", error={"code": "InternalError", "message": "internal error"}), ProviderError, "internal"),
        (state("cancelled"), ProviderError, "The job was cancelled"),
        (state("deleted"), ProviderError, "The job was deleted"),
    ],
)
def test_a_job_that_ends_badly_is_an_error_that_nobody_retries(ending: HttpResponse, error: Any, told: str) -> None:
    """AT-M, AT-D3: failed, cancelled, deleted."""
    runtime = FakeRuntime([ACCEPTED, state("running"), ending])
    with pytest.raises(error, match=told) as failure:
        drive(model("dall-e-2", NO_KEY).call(ImageRequest(prompt="a"), runtime))
    assert not failure.value.retryable
    assert [request.method for request in runtime.requests] == ["POST", "GET", "GET"]


@pytest.mark.parametrize("place", ["https://elsewhere.example/7", "http://api.openai.com/v1/7"])
def test_a_job_elsewhere_does_not_get_the_key(place: str) -> None:
    runtime = FakeRuntime([HttpResponse(202, Headers({"operation-location": place}))])
    with pytest.raises(AnswerError, match="leads away"):
        drive(model("dall-e-2", NO_KEY).call(ImageRequest(prompt="a"), runtime))
    assert len(runtime.requests) == 1


def test_a_job_without_a_place_is_an_error() -> None:
    with pytest.raises(AnswerError, match="does not say where"):
        drive(model("dall-e-2", NO_KEY).call(ImageRequest(prompt="a"), FakeRuntime([HttpResponse(202)])))


@pytest.mark.parametrize("member", ["url", "b64_json"])
def test_an_address_that_is_the_picture_is_read(member: str) -> None:
    written = f"data:image/png;base64,{encoded(PNG)}"
    image = endpoint().parse(answer({member: written})).images[0]
    assert (image.bytes(), image.url, image.media_type) == (PNG, None, "image/png")
