"""The token that the router wants; where there is none, what to do is said when it is needed."""

from __future__ import annotations

from modelhub.plugin import KeyMissing, Secret, shown
from modelhub_huggingface.credential import own_token
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["ROUTER", "Unknown", "router_token"]

ROUTER = "https://router.huggingface.co"
"""Hugging Face's own router: the only one that this machine's token goes to without being told."""


class Unknown:
    """A token that nobody has written down yet: looked for again each time, since one may log in meanwhile."""

    __slots__ = ("place", "url")

    def __init__(self, place: str, url: str) -> None:
        self.place = place
        self.url = url

    @property
    def loaded(self) -> bool:
        return True

    @property
    def missing(self) -> bool:
        """Whether there is still none."""
        return self._found() is None

    def load(self, timeout: float | None = None) -> None:
        """There is nothing to fetch."""

    def reveal(self) -> str:
        found = self._found()
        if found is None:
            raise KeyMissing(f"{shown(self.url)} wants a token, and there is none. {self._advice()}")
        return found.reveal()

    def _found(self) -> Secret | None:
        return own_token() if self.url == ROUTER else None

    def _advice(self) -> str:
        written = f'[{self.place}] api_key = {{ env = "HF_TOKEN" }}'
        if self.url != ROUTER:
            return f"It is not Hugging Face's own router, so this machine's token goes there only if {written} says so."
        return (
            "Make one at https://huggingface.co/settings/tokens that may make calls to Inference Providers, and set HF_TOKEN, "
            f"or run `hf auth login`, or write {written}."
        )

    def __repr__(self) -> str:
        return "nowhere"


def router_token(options: HuggingFaceOptions) -> Secret:
    """Who asks the router: ``api_key``, else this machine's own token."""
    if options.api_key is not None:
        return options.api_key
    found = own_token() if options.router_url.rstrip("/") == ROUTER else None
    return found or Unknown(f"providers.{options.provider}", options.router_url.rstrip("/"))
