"""AT-I2: tokens are fetched once, renewed early, and renewed once more where they are refused."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from modelhub_azure_openai import tokens
from modelhub_azure_openai.options import AzureOptions, Entra
from modelhub_azure_openai.tokens import EARLY, Asked, Token, TokenSecret, kept

import modelhub
from modelhub.errors import KeyMissing, KeyRefused, ProviderDown, Unreachable
from modelhub.plugin import Plain
from modelhub.testing.server import FaultServer, Received, Reply, sse

SECRET = "s3cret~of/the+client&あ".replace("あ", "=")
ENTRA = {"tenant": "contoso", "client_id": "an-app", "client_secret": SECRET}
SCOPE = "https://cognitiveservices.azure.com/.default"
ANSWER = {"id": "1", "model": "gpt-4o", "choices": [{"index": 0, "message": {"content": "はい"}, "finish_reason": "stop"}]}
PIECES = [
    {"id": "1", "model": "gpt-4o", "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
    for piece in "はい。"
]
END = {"id": "1", "model": "gpt-4o", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own identity, and no token of another test, whose issuer may have had the same port."""
    tokens._shelves.clear()
    for name in [name for name in os.environ if name.startswith(("AZURE_", "OPENAI_", "IDENTITY_", "MSI_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def resource() -> Iterator[FaultServer]:
    with FaultServer(Reply(json=ANSWER)) as server:
        yield server


@pytest.fixture
def issuer() -> Iterator[FaultServer]:
    with FaultServer(numbered()) as server:
        yield server


def numbered(**fields: Any) -> Callable[[Received], Reply]:
    """token-1, token-2... each for an hour."""
    lock, count = threading.Lock(), 0

    def answer(_: Received) -> Reply:
        nonlocal count
        with lock:
            count += 1
            told = {"token_type": "Bearer", "expires_in": 3600, "access_token": f"token-{count}", **fields}
        return Reply(json=told, delay=0.05)

    return answer


def configured(resource: FaultServer, issuer: FaultServer | None = None, **options: Any) -> dict[str, Any]:
    entra = {**ENTRA, "authority": issuer.url} if issuer else None
    return {"providers": {"azure-openai": {"endpoint": resource.url, **({"entra": entra} if entra else {}), **options}}}


def bearers(resource: FaultServer) -> list[str]:
    return [request.headers["authorization"] for request in resource.requests]


def test_a_client_with_a_secret_asks_for_a_token_of_the_resource(resource: FaultServer, issuer: FaultServer) -> None:
    with modelhub.Hub(configured(resource, issuer)) as hub:
        assert hub.text("azure-openai:gpt-4o").generate("?").text == "はい"
    assert bearers(resource) == ["Bearer token-1"]
    assert "api-key" not in resource.requests[0].headers
    asked = issuer.requests[0]
    assert (asked.method, asked.path) == ("POST", "/contoso/oauth2/v2.0/token")
    form = parse_qs(asked.body.decode(), strict_parsing=True)
    assert form == {
        "grant_type": ["client_credentials"],
        "client_id": ["an-app"],
        "client_secret": [SECRET],
        "scope": [SCOPE],
    }


def test_fifty_threads_ask_for_one_token(resource: FaultServer, issuer: FaultServer) -> None:
    """AT-I2: 50 concurrent calls, 1 token request; two hubs share it, as they share tenant, client and scope."""
    with ExitStack() as stack:
        hubs = [stack.enter_context(modelhub.Hub(configured(resource, issuer))) for _ in range(2)]
        pool = stack.enter_context(ThreadPoolExecutor(50))
        list(pool.map(lambda number: hubs[number % 2].text("azure-openai:gpt-4o").generate("?"), range(50)))
    assert len(issuer.requests) == 1
    assert set(bearers(resource)) == {"Bearer token-1"}


def test_fifty_tasks_in_two_event_loops_ask_for_one_token(resource: FaultServer, issuer: FaultServer) -> None:
    """AT-I2"""

    async def ask() -> None:
        async with modelhub.AsyncHub(configured(resource, issuer)) as hub:
            await asyncio.gather(*(hub.text("azure-openai:gpt-4o").generate("?") for _ in range(25)))

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(lambda: asyncio.run(ask())) for _ in range(2)]:
            done.result()
    assert (len(issuer.requests), len(resource.requests)) == (1, 50)


@pytest.mark.parametrize(
    "other",
    [{"scope": "https://other.example/.default"}, {"entra": {"client_id": "another"}}, {"entra": {"tenant": "another"}}],
)
def test_another_tenant_client_or_scope_has_another_token(
    resource: FaultServer, issuer: FaultServer, other: dict[str, Any]
) -> None:
    """AT-I2: cache keyed by tenant, client and scope."""
    entra = {**ENTRA, "authority": issuer.url, **other.get("entra", {})}
    for changes in ({}, {**other, "entra": entra}):
        with modelhub.Hub(configured(resource, issuer, **changes)) as hub:
            hub.text("azure-openai:gpt-4o").generate("?")
    assert bearers(resource) == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_refused_token_is_renewed_once_within_the_call(resource: FaultServer, issuer: FaultServer, stream: bool) -> None:
    """AT-I2: 401, one forced refresh."""
    served = Reply(headers={"content-type": "text/event-stream"}, chunks=sse([*PIECES, END, "[DONE]"]))
    refused = Reply(401, json={"error": {"code": "401", "message": "Access token is missing, invalid or has expired."}})
    resource.on("/openai/v1/chat/completions", refused, served if stream else Reply(json=ANSWER))
    with modelhub.Hub(configured(resource, issuer)) as hub:
        client = hub.text("azure-openai:gpt-4o")
        assert (client.stream("?").collect() if stream else client.generate("?")).text.startswith("はい")
    assert bearers(resource) == ["Bearer token-1", "Bearer token-2"]


def test_a_token_refused_twice_is_an_error_that_says_what_to_do(resource: FaultServer, issuer: FaultServer) -> None:
    """AT-I2"""
    lacking = {"error": {"code": "PermissionDenied", "message": "The principal lacks the required data action."}}
    resource.on("/openai/v1/chat/completions", Reply(401, json=lacking))
    with modelhub.Hub(configured(resource, issuer)) as hub, pytest.raises(KeyRefused, match="Cognitive Services OpenAI User"):
        hub.text("azure-openai:gpt-4o").generate("?")
    assert bearers(resource) == ["Bearer token-1", "Bearer token-2"]


def test_a_key_is_not_tried_twice(resource: FaultServer) -> None:
    resource.on("/openai/v1/chat/completions", Reply(401, json={"error": {"code": "401", "message": "Access denied"}}))
    with (
        modelhub.Hub(configured(resource, api_key="a-key-123")) as hub,
        pytest.raises(KeyRefused, match=r"denied\. The credential comes from the conf"),
    ):
        hub.text("azure-openai:gpt-4o").generate("?")
    assert len(resource.requests) == 1


def test_a_long_stream_survives_the_end_of_its_token(resource: FaultServer, issuer: FaultServer) -> None:
    """AT-I2: and the next call has a new one."""
    issuer.on("/contoso/oauth2/v2.0/token", numbered(expires_in=2))
    body = Reply(headers={"content-type": "text/event-stream"}, chunks=sse([*PIECES, END, "[DONE]"]), chunk_delay=0.3)
    resource.on("/openai/v1/chat/completions", body, Reply(json=ANSWER))
    with modelhub.Hub(configured(resource, issuer)) as hub:
        assert hub.text("azure-openai:gpt-4o").stream("?").collect().text == "はい。"
        hub.text("azure-openai:gpt-4o").generate("?")
    assert bearers(resource) == ["Bearer token-1", "Bearer token-2"]


class Clock:
    """The time that tokens live in."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.asked: list[float] = []

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(tokens.time, "time", found.time)
    return found


def issued(clock: Clock, lives: float = 3600.0, failing: Callable[[], bool] = lambda: False) -> TokenSecret:
    def fetch(_: float | None) -> Token:
        clock.asked.append(clock.now)
        if failing():
            raise ProviderDown("Entra ID is down.")
        return Token(kept(f"token-{len(clock.asked)}"), clock.now + lives)

    return TokenSecret(("test", object()), fetch)


def used(secret: TokenSecret) -> str:
    if not secret.loaded:
        secret.load()
    return secret.reveal()


def test_a_token_is_renewed_five_minutes_before_its_end(clock: Clock) -> None:
    """AT-I2: refresh >= 5 min early."""
    secret = issued(clock)
    assert used(secret) == "token-1"
    clock.now += 3600 - EARLY - 1
    assert used(secret) == "token-1"
    clock.now += 2
    assert used(secret) == "token-2"
    assert EARLY >= 300


def test_a_token_that_lives_for_minutes_is_renewed_at_half_its_life(clock: Clock) -> None:
    secret = issued(clock, lives=120)
    assert used(secret) == used(secret) == "token-1"
    clock.now += 61
    assert used(secret) == "token-2"


def test_while_a_good_token_is_renewed_the_others_go_on_with_it(clock: Clock) -> None:
    """AT-I2: once, under load, and nobody waits."""
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> bool:
        if len(clock.asked) > 1:
            begun.set()
            go_on.wait(5)
        return False

    secret = issued(clock, failing=slow)
    used(secret)
    clock.now += 3600 - EARLY + 1
    with ThreadPoolExecutor(20) as pool:
        renewing = pool.submit(used, secret)
        assert begun.wait(5)
        assert {pool.submit(used, secret).result(2) for _ in range(19)} == {"token-1"}
        go_on.set()
        assert renewing.result(5) == "token-2"
    assert len(clock.asked) == 2


def test_an_issuer_that_is_down_is_no_matter_while_the_token_is_good(clock: Clock) -> None:
    secret = issued(clock, failing=lambda: len(clock.asked) in (2, 3))
    used(secret)
    clock.now += 3600 - EARLY + 1
    assert used(secret) == used(secret) == "token-1"
    assert len(clock.asked) == 2, "it is left alone for a while"
    clock.now += 31
    assert used(secret) == "token-1"
    clock.now += 31
    assert used(secret) == "token-4"


def test_who_waited_for_a_token_that_did_not_come_hears_why_and_does_not_ask_again(issuer: FaultServer) -> None:
    """AT-I2: 50 calls whose token is refused are 1 token request, too."""
    refusal = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1"}
    issuer.on("/contoso/oauth2/v2.0/token", Reply(401, json=refusal, delay=0.5))
    with FaultServer() as resource, modelhub.Hub(configured(resource, issuer)) as hub, ThreadPoolExecutor(20) as pool:
        client = hub.text("azure-openai:gpt-4o")
        failures = [pool.submit(client.generate, "?").exception(10) for _ in range(1)]
        together = [pool.submit(client.generate, "?") for _ in range(20)]
        failures += [done.exception(10) for done in together]
    assert {type(failure) for failure in failures} == {KeyRefused}
    assert len({id(failure) for failure in failures}) == 21
    assert len(issuer.requests) == 2
    assert not resource.requests


def test_what_entra_refuses_is_said_with_what_to_do_and_without_the_secret(resource: FaultServer, issuer: FaultServer) -> None:
    """AT-H1"""
    told = f"AADSTS7000215: Invalid client secret {SECRET} provided.\r\nTrace ID: 1\r\nCorrelation ID: 2"
    issuer.on("/contoso/oauth2/v2.0/token", Reply(401, json={"error": "invalid_client", "error_description": told}))
    with modelhub.Hub(configured(resource, issuer)) as hub, pytest.raises(KeyRefused, match="not its id") as caught:
        hub.text("azure-openai:gpt-4o").generate("?")
    assert caught.value.code == "AADSTS7000215"
    assert SECRET not in str(caught.value)
    assert "Trace ID" not in str(caught.value)
    assert SECRET not in repr(AzureOptions(resource="my-res", entra=Entra(client_secret=Plain(SECRET))))


@pytest.mark.parametrize(("status", "kind"), [(500, ProviderDown), (503, ProviderDown)])
def test_an_issuer_that_fails_may_be_asked_again(
    resource: FaultServer, issuer: FaultServer, status: int, kind: type[Exception]
) -> None:
    issuer.on("/contoso/oauth2/v2.0/token", Reply(status, headers={"retry-after": "3"}))
    with modelhub.Hub(configured(resource, issuer)) as hub, pytest.raises(kind) as caught:
        hub.text("azure-openai:gpt-4o").generate("?", retries=0)
    assert caught.value.retryable  # type: ignore[attr-defined]
    assert caught.value.retry_after == 3  # type: ignore[attr-defined]


def test_an_issuer_that_cannot_be_reached_may_be_asked_again(resource: FaultServer) -> None:
    with FaultServer() as gone:
        pass
    with modelhub.Hub(configured(resource, gone)) as hub, pytest.raises(Unreachable):
        hub.text("azure-openai:gpt-4o").generate("?", retries=0)


def test_the_issuer_is_reached_by_the_route_of_the_provider(resource: FaultServer, issuer: FaultServer) -> None:
    """AT-H7: the token's request goes through the same proxy."""
    entra = {**ENTRA, "authority": "http://login.contoso.example"}
    issuer.on("http://login.contoso.example/contoso/oauth2/v2.0/token", numbered())
    with modelhub.Hub(configured(resource, entra=entra, proxy=issuer.url)) as hub, pytest.raises(modelhub.ModelhubError):
        hub.text("azure-openai:gpt-4o").generate("?")
    assert "login.contoso.example" in issuer.requests[0].headers["host"]


def test_a_function_is_asked_on_every_attempt(resource: FaultServer) -> None:
    """AT-I2: token callable asked on every attempt."""
    given: list[str] = []

    def provider() -> str:
        given.append(f"token-{len(given) + 1}")
        return given[-1]

    refused = Reply(401, json={"error": {"code": "401", "message": "no"}})
    resource.on("/openai/v1/chat/completions", refused, Reply(json=ANSWER))
    with modelhub.Hub(configured(resource, token_provider=provider)) as hub:
        hub.text("azure-openai:gpt-4o").generate("?")
        hub.text("azure-openai:gpt-4o").generate("?")
    assert bearers(resource) == ["Bearer token-1", "Bearer token-2", "Bearer token-3"]


def test_a_function_may_be_a_coroutines(resource: FaultServer) -> None:
    async def provider() -> str:
        await asyncio.sleep(0)
        return "a-token"

    async def ask() -> None:
        async with modelhub.AsyncHub(configured(resource, token_provider=provider)) as hub:
            await hub.text("azure-openai:gpt-4o").generate("?")
        with modelhub.Hub(configured(resource, token_provider=provider)) as hub:  # blocking, inside a running loop
            hub.text("azure-openai:gpt-4o").generate("?")

    asyncio.run(ask())
    assert bearers(resource) == ["Bearer a-token"] * 2


def test_a_function_that_gives_no_token_is_told_so() -> None:
    with pytest.raises(KeyMissing, match="NoneType"):
        Asked(lambda: None).load()


class Credential:
    """As ``azure-identity`` has them."""

    def __init__(self) -> None:
        self.scopes: list[str] = []

    def get_token(self, *scopes: str, **_: object) -> Any:
        self.scopes += scopes
        found = type("AccessToken", (), {})()
        found.token, found.expires_on = "of-the-credential", int(time.time()) + 3600
        return found


def test_a_credential_is_asked_once_for_the_scope(resource: FaultServer) -> None:
    credential = Credential()
    with modelhub.Hub(configured(resource, token_provider=credential)) as hub:
        hub.text("azure-openai:gpt-4o").generate("?")
        hub.text("azure-openai:gpt-4o").generate("?")
    assert credential.scopes == [SCOPE]
    assert bearers(resource) == ["Bearer of-the-credential"] * 2


def test_two_credentials_share_no_token(resource: FaultServer) -> None:
    """Not even where the first is gone, and its place in memory the second's."""
    for _ in range(2):
        credential = Credential()
        with modelhub.Hub(configured(resource, token_provider=credential)) as hub:
            hub.text("azure-openai:gpt-4o").generate("?")
        assert credential.scopes == [SCOPE]
        del credential


def test_a_credential_may_be_asynchronous(resource: FaultServer) -> None:
    class Asynchronous(Credential):
        async def get_token(self, *scopes: str, **options: object) -> Any:
            return super().get_token(*scopes, **options)

    with modelhub.Hub(configured(resource, token_provider=Asynchronous())) as hub:
        hub.text("azure-openai:gpt-4o").generate("?")
    assert bearers(resource) == ["Bearer of-the-credential"]


def test_whatever_a_token_function_raises_is_a_key_that_is_missing(resource: FaultServer) -> None:
    def provider() -> str:
        raise TimeoutError("the vault does not answer\nand more")

    told = pytest.raises(KeyMissing, match=r"token_provider gives no token: TimeoutError: the vault does not answer\.$")
    with modelhub.Hub(configured(resource, token_provider=provider)) as hub, told:
        hub.text("azure-openai:gpt-4o").generate("?")


def test_a_certificate_that_is_not_there_is_told_by_its_path(resource: FaultServer) -> None:
    pytest.importorskip("azure.identity", reason="needs the extra entra")
    entra = {"tenant": "contoso", "client_id": "an-app", "certificate": "/nowhere/app.pem"}
    with modelhub.Hub(configured(resource, entra=entra)) as hub, pytest.raises(KeyMissing, match=r"/nowhere/app\.pem"):
        hub.text("azure-openai:gpt-4o").generate("?")


def test_the_librarys_own_function_gives_tokens(resource: FaultServer) -> None:
    identity = pytest.importorskip("azure.identity", reason="needs the extra entra")
    provider = identity.get_bearer_token_provider(Credential(), SCOPE)
    with modelhub.Hub(configured(resource, token_provider=provider)) as hub:
        hub.text("azure-openai:gpt-4o").generate("?")
    assert bearers(resource) == ["Bearer of-the-credential"]


def test_a_program_that_prints_tokens_is_run_again_where_its_token_is_refused(resource: FaultServer, tmp_path: Path) -> None:
    counter = tmp_path / "count"
    script = f"with open({str(counter)!r}, 'a') as file: file.write('x'); print('token-%d' % file.tell())"
    refused = Reply(401, json={"error": {"code": "401", "message": "expired"}})
    resource.on("/openai/v1/chat/completions", refused, Reply(json=ANSWER))
    with modelhub.Hub(configured(resource, token={"command": [sys.executable, "-c", script]})) as hub:
        hub.text("azure-openai:gpt-4o").generate("?")
    assert bearers(resource) == ["Bearer token-1", "Bearer token-2"]


def test_a_workload_proves_itself_with_its_federated_token(
    resource: FaultServer, issuer: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assertion = tmp_path / "federated"
    assertion.write_text("a.federated.token\n", encoding="utf-8")
    monkeypatch.setenv("AZURE_TENANT_ID", "contoso-workload")
    monkeypatch.setenv("AZURE_CLIENT_ID", "a-workload")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(assertion))
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", issuer.url + "/")
    with modelhub.Hub(configured(resource, entra=True)) as hub:
        hub.text("azure-openai:gpt-4o").generate("?")
    form = parse_qs(issuer.requests[0].body.decode())
    assert form["client_assertion"] == ["a.federated.token"]
    assert form["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    assert issuer.requests[0].path == "/contoso-workload/oauth2/v2.0/token"


@pytest.mark.parametrize("place", ["machine", "app service"])
def test_a_machine_asks_its_own_service(
    resource: FaultServer, issuer: FaultServer, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    ends = str(int(time.time()) + 3600)
    issuer.on("/metadata/identity/oauth2/token", numbered(expires_on=ends))
    entra: Any = {"managed_identity": True, "client_id": f"one-of-many-{place}"}
    if place == "machine":
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", issuer.url)
    else:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{issuer.url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "the-header-value")
    with modelhub.Hub(configured(resource, entra=entra)) as hub:
        hub.text("azure-openai:gpt-4o").generate("?")
    asked = issuer.requests[0]
    query = parse_qs(urlsplit(asked.path).query)
    assert asked.headers["metadata"] == "true"
    assert query["resource"] == ["https://cognitiveservices.azure.com"]
    assert query["client_id"] == [f"one-of-many-{place}"]
    assert query["api-version"] == ["2018-02-01" if place == "machine" else "2019-08-01"]
    assert asked.headers.get("x-identity-header") == (None if place == "machine" else "the-header-value")
    assert bearers(resource) == ["Bearer token-1"]


def test_who_asks_has_to_be_known(resource: FaultServer) -> None:
    told = pytest.raises(KeyMissing, match=r"write tenant into entra of .*AZURE_TENANT_ID")
    with modelhub.Hub(configured(resource, entra={"client_secret": "a-secret", "client_id": "an-app"})) as hub, told:
        hub.text("azure-openai:gpt-4o").generate("?")


def test_without_azure_identity_nobody_is_logged_in(resource: FaultServer) -> None:
    try:
        import azure.identity  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        with modelhub.Hub(configured(resource, entra=True)) as hub, pytest.raises(KeyMissing, match=r"azure-openai\[entra\]"):
            hub.text("azure-openai:gpt-4o").generate("?")


def test_one_credential_and_what_is_written_beats_the_environment(
    resource: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never both headers: a token of the environment beats its key, and what is configured beats both."""

    def headers(**options: Any) -> dict[str, str | None]:
        with modelhub.Hub(configured(resource, **options)) as hub:
            hub.text("azure-openai:gpt-4o").generate("?")
        return {name: resource.requests[-1].headers.get(name) for name in ("api-key", "authorization")}

    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "key-of-environment")
    assert headers() == {"api-key": "key-of-environment", "authorization": None}
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", "token-of-environment")
    assert headers() == {"api-key": None, "authorization": "Bearer token-of-environment"}
    assert headers(api_key="key-as-written") == {"api-key": "key-as-written", "authorization": None}
    assert headers(token="token-as-written") == {"api-key": None, "authorization": "Bearer token-as-written"}
    assert headers(headers={"Authorization": "Bearer mine"}) == {"api-key": None, "authorization": "Bearer mine"}


@pytest.mark.parametrize(
    "two", [{"api_key": "a", "token": "b"}, {"api_key": "a", "entra": True}, {"token": "a", "headers": {"API-Key": "b"}}]
)
def test_two_credentials_are_refused_in_the_configuration(two: dict[str, Any]) -> None:
    told = pytest.raises(modelhub.ConfigError, match=r"providers\.azure-openai: one credential is enough")
    with modelhub.Hub({"providers": {"azure-openai": {"resource": "my-res", **two}}}) as hub, told:
        hub.text("azure-openai:gpt-4o")


def test_no_credential_at_all_names_the_variable(resource: FaultServer) -> None:
    with modelhub.Hub(configured(resource)) as hub, pytest.raises(KeyMissing, match="AZURE_OPENAI_API_KEY"):
        hub.text("azure-openai:gpt-4o").generate("?")


def test_a_token_is_not_among_what_is_written_down() -> None:
    secret = TokenSecret(("test", "repr"), lambda _: Token(kept("a-token-value"), time.time() + 3600))
    secret.load()
    assert "a-token-value" not in repr(secret) + repr(tokens._shelves) + json.dumps(str(tokens._shelves))
