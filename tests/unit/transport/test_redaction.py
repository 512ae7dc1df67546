"""AT-H1: errors without keys."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.errors import AnswerError, BadRequest, ModelhubError, StreamBroken
from modelhub.http import Headers, HttpRequest, HttpResponse
from modelhub.transport.credentials import Bearer, Plain
from modelhub.transport.redaction import redacted_response, unspoken

KEY = "sk-a+b/c=d&e~0123456789"


def request(key: str = KEY) -> HttpRequest:
    return HttpRequest("POST", "https://x", {"authorization": Bearer(Plain(key)), "x-plain": "visible"})


def forms(key: str) -> list[str]:
    encoded = base64.b64encode(key.encode()).decode()
    return [
        key,
        f"Bearer {key}",
        quote(key, safe=""),
        encoded,
        encoded.rstrip("="),
        key[:8],
        key[:12],
        base64.b64encode(f"Bearer {key}".encode()).decode(),
    ]


@pytest.mark.parametrize("form", forms(KEY))
def test_every_form_is_struck_and_the_rest_is_kept(form: str) -> None:
    error = unspoken(
        BadRequest(f"前 <{form}> 後", code=form, raw={"a": [form, {form: 1}], "b": b"x" + form.encode()}), request()
    )
    assert isinstance(error, BadRequest)
    shown = repr((error.args, vars(error)))
    assert KEY[:8] not in shown
    assert KEY[8:] not in shown
    assert form not in shown
    assert error.message.startswith("前 <")
    assert error.message.endswith("> 後")
    assert "x-plain" not in shown


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_no_text_hides_a_key(key: str, before: str, after: str) -> None:
    for form in forms(key):
        error = unspoken(BadRequest(before + form + after), request(key))
        assert key not in error.message
        assert key[:8] not in error.message.replace("[key]", "\0")


def test_a_response_is_struck_before_an_error_is_made_of_it() -> None:
    body = json.dumps({"message": f"日本 {KEY}"}, ensure_ascii=False).encode()
    response = redacted_response(HttpResponse(401, Headers({"x-request-id": KEY, "a": "b"}), body), request())
    assert json.loads(response.body) == {"message": "日本 [key]"}
    assert dict(response.headers) == {"x-request-id": "[key]", "a": "b"}


def failed(message: str, behind: str) -> ModelhubError:
    try:
        try:
            raise ValueError(behind)
        except ValueError as cause:
            raise AnswerError(message) from cause
    except AnswerError as error:
        return error


def test_an_error_with_a_key_behind_it_loses_its_history() -> None:
    error = unspoken(failed("fine", f"saw {KEY}"), request())
    assert (error.__cause__, error.__context__, error.__traceback__) == (None, None, None)


def test_an_error_whose_data_has_a_key_loses_its_history() -> None:
    error = unspoken(failed("fine", "fine"), request(), f"data: {KEY}".encode())
    assert error.__traceback__ is None


def test_an_error_without_a_key_keeps_its_history() -> None:
    error = unspoken(failed("fine", "fine"), request(), b"fine")
    assert error.__traceback__ is not None
    assert isinstance(error.__cause__, ValueError)


def test_what_a_broken_stream_had_given_is_kept() -> None:
    partial = object()
    error = unspoken(StreamBroken(f"broke at {KEY}", partial=partial), request())
    assert isinstance(error, StreamBroken)
    assert error.partial is partial
    assert error.message == "broke at [key]"


def test_a_key_of_two_letters_hides_nothing() -> None:
    assert unspoken(BadRequest("no such thing"), request("no")).message == "no such thing"


def test_a_request_without_keys_changes_nothing() -> None:
    error = BadRequest("as it is")
    assert unspoken(error, HttpRequest("GET", "https://x", {"authorization": "visible"})) is error
    assert error.message == "as it is"
