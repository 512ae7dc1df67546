"""The values of an HTTP exchange."""

from __future__ import annotations

import copy
import pickle

import pytest

from modelhub.http import Headers, HttpRequest, HttpResponse
from modelhub.transport.credentials import Plain


def test_headers_are_found_in_any_case() -> None:
    headers = Headers({"Retry-After": "3"})
    assert headers["retry-after"] == headers["RETRY-AFTER"] == headers.get("Retry-after") == "3"
    assert "RETRY-after" in headers
    assert "other" not in headers
    assert 3 not in headers
    assert headers.get("other") is None
    with pytest.raises(KeyError):
        headers["other"]


def test_a_header_sent_twice_is_joined() -> None:
    headers = Headers([("Link", "<a>"), ("X", "1"), ("link", "<b>")])
    assert dict(headers) == {"link": "<a>, <b>", "x": "1"}
    assert len(headers) == 2


def test_headers_show_their_names_only() -> None:
    assert repr(Headers({"set-cookie": "secret", "a": "b"})) == "Headers(['a', 'set-cookie'])"


def test_headers_are_equal_to_what_holds_the_same() -> None:
    assert Headers({"A": "1"}) == Headers([("a", "1")]) == {"a": "1"}
    assert Headers({"A": "1"}) != Headers({"a": "2"})


def test_headers_survive_copies_and_pickles() -> None:
    headers = Headers({"A": "日本"})
    assert pickle.loads(pickle.dumps(headers)) == copy.deepcopy(headers) == headers


def test_requests_and_responses_show_neither_headers_nor_bodies() -> None:
    request = HttpRequest("POST", "https://x", {"authorization": Plain("sk-secret"), "x": "y"}, b"body")
    assert repr(request) == "HttpRequest(method='POST', url='https://x')"
    assert repr(HttpResponse(200, Headers({"a": "b"}), b"body")) == "HttpResponse(status=200)"
