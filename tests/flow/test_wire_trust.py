"""AT-H7: a company's own authority, wherever it is named; certificates of our own; and what is said where trust is missing."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from modelhub.errors import ConfigError, Unreachable
from modelhub.http import HttpRequest, HttpResponse
from modelhub.interfaces.content import Message
from modelhub.interfaces.text import TextRequest
from modelhub.model import Timeouts
from modelhub.route import Route
from modelhub.testing.driven import Driven
from modelhub.testing.server import FaultServer, Reply, sse
from modelhub.transport.endpoint import HttpModel
from modelhub.transport.following import FollowUp
from modelhub.transport.trust import stores, tls_context

MakeChat = Callable[..., HttpModel[Any, Any, Any]]
QUESTION = TextRequest(
    messages=(Message("user", "日本の首都は？"),), timeouts=Timeouts(connect=5, first_token=5, idle=5, total=10)
)
STREAM = Reply(headers={"content-type": "text/event-stream"}, chunks=sse([{"delta": "東"}, {"delta": "京"}, "[DONE]"]))
ANSWER = Reply(json={"text": "東京"})


class Company(NamedTuple):
    """An authority, where its certificate lies as a file and as a folder, and what its server needs."""

    authority: trustme.CA
    bundle: str
    folder: str
    server: ssl.SSLContext


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return founded(tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return founded(tmp_path_factory.mktemp("stranger"))


def founded(place: Path) -> Company:
    authority = trustme.CA()
    bundle = place / "bundle.pem"
    authority.cert_pem.write_to_path(str(bundle))
    (place / "hashed").mkdir()
    hashed = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", str(bundle)], capture_output=True, check=True)
    (place / "hashed" / f"{hashed.stdout.decode().strip()}.0").write_bytes(bundle.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return Company(authority, str(bundle), str(place / "hashed"), context)


@pytest.fixture
def server(company: Company) -> Iterator[FaultServer]:
    with FaultServer(ANSWER, tls=company.server) as server:
        yield server


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def routed(model: HttpModel[Any, Any, Any], route: Route | None) -> HttpModel[Any, Any, Any]:
    """The same model, its requests by this route; a job whose answer says ``later`` is asked after by the same one."""

    class Routed:
        card, decoder, fault = model.card, model.endpoint.decoder, model.endpoint.fault

        def build(self, request: Any, *, stream: bool) -> HttpRequest:
            return replace(model.endpoint.build(request, stream=stream), route=route)

        def follow(self, response: HttpResponse) -> FollowUp | None:
            later = response.headers.get("operation-location")
            return FollowUp(HttpRequest("GET", later, route=route)) if later else None

        def parse(self, response: HttpResponse) -> Any:
            return model.endpoint.parse(response)

    return HttpModel(Routed())


@pytest.mark.parametrize("named", ["ca_bundle", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "folder"])
def test_a_companys_authority_is_trusted_wherever_it_is_named(
    runtime: Driven, server: FaultServer, company: Company, make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    """AT-H7: calls, streams, and the asking after a job; the two runtimes."""
    route = None
    if named == "ca_bundle":
        route = Route(ca_bundle=company.bundle)
    elif named == "folder":
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", company.folder)
    else:
        monkeypatch.setenv(named, company.folder if named == "SSL_CERT_DIR" else company.bundle)
    model = routed(make_chat(server.url), route)
    server.on("/chat", ANSWER, STREAM, Reply(202, {"operation-location": f"{server.url}/jobs/1"}))
    assert runtime.call(model, QUESTION).text == "東京"
    assert runtime.stream(model, QUESTION)[-1].response.text == "東京"
    assert runtime.call(model, QUESTION).text == "東京"
    assert [request.path for request in server.requests] == ["/chat", "/chat", "/chat", "/jobs/1"]


@pytest.mark.parametrize("ask", ["call", "stream"])
def test_an_unknown_authority_is_an_error_that_says_what_is_trusted_and_what_to_set(
    runtime: Driven,
    server: FaultServer,
    stranger: Company,
    make_chat: MakeChat,
    monkeypatch: pytest.MonkeyPatch,
    ask: str,
) -> None:
    """AT-H7: nothing reaches the server, and the key stays here."""
    monkeypatch.setenv("SSL_CERT_FILE", stranger.bundle)
    with pytest.raises(Unreachable, match=r"certificate was refused .*Trusted are: the system's store") as caught:
        getattr(runtime, ask)(routed(make_chat(server.url), Route(stranger.bundle)), QUESTION)
    assert f"ca_bundle={stranger.bundle}, SSL_CERT_FILE={stranger.bundle}" in caught.value.message
    assert "`ca_bundle` of the provider" in caught.value.message
    assert server.requests == []


def test_a_certificate_of_another_host_is_no_matter_of_authorities(
    runtime: Driven, server: FaultServer, company: Company, make_chat: MakeChat
) -> None:
    model = routed(make_chat(server.url.replace("127.0.0.1", "localhost")), Route(company.bundle))
    with pytest.raises(Unreachable, match="another host's") as caught:
        runtime.call(model, QUESTION)
    assert "ca_bundle" not in caught.value.message


@pytest.mark.parametrize("named", ["ca_bundle", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("store", ["file", "folder"])
def test_a_companys_authority_takes_no_place_of_the_machines(
    runtime: Driven,
    company: Company,
    stranger: Company,
    make_chat: MakeChat,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    named: str,
    store: str,
) -> None:
    """AT-H7: with OpenSSL alone, ``SSL_CERT_FILE`` would lock out every public host. Here the stranger is the machine's own."""
    nowhere = str(tmp_path / "nowhere")
    own = (stranger.bundle, nowhere) if store == "file" else (nowhere, stranger.folder)
    paths = SimpleNamespace(openssl_cafile=own[0], openssl_capath=own[1])
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.setenv("SSL_CERT_DIR", nowhere)  # new, so that no context is known, and set, so that the paths are looked at
    if named != "ca_bundle":
        monkeypatch.setenv(named, shutil.copytree(company.folder, nowhere) if named == "SSL_CERT_DIR" else company.bundle)
    route = Route(ca_bundle=company.bundle) if named == "ca_bundle" else None
    for known in (company, stranger):
        with FaultServer(ANSWER, tls=known.server) as server:
            assert runtime.call(routed(make_chat(server.url), route), QUESTION).text == "東京"


