"""Headers as they go out, addresses and proxies as they are shown."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies as st

from modelhub.errors import InvalidRequest, KeyMissing
from modelhub.http import HttpRequest, origin, shown
from modelhub.transport import failures
from modelhub.transport.credentials import Bearer, Environment, Plain
from modelhub.transport.outgoing import header_fields


def test_secrets_are_revealed_and_defaults_added() -> None:
    request = HttpRequest("GET", "https://x", {"Authorization": Bearer(Plain("sk-1")), "X-A": "b"})
    assert header_fields(request) == [
        ("accept", "*/*"),
        ("accept-encoding", "gzip, deflate"),
        ("user-agent", "modelhub"),
        ("Authorization", "Bearer sk-1"),
        ("X-A", "b"),
    ]


def test_what_the_endpoint_sets_is_no_longer_a_default() -> None:
    fields = dict(header_fields(HttpRequest("GET", "https://x", {"Accept": "audio/*", "User-Agent": "mine"})))
    assert fields == {"Accept": "audio/*", "User-Agent": "mine", "accept-encoding": "gzip, deflate"}


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\nb", "日本", "a\0", "a\x7f"])
def test_a_value_that_would_break_the_request_is_refused(value: str) -> None:
    for given in (value, Plain(f"sk-{value}-")):
        with pytest.raises(InvalidRequest, match="x-key") as caught:
            header_fields(HttpRequest("GET", "https://x", {"x-key": given}))
        assert value not in caught.value.message


def test_a_name_that_would_break_the_request_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        header_fields(HttpRequest("GET", "https://x", {"x\r\ny": "1"}))


def test_a_missing_key_stops_the_request() -> None:
    with pytest.raises(KeyMissing, match="MODELHUB_TEST_UNSET"):
        header_fields(HttpRequest("GET", "https://x", {"x-key": Environment("MODELHUB_TEST_UNSET")}))


def test_an_address_is_shown_without_path_query_and_credentials() -> None:
    assert origin("https://user:pw@api.example:8443/v1/x?key=1#f") == "https://api.example:8443"
    assert "pw" not in failures.broken("http://u:pw@h/p", "", sent=True).message


@hypothesis.given(st.text())
def test_any_string_has_an_origin_and_can_be_shown(url: str) -> None:
    assert isinstance(origin(url), str)
    assert isinstance(shown(url), str)


@pytest.mark.parametrize("path", ["", "/v1", "?key=PASSWD99", "#PASSWD99", "/v1?a=1&key=PASSWD99"])
@pytest.mark.parametrize("password", ["PASSWD99", "PASSWD99/x", "x?PASSWD99", "x#PASSWD99", "x@PASSWD99", "日本PASSWD99:9"])
def test_a_shown_address_has_no_password(password: str, path: str) -> None:
    for user in ("", "u"):
        url = f"https://{user}:{password}@h.example:8443{path}"
        assert "PASSWD99" not in shown(url)
        assert origin(url) == "https://h.example:8443"


def test_an_address_of_numbers_keeps_its_brackets() -> None:
    assert origin("http://u:p@[::1]:80/x") == "http://[::1]:80"
    assert shown("http://[::1]:80/x@y") == "http://[::1]:80/x@y"
