"""What a server has no operation for is said before anything is sent."""

from __future__ import annotations

from modelhub.plugin import Kind, Unsupported
from modelhub_huggingface.endpoints.server import Kept, Server

__all__ = ["unserved"]


def unserved(site: Server, kind: Kind, *able: Kept) -> Unsupported:
    """The error for a kind that such a server has not; those in ``able`` have it."""
    listed = " or ".join(repr(server) for server in able)
    message = f"[providers.{site.provider}] server is {site.kind!r}, which has no {kind}: write server = {listed}."
    return Unsupported(message, feature=kind)