@pytest.fixture
def strict_server(company: Company) -> Iterator[FaultServer]:
    """It serves nobody without a certificate of the company."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    company.authority.issue_cert("127.0.0.1").configure_cert(context)
    company.authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with FaultServer(ANSWER, tls=context) as server:
        yield server


@pytest.fixture
def ours(company: Company, tmp_path: Path) -> Route:
    """The route of a client that has a certificate, and its key in a file of its own."""
    issued = company.authority.issue_cert("client@company.example")
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "client.pem"))
    issued.private_key_pem.write_to_path(str(tmp_path / "private-place.pem"))
    return Route(company.bundle, str(tmp_path / "client.pem"), str(tmp_path / "private-place.pem"))


@pytest.mark.parametrize("files", ["two", "one"])
def test_a_client_shows_its_certificate(
    runtime: Driven, strict_server: FaultServer, ours: Route, make_chat: MakeChat, files: str, tmp_path: Path
) -> None:
    """AT-H7: mutual TLS, for calls and streams."""
    if files == "one":
        both = Path(ours.client_certificate or "").read_bytes() + Path(ours.client_key or "").read_bytes()
        (tmp_path / "both.pem").write_bytes(both)
        ours = replace(ours, client_certificate=str(tmp_path / "both.pem"), client_key=None)
    model = routed(make_chat(strict_server.url), ours)
    strict_server.on("/chat", ANSWER, STREAM)
    assert runtime.call(model, QUESTION).text == "東京"
    assert runtime.stream(model, QUESTION)[-1].response.text == "東京"


def test_a_client_without_a_certificate_is_told_that_one_is_wanted(
    runtime: Driven, strict_server: FaultServer, company: Company, stranger: Company, make_chat: MakeChat, tmp_path: Path
) -> None:
    """It can be sent again when a certificate is there: nothing was served, although the request may have been written."""
    with pytest.raises(Unreachable, match=r"refused our client certificate.*none was shown.*`client_certificate`"):
        runtime.call(routed(make_chat(strict_server.url), Route(company.bundle)), QUESTION)
    issued = stranger.authority.issue_cert("client@stranger.example")
    issued.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "client.pem"))
    with pytest.raises(Unreachable, match=r"refused our client certificate.*the one named by `client_certificate`"):
        runtime.call(routed(make_chat(strict_server.url), Route(company.bundle, str(tmp_path / "client.pem"))), QUESTION)
    assert strict_server.requests == []


def test_a_key_that_cannot_be_used_is_told_without_being_shown(
    runtime: Driven, server: FaultServer, ours: Route, company: Company, make_chat: MakeChat, tmp_path: Path
) -> None:
    """AT-H1: neither the key nor where it lies."""
    key = Path(ours.client_key or "")
    other = company.authority.issue_cert("other@company.example").private_key_pem.bytes()
    protected = serialization.load_pem_private_key(key.read_bytes(), None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"pass")
    )
    for content, reason in ((other, "MISMATCH"), (protected, "encrypted"), (b"", ""), (None, "No such file")):
        key.unlink() if content is None else key.write_bytes(content)
        with pytest.raises(
            ConfigError, match=rf"client_certificate .*client\.pem with client_key cannot be used: .*{reason}"
        ) as e:
            runtime.call(routed(make_chat(server.url), ours), QUESTION)
        assert "private-place" not in f"{e.value}{e.value.__dict__}{e.value.__context__}{ours}"
    with pytest.raises(ConfigError, match="client_key is set without client_certificate"):
        runtime.call(routed(make_chat(server.url), replace(ours, client_certificate=None)), QUESTION)
    assert server.requests == []


def test_a_certificate_that_is_renewed_in_its_place_is_heeded(
    runtime: Driven, server: FaultServer, company: Company, stranger: Company, make_chat: MakeChat, tmp_path: Path
) -> None:
    bundle = tmp_path / "rotated.pem"
    bundle.write_bytes(Path(stranger.bundle).read_bytes())
    model = routed(make_chat(server.url), Route(str(bundle)))
    with pytest.raises(Unreachable):
        runtime.call(model, QUESTION)
    bundle.write_bytes(Path(company.bundle).read_bytes())
    assert runtime.call(model, QUESTION).text == "東京"
    assert tls_context(Route(str(bundle))) is tls_context(Route(str(bundle)))


def test_connections_of_different_routes_are_never_shared(
    runtime: Driven, server: FaultServer, company: Company, ours: Route, make_chat: MakeChat
) -> None:
    """Who has shown a certificate on a connection would else speak for those who have none."""
    plain, proved = routed(make_chat(server.url), Route(company.bundle)), routed(make_chat(server.url), ours)
    for model in (plain, proved, routed(make_chat(server.url), Route(company.bundle)), proved):
        runtime.call(model, QUESTION)
    assert [request.connection for request in server.requests] == [1, 2, 1, 2]


def test_what_is_trusted_is_told_in_words() -> None:
    assert stores(None) == "the system's store"
    assert stores(Route("/etc/company.pem")) == "the system's store, ca_bundle=/etc/company.pem"


def test_an_authority_of_no_great_strictness_is_trusted_in_every_version_of_python() -> None:
    """AT-H7: Python 3.13 alone refuses authorities that lack what RFC 5280 wants; many companies' do."""
    flags = tls_context().verify_flags
    assert flags & ssl.VERIFY_X509_PARTIAL_CHAIN
    assert not flags & ssl.VERIFY_X509_STRICT
