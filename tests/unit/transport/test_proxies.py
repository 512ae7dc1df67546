"""Which proxy is meant, as a pure question; that a connection goes through it is shown in tests/flow/test_wire_proxies.py."""

from __future__ import annotations

import base64
import copy
import json
import pickle
from dataclasses import asdict

import pytest

from modelhub.errors import ConfigError
from modelhub.http import HttpRequest
from modelhub.route import Route
from modelhub.transport.proxies import proxy_for


def chosen(environment: dict[str, str], url: str = "https://api.example.com", route: Route | None = None) -> str:
    scheme, _, place = url.partition("://")
    host, _, port = place.rpartition(":") if place.rpartition(":")[2].isdigit() else (place, "", "")
    return repr(proxy_for(scheme, host, int(port) if port else None, route, environment))


@pytest.mark.parametrize(
    ("environment", "https", "http"),
    [
        ({}, None, None),
        ({"HTTPS_PROXY": "http://a:1"}, "http://a:1", None),
        ({"http_proxy": "http://a:1"}, None, "http://a:1"),
        ({"ALL_PROXY": "http://a:1"}, "http://a:1", "http://a:1"),
        ({"ALL_PROXY": "http://a:1", "HTTPS_PROXY": "https://b"}, "https://b:443", "http://a:1"),
        ({"https_proxy": "http://lower:1", "HTTPS_PROXY": "http://upper:1"}, "http://lower:1", None),
        ({"https_proxy": "", "HTTPS_PROXY": "http://upper:1"}, None, None),
        ({"HTTP_PROXY": "http://a:1"}, None, "http://a:1"),
        ({"HTTP_PROXY": "http://a:1", "REQUEST_METHOD": "GET"}, None, None),
        ({"https_proxy": " a:1 "}, "http://a:1", None),
        ({"https_proxy": "HTTP://[::1]:3128/"}, "http://[::1]:3128", None),
        ({"https_proxy": "http://user:p@ss@a"}, "http://a:80", None),
    ],
)
def test_the_variables_are_read_as_curl_and_python_read_them(
    environment: dict[str, str], https: str | None, http: str | None
) -> None:
    assert chosen(environment) == str(https)
    assert chosen(environment, "http://api.example.com") == str(http)


@pytest.mark.parametrize(
    ("no_proxy", "url", "left_out"),
    [
        ("example.com", "https://api.example.com", True),
        (".example.com", "https://api.example.com", True),
        ("*.example.com", "https://API.Example.COM.", True),
        (".example.com", "https://example.com", True),
        ("example.com", "https://notexample.com", False),
        ("ample.com", "https://api.example.com", False),
        ("api.example.com:443", "https://api.example.com", True),
        ("api.example.com:80", "https://api.example.com", False),
        ("api.example.com:8443", "https://api.example.com:8443", True),
        ("com", "https://api.example.com", True),
        (" a , ,\tapi.example.com ", "https://api.example.com", True),
        ("*", "https://api.example.com", True),
        ("10.1.0.0/16", "https://10.1.2.3", True),
        ("10.1.0.0/16", "https://10.2.2.3", False),
        ("10.1.2.3/8", "https://10.200.0.1", True),
        ("2001:db8::/32", "https://2001:db8::7", True),
        ("[2001:db8::7]:443", "https://2001:db8::7", True),
        ("2001:db8::7", "https://2001:db8::7", True),
        ("::1", "https://2001:db8::7", False),
        ("1.2.3", "https://10.1.2.3", False),
        ("10.1.0.0/x", "https://10.1.0.0", False),
        ("10.0.0.0/8", "https://api.example.com", False),
        ("", "https://api.example.com", False),
    ],
)
def test_no_proxy_names_hosts_domains_ports_and_networks(no_proxy: str, url: str, left_out: bool) -> None:
    environment = {"ALL_PROXY": "http://p:1", "NO_PROXY": no_proxy}
    if url.count(":") > 2:  # an IPv6 address, whose last group is no port
        found = proxy_for("https", url.removeprefix("https://"), None, None, environment)
    else:
        found = proxy_for(*_taken_apart(url), None, environment)
    assert (found is None) is left_out


def _taken_apart(url: str) -> tuple[str, str, int | None]:
    scheme, _, place = url.partition("://")
    host, _, port = place.partition(":")
    return scheme, host, int(port) if port else None


def test_a_routes_own_word_comes_first() -> None:
    environment = {"ALL_PROXY": "http://a:1", "NO_PROXY": "*"}
    assert chosen(environment, route=Route(proxy="http://own:2")) == "http://own:2"
    assert chosen({"ALL_PROXY": "http://a:1"}, route=Route(proxy="none")) == "None"
    assert chosen({"ALL_PROXY": "http://a:1"}, route=Route(ca_bundle="/x.pem")) == "http://a:1"


def test_user_and_password_are_decoded_once_and_sent_as_utf_8() -> None:
    found = proxy_for("https", "h", None, Route(proxy="http://%E6%97%A5:p%2540@a:1"), {})
    assert found is not None
    assert found.authorization == b"Basic " + base64.b64encode("日:p%40".encode())
    assert repr(found) == "http://a:1"


@pytest.mark.parametrize(
    "address", ["socks5://u:secret@a", "http://u:secret@a:x", "u:secret@", "http://u:sec/ret@a:1/p", "://"]
)
def test_what_is_no_address_is_refused_without_its_password(address: str) -> None:
    for route, environment in ((Route(proxy=address), {}), (None, {"HTTPS_PROXY": address})):
        with pytest.raises(ConfigError) as caught:
            proxy_for("https", "h", None, route, environment)
        assert "sec" not in caught.value.message


@pytest.mark.parametrize(
    "proxy", ["http://user:s3ntinel@proxy:3128", "user:s3ntinel@proxy:3128", "http://user:s3nti/nel@proxy:3128"]
)
def test_a_route_shows_neither_a_password_nor_where_a_key_lies(proxy: str) -> None:
    """AT-H1."""
    route = Route("/etc/company.pem", "/etc/client.pem", "/private/client.key", proxy)
    for shown in (repr(route), str(route), f"{HttpRequest('GET', 'https://h', route=route)}"):
        assert "s3nti" not in shown
        assert "private" not in shown
    assert "ca_bundle='/etc/company.pem', client_certificate='/etc/client.pem', client_key='...'" in repr(route)
    assert repr(route).endswith("proxy:3128')")
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(route)
    with pytest.raises(TypeError):
        json.dumps(route)  # type: ignore[arg-type]


def test_a_route_without_a_password_is_a_plain_value() -> None:
    route = Route("/etc/company.pem", proxy="none")
    assert pickle.loads(pickle.dumps(route)) == copy.deepcopy(route) == route
    assert asdict(route)["proxy"] == "none"
    assert repr(Route()) == "Route()"
