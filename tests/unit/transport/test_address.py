"""Addresses, plain and unusual, as the wire wants them."""

from __future__ import annotations

import httpx
import pytest

from modelhub.transport.address import NoAddress, address


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/v1/chat/completions",
        "http://127.0.0.1:8080/v1/x",
        "http://localhost:80/a",
        "https://h:443/a/b-c_d~e",
        "https://h",
        "http://h/",
        "https://h/a/",
        "https://h//a",
        "https://h/a?b=c&d=%20e",
        "https://h/a%20b/日本",
        "https://日本.example/v1",
        "HTTP://EXAMPLE.com:8080/V1",
        "http://[::1]:8080/x",
        "https://h/a/../b/./c",
        "https://u:p@h/x",
        "https://h/x#fragment",
        "http://h:65535/x",
    ],
)
def test_an_address_is_what_the_http_library_makes_of_it(url: str) -> None:
    found, theirs = address(url), httpx.Request("POST", url)
    assert (found.scheme, found.host) == (theirs.url.scheme, theirs.url.raw_host.decode())
    assert found.target == theirs.url.raw_path
    assert found.authority.decode() == theirs.headers["host"]
    assert found.port == (theirs.url.port or {"http": 80, "https": 443}[found.scheme])


@pytest.mark.parametrize("url", ["", "ftp://h/x", "nonsense", "http://", "http:///x", "http://h:99999999/x", "http://[::1"])
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(NoAddress):
        address(url)
