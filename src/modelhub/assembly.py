"""Assembly: from a name in the configuration to a model with everything around it. Builds each once, and keeps it."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from modelhub.config import Loaded, read_options, resolve, served, split_id
from modelhub.config.aliases import chain
from modelhub.errors import InvalidRequest, ModelhubError, PluginBroken, PluginMissing, UnknownModel, Unsupported
from modelhub.model import AnyModel, Kind, ModelCard
from modelhub.providers import imported

if TYPE_CHECKING:
    from modelhub.config.specs import ModelSpec
    from modelhub.retrieval.index import Index
    from modelhub.wrappers.circuit import Circuit
    from modelhub.wrappers.fallback import Target
    from modelhub.wrappers.long_text import Splitter

__all__ = ["Assembled", "Assembly"]

T = TypeVar("T")


class Assembled(NamedTuple):
    """A model ready to be asked, and the options it is asked with where the call gives none."""

    model: AnyModel
    defaults: Mapping[str, Any]


class Assembly:
    """All that one hub has built from one configuration."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self._built: dict[tuple[str, str], Any] = {}
        self._locks: dict[tuple[str, str], threading.RLock] = {}
        _assemblies.add(self)

    def model(self, kind: Kind, name: str) -> Assembled:
        """The model that an alias or an id names. Raises ``SetupError``, or ``Unsupported`` where it is of another kind."""
        if not isinstance(name, str):
            raise InvalidRequest(f"A model is asked for by its alias or its id, not by {name!r}.")
        return self._once((kind, name), lambda: self._assemble(kind, name))

    def kinds(self, name: str) -> tuple[Kind, ...]:
        """The kinds that a name may be asked for: text alone where it has a prompt or documents, else all its provider has."""
        spec = resolve(self.loaded, name)
        return ("text",) if spec.prompt or spec.retrieval else tuple(served(self.loaded, split_id(spec.model)[0]).kinds)

    def index(self, name: str) -> Index:
        """The index of ``[indexes.NAME]``, with the models it needs."""
        if not isinstance(name, str):
            raise InvalidRequest(f"An index is asked for by its name, not by {name!r}.")
        return self._once(("index", name), lambda: self._index(name))

    def _once(self, key: tuple[str, str], build: Callable[[], T]) -> T:
        """What ``build`` gives, built once however many threads ask; building one thing keeps nobody from another."""
        if key not in self._built:
            with self._locks.setdefault(key, threading.RLock()):
                if key not in self._built:
                    self._built[key] = build()
        built: T = self._built[key]
        return built

    def _assemble(self, kind: Kind, name: str) -> Assembled:
        """The model of a name, behind it those that stand in for it, and around them what belongs to the name alone."""
        spec = resolve(self.loaded, name, kind)
        model = self._with_fallback(kind, name, spec) if spec.fallback else self._target(kind, name, spec)
        if kind == "text":
            model = self._around_text(spec, model)
        return Assembled(model, {"timeouts": spec.timeouts or self.loaded.config.timeouts, **spec.settings})

    def _target(self, kind: Kind, name: str, spec: ModelSpec, circuit: Circuit | None = None) -> AnyModel:
        """One model, with what belongs to it alone. The first to see a request is the last put on."""
        from modelhub.wrappers.laws import Lawful
        from modelhub.wrappers.negotiation import Negotiation
        from modelhub.wrappers.retry import Retry
        from modelhub.wrappers.timing import Timed

        model: AnyModel = Timed(Lawful(self._described(kind, name, spec)))
        if (price := model.card.price) is not None:
            from modelhub.wrappers.pricing import Priced

            model = Priced(model, price)
        if circuit is not None:
            from modelhub.wrappers.circuit import Watched

            model = Watched(model, circuit)
        model = Retry(model, circuit=circuit, **self._retries(name))
        model = Negotiation(_in_parts(kind, model))
        if kind == "text":
            from modelhub.retrieval.grounding import Grounding

            model = Grounding(model, getattr(model, "counter", None))
        return model

    def _described(self, kind: Kind, name: str, spec: ModelSpec) -> AnyModel:
        """The provider's model, with what the configuration knows of it."""
        try:
            model = self._bare(kind, name, spec.model)
        except (PluginBroken, PluginMissing, UnknownModel, Unsupported) as error:
            raise self._located(error, name)  # noqa: B904  # the same error, told with its place
        changes: dict[str, Any] = {}
        if spec.context_window is not None:
            changes["context_window"] = spec.context_window
        if spec.price or self.loaded.config.prices:
            from modelhub.config.prices import price_of

            changes["price"] = price_of(self.loaded, name, spec.model) or model.card.price
        if not changes:
            return model
        from modelhub.wrappers.description import Description

        return Description(model, replace(model.card, **changes))

    def _retries(self, name: str) -> dict[str, Any]:
        """How often, and the longest wait; empty where the configuration says nothing of it."""
        config = self.loaded.config
        if not config.retry and not any(model.retry for model in config.models.values()):
            return {}
        from modelhub.config.persistence import retry_of

        retry = retry_of(self.loaded, name)
        return {"times": retry.times, "max_wait": retry.max_wait}

    def _with_fallback(self, kind: Kind, name: str, spec: ModelSpec) -> AnyModel:
        from modelhub.config.fallbacks import error_classes, fallbacks
        from modelhub.wrappers.fallback import Fallback

        listed = error_classes(spec.fallback_on)
        targets = [self._standing_in(kind, other, listed) for other in (name, *fallbacks(self.loaded, name))]
        return Fallback(targets[0].model, targets[0], tuple(targets[1:]), listed)

    def _standing_in(self, kind: Kind, name: str, listed: tuple[type[ModelhubError], ...]) -> Target:
        """One of several models that may answer. Of an alias that stands in, its prompt and its documents have no say."""
        from modelhub.config.persistence import circuit_of
        from modelhub.wrappers.circuit import Circuit
        from modelhub.wrappers.fallback import Absent, Target

        spec, limits = resolve(self.loaded, name, kind), circuit_of(self.loaded)
        circuit = self._once(("circuit", f"{kind} {name}"), lambda: Circuit(limits.failures, limits.cool_down))
        try:
            model = self._target(kind, name, spec, circuit)
        except listed as error:
            model = Absent(ModelCard(model=spec.model, kind=kind), error)
        return Target(model, circuit, spec.settings, spec.timeouts, self._has_timeouts(name))

    def _located(self, error: ModelhubError, name: str) -> ModelhubError:
        """The error with the place in the configuration where its model is named, if it is named there."""
        where = None if ":" in name else self.loaded.origin("models", chain(self.loaded, name)[-1], "model")
        if where is not None and where.line and not error.message.startswith(f"{where.file}:"):
            error.args = (f"{where.file}:{where.line}: {error.message}",)
        return error

    def _bare(self, kind: Kind, name: str, model_id: str) -> AnyModel:
        provider_name, model_name = split_id(model_id)
        found = served(self.loaded, provider_name)
        if kind not in found.kinds:
            offered = ", ".join(sorted(found.kinds)) or "nothing"
            message = f"{model_id} is not for {kind}: {provider_name} has {offered}."
            raise Unsupported(message, feature=kind, model=model_id)
        options = read_options(self.loaded, imported(found.options) if found.options else None, name, found.defaults)
        model: AnyModel = imported(found.kinds[kind])(model_name, options)
        return model

    def _has_timeouts(self, name: str) -> bool:
        aliases = () if ":" in name else chain(self.loaded, name)
        return any(self.loaded.config.models[alias].timeouts is not None for alias in aliases)

    def _around_text(self, spec: ModelSpec, model: AnyModel) -> AnyModel:
        """Passages are searched for with the question as it was asked, before a prompt strategy puts it in other words."""
        from modelhub.wrappers.structured import StructuredOutput

        if spec.prompt is not None:
            from modelhub.prompting import prompting

            prompt = self.loaded.config.prompts[spec.prompt]
            model = prompting(prompt, self.loaded.folder, model, self._optional("embedding", prompt.select.embedding))
        if spec.retrieval is not None:
            from modelhub.retrieval.wrapper import Retrieval

            model = Retrieval(model, self.index(spec.retrieval))
        return StructuredOutput(model)

    def _index(self, name: str) -> Index:
        from modelhub.errors import UnknownAlias, did_you_mean
        from modelhub.retrieval.index import Index

        indexes = self.loaded.config.indexes
        if name not in indexes:
            raise UnknownAlias(f"There is no [indexes.{name}].{did_you_mean(name, sorted(indexes))}")
        spec = indexes[name]
        embedder = None if spec.embedding is None else self._embedder(spec.embedding)
        return Index(name, spec, self.loaded.folder, embedder, self._optional("reranking", spec.reranking))

    def _embedder(self, name: str) -> AnyModel:
        """An embedding model without those that stand in for it: vectors of two models do not mix in one index."""
        if not resolve(self.loaded, name).fallback:
            return self.model("embedding", name).model
        return self._once(("alone", name), lambda: self._target("embedding", name, resolve(self.loaded, name, "embedding")))

    def _optional(self, kind: Kind, name: str | None) -> AnyModel | None:
        return None if name is None else self.model(kind, name).model


