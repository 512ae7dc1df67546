"""What a llama.cpp server tells when it is asked: how many tokens there are, and what it runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Never

from modelhub_openai.site import Host, json_bytes

from modelhub.plugin import (
    BadRequest,
    EmbeddingRequest,
    EmbeddingResponse,
    HttpModel,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    Request,
    Response,
    Runtime,
    TextRequest,
    UnknownModel,
    Unsupported,
    Wrapper,
)
from modelhub_llama.chat import LlamaChat
from modelhub_llama.plain import Plain, prompt_of

__all__ = ["CountingVectors", "Facts", "ask_facts", "count_chat", "count_plain", "count_texts", "puts_marks"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server runs; ``None`` and an empty text where it does not say."""

    window: int | None = None
    """Tokens of one request, prompt and answer together."""
    tools: bool | None = None
    """Whether the model's template knows tools."""
    bos: str = ""
    """The mark that begins a text, for models that have one."""


@dataclass(frozen=True, kw_only=True)
class _Told(Response):
    value: Any = None


@dataclass(frozen=True)
class _Question:
    """Something that a server is asked beside its operations. ``path`` begins at its root, before ``/v1``."""

    site: Host
    name: str
    path: str
    body: Mapping[str, Any] | None

    @property
    def card(self) -> ModelCard:
        return ModelCard(model=f"{self.site.provider}:{self.name}", kind="text")

    def build(self, request: Request, *, stream: bool) -> HttpRequest:  # noqa: ARG002  # what is asked is in the question
        url = f"{self.site.base_url.removesuffix('/v1')}/{self.path}"
        if self.body is None:
            return HttpRequest("GET", url, self.site.headers, None, self.site.route)
        headers = {**self.site.headers, "content-type": "application/json"}
        return HttpRequest("POST", url, headers, json_bytes(self.body), self.site.route)

    def parse(self, response: HttpResponse) -> _Told:
        return _Told(value=json.loads(response.body))

    def decoder(self) -> Never:
        raise Unsupported(f"{self.path} is answered whole.", feature="stream")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)


async def ask_facts(site: Host, name: str, request: Request, runtime: Runtime) -> Facts:
    """What the server says of itself; empty where it has no ``/props``."""
    said = await _asked(site, name, "props", None, request, runtime, lambda said: said if isinstance(said, Mapping) else {})
    if not said:
        return Facts()
    settings, caps = said.get("default_generation_settings"), said.get("chat_template_caps")
    window = settings.get("n_ctx") if isinstance(settings, Mapping) else None
    template, bos = said.get("chat_template"), said.get("bos_token")
    tools = caps.get("supports_tools") if isinstance(caps, Mapping) else "tools" in template if template else None
    return Facts(
        window=window if isinstance(window, int) and window > 0 else None,
        tools=tools if isinstance(tools, bool) else None,
        bos=bos if isinstance(bos, str) else "",
    )


@dataclass(frozen=True, eq=False)
class CountingVectors(Wrapper[EmbeddingRequest, EmbeddingResponse, Never]):
    """An embedding model that counts: by ``tokens``, where it cuts texts itself, else as its server does."""

    site: Any = field(repr=False)
    name: str
    tokens: Callable[[str], list[int]] | None = field(repr=False)

    async def count_tokens(self, request: EmbeddingRequest, runtime: Runtime) -> int | None:
        if self.tokens is not None:
            return sum(len(self.tokens(text)) for text in request.inputs)
        return await count_texts(self.site, self.name, request, runtime)


async def puts_marks(site: Host, name: str, request: Request, runtime: Runtime) -> bool:
    """Whether a mark is put before every text."""
    return bool(await _tokenized(site, name, "", request, runtime))


async def count_chat(chat: LlamaChat, request: TextRequest, runtime: Runtime) -> int | None:
    """The tokens of a conversation with its template around it: as the server counts them, or by template and tokenizer."""
    site: Any = chat.site
    body = json.loads(chat.build(request, stream=False).body or b"{}")
    found = await _asked(site, chat.name, "v1/chat/completions/input_tokens", body, request, runtime, _member("input_tokens"))
    if found is None:
        kept = {name: body[name] for name in ("messages", "tools", "chat_template_kwargs") if name in body}
        prompt = await _asked(site, chat.name, "apply-template", kept, request, runtime, _member("prompt"))
        found = None if prompt is None else await _tokenized(site, chat.name, prompt, request, runtime)
    return found if isinstance(found, int) else None


async def count_plain(plain: Plain, request: TextRequest, runtime: Runtime) -> int | None:
    """The tokens of a text as it is."""
    site: Any = plain.site
    return await _tokenized(site, plain.name, prompt_of(request, plain.bos), request, runtime)


async def count_texts(site: Host, name: str, request: EmbeddingRequest, runtime: Runtime) -> int | None:
    """The tokens of all texts together, with the marks that are put around each."""
    total = 0
    for text in request.inputs:
        count = await _tokenized(site, name, text, request, runtime)
        if count is None:
            return None
        total += count
    return total


async def _tokenized(site: Host, name: str, text: str, request: Request, runtime: Runtime) -> int | None:
    body = {"content": text, "add_special": True, "parse_special": True}
    tokens = await _asked(site, name, "tokenize", body, request, runtime, _member("tokens"))
    if isinstance(tokens, list):
        return len(tokens)
    count = await _asked(site, name, "extras/tokenize/count", {"input": text}, request, runtime, _member("count"))
    return count if isinstance(count, int) else None


async def _asked(
    site: Host,
    name: str,
    path: str,
    body: Mapping[str, Any] | None,
    request: Request,
    runtime: Runtime,
    read: Callable[[Any], Any],
) -> Any:
    """What the server says; ``None`` where it knows no such question."""
    model: HttpModel[Any, _Told, Never] = HttpModel(_Question(site, name, path, body))
    try:
        return read((await model.call(request, runtime)).value)
    except (BadRequest, UnknownModel) as error:
        if error.status in (404, 405, 501):
            return None
        raise


def _member(name: str) -> Callable[[Any], Any]:
    return lambda said: said.get(name) if isinstance(said, Mapping) else None
