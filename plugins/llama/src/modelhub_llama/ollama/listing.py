"""What an Ollama has, as cards: ``GET api/tags``, and ``POST api/show`` for what each model can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Never

from modelhub.plugin import (
    AnswerError,
    HttpModel,
    HttpRequest,
    HttpResponse,
    Kind,
    ModelCard,
    ModelhubError,
    ProviderError,
    Request,
    Response,
    Runtime,
    Unsupported,
)
from modelhub_llama.gguf.making import family, task
from modelhub_llama.ollama.answer import object_in
from modelhub_llama.ollama.knobs import SETTINGS
from modelhub_llama.ollama.site import Ollama, ollama
from modelhub_llama.options import LlamaOptions
from modelhub_llama.served import Served

__all__ = ["Show", "Tags", "Told", "card_of", "listing", "shown"]

_AT_ONCE = 8


async def listing(options: LlamaOptions | None, runtime: Runtime) -> tuple[ModelCard, ...]:
    """The cards of the models that are pulled. Raises ``Unreachable`` where no Ollama is running."""
    site = ollama(options or LlamaOptions())
    tags: Served[Request, Told, Never] = Served(HttpModel(Tags(site)), site.advice)
    rows = (await tags.call(Request(), runtime)).said.get("models")
    named = [row for row in rows if isinstance(row, Mapping) and _name(row)] if isinstance(rows, list) else []
    cards: list[ModelCard | None] = []
    for start in range(0, len(named), _AT_ONCE):
        some = named[start : start + _AT_ONCE]
        shows = await runtime.gather(*[lambda row=row: _shown(site, _name(row), runtime) for row in some])
        cards += [card_of(site, row, show) for row, show in zip(some, shows, strict=True)]
    return tuple(card for card in cards if card is not None)


async def shown(name: str, options: LlamaOptions, runtime: Runtime) -> ModelCard:
    """The card of one model that is pulled. Raises ``UnknownModel`` where it is not."""
    site = ollama(options)
    model: Served[Request, Told, Never] = Served(HttpModel(Show(site, name)), site.advice)
    show = (await model.call(Request(), runtime)).said
    card = card_of(site, {"model": name}, show)
    return card or ModelCard(model=f"{site.provider}:{name}", kind="text", local=site.local(name))


async def _shown(site: Ollama, name: str, runtime: Runtime) -> Mapping[str, Any]:
    """What Ollama tells of one model; nothing, where it cannot tell: then the list alone has to do."""
    model: HttpModel[Request, Told, Never] = HttpModel(Show(site, name))
    try:
        return (await model.call(Request(), runtime)).said
    except (ProviderError, AnswerError):
        return {}


@dataclass(frozen=True, kw_only=True)
class Told(Response):
    """An answer that is but an object."""

    said: Mapping[str, Any]


@dataclass(frozen=True)
class Tags:
    """``tags``: the list."""

    site: Ollama

    @property
    def card(self) -> ModelCard:
        return ModelCard(model=f"{self.site.provider}:", kind="text", title="the list of models")

    def build(self, request: Request, *, stream: bool) -> HttpRequest:  # noqa: ARG002  # there is nothing to ask but for the list
        return self.site.get("tags")

    def parse(self, response: HttpResponse) -> Told:
        said = object_in(response.body)
        if not isinstance(said.get("models"), list):
            raise AnswerError("The answer is no list of models.", head=response.body[:200])
        return Told(said=said, raw=said)

    def decoder(self) -> Never:
        raise Unsupported("A list of models comes whole.")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, "")


@dataclass(frozen=True)
class Show:
    """``show`` of one model."""

    site: Ollama
    name: str

    @property
    def card(self) -> ModelCard:
        return ModelCard(model=f"{self.site.provider}:{self.name}", kind="text")

    def build(self, request: Request, *, stream: bool) -> HttpRequest:  # noqa: ARG002  # there is nothing to ask but for the model
        return self.site.post("show", {"model": self.name})

    def parse(self, response: HttpResponse) -> Told:
        said = object_in(response.body)
        return Told(said=said, raw=said)

    def decoder(self) -> Never:
        raise Unsupported("What is told of a model comes whole.")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)


def card_of(site: Ollama, row: Mapping[str, Any], show: Mapping[str, Any]) -> ModelCard | None:
    """A model's card from its row in the list and from what ``show`` tells; ``None`` for one of a kind that is not served."""
    name, info = _name(row), _inside(show, "model_info")
    listed = show.get("capabilities", row.get("capabilities"))
    told = frozenset(map(str, listed)) if isinstance(listed, list) else None
    kind = _kind(told, name)
    if kind is None:
        return None
    details = _inside(row, "details") | _inside(show, "details")
    architecture = _text(info, "general.architecture") or _text(details, "family")
    remote = bool(row.get("remote_host") or show.get("remote_host"))
    local = not remote and site.local(name)
    return ModelCard(
        model=f"{site.provider}:{name}",
        kind=kind,
        title=_text(info, "general.basename"),
        capabilities=_capabilities(kind, told),
        settings=_settings(kind, told),
        context_window=site.context_window or _count(info, f"{architecture}.context_length"),
        dimensions=_count(info, f"{architecture}.embedding_length") if kind == "embedding" else None,
        languages=_words(info.get("general.languages")),
        licence=_licence(show, info),
        local=local,
        architecture=architecture or None,
        parameters=_count(info, "general.parameter_count") or _number(_text(details, "parameter_size")),
        quantization=_text(details, "quantization_level") or None,
        file_bytes=_count(row, "size"),
        task=task(kind, architecture),
        family=family(architecture or None),
        open_weights=None if remote else True,
        data="this machine" if local else None,
        library=_text(details, "format") or None,
    )


def _kind(told: frozenset[str] | None, name: str) -> Kind | None:
    """The kind by what the model can do; an older Ollama does not tell, and then the name has to."""
    if told is None:
        small = name.lower()
        return "embedding" if any(word in small for word in ("embed", "minilm", "bge-")) else "text"
    if "embedding" in told:
        return "embedding"
    return "text" if told & {"completion", "tools", "insert", "vision", "thinking"} else None


def _capabilities(kind: Kind, told: frozenset[str] | None) -> Mapping[str, bool]:
    if kind != "text":
        return {}
    known = {} if told is None else {"tools": "tools" in told, "images": "vision" in told}
    return {**known, "structured_output": True, "audio": False, "files": False}


def _settings(kind: Kind, told: frozenset[str] | None) -> frozenset[str]:
    if kind != "text":
        return frozenset({"dimensions"})
    return SETTINGS if told is None or "thinking" in told else SETTINGS - {"reasoning_effort"}


def _number(size: str) -> int | None:
    """``3.2B`` as a number."""
    unit = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}.get(size[-1:].upper())
    try:
        return round(float(size[:-1]) * unit) if unit else int(size)
    except ValueError:
        return None


def _licence(show: Mapping[str, Any], info: Mapping[str, Any]) -> str | None:
    """Its short name where the file says it; else what the text begins with."""
    if short := _text(info, "general.license"):
        return short
    words = _text(show, "license").split("\n\n")[0].split()
    return " ".join(words)[:80] or None


def _inside(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    inner = said.get(name)
    return dict(inner) if isinstance(inner, Mapping) else {}


def _name(row: Mapping[str, Any]) -> str:
    return _text(row, "model") or _text(row, "name")


def _count(said: Mapping[str, Any], name: str) -> int | None:
    value = said.get(name)
    return value if type(value) is int and value > 0 else None


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value.strip() if isinstance(value, str) else ""


def _words(value: object) -> tuple[str, ...]:
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()
