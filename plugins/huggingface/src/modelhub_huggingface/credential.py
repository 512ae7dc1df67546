"""The caller's token, where Hugging Face's own tools keep it: ``HF_TOKEN``, else the file that ``hf auth login`` writes."""

from __future__ import annotations

import os

from modelhub.plugin import Environment, Fetched, Secret
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["hub_token", "own_token", "says_yes"]

_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_YES = ("1", "ON", "YES", "TRUE")


def own_token() -> Secret | None:
    """The token of this machine's user, or of this process; ``None`` where there is none."""
    if says_yes("HF_HUB_DISABLE_IMPLICIT_TOKEN"):
        return None
    for variable in _VARIABLES:
        if os.environ.get(variable, "").strip():
            return Environment(variable, "The token for Hugging Face")
    file = _file()
    return Fetched("file", (file,), "The token for Hugging Face") if os.path.isfile(file) else None


def hub_token(options: HuggingFaceOptions) -> Secret | None:
    """Who asks the hub; ``None`` asks as anybody.

    ``api_key`` is that, where it is for Hugging Face itself: the key of an endpoint, or of another router, never goes to the
    hub. There it is this machine's own token.
    """
    router = HuggingFaceOptions.__dataclass_fields__["router_url"].default
    its_own = options.base_url is None and (options.hub_url is not None or options.router_url == router)
    return options.api_key if its_own and options.api_key is not None else own_token()


def says_yes(variable: str) -> bool:
    """Whether a variable of the environment switches something on, as Hugging Face's own tools read it."""
    return os.environ.get(variable, "").upper() in _YES


def _file() -> str:
    home = os.environ.get("HF_HOME") or os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    return os.path.abspath(os.path.expanduser(os.environ.get("HF_TOKEN_PATH") or os.path.join(home, "token")))
