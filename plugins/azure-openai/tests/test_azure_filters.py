"""AT-I3: what the content filter says, wherever it says it, is found in one place and breaks nothing."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from modelhub_azure_openai.filters import Finding, findings
from modelhub_azure_openai.models import image, text
from modelhub_azure_openai.options import AzureOptions

import modelhub
from modelhub.errors import ContentFiltered, ModelhubError, StreamBroken
from modelhub.plugin import Finished, HttpResponse, ImageRequest, Message, Plain, TextDelta, TextRequest
from modelhub.testing import FakeRuntime
from modelhub.testing.driven import Driven
from modelhub.testing.server import FaultServer, Reply, sse

SAFE = {"filtered": False, "severity": "safe"}
LOW = {"filtered": False, "severity": "low"}
CAUGHT = {"filtered": True, "severity": "high"}
PROMPT = [{"prompt_index": 0, "content_filter_results": {"violence": LOW, "jailbreak": {"filtered": False, "detected": False}}}]
QUESTION = TextRequest(messages=(Message("user", "灯台とは？"),))
OPTIONS: dict[str, Any] = {"resource": "my-res", "api_key": Plain("a-key")}
DEPLOYMENTS = {"gpt": "gpt-4o", "painter": "dall-e-3"}


def chunk(*choices: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": "c1", "object": "chat.completion.chunk", "model": "gpt-4o-2024-11-20", "choices": list(choices), **fields}


FIRST = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": PROMPT}
OLDER = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_annotations": PROMPT}
ROLE = chunk({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None})
WORDS = [
    chunk({"index": 0, "delta": {"content": piece}, "finish_reason": None, "content_filter_results": {"hate": result}})
    for piece, result in (("海の", SAFE), ("灯り", LOW))
]
ANNOTATION = {
    "id": "",
    "object": "",
    "created": 0,
    "model": "",
    "choices": [
        {
            "index": 0,
            "finish_reason": None,
            "content_filter_results": {"hate": SAFE, "protected_material_text": {"filtered": False, "detected": False}},
            "content_filter_offsets": {"check_offset": 44, "start_offset": 44, "end_offset": 198},
        }
    ],
}
END = chunk({"index": 0, "delta": {}, "finish_reason": "stop"})
BLOCK = {
    **ANNOTATION,
    "choices": [{"index": 0, "finish_reason": "content_filter", "content_filter_results": {"violence": CAUGHT}}],
}
USAGE = chunk(usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7})
WHOLE = {
    "id": "c1",
    "model": "gpt-4o-2024-11-20",
    "prompt_filter_results": PROMPT,
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "海の灯り"},
            "finish_reason": "stop",
            "content_filter_results": {"hate": LOW, "protected_material_text": {"filtered": False, "detected": False}},
        }
    ],
    "usage": USAGE["usage"],
}
EXPECTED = {
    "prompt": PROMPT[0]["content_filter_results"],
    "completion": WHOLE["choices"][0]["content_filter_results"],  # type: ignore[index]
}


def options(**changes: Any) -> AzureOptions:
    return AzureOptions(**{**OPTIONS, "deployments": DEPLOYMENTS, **changes})


def streamed(*chunks: dict[str, Any] | str) -> FakeRuntime:
    return FakeRuntime([sse([*chunks, "[DONE]"])])


def driven(runtime: Driven, fake: FakeRuntime) -> Driven:
    return Driven(fake, runtime.loop)


def test_an_answer_tells_what_the_filter_found_in_prompt_and_completion(runtime: Driven) -> None:
    """AT-I3"""
    answered = FakeRuntime([HttpResponse(200, body=json.dumps(WHOLE, ensure_ascii=False).encode())])
    response = driven(runtime, answered).call(text("gpt", options()), QUESTION)
    assert response.provider_metadata == {"content_filter": EXPECTED, "id": "c1"}
    assert findings(response)[:2] == (
        Finding("violence", "prompt", filtered=False, severity="low"),
        Finding("jailbreak", "prompt", filtered=False, detected=False),
    )


@pytest.mark.parametrize("first", [FIRST, OLDER])
def test_filter_chunks_anywhere_in_the_stream_never_raise(runtime: Driven, first: dict[str, Any]) -> None:
    """AT-I3: every order of the chunks that carry no words; the answer is the one that a call gives."""
    for places in itertools.product(range(4), repeat=2):
        chunks: list[Any] = [ROLE, *WORDS, END, USAGE]
        for extra, place in zip((first, ANNOTATION), places, strict=True):
            chunks.insert(place, extra)
        *events, last = driven(runtime, streamed(*chunks)).stream(text("gpt", options()), QUESTION)
        assert [event for event in events if isinstance(event, TextDelta)] == [TextDelta("海の"), TextDelta("灯り")]
        assert isinstance(last, Finished)
        assert last.response.provider_metadata == {"content_filter": EXPECTED, "id": "c1"}, places
        assert (last.response.finish_reason, last.response.usage.output_tokens) == ("stop", 4)


def test_what_the_asynchronous_filter_stops_ends_as_filtered(runtime: Driven) -> None:
    """AT-I3: the block comes in a choice without a delta."""
    *_, last = driven(runtime, streamed(FIRST, ROLE, *WORDS, ANNOTATION, BLOCK)).stream(text("gpt", options()), QUESTION)
    assert last.response.finish_reason == "content_filter"
    assert last.response.text == "海の灯り"
    caught = [found for found in findings(last.response) if found.filtered]
    assert caught == [Finding("violence", "completion", filtered=True, severity="high")]


def test_a_filter_that_failed_itself_is_told_and_harmless(runtime: Driven) -> None:
    failed = {"error": {"code": "content_filter_error", "message": "The contents are not filtered"}}
    said = chunk({"index": 0, "delta": {"content": "はい"}, "finish_reason": "stop", "content_filter_result": failed})
    *_, last = driven(runtime, streamed(said)).stream(text("gpt", options()), QUESTION)
    assert last.response.provider_metadata["content_filter"]["completion"] == failed
    assert findings(last.response) == (Finding("error", "completion", filtered=False),)


RESULTS = {"hate": SAFE, "violence": CAUGHT, "jailbreak": {"filtered": True, "detected": True}}
SPELLINGS = {
    "as the service sends it": {"innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": RESULTS}},
    "as its pages say": {"innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_results": RESULTS}},
    "as its specification says": {"inner_error": {"code": "ResponsibleAIPolicyViolation", "content_filter_results": RESULTS}},
}


def refused(**error: Any) -> HttpResponse:
    return HttpResponse(400, body=json.dumps({"error": {"message": "The response was filtered.", **error}}).encode())


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_refused_prompt_says_for_what_in_every_spelling(runtime: Driven, spelling: str, stream: bool) -> None:
    """AT-I3: 400 content_filter is ContentFiltered with categories, prompt or completion."""
    body = refused(code="content_filter", param="prompt", type=None, status=400, **SPELLINGS[spelling])
    caller, model = driven(runtime, FakeRuntime(lambda _: body)), text("gpt", options())
    with pytest.raises(ContentFiltered, match=r"violence \(high\), jailbreak \(detected\)") as caught:
        (caller.stream if stream else caller.call)(model, QUESTION)
    assert caught.value.categories == {"violence": "high", "jailbreak": "detected"}
    assert caught.value.source == "prompt"
    assert not caught.value.retryable


def test_what_is_known_of_a_refusal_survives_a_pickle() -> None:
    import pickle

    with pytest.raises(ContentFiltered) as error:
        driven_once(refused(code="content_filter", param="prompt", **SPELLINGS["as its pages say"]))
    copied = pickle.loads(pickle.dumps(error.value))
    assert (copied.categories, copied.source) == ({"violence": "high", "jailbreak": "detected"}, "prompt")


def driven_once(response: HttpResponse) -> Any:
    from modelhub.testing import drive

    return drive(text("gpt", options()).call(QUESTION, FakeRuntime([response])))


@pytest.mark.parametrize("code", ["contentFilter", "content_policy_violation", "content_filter"])
def test_a_refused_picture_is_filtered_content(runtime: Driven, code: str) -> None:
    """AT-I3: images have codes of their own, sometimes beside a top-level ``created``."""
    body = {"created": 1, "error": {"code": code, "message": "Your task failed as a result of our safety system."}}
    fake = FakeRuntime(lambda _: HttpResponse(400, body=json.dumps(body).encode()))
    with pytest.raises(ContentFiltered) as caught:
        driven(runtime, fake).call(image("painter", options()), ImageRequest(prompt="灯台"))
    assert (caught.value.code, caught.value.categories) == (code, {})


def test_a_picture_tells_what_the_filter_found(runtime: Driven) -> None:
    item = {
        "url": "https://pictures.example/1.png",
        "content_filter_results": {"hate": SAFE},
        "prompt_filter_results": {"violence": LOW, "profanity": {"filtered": False, "detected": False}},
    }
    fake = FakeRuntime(lambda _: HttpResponse(200, body=json.dumps({"created": 1, "data": [item]}).encode()))
    response = driven(runtime, fake).call(image("painter", options()), ImageRequest(prompt="灯台"))
    assert response.provider_metadata["content_filter"] == {
        "prompt": item["prompt_filter_results"],
        "completion": {"hate": SAFE},
    }


def test_the_responses_api_tells_it_in_the_same_shape(runtime: Driven) -> None:
    filters = [
        {"blocked": False, "source_type": "prompt", "content_filter_results": {"violence": LOW}},
        {"blocked": False, "source_type": "completion", "content_filter_results": {"hate": SAFE}},
    ]
    output = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "海の灯り"}]}]
    said = {"id": "r1", "object": "response", "status": "completed", "output": output, "content_filters": filters}
    fake = FakeRuntime(lambda _: HttpResponse(200, body=json.dumps(said, ensure_ascii=False).encode()))
    response = driven(runtime, fake).call(text("gpt", options(api="responses")), QUESTION)
    assert response.text == "海の灯り"
    assert response.provider_metadata["content_filter"] == {"prompt": {"violence": LOW}, "completion": {"hate": SAFE}}
    assert "content_filters" not in response.provider_metadata


def test_an_error_inside_a_stream_is_filtered_content_or_breaks_what_had_come(runtime: Driven) -> None:
    """AT-I3, AT-C2"""
    error = {"error": {"code": "content_filter", "message": "Filtered.", "status": 400, **SPELLINGS["as its pages say"]}}
    with pytest.raises(ContentFiltered):
        driven(runtime, streamed(FIRST, error)).stream(text("gpt", options()), QUESTION)
    with pytest.raises(StreamBroken) as broken:
        driven(runtime, streamed(FIRST, ROLE, *WORDS, error)).stream(text("gpt", options()), QUESTION)
    assert isinstance(broken.value.partial, modelhub.TextResponse)
    assert broken.value.partial.text == "海の灯り"


STRANGE: list[Any] = [
    None,
    [],
    {},
    "text",
    7,
    [None],
    [[]],
    [{"content_filter_results": None}],
    {"hate": None},
    {"hate": "safe"},
]


@pytest.mark.parametrize("value", STRANGE, ids=repr)
def test_nothing_that_a_filter_could_say_breaks_an_answer(runtime: Driven, value: Any) -> None:
    """AT-I3, AT-E3"""
    said = {**WHOLE, "prompt_filter_results": value}
    said["choices"] = [{**WHOLE["choices"][0], "content_filter_results": value}]  # type: ignore[index]
    fake = FakeRuntime(lambda _: HttpResponse(200, body=json.dumps(said, ensure_ascii=False).encode()))
    response = driven(runtime, fake).call(text("gpt", options()), QUESTION)
    assert response.text == "海の灯り"
    assert findings(response) == ()
    body = refused(code="content_filter", innererror=value, inner_error=value)
    with pytest.raises(ModelhubError) as caught:
        driven_once(body)
    assert isinstance(caught.value, ContentFiltered)


def test_an_application_sees_it_through_a_hub() -> None:
    """AT-I3"""
    reply = Reply(
        headers={"content-type": "text/event-stream"}, chunks=sse([FIRST, ROLE, *WORDS, ANNOTATION, END, USAGE, "[DONE]"])
    )
    with FaultServer(reply, Reply(json=WHOLE)) as server:
        config = {"providers": {"azure-openai": {"endpoint": server.url, "api_key": "a-key", "deployments": DEPLOYMENTS}}}
        with modelhub.Hub(config) as hub:
            streamed_answer = hub.text("azure-openai:gpt").stream("灯台とは？").collect()
            answer = hub.text("azure-openai:gpt").generate("灯台とは？")
    assert findings(answer) == findings(streamed_answer)
    assert answer.provider_metadata == streamed_answer.provider_metadata
