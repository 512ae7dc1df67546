"""Where a resource is, however its address was copied: pure text in, addresses of operations out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

__all__ = ["Address", "Endpoint", "api_version", "read_endpoint", "resource_url"]

_HOSTS = re.compile(
    r"(?:[\w-]+\.)+(?:openai\.azure|cognitiveservices\.azure|services\.ai\.azure|api\.cognitive\.microsoft)\.[a-z]{2,3}"
)
_PORTALS = re.compile(r"(?:portal\.azure|ai\.azure|oai\.azure|ml\.azure)\.[a-z]{2,3}")
_ACCOUNT = re.compile(r"/accounts/([A-Za-z0-9-]+)")
_HOST = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+(?:%\w+)?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}[A-Za-z0-9]")
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}(?:-preview)?")

_OF_A_DEPLOYMENT = frozenset(
    {
        "audio/speech",
        "audio/transcriptions",
        "audio/translations",
        "chat/completions",
        "completions",
        "embeddings",
        "images/edits",
        "images/generations",
    }
)
"""All that lives below a deployment; everything else is the resource's, whatever deployment answers."""
_OTHERS = frozenset({"batches", "files", "fine_tuning", "images", "models", "operations", "responses", "uploads"})
_ON_PREVIEW = frozenset({"audio", "images", "videos"})
"""What the v1 surface has in preview only, by the first word of the operation."""
_SUBMIT = "images/generations:submit"
_DATED_DEFAULT = "2025-04-01-preview"
_SUBMIT_DEFAULT = "2023-06-01-preview"


class Endpoint(NamedTuple):
    """What an endpoint's spelling says: ``root`` is what ``/openai`` is put behind."""

    root: str
    api_version: str | None = None
    deployment: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A resource, and the API version asked for: dated, ``v1``, ``preview`` (v1 with its preview), or ``None``.

    With ``None`` each operation goes where it is known to be: what v1 has for good to v1, sounds and images to the last dated
    preview.
    """

    root: str
    api_version: str | None = None

    def of(self, operation: str, deployment: str = "") -> str:
        """The whole URL of an operation: ``chat/completions``, ``models``, ``files/file-1/content``."""
        version = self.api_version or _default(operation)
        if version in ("v1", "preview"):
            preview = version == "preview" or operation.partition("/")[0] in _ON_PREVIEW
            return f"{self.root}/openai/v1/{operation}{'?api-version=preview' if preview else ''}"
        place = f"deployments/{quote(deployment, safe='')}/" if operation in _OF_A_DEPLOYMENT else ""
        return f"{self.root}/openai/{place}{operation}?api-version={version}"

    def owns(self, url: str) -> bool:
        """Whether a URL is of this resource's host, so that its key may go there."""
        own, asked = urlsplit(self.root), urlsplit(url)
        return (own.scheme, own.netloc.lower()) == (asked.scheme, asked.netloc.lower())


def _default(operation: str) -> str:
    if operation == _SUBMIT:
        return _SUBMIT_DEFAULT
    return _DATED_DEFAULT if operation.partition("/")[0] in _ON_PREVIEW else "v1"


def api_version(text: str) -> str:
    """The version, as requests use it. Raises ``ValueError`` with the line to write."""
    version = text.strip()
    if version in ("v1", "preview") or _DATED.fullmatch(version):
        return version
    if version == "latest":
        return "v1"
    message = f'api_version is not one there is: write api_version = "v1", or a dated one: api_version = "{_DATED_DEFAULT}".'
    raise ValueError(message)


def resource_url(name: str) -> str:
    """The address of a resource by its name. Raises ``ValueError`` with the line to write."""
    if "/" in name or "." in name:
        message = f'resource is the name alone; for an address write endpoint = "{read_endpoint(name).root}".'
        raise ValueError(message)
    if not _NAME.fullmatch(name):
        message = 'resource is not a name a resource can have (letters, digits, hyphens): write resource = "my-resource".'
        raise ValueError(message)
    return f"https://{name.lower()}.openai.azure.com"


def read_endpoint(text: str) -> Endpoint:
    """What an address says, in any of the spellings that the portals, the SDKs and their samples show.

    Raises ``ValueError`` with the line to write, where it is not the address of a resource.
    """
    parts = _parts(text.strip())
    root, segments = _root(parts)
    version = _version(parts, root)
    if segments[:1] == ["v1"]:
        version = "preview" if version == "preview" else "v1"
        segments = segments[1:]
    deployment = None
    if segments[:1] == ["deployments"]:
        deployment = unquote(segments[1]) if len(segments) > 1 else None
        segments = segments[2:]
    if segments and not _known("/".join(segments)):
        raise _elsewhere(root)
    return Endpoint(root, version, deployment)


def _parts(text: str) -> SplitResult:
    if "://" not in text and "." not in text.partition("/")[0] and _NAME.fullmatch(text):
        message = f'endpoint is a whole address; for a name alone write resource = "{text}".'
        raise ValueError(message)
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    host = parts.hostname or ""
    named = _HOST.fullmatch(host) and ("://" in text or "." in host)
    if parts.scheme.lower() not in ("http", "https") or not named or parts.username or re.search(r"\s", text):
        message = 'endpoint is not an address: write endpoint = "https://my-resource.openai.azure.com".'
        raise ValueError(message)
    return parts


def _root(parts: SplitResult) -> tuple[str, list[str]]:
    """What stands before ``/openai``, and the segments behind it."""
    host, segments = parts.hostname or "", [segment for segment in parts.path.split("/") if segment]
    if _PORTALS.fullmatch(host):
        raise _of_a_portal(parts)
    azure = _HOSTS.fullmatch(host) is not None
    before, after = _cut(segments, azure=azure)
    site = f"{parts.scheme.lower()}://{parts.netloc.lower()}"
    if azure and (parts.scheme.lower() != "https" or (before and before[:2] != ["api", "projects"])):
        raise _elsewhere(f"https://{parts.netloc.lower()}")
    return site if azure else "/".join([site, *before]), after


def _cut(segments: list[str], *, azure: bool) -> tuple[list[str], list[str]]:
    if "openai" in segments:
        at = segments.index("openai")
        return segments[:at], segments[at + 1 :]
    if "deployments" in segments:
        at = segments.index("deployments")
        return segments[:at], segments[at:]
    return ([], segments) if azure and segments[:1] == ["v1"] else (segments, [])


def _version(parts: SplitResult, root: str) -> str | None:
    query = parse_qsl(parts.query, keep_blank_values=True)
    if any(name.lower() != "api-version" for name, _ in query):
        message = (
            f'endpoint has a query with more than an api-version: write endpoint = "{root}", '
            'and what the gateway wants into headers = { "name" = "value" }.'
        )
        raise ValueError(message)
    return api_version(query[0][1]) if query and query[0][1] else None


def _known(operation: str) -> bool:
    return operation in _OF_A_DEPLOYMENT or operation.partition("/")[0] in _OTHERS


def _of_a_portal(parts: SplitResult) -> ValueError:
    account = _ACCOUNT.search(unquote(parts.query + parts.fragment + parts.path))
    line = f'resource = "{account[1]}"' if account else 'endpoint = "https://my-resource.openai.azure.com"'
    return ValueError(f"endpoint is a page of the portal, not of the resource: write {line} (the page shows it as Endpoint).")


def _elsewhere(root: str) -> ValueError:
    return ValueError(f'endpoint does not lead to Azure OpenAI: write endpoint = "{root}".')
