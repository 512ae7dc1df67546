"""An image request as the job of a pipeline: checked against what it can do, its pictures read and made to a size."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from modelhub.plugin import ImageRequest, InvalidRequest, Notice, Unsupported
from modelhub_huggingface.local.dice import within
from modelhub_huggingface.local.given import given
from modelhub_huggingface.local.masks import everything, opened
from modelhub_huggingface.local.painting import OURS, Job
from modelhub_huggingface.local.pictures import FORMATS, pixels, read, resized
from modelhub_huggingface.local.pipelines import Doing, Pipeline
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["Order", "ordered"]

_TIMES_ITS_OWN = 16
"""How many times as many pixels as a pipeline was trained on it may be asked for: memory grows faster than they do."""


@dataclass(frozen=True, slots=True)
class Order:
    """The job of the first picture; each further one has the next seed. ``notices`` are of what was changed."""

    job: Job
    notices: tuple[Notice, ...] = ()


def ordered(request: ImageRequest, facts: Pipeline, options: HuggingFaceOptions, name: str) -> Order:
    """The request as a job. Raises ``Unsupported`` for what the pipeline lacks, ``InvalidRequest`` for what it cannot take."""
    _check(request, name)
    form = request.output_format or "png"
    if form not in FORMATS:
        raise InvalidRequest(f"output_format is {form!r}; pictures are written here as png, jpeg or webp.")
    job = Job(
        doing=_doing(request, facts, name),
        prompt=request.prompt,
        negative=request.negative_prompt,
        seed=secrets.randbits(32) if request.seed is None else within(request.seed),
        form=form,
        size=None if request.size is None else _sized(request.size, facts, name),
        strength=request.strength,
        arguments=_arguments(request, options),
    )
    if request.operation == "generate":
        return Order(job)
    picture = pixels(read(request.images[0], "The picture"))
    return (
        _enlarged(job, picture, request, facts, name)
        if job.doing == "upscale"
        else _changed(job, picture, request, facts, name)
    )


def _arguments(request: ImageRequest, options: HuggingFaceOptions) -> dict[str, Any]:
    """What the library is told beside."""
    told = given(request, options, OURS)
    steps = told.get("num_inference_steps")
    if steps is not None and (type(steps) is not int or steps < 1):
        raise InvalidRequest(f"num_inference_steps is {steps!r}; it must be a whole number, 1 or more.")
    return told


def _doing(request: ImageRequest, facts: Pipeline, name: str) -> Doing:
    """What of it the pipeline does. An edit without a mask is one with everything open, where it can only fill in."""
    can = facts.capabilities
    for feature in sorted(request.needs()):
        if not can.get(feature):
            does = ", ".join(word for word, able in can.items() if able)
            raise Unsupported(f"{name} ({facts.stored}) has no {feature}; it has {does}.", feature=feature, model=name)
    if request.operation in ("generate", "upscale"):
        return request.operation
    return "fill" if request.mask is not None or "edit" not in facts.does else "edit"


def _check(request: ImageRequest, name: str) -> None:
    if request.operation == "generate" and request.images:
        raise InvalidRequest("generate starts from words alone: edit takes a picture.")
    if request.operation == "generate" and request.strength is not None:
        raise InvalidRequest("strength says how far a picture is changed, and generate starts from none: leave it out.")
    if request.operation in ("generate", "edit") and not request.prompt.strip():
        raise InvalidRequest("The prompt is empty.")
    if request.operation != "generate" and len(request.images) != 1:
        raise InvalidRequest(f"{name} takes one picture to {request.operation}, not {len(request.images)}.")
    if request.mask is not None and request.operation != "edit":
        raise InvalidRequest(f"A mask belongs to an edit, and this is {request.operation}.")


def _sized(size: tuple[int, int], facts: Pipeline, name: str) -> tuple[int, int]:
    """The size, where the pipeline can paint it."""
    near = _fitting(size, facts)
    if near != size:
        told = f"{name} paints pictures whose sides are multiples of {facts.multiple}"
        raise InvalidRequest(f"size is {size[0]} by {size[1]}; {told}: {near[0]} by {near[1]} is near.")
    _require_room(size, facts, name)
    return size


def _require_room(size: tuple[int, int], facts: Pipeline, name: str) -> None:
    most = _TIMES_ITS_OWN * max(facts.side, 64) ** 2
    if size[0] * size[1] > most:
        message = f"{size[0]} by {size[1]} pixels are too many for {name}, which was trained on {facts.side} by {facts.side}"
        raise InvalidRequest(f"{message}: it takes {most:,} in all.")


def _fitting(size: tuple[int, int], facts: Pipeline) -> tuple[int, int]:
    """The nearest size below, or the smallest there is."""
    width, height = (max(side - side % facts.multiple, facts.multiple) for side in size)
    return width, height


def _changed(job: Job, picture: Any, request: ImageRequest, facts: Pipeline, name: str) -> Order:
    """An edit or a variation: as large as it is asked for, else as the picture is, or nearly so."""
    size = job.size or _fitting(picture.size, facts)
    _require_room(size, facts, name)
    notices: tuple[Notice, ...] = ()
    if job.size is None and size != picture.size:
        told = f"The picture has {picture.width} by {picture.height} pixels, and the result {size[0]} by {size[1]}"
        notices = (Notice("size", f"{told}: sides are multiples of {facts.multiple}."),)
    mask = None
    if job.doing == "fill":
        whole = everything(picture.size) if request.mask is None else opened(request.mask, picture.size)
        mask = resized(whole, size)
    return Order(replace(job, picture=resized(picture, size), mask=mask, size=size), notices)


def _enlarged(job: Job, picture: Any, request: ImageRequest, facts: Pipeline, name: str) -> Order:
    """An enlargement: the picture is filled up to sides that the pipeline takes, and what was added is cut off again."""
    times = facts.times or 1
    scale = times if request.scale is None else request.scale
    if scale > times:
        allowed = ", ".join(str(number) for number in range(2, times + 1))
        raise InvalidRequest(f"scale is {scale}; {name} makes pictures {allowed} times as large.")
    _require_room((picture.width * times, picture.height * times), facts, name)
    finish = partial(_finished, size=picture.size, times=times, scale=scale)
    return Order(replace(job, picture=_filled_up(picture, facts.multiple), size=None, finish=finish))


def _filled_up(picture: Any, multiple: int) -> Any:
    """The picture with its last row and column repeated."""
    import numpy as np
    from PIL import Image

    wide, high = -picture.width % multiple, -picture.height % multiple
    return Image.fromarray(np.pad(np.asarray(picture), ((0, high), (0, wide), (0, 0)), mode="edge"))


def _finished(painted: Any, size: tuple[int, int], times: int, scale: int) -> Any:
    """Without what was added, and no larger than asked for."""
    whole = painted.crop((0, 0, size[0] * times, size[1] * times))
    return resized(whole, (size[0] * scale, size[1] * scale))
