"""What a diffusion pipeline can do, as its files tell: by which classes of diffusers, at which sizes, with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from modelhub.plugin import SetupError
from modelhub_huggingface.local.files import ModelFolder

__all__ = ["Doing", "Pipeline", "pipeline_of"]

Doing = Literal["generate", "edit", "fill", "upscale"]
"""``fill`` is an edit of what a mask leaves open."""

_FAMILIES: tuple[Mapping[Doing, str], ...] = tuple(
    {"generate": f"{name}Pipeline", "edit": f"{name}Img2ImgPipeline", "fill": f"{name}InpaintPipeline"}
    for name in ("StableDiffusion", "StableDiffusionXL", "StableDiffusion3", "Flux")
)
_LIKE_ITS_DECODER, _TWICE = "StableDiffusionUpscalePipeline", "StableDiffusionLatentUpscalePipeline"
_BY_ORDER = "StableDiffusionInstructPix2PixPipeline"
_PATCHED = ("StableDiffusion3", "Flux")
"""Those whose networks look at two by two places of the decoder's grid as one."""
_ALWAYS = frozenset({"count", "seed", "output_format"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """``does`` names the class for each thing that it does; ``stored`` is the one that its files are of.

    Sides of pictures are multiples of ``multiple``. ``side`` is that of what it was trained on, in pixels; ``times``, how many
    times as large an upscaler makes a picture.
    """

    stored: str
    does: Mapping[Doing, str]
    settings: frozenset[str]
    multiple: int = 8
    side: int = 512
    times: int | None = None
    checks: bool = False
    """Whether it has a safety checker."""
    room: int = 0
    """Bytes, about, for what is between its layers when it paints at its own size."""

    @property
    def task(self) -> str:
        """What it is for, in the hub's words."""
        if "generate" in self.does:
            return "text-to-image"
        return "upscaling" if "upscale" in self.does else "inpainting" if "fill" in self.does else "image-to-image"

    @property
    def capabilities(self) -> dict[str, bool]:
        """What requests can need of it."""
        edits = "edit" in self.does or "fill" in self.does
        return {
            "generate": "generate" in self.does,
            "edit": edits,
            "mask": "fill" in self.does,
            "variation": "edit" in self.does and self.stored != _BY_ORDER,
            "upscale": "upscale" in self.does,
        }


def pipeline_of(folder: ModelFolder) -> Pipeline:
    """What the files say. Raises ``SetupError`` where they are of no pipeline, or bring code of their own."""
    told = folder.pipeline
    stored = told.get("_class_name")
    if not isinstance(stored, str):
        what = (
            "brings code of its own, which is never run here"
            if stored
            else "is no diffusion pipeline: it has no model_index.json"
        )
        raise SetupError(f"{folder.path} {what}.")
    network = folder.json("unet", "config.json") or folder.json("transformer", "config.json")
    decoder = folder.json("vae", "config.json")
    floors = decoder.get("block_out_channels") or [128, 256, 512, 512]
    factor = 2 ** (len(floors) - 1)
    does = _does(stored, network)
    multiple = max(8, factor * (2 if stored.startswith(_PATCHED) else 1))
    sample: Any = network.get("sample_size") or 64
    side = factor * int(max(sample) if isinstance(sample, list) else sample)
    return Pipeline(
        stored=stored,
        does=does,
        settings=_settings(stored, does),
        multiple=factor * 8 if stored == _TWICE else multiple,
        side=side,
        times={_LIKE_ITS_DECODER: factor, _TWICE: 2}.get(stored),
        checks=bool(told.get("safety_checker")) and told["safety_checker"][0] is not None,
        room=32 * side * side * int(floors[0]),
    )


def _does(stored: str, network: Mapping[str, Any]) -> Mapping[Doing, str]:
    if stored in (_LIKE_ITS_DECODER, _TWICE):
        return {"upscale": stored}
    if stored == _BY_ORDER:
        return {"edit": stored}
    family = next((row for row in _FAMILIES if stored in row.values()), None)
    if family is None:
        return {"generate": stored}
    if network.get("in_channels") == 9:  # those of a picture, of a mask, and of what is outside of it
        return {"fill": family["fill"]}
    return family


def _settings(stored: str, does: Mapping[Doing, str]) -> frozenset[str]:
    if "upscale" in does:
        return _ALWAYS | {"negative_prompt", "scale"}
    if does == {"generate": stored}:
        return _ALWAYS | {"size"}
    own = {"size"} | ({"strength"} if "fill" in does else set()) | (set() if stored.startswith("Flux") else {"negative_prompt"})
    return _ALWAYS | own
