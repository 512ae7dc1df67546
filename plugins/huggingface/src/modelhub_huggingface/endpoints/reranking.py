"""Order on an endpoint: TEI's cross-encoders, the OpenAI-like operation, or a pipeline at the address itself."""

from __future__ import annotations

from typing import Any

from modelhub.plugin import ConfigError, HttpModel, RerankingModel
from modelhub_huggingface.endpoints.batches import InBatches
from modelhub_huggingface.endpoints.carded import Carded
from modelhub_huggingface.endpoints.cards import card
from modelhub_huggingface.endpoints.refusing import unserved
from modelhub_huggingface.endpoints.server import Server, server
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.pipelines.reranking import ORDERS, Order
from modelhub_huggingface.tasks import task_named
from modelhub_huggingface.waiting import Waiting

__all__ = ["model"]

_CUT = frozenset({"top_n"})


def model(name: str, options: HuggingFaceOptions) -> RerankingModel:
    """The model of that name on the endpoint that the options describe.

    Where ``task`` says how a pipeline puts things in order, the server is ``plain`` unless the options say another.
    """
    task = task_named(options.task)
    return Waiting(
        _served(server(options, "tei" if task in (None, "text-ranking") else "plain"), name, options), options.cold_start
    )


def _served(site: Server, name: str, options: HuggingFaceOptions) -> Any:
    match site.kind:
        case "tei":
            from modelhub_huggingface.endpoints.tei_embedding import AT_ONCE
            from modelhub_huggingface.endpoints.tei_reranking import Rerank

            about = card(site, name, "reranking", task="text-ranking", settings=_CUT)
            return InBatches(HttpModel(Rerank(site, name, about)), AT_ONCE)
        case "openai":
            from modelhub_openai.reranking import Reranking

            return Carded(HttpModel(Reranking(site, name)), card(site, name, "reranking", task="text-ranking", settings=_CUT))
        case "plain":
            from modelhub_huggingface.pipelines.reranking import PipelineReranking

            task = _order(options)
            about = card(site, name, "reranking", task=task, settings=_CUT)
            return HttpModel(PipelineReranking(site, name, task, about, options.arguments))
        case "tgi":
            raise unserved(site, "reranking", "tei", "openai", "plain")


def _order(options: HuggingFaceOptions) -> Order:
    named = task_named(options.task) or "sentence-similarity"
    task = next((order for order in ORDERS if order == named), None)
    if task is None:
        message = f"[providers.{options.provider}] task is {options.task!r}; order comes of one of {', '.join(ORDERS)}."
        raise ConfigError(message)
    return task