def _in_parts(kind: Kind, model: AnyModel) -> AnyModel:
    """The model, so that what is too long for one request is sent in several: each is retried by itself."""
    limits = model.card.limits
    if kind == "transcription" and limits.keys() & {"audio_bytes", "audio_seconds"}:
        from modelhub.wrappers.long_audio import LongAudio

        return LongAudio(model)
    if kind == "speech" and limits.keys() & {"characters", "input_tokens", "text_bytes"}:
        from modelhub.wrappers.long_text import LongText

        return LongText(model, _splitter(limits))
    if kind == "image" and "images" in limits:
        from modelhub.wrappers.several import Several

        return Several(model)
    if kind == "embedding":
        from modelhub.retrieval.tokens import count_tokens
        from modelhub.wrappers.batching import Batching

        counter = getattr(model, "counter", None)
        return Batching(model, counter or count_tokens, exact=counter is not None)
    return model


def _splitter(limits: Mapping[str, int]) -> Splitter:
    from modelhub.retrieval.graphemes import cut_before
    from modelhub.retrieval.sentences import sentence_spans
    from modelhub.retrieval.tokens import count_tokens
    from modelhub.wrappers.long_text import Splitter

    units = {"characters": len, "input_tokens": count_tokens, "text_bytes": lambda text: len(text.encode("utf-8", "replace"))}
    return Splitter(sentence_spans, cut_before, tuple((limits[name], count) for name, count in units.items() if name in limits))


_assemblies: weakref.WeakSet[Assembly] = weakref.WeakSet()


def _after_fork() -> None:
    """In a forked child: a thread that was building there is gone, and its lock would be held for ever."""
    for assembly in _assemblies:
        assembly._locks.clear()  # noqa: SLF001  # our own
        for key, built in assembly._built.items():  # noqa: SLF001
            if key[0] == "circuit":
                built.unlock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
