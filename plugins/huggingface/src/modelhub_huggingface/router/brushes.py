"""How each provider wants a picture asked for. Each name is one that a row of the providers' table names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelhub.plugin import ImageRequest, InvalidRequest
from modelhub_huggingface.router import jobs
from modelhub_huggingface.router.painting import Brush, Fields
from modelhub_huggingface.router.predictions import outputs, predicted, predictions
from modelhub_huggingface.router.served import Served

__all__ = [
    "fal",
    "fal_edit",
    "nscale",
    "replicate",
    "replicate_edit",
    "together",
    "together_edit",
    "wavespeed",
    "wavespeed_edit",
    "zai",
]


def _sources(request: ImageRequest) -> list[str]:
    """The pictures to start from, as addresses or as the data themselves."""
    if not request.images:
        raise InvalidRequest(f"{request.operation} needs a picture to start from.")
    return [image.data_url() for image in request.images]


def _worded(request: ImageRequest, given: Fields) -> Fields:
    """The parameters, and the words beside a picture where there are some."""
    return {**({"prompt": request.prompt} if request.prompt else {}), **given}


def _sized(given: Fields) -> Fields:
    """Width and height as one object."""
    if not {"width", "height"} <= given.keys():
        return given
    rest = {name: value for name, value in given.items() if name not in ("width", "height")}
    return {**rest, "image_size": {"width": given["width"], "height": given["height"]}}


def _measured(given: Fields) -> Fields:
    """Width and height as one word: ``1024x768``."""
    if not {"width", "height"} <= given.keys():
        return given
    rest = {name: value for name, value in given.items() if name not in ("width", "height")}
    return {**rest, "size": f"{given['width']}x{given['height']}"}


def _stepped(given: Fields) -> Fields:
    """The number of steps under Together's name for it."""
    return {("steps" if name == "num_inference_steps" else name): value for name, value in given.items()}


def _with_adapter(served: Served, fields: Fields) -> Fields:
    """An adapter's weights, which fal fetches from the hub; for Stable Diffusion it wants the base model named as well."""
    if served.adapter is None:
        return fields
    weights = f"https://huggingface.co/{served.model}/resolve/main/{served.adapter}"
    base = {"model_name": "stabilityai/stable-diffusion-xl-base-1.0"} if served.id == "fal-ai/lora" else {}
    return {**fields, "loras": [{"path": weights, "scale": 1}], **base}


def _fal(served: Served, request: ImageRequest, given: Fields) -> Fields:
    return _with_adapter(served, {"prompt": request.prompt, **_sized(given)})


def _fal_edit(served: Served, request: ImageRequest, given: Fields) -> Fields:
    sources = _sources(request)
    return _with_adapter(served, {"image_url": sources[0], "image_urls": sources, **_worded(request, _sized(given))})


def _together(served: Served, request: ImageRequest, given: Fields) -> Fields:
    return {"prompt": request.prompt, "response_format": "base64", **_stepped(given), "model": served.id}


def _together_edit(served: Served, request: ImageRequest, given: Fields) -> Fields:
    """FLUX.1 Kontext takes one picture under a name of its own; all others take references."""
    sources, name = _sources(request), served.id.lower()
    start: Fields = {"image_url": sources[0]} if "kontext" in name and "flux.1" in name else {"reference_images": sources}
    return {**_together(served, request, given), **start}


def _nscale(served: Served, request: ImageRequest, given: Fields) -> Fields:
    taken = {name: value for name, value in given.items() if name not in ("num_inference_steps", "cfg_scale")}
    return {"response_format": "b64_json", "prompt": request.prompt, "model": served.id, **_measured(taken)}


def _replicate(served: Served, request: ImageRequest, given: Fields) -> Fields:
    adapter = {"lora_weights": f"https://huggingface.co/{served.model}"} if served.adapter else {}
    return predicted(served, {"prompt": request.prompt, **given, **adapter})


def _replicate_edit(served: Served, request: ImageRequest, given: Fields) -> Fields:
    """Its models look for the picture under four names: each finds its own."""
    sources = _sources(request)
    named = {"image": sources[0], "images": sources, "input_image": sources[0], "input_images": sources}
    return predicted(served, {**named, **_worded(request, given)})


def _wavespeed(served: Served, request: ImageRequest, given: Fields) -> Fields:  # noqa: ARG001  # the address names the model
    return {"prompt": request.prompt, **given}


def _wavespeed_edit(served: Served, request: ImageRequest, given: Fields) -> Fields:  # noqa: ARG001
    return {"image": _sources(request)[0], **_worded(request, given)}


def _zai(served: Served, request: ImageRequest, given: Fields) -> Fields:
    return {"model": served.id, "prompt": request.prompt, **_measured(given)}


def _files(rows: Any) -> list[str]:
    """The addresses of a list of files."""
    listed = [row.get("url") for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return [address for address in listed if isinstance(address, str)]


def _data(said: Mapping[str, Any]) -> list[str]:
    """The pictures of the dialect's answer."""
    rows = said.get("data")
    found = (
        [row.get("b64_json") or row.get("url") for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    )
    return [picture for picture in found if isinstance(picture, str)]


def _outputs(said: Mapping[str, Any]) -> list[str]:
    data = said.get("data")
    return outputs({"output": data.get("outputs")}) if isinstance(data, Mapping) else []


fal = Brush(lambda served: served.id, _fal, lambda said: _files(said.get("images")))
fal_edit = Brush(lambda served: f"{served.id}?_subdomain=queue", _fal_edit, lambda said: _files(said.get("images")), jobs.fal)
nscale = Brush(lambda _: "v1/images/generations", _nscale, _data)
replicate = Brush(predictions, _replicate, outputs, jobs.replicate, jobs.HELD_OPEN)
replicate_edit = Brush(predictions, _replicate_edit, outputs, jobs.replicate, jobs.HELD_OPEN)
together = Brush(lambda _: "v1/images/generations", _together, _data)
together_edit = Brush(lambda _: "v1/images/generations", _together_edit, _data)
wavespeed = Brush(lambda served: f"api/v3/{served.id}", _wavespeed, _outputs, jobs.wavespeed)
wavespeed_edit = Brush(lambda served: f"api/v3/{served.id}", _wavespeed_edit, _outputs, jobs.wavespeed)
zai = Brush(
    lambda _: "api/paas/v4/async/images/generations",
    _zai,
    lambda said: _files(said.get("image_result")),
    jobs.zai,
    {"accept-language": "en-US,en", "x-source-channel": "hugging_face"},
)
