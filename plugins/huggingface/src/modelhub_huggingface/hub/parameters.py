"""A query in the words of the hub's interface: pure. What the interface has no word for is looked for among what it gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from modelhub.plugin import Kind, Query, folded
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
    heeded = min(query.limit, _LARGEST_PAGE) if _heeded(query) else _LARGEST_PAGE
    page = _LARGEST_PAGE if query.task in _PIPELINES else heeded
    asked = [_common(spelt, page) for spelt in _spellings(folded(query))]
    if pipelines := _PIPELINES.get(query.task or ""):
        return tuple((("filter", f"diffusers:{name}"), *fields) for name in pipelines for fields in asked)
    tasks = tuple(_tasks(query))
    if len(tasks) * len(asked) > _MOST_QUESTIONS:
        page = _LARGEST_PAGE
        return tuple(_common(spelt, page) for spelt in _spellings(folded(query)))
    return tuple((("pipeline_tag", task), *fields) for task in tasks for fields in asked)


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


def _spellings(query: Query) -> list[Query]:
    """The query, and the same with the other stroke in names that have one: the hub knows ``gpt_neox`` and ``xlm-roberta``."""
    libraries, architectures = _strokes(query.library), _strokes(query.architecture)
    return [replace(query, library=one, architecture=other) for one in libraries for other in architectures]


def _strokes(name: str | None) -> list[str | None]:
    return [name] if name is None else list(dict.fromkeys((name, name.replace("_", "-"), name.replace("-", "_"))))


def _common(query: Query, page: int) -> Fields:
    """What each question says. A dialect is looked for among all cards of its language: few say more than that."""
    licence = f"license:{query.licence}" if query.licence else None
    language = query.language.partition("-")[0] if query.language else None
    filters = (licence, language, query.library, query.architecture)
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
