"""The address of an endpoint: as its page shows it, with or without ``/v1``."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from modelhub.plugin import ConfigError
from modelhub_huggingface.addresses import checked
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["address", "is_here", "is_hosted"]

_OPERATION = re.compile(r"/(?:chat/completions|completions|embeddings|models|generate|generate_stream|embed|rerank|info)$")
_VERSION = re.compile(r"/v\d+$")


def address(options: HuggingFaceOptions) -> tuple[str, str]:
    """The endpoint's root, and where its OpenAI-like operations are: ``.../v1``. Raises ``ConfigError`` where it is none."""
    place, url = f"[providers.{options.provider}]", (options.base_url or "").strip()
    if not url:
        raise ConfigError(f'An endpoint has an address: write {place} base_url = "https://....endpoints.huggingface.cloud".')
    root = _OPERATION.sub("", checked(url, f"{place} base_url")).rstrip("/")
    if found := _VERSION.search(root):
        return root[: found.start()].rstrip("/"), root
    return root, f"{root}/v1"


def is_hosted(url: str) -> bool:
    """Whether Hugging Face itself runs what is there, so that its token may go there.

    Neither a dedicated endpoint (``*.huggingface.cloud``) nor a Space (``*.hf.space``): there, code of anybody runs.
    """
    host = (urlsplit(url).hostname or "").lower()
    return url.lower().startswith("https://") and host.endswith(".huggingface.co")


def is_here(url: str) -> bool:
    """Whether it is on this machine."""
    host = (urlsplit(url).hostname or "").lower()
    return host in ("localhost", "::1") or host.startswith("127.")
