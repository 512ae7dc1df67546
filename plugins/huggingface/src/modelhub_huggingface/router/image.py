"""Image models at the router: painted by whoever serves them."""

from __future__ import annotations

from collections.abc import Mapping

from modelhub.plugin import ImageModel, ImageOperation, ImageRequest, Unsupported
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router.abilities import capabilities
from modelhub_huggingface.router.place import asked_task, known_task, place
from modelhub_huggingface.router.providers import PROVIDERS, honoured
from modelhub_huggingface.router.routed import Routed

__all__ = ["model"]

_TASKS: Mapping[ImageOperation, tuple[str, ...]] = {
    "generate": ("text-to-image",),
    "edit": ("image-to-image", "image-text-to-image"),
    "variation": ("image-to-image",),
}


def model(name: str, options: HuggingFaceOptions) -> ImageModel:
    """The model of that name. Without a ``task`` it is one that paints from words; who serves it says whether it edits too."""
    where, task = place(name, options), asked_task("image", options, None)
    asked = task or "text-to-image"
    known = {"mask": False, "upscale": False, "generate": asked == "text-to-image", **_abilities(task, where.wanted)}
    settings, told = honoured(asked, where.wanted), known_task("image", where)
    card = where.card("image", task=told, capabilities=known, settings=settings, limits={"images": 1})

    def tasks(request: ImageRequest) -> tuple[str, ...]:
        if request.operation not in _TASKS:
            raise Unsupported(f"{card.model} does not enlarge pictures.", feature=request.operation, model=card.model)
        return _TASKS[request.operation]

    return Routed(card, where, tasks)


def _abilities(task: str | None, wanted: str) -> Mapping[str, bool]:
    """What is known of a model for that task, where it is named."""
    if task is None:
        return {}
    form = PROVIDERS.get(wanted, {}).get(task)
    if form is not None:
        return capabilities("image", form.abilities)
    return {"edit": False, "variation": False} if task == "text-to-image" else {"edit": True}
