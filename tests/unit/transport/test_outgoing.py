"""Headers as they go out, addresses and proxies as they are shown."""

from __future__ import annotations

import pytest

from modelhub.errors import InvalidRequest, KeyMissing
from modelhub.http import HttpRequest, origin
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
    assert "pw" not in failures.broken("http://u:pw@h/p", "").message
