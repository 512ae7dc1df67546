"""A model fetched from a hub, or from any server, into the store."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256 as checksum_of
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from modelhub.catalog.download import Download
from modelhub.catalog.inspecting import hub_token, inspector
from modelhub.catalog.part import Part
from modelhub.catalog.shards import shards, stem
from modelhub.catalog.store import Store, StoredModel, cache_folder
from modelhub.errors import InvalidRequest, ModelhubError
from modelhub.http import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelhub.catalog.inspecting import Inspector
    from modelhub.catalog.placing import Progress
    from modelhub.http import Secret
    from modelhub.model import ModelCard, Runtime

__all__ = ["Wanted", "begun", "file_address", "pull"]

_PAGE = re.compile(r"((?:/[^/]+){1,3})/blob/(.+)")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to fetch, and what it is to be called.

    ``url`` is a file's address, or a hub's page about it (``/blob/``). Of a model in several files, it names one; all are
    fetched. ``name`` is the file's own where it is left out, ``licence`` what the file says. ``sha256`` is what a single file
    must be; left out, what its hub says.
    """

    url: str
    name: str | None = None
    licence: str | None = None
    sha256: str | None = None
    replace: bool = False


async def pull(
    wanted: Wanted, runtime: Runtime, *, store: Store | None = None, progress: Progress | None = None
) -> tuple[StoredModel, ModelCard]:
    """Fetch a model and keep it in the store (the caller's own where none is given), with what it says of itself.

    Called again, it goes on where it was left. Raises ``InvalidRequest`` for what cannot be fetched or a name that is taken,
    ``SetupError`` where there is no room or the file is no model, ``KeyRefused`` where a hub wants a token or a licence to be
    accepted, ``AnswerError`` for a wrong checksum, and ``ProviderError`` or ``TransportError`` as any call.
    """
    store = store or Store(cache_folder())
    addresses = shards(_of_a_file(file_address(wanted.url)))
    names = [_file_name(address) for address in addresses]
    inspect = inspector(names[0])
    name = store.checked(wanted.name or stem(names[0]), replace=wanted.replace)
    _refuse(wanted, addresses)
    folder = _folder(addresses[0], store)
    with ExitStack() as held:
        parts = [held.enter_context(Part(folder, file)) for file in names]
        for address, part in zip(addresses, parts, strict=True):
            await _download(address, wanted, progress).run(part, runtime)
        card = _inspected(inspect, parts[0].whole_path)
        model = await runtime.in_thread(_kept, store, wanted, name, parts, card)
        shutil.rmtree(folder, ignore_errors=True)
    if os.name == "nt":  # where what is open cannot be taken away
        shutil.rmtree(folder, ignore_errors=True)
    return model, card


def begun(url: str, *, store: Store | None = None) -> bool:
    """Whether something of the model lies in the store, to go on from."""
    try:
        folder = _folder(shards(file_address(url))[0], store or Store(cache_folder()))
        with os.scandir(folder) as files:
            return any(file.stat().st_size for file in files if file.name.endswith(".part"))
    except (InvalidRequest, OSError):
        return False


def _folder(address: str, store: Store) -> str:
    """Where a model lies that is being fetched."""
    return os.path.join(store.parts_folder, checksum_of(address.encode()).hexdigest()[:24])


def _of_a_file(address: str) -> str:
    """The address, if it may be a file's. Raises ``InvalidRequest`` for a hub's page about all that a team has put there."""
    parts = [part for part in urlsplit(address).path.split("/") if part]
    if (len(parts) < 3 or parts[2] == "tree") and hub_token(address) is not None:
        told = f"{shown(address)} is a page about several files: choose one there, and give its own address or page"
        raise InvalidRequest(f"{told} (.../OWNER/REPOSITORY/blob/main/FILE).")
    return address


def file_address(url: str) -> str:
    """The address of a file: of a hub's page about it, that of the file itself. Raises ``InvalidRequest``."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise InvalidRequest(f"{shown(url)} is no address: write https://HOST/PATH/FILE.")
    page = _PAGE.fullmatch(parts.path)
    path = f"{page[1]}/resolve/{page[2]}" if page else parts.path
    return parts._replace(path=path, fragment="").geturl()


def _file_name(address: str) -> str:
    name = os.path.basename(unquote(urlsplit(address).path))
    if not re.fullmatch(r"\w[\w .+()\[\]@,-]*", name):
        raise InvalidRequest(f"{shown(address)} names no file: write the address of the file itself.")
    return name


def _refuse(wanted: Wanted, addresses: Sequence[str]) -> None:
    """Raise ``InvalidRequest`` for what could not be checked."""
    if wanted.sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", wanted.sha256):
        raise InvalidRequest("sha256 is to be 64 hexadecimal digits.")
    if wanted.sha256 is not None and len(addresses) > 1:
        raise InvalidRequest(f"sha256 is of one file, and this model has {len(addresses)}.")
    parts = urlsplit(addresses[0])
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK and wanted.sha256 is None:
        raise InvalidRequest(f"{shown(addresses[0])} is not encrypted: write https, or give the file's sha256.")


def _download(address: str, wanted: Wanted, progress: Progress | None) -> Download:
    variable = hub_token(address)
    given = bool(variable and os.environ.get(variable, "").strip())
    return Download(
        address=address,
        token=_token(variable) if variable and given else None,
        sha256=wanted.sha256,
        help=_advice(address, variable, given=given),
        progress=progress,
    )


def _token(variable: str) -> Secret:
    from modelhub.transport.credentials import Bearer, Environment

    return Bearer(Environment(variable, "The hub's token"))


def _advice(address: str, variable: str | None, *, given: bool) -> str:
    if variable is None:
        return "No installed plugin knows a token for this server."
    page = shown(address.partition("/resolve/")[0])
    if given:
        return f"The token in {variable} has no access. If the model is gated, accept its licence at {page} with that account."
    return f"Set {variable} to a token of yours; if the model is gated, accept its licence at {page} first."


def _inspected(inspect: Inspector, path: str) -> ModelCard:
    """What the file says of itself; one that is no model is not kept."""
    try:
        return inspect(path)
    except ModelhubError:
        shutil.rmtree(os.path.dirname(path), ignore_errors=True)
        raise


def _kept(store: Store, wanted: Wanted, name: str, parts: Sequence[Part], card: ModelCard) -> StoredModel:
    model, _ = store.add(
        [part.whole_path for part in parts],
        name=name,
        licence=wanted.licence or card.licence,
        source=shown(file_address(wanted.url)),
        replace=wanted.replace,
        placing="move",
        checksums=[part.state.sha256 or "" for part in parts],
    )
    return model
