"""Images: generated, edited, varied; what each model takes stands in a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from modelhub.plugin import (
    BadRequest,
    FollowUp,
    HttpModel,
    HttpRequest,
    HttpResponse,
    ImageModel,
    ImagePart,
    ImageRequest,
    ImageResponse,
    InvalidRequest,
    ModelCard,
    ModelhubError,
    Notice,
    Unsupported,
    extension,
)
from modelhub_openai import known
from modelhub_openai.forms import Form, Upload, form_fields
from modelhub_openai.image_jobs import job
from modelhub_openai.image_limits import check
from modelhub_openai.image_stream import ImageDecoder
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.pictures import understood
from modelhub_openai.site import Site, host

__all__ = ["Images", "model"]

_OPERATIONS = {"generate": "images/generations", "edit": "images/edits", "variation": "images/variations"}
_PREVIEWS = 2


def model(name: str, options: OpenAIOptions | None) -> ImageModel:
    """The model of that name on the host that the options describe."""
    return HttpModel(Images(host(options), name))


@dataclass(frozen=True)
class Images:
    """``images/generations``, ``images/edits`` and ``images/variations`` of one model on one host.

    Bytes are asked for wherever the model lets one choose; the ``raw`` of a response is the answer without them. A host that
    answers with a job (202 and ``operation-location``) is asked until the job is done.
    """

    site: Site
    name: str
    format_refused: bool = False
    """Whether the host has refused ``response_format``: it is left out then."""
    card: ModelCard = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "card", known.card(self.site, self.name, "image"))

    def build(self, request: ImageRequest, *, stream: bool) -> HttpRequest:
        operation = _OPERATIONS.get(request.operation)
        if operation is None:
            raise Unsupported(f"{self.card.model} does not enlarge pictures.", feature=request.operation, model=self.card.model)
        check(request, self._traits, self.card.model)
        fields = {name: value for name, value in self._fields(request, stream) if value is not None}
        body = {**self.site.quirks.written(fields), **request.extra.get(self.site.provider, {})}
        if request.operation == "generate":
            return self.site.post(operation, self.name, body)
        return self.site.post(operation, self.name, Form(form_fields(body), tuple(_uploads(request))))

    def parse(self, response: HttpResponse) -> ImageResponse:
        return understood(response.body, self.site, self.name)

    def decoder(self) -> ImageDecoder:
        return ImageDecoder(self.site, self.name)

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def follow(self, response: HttpResponse) -> FollowUp | None:
        """Where a job is asked after, as long as it is at work. Raises what became of one that has failed."""
        return job(response, self.site, self.name)

    def learned(self, error: ModelhubError) -> Self | None:
        """Where the host does not know ``response_format``: the same without it."""
        refused = isinstance(error, BadRequest) and "response_format" in error.message
        return replace(self, format_refused=True) if refused and not self.format_refused else None

    def completed(self, request: ImageRequest, response: ImageResponse) -> ImageResponse:
        """The response with a notice where fewer pictures came than were asked for."""
        missing = request.count - len(response.images) if isinstance(response, ImageResponse) else 0
        if missing <= 0:
            return response
        notice = Notice("images", f"{request.count} pictures were asked for, {len(response.images)} came.")
        return replace(response, notices=(*response.notices, notice))

    def _fields(self, request: ImageRequest, stream: bool) -> Iterator[tuple[str, Any]]:
        yield "model", self.name
        yield "prompt", request.prompt if request.operation != "variation" else None
        yield "n", request.count if request.count > 1 else None
        yield "size", f"{request.size[0]}x{request.size[1]}" if request.size else None
        for name in ("quality", "style", "background", "output_format"):
            yield name, getattr(request, name)
        if self._traits.get("response_format") and not self.format_refused:
            yield "response_format", "b64_json"
        if stream and self._traits.get("streams") and request.operation != "variation":
            yield "stream", True
            yield "partial_images", _PREVIEWS

    @property
    def _traits(self) -> Mapping[str, Any]:
        return known.traits("image", self.site.base_model(self.name))


def _uploads(request: ImageRequest) -> Iterator[Upload]:
    """The pictures: one is ``image``, several are ``image[]``."""
    if not request.images:
        raise InvalidRequest(f"{request.operation} needs a picture to start from.")
    name = "image" if len(request.images) == 1 else "image[]"
    for number, image in enumerate(request.images):
        yield _upload(name, f"image-{number}", image)
    if request.mask is not None:
        yield _upload("mask", "mask", request.mask)


def _upload(field_name: str, filename: str, image: ImagePart) -> Upload:
    if image.data is None:
        raise InvalidRequest("The picture is an address; this provider takes files: read it first, and give its bytes.")
    media_type = image.media_type or ""
    if not media_type.startswith("image/"):
        raise InvalidRequest("The bytes are no picture of a known format (PNG, JPEG, GIF, WebP).")
    return Upload(field_name, f"{filename}.{extension(media_type)}", media_type, image.data)
