"""Pictures from a provider: asked for in its form, waited for where they are a job, fetched where they lie somewhere."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Never

from modelhub.plugin import (
    AnswerError,
    Decoder,
    FollowUp,
    GeneratedImage,
    HttpModel,
    HttpRequest,
    HttpResponse,
    ImageModel,
    ImageRequest,
    ImageResponse,
    InvalidRequest,
    ModelCard,
    ModelhubError,
    Unsupported,
    Usage,
    sniff,
)
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router import jobs
from modelhub_huggingface.router.served import Served

__all__ = ["Brush", "Fields", "Painting"]

Fields = dict[str, Any]
_PICTURE = {"accept": "image/png"}
_LONG = 65_536
"""Bytes of an answer that holds its pictures: it is not kept beside them."""


@dataclass(frozen=True, slots=True)
class Brush:
    """A provider's form: where a request goes and what it holds, what of an answer is a job, and where its pictures are.

    Called as a row of the providers' table is, it makes the model.
    """

    path: Callable[[Served], str]
    body: Callable[[Served, ImageRequest, Fields], Fields]
    pictures: Callable[[Mapping[str, Any]], list[str]]
    job: Callable[[Mapping[str, Any], Served], FollowUp | None] = jobs.inline
    headers: Mapping[str, str] | None = None

    def __call__(self, served: Served, options: HuggingFaceOptions) -> ImageModel:
        return HttpModel(Painting(served, self, options.arguments))


@dataclass(frozen=True)
class Painting:
    """One model at one provider. A picture comes as bytes, wherever it lies; several stay addresses."""

    served: Served
    brush: Brush
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def card(self) -> ModelCard:
        return self.served.card("image")

    def build(self, request: ImageRequest, *, stream: bool) -> HttpRequest:
        if stream:
            raise Unsupported("A picture comes whole: call the model instead of streaming it.", feature="stream")
        if request.count > 1:
            raise InvalidRequest(f"{self.card.model} makes one picture at a time: a hub asks for several one by one.")
        given = {**self.arguments, **_parameters(request), **request.extra.get(self.served.provider, {})}
        body = self.brush.body(self.served, request, given)
        return self.served.json(self.brush.path(self.served), body, {**_PICTURE, **(self.brush.headers or {})})

    def follow(self, response: HttpResponse) -> FollowUp | None:
        """The next question about a job, or the way to the picture."""
        said = jobs.told(response)
        if said is None:
            return None
        return self.brush.job(said, self.served) or jobs.delivery(self.served, self.brush.pictures(said))

    def parse(self, response: HttpResponse) -> ImageResponse:
        said = jobs.told(response)
        if said is None:
            return replace(_sole(response), model=self.served.model)
        images = tuple(map(_picture, self.brush.pictures(said)))
        if not images and said.get("error"):
            raise self.fault(HttpResponse(0, response.headers, response.body))
        kept = said if len(response.body) < _LONG else None
        return ImageResponse(images=images, model=self.served.model, usage=Usage(images=len(images) or None), raw=kept)

    def decoder(self) -> Decoder[Never]:
        raise Unsupported("A picture comes whole.", feature="stream")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.served.fault(response, self.served.model)


def _parameters(request: ImageRequest) -> Fields:
    """What of a request goes by one name everywhere."""
    width, height = request.size or (None, None)
    given = {"negative_prompt": request.negative_prompt, "width": width, "height": height, "seed": request.seed}
    return {name: value for name, value in given.items() if value is not None}


def _sole(response: HttpResponse) -> ImageResponse:
    if not (sniff(response.body) or "").startswith("image/"):
        raise AnswerError("The answer is no picture of a known format.", head=response.body[:200])
    return ImageResponse(images=(GeneratedImage(response.body),), usage=Usage(images=1))


def _picture(given: str) -> GeneratedImage:
    """A picture out of an answer: an address, or the picture itself in base64."""
    if "://" in given[:8]:
        return GeneratedImage(url=given)
    return GeneratedImage(b64decode(given.partition(",")[2] if given.startswith("data:") else given))
