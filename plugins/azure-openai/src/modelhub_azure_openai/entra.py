"""Microsoft Entra ID asked for a token: as a client with a secret, as a workload, as a machine, or through azure-identity."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from modelhub.plugin import (
    BlockingRuntime,
    HttpRequest,
    HttpResponse,
    KeyMissing,
    KeyRefused,
    Plain,
    ProviderError,
    Route,
    Secret,
    TimedOut,
    Timeouts,
    Unreachable,
    drive,
    fault,
)
from modelhub_azure_openai.options import Entra
from modelhub_azure_openai.tokens import Fetch, Token, TokenSecret, first_line, kept, obtained

__all__ = ["of_credential", "of_entra"]

_PATIENCE = 30.0
_AUTHORITY = "https://login.microsoftonline.com"
_METADATA = "http://169.254.169.254"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class _Identity(NamedTuple):
    """Who asks, for what, and where. What is ``None`` is not known."""

    entra: Entra
    scope: str
    route: Route | None
    provider: str

    @property
    def tenant(self) -> str | None:
        return self.entra.tenant or _variable("AZURE_TENANT_ID")

    @property
    def client(self) -> str | None:
        return self.entra.client_id or _variable("AZURE_CLIENT_ID")

    @property
    def authority(self) -> str:
        told = (self.entra.authority or _variable("AZURE_AUTHORITY_HOST") or _AUTHORITY).rstrip("/")
        return told if "://" in told else f"https://{told}"

    @property
    def table(self) -> str:
        return f"[providers.{self.provider}]"

    @property
    def resource(self) -> str:
        return self.scope.removesuffix("/.default")


class _This:
    """An object as itself and no other, whatever it thinks of equality; kept, so that no later one takes its place."""

    __slots__ = ("_it",)

    def __init__(self, it: object) -> None:
        self._it = it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _This) and self._it is other._it

    def __hash__(self) -> int:
        return id(self._it)


def of_entra(entra: Entra, scope: str, route: Route | None, provider: str) -> TokenSecret:
    """The token of whoever the settings and the environment say we are, the first that they have all of:

    a client with a secret, a workload with a federated token, the identity of the machine where it is asked for or the
    environment tells of one, and at last whatever ``azure-identity`` finds, where it is installed.
    """
    asker = _Identity(entra, scope, route, provider)
    way, fetch = _way(asker)
    return TokenSecret((way, asker.authority, asker.tenant, asker.client, scope), fetch, f"entra:{way}")


def of_credential(credential: Any, scope: str) -> TokenSecret:
    """The token of a credential of ``azure-identity``, or of anything with its ``get_token``."""
    return TokenSecret(
        ("credential", id(credential), scope), lambda _: _given(credential, scope, "token_provider"), "token_provider"
    )


def _way(asker: _Identity) -> tuple[str, Fetch]:
    entra, named = asker.entra, bool(asker.tenant and asker.client)
    secret = entra.client_secret or _plain(_variable("AZURE_CLIENT_SECRET"))
    federated = entra.federated_token_file or _variable("AZURE_FEDERATED_TOKEN_FILE")
    if entra.certificate:
        return "certificate", _by_library(asker)
    if entra.managed_identity:
        return "managed-identity", _as_machine(asker)
    if entra.client_secret or (secret and named and not entra.federated_token_file):
        return "client-secret", _as_client(asker, lambda: {"client_secret": _revealed(secret)})
    if entra.federated_token_file or (federated and named):
        return "workload-identity", _as_client(asker, lambda: _federated(federated or ""))
    if _variable("IDENTITY_ENDPOINT") and _variable("IDENTITY_HEADER"):
        return "managed-identity", _as_machine(asker)
    return "default", _by_library(asker)


def _as_client(asker: _Identity, proof: Callable[[], Mapping[str, str]]) -> Fetch:
    def fetch(seconds: float | None) -> Token:
        missing = [name for name, value in (("tenant", asker.tenant), ("client_id", asker.client)) if not value]
        if missing:
            variables = " and ".join("AZURE_TENANT_ID" if name == "tenant" else "AZURE_CLIENT_ID" for name in missing)
            settings = " and ".join(missing)
            message = f"Nothing says who asks Entra ID: write {settings} into entra of {asker.table}, or set {variables}."
            raise KeyMissing(message)
        proven = proof()
        form = {"grant_type": "client_credentials", "client_id": asker.client, "scope": asker.scope, **proven}
        url = f"{asker.authority}/{quote(asker.tenant or '', safe='')}/oauth2/v2.0/token"
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        request = HttpRequest("POST", url, headers, urlencode(form).encode(), asker.route)
        return _token(_sent(request, seconds), asker, [*proven.values()])

    return fetch


def _as_machine(asker: _Identity) -> Fetch:
    def fetch(seconds: float | None) -> Token:
        endpoint, header = _variable("IDENTITY_ENDPOINT"), _variable("IDENTITY_HEADER")
        query = {"resource": asker.resource} | ({"client_id": asker.client} if asker.client else {})
        if endpoint and header:
            url, headers = endpoint, {"x-identity-header": Plain(header)}
            query["api-version"] = "2019-08-01"
        else:
            host = _variable("AZURE_POD_IDENTITY_AUTHORITY_HOST") or _METADATA
            url, headers = f"{host.rstrip('/')}/metadata/identity/oauth2/token", {}
            query["api-version"] = "2018-02-01"
        mark = "&" if "?" in url else "?"
        request = HttpRequest(
            "GET", f"{url}{mark}{urlencode(query)}", {"metadata": "true", **headers}, None, Route(proxy="none")
        )
        return _token(_sent(request, seconds, connect=3.0), asker, [header] if header else [])

    return fetch


def _by_library(asker: _Identity) -> Fetch:
    """What needs ``azure-identity``: certificates, and whoever is logged in on this machine."""
    credentials: list[Any] = []

    def fetch(seconds: float | None) -> Token:  # noqa: ARG001  # the library has time-outs of its own
        what = f"entra of {asker.table}"
        if not credentials:
            credentials.append(obtained(lambda: _credential(asker), what))
        return _given(credentials[0], asker.scope, what)

    return fetch


def _credential(asker: _Identity) -> Any:
    try:
        identity: Any = import_module("azure.identity")
    except ImportError:
        identity = None
    if identity is None:
        message = (
            f"Neither entra of {asker.table} nor the environment says who asks Entra ID: write tenant, client_id and "
            "client_secret into it, or managed_identity = true; or install what finds out who is logged in, and reads "
            "certificates: pip install 'modelhub-azure-openai[entra]'."
        )
        raise KeyMissing(message)
    if asker.entra.certificate:
        return identity.CertificateCredential(
            asker.tenant,
            asker.client,
            asker.entra.certificate,
            authority=asker.authority,
            disable_instance_discovery=bool(asker.entra.authority),
        )
    return identity.DefaultAzureCredential(authority=asker.authority)


def _given(credential: Any, scope: str, what: str) -> Token:
    given = obtained(lambda: credential.get_token(scope), what)
    return Token(kept(given.token), float(given.expires_on))


def _sent(request: HttpRequest, seconds: float | None, *, connect: float = 10.0) -> HttpResponse:
    """One exchange in this thread. Raises ``TransportError``, or ``TimeoutError`` where the ``seconds`` did not suffice."""
    total = _PATIENCE if seconds is None else min(seconds, _PATIENCE)
    if total <= 0:
        raise TimeoutError
    runtime = BlockingRuntime()
    try:
        return drive(runtime.send(request, Timeouts(connect=min(connect, total), total=total)))
    except TimedOut as error:
        if total < _PATIENCE and error.phase == "total":
            raise
        message = error.message
    finally:
        runtime.close()
    raise Unreachable(message)


def _token(response: HttpResponse, asker: _Identity, secrets: list[str]) -> Token:
    """What the answer holds. Raises ``KeyRefused``, or ``ProviderDown`` or ``RateLimited`` where that may pass."""
    said = _object(response)
    value = said.get("access_token")
    if not 200 <= response.status < 300 or not isinstance(value, str) or not value:
        raise _refusal(response, said, asker, secrets)
    now = time.time()
    lives, ends, renew = (_number(said.get(name)) for name in ("expires_in", "expires_on", "refresh_in"))
    return Token(kept(value), now + lives if lives else ends or now + 3600.0, now + renew if renew else None)


def _refusal(response: HttpResponse, said: Mapping[str, Any], asker: _Identity, secrets: list[str]) -> Exception:
    told = str(said.get("error_description") or said.get("error") or f"status {response.status}")
    for secret in secrets:
        for form in {secret, quote(secret, safe=""), quote(secret)}:
            told = told.replace(form, "[key]")
    words = (
        f"Entra ID gives no token for {asker.resource} to the client {asker.client or 'of this machine'}: {first_line(told)}"
    )
    if response.status == 429 or response.status >= 500:
        return fault(HttpResponse(response.status, response.headers), words, provider=asker.provider)
    codes = re.search(r"AADSTS\d+", told)
    code = codes[0] if codes else str(said.get("error") or "") or None
    kind: type[ProviderError] = KeyRefused
    return kind(f"{words}{_ADVICE.get(code or '', '')}", status=response.status, code=code, provider=asker.provider)


_ADVICE = {
    "AADSTS7000215": " Write the secret's value, not its id.",
    "AADSTS7000222": " The secret has expired: make a new one.",
    "AADSTS700016": " Check client_id and tenant.",
    "AADSTS90002": " Check tenant.",
    "AADSTS70011": " Check scope.",
}


def _object(response: HttpResponse) -> Mapping[str, Any]:
    try:
        said = json.loads(response.body)
    except ValueError:
        return {}
    return said if isinstance(said, Mapping) else {}


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except ValueError:
        return None


def _federated(path: str) -> Mapping[str, str]:
    try:
        with open(path, encoding="utf-8") as file:
            return {"client_assertion_type": _ASSERTION, "client_assertion": file.read().strip()}
    except OSError as error:
        message = f"The federated token in {path} cannot be read: {error.strerror}."
    raise KeyMissing(message)


def _revealed(secret: Secret | None) -> str:
    if secret is None:
        message = "entra has no client_secret."
        raise KeyMissing(message)
    secret.load()
    return secret.reveal()


def _variable(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None


def _plain(value: str | None) -> Secret | None:
    return Plain(value) if value else None
