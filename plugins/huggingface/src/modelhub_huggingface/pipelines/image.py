"""Pictures out of pipelines: made from words, changed, enlarged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Never

from modelhub.plugin import (
    AnswerError,
    Decoder,
    GeneratedImage,
    HttpRequest,
    HttpResponse,
    ImageRequest,
    ImageResponse,
    InvalidRequest,
    ModelCard,
    ModelhubError,
    Unsupported,
    Usage,
)
from modelhub_huggingface.pipelines.media import base64_of, media
from modelhub_huggingface.pipelines.site import PipelineSite, body

__all__ = ["PAINTING", "Painting", "PipelineImage", "image_card"]

Painting = Literal["text-to-image", "image-to-image", "upscaling"]
PAINTING: tuple[Painting, ...] = ("text-to-image", "image-to-image", "upscaling")
_OPERATIONS: Mapping[Painting, str] = {"text-to-image": "generate", "image-to-image": "edit", "upscaling": "upscale"}
_SETTINGS: Mapping[Painting, frozenset[str]] = {
    "text-to-image": frozenset({"size", "negative_prompt", "seed", "count"}),
    "image-to-image": frozenset({"size", "negative_prompt", "seed", "strength", "count"}),
    "upscaling": frozenset({"count"}),
}


def image_card(task: Painting) -> dict[str, Any]:
    """The fields of a card that the task alone decides: such a server does one thing, one picture at a time."""
    operations = ("generate", "edit", "mask", "variation", "upscale")
    return {
        "task": task,
        "family": "diffusion" if task == "text-to-image" else None,
        "capabilities": {operation: operation == _OPERATIONS[task] for operation in operations},
        "settings": _SETTINGS[task],
        "limits": {"images": 1},
    }


@dataclass(frozen=True)
class PipelineImage:
    """One of ``PAINTING``. The answer is a picture's bytes, or JSON with its base64 anywhere in it."""

    site: PipelineSite
    name: str
    task: Painting
    card: ModelCard
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def build(self, request: ImageRequest, *, stream: bool) -> HttpRequest:  # noqa: ARG002  # a picture comes whole
        if request.operation != _OPERATIONS[self.task]:
            message = f"{self.card.model} is for {self.task}: it has no {request.operation!r}. task = ... says what it is for."
            raise Unsupported(message, feature=request.operation, model=self.card.model)
        if request.mask is not None:
            raise Unsupported(f"{self.card.model} takes no mask.", feature="mask", model=self.card.model)
        inputs = request.prompt if self.task == "text-to-image" else self._start(request)
        content = body(inputs, self._parameters(request), self.arguments, request.extra.get(self.site.provider, {}))
        return self.site.ask(content, accept="image/png")

    def parse(self, response: HttpResponse) -> ImageResponse:
        found, said = media(response, "image", self.site, self.name)
        if not found:
            raise AnswerError("The answer holds no picture.", head=response.body[:200])
        return ImageResponse(
            images=tuple(map(GeneratedImage, found)),
            model=self.name,
            provider=self.site.provider,
            usage=Usage(images=len(found)),
            raw=said,
        )

    def decoder(self) -> Decoder[Never]:
        raise Unsupported("A pipeline's picture comes whole.", feature="stream", model=self.card.model)

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def _start(self, request: ImageRequest) -> str:
        if len(request.images) != 1:
            raise InvalidRequest(f"{self.card.model} starts from one picture, not from {len(request.images)}.")
        return base64_of(request.images[0])

    def _parameters(self, request: ImageRequest) -> Mapping[str, Any]:
        size = {} if request.size is None else {"width": request.size[0], "height": request.size[1]}
        several = {"num_images_per_prompt": request.count if request.count > 1 else None}
        drawn = {"negative_prompt": request.negative_prompt, "seed": request.seed, **several}
        match self.task:
            case "text-to-image":
                return {**size, **drawn}
            case "image-to-image":
                return {
                    "prompt": request.prompt or None,
                    "strength": request.strength,
                    "target_size": size or None,
                    **drawn,
                }
            case "upscaling":
                return {"prompt": request.prompt or None, **several}
