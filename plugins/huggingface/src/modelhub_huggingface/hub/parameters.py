"""A query in the words of the hub's interface: pure. What the interface has no word for is looked for among what it gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelhub.plugin import Kind, Query
from modelhub_huggingface.tasks import TASKS

__all__ = ["Fields", "questions", "wants_price"]

Fields = tuple[tuple[str, str], ...]

_MOST_QUESTIONS = 8
_LARGEST_PAGE = 100
_SORTS = {"likes": "likes", "updated": "lastModified"}
_PIPELINES: Mapping[str, tuple[str, ...]] = {
    "inpainting": (
        "StableDiffusionInpaintPipeline",
        "StableDiffusionXLInpaintPipeline",
        "FluxFillPipeline",
    ),
    "upscaling": ("StableDiffusionUpscalePipeline", "StableDiffusionLatentUpscalePipeline"),
}
"""What is no task on the hub, and the tags by which it is found."""
_ANYWAY: Mapping[Kind, str] = {
    "embedding": "feature-extraction",
    "speech": "text-to-speech",
    "transcription": "automatic-speech-recognition",
    "reranking": "text-ranking",
}
"""What every model of a kind does, whatever it is listed for."""
_EXPANDED = (
    "cardData", "config", "downloads", "gated", "gguf", "inferenceProviderMapping", "lastModified", "library_name", "likes",
    "model-index", "pipeline_tag", "private", "safetensors", "sha", "tags",
)  # fmt: skip


def questions(query: Query) -> tuple[Fields, ...]:
    """The queries that find it, each of one task, or one of any where there are many; none where no model can be found."""
    if query.open_weights is False:
        return ()
    if pipelines := _PIPELINES.get(query.task or ""):
        return tuple((("filter", f"diffusers:{name}"), *_common(query, _LARGEST_PAGE)) for name in pipelines)
    tasks = tuple(_tasks(query))
    if len(tasks) > _MOST_QUESTIONS:
        return (_common(query, _LARGEST_PAGE),)
    page = min(query.limit, _LARGEST_PAGE) if _heeded(query) else _LARGEST_PAGE
    return tuple((("pipeline_tag", task), *_common(query, page)) for task in tasks)


def wants_price(query: Query) -> bool:
    """Whether only models matter that somebody serves for money."""
    return query.max_price is not None or query.sort == "price"


def _heeded(query: Query) -> bool:
    """Whether the hub itself does all that is asked for, so that no more of its answer is read than is wanted."""
    done = {"search", "kind", "task", "licence", "language", "library", "architecture", "gated", "outputs", "open_weights"}
    return query.given().keys() <= done and query.sort in (None, "downloads", *_SORTS)


def _tasks(query: Query) -> Iterator[str]:
    for name, task in TASKS.items():
        served = query.task in (None, name, _ANYWAY.get(task.kind))
        fits = {*query.inputs} <= {*task.inputs} and {*query.outputs} <= {*task.outputs}
        if name not in _PIPELINES and served and fits and query.kind in (None, task.kind):
            yield name


def _common(query: Query, page: int) -> Fields:
    licence = f"license:{'-'.join(query.licence.lower().split())}" if query.licence else None
    filters = (licence, query.language, query.library, query.architecture)
    named = {
        "search": query.search,
        "gated": None if query.gated is None else str(query.gated).lower(),
        "inference_provider": "all" if wants_price(query) else None,
        "num_parameters": f"max:{_billions(query.max_parameters)}B" if query.max_parameters else None,
        "sort": _SORTS.get(query.sort or "", "downloads"),
        "limit": str(page),
    }
    return (
        *(("filter", value) for value in filters if value),
        *((name, value) for name, value in named.items() if value),
        *(("expand", name) for name in _EXPANDED),
    )


def _billions(parameters: int) -> int:
    """The whole billions that these are within: in these the hub counts."""
    return -(-parameters // 1_000_000_000)
