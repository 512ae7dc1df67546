"""A diffusion pipeline at work: loaded once for all that it can do, stopped within a step, a picture at a time."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelhub.plugin import InvalidRequest, SetupError, Unsupported
from modelhub_huggingface.local.devices import device, precision, torch_of
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.given import known
from modelhub_huggingface.local.loading import library, loaded, quietly
from modelhub_huggingface.local.masks import kept
from modelhub_huggingface.local.pictures import written
from modelhub_huggingface.local.pipelines import Doing, Pipeline
from modelhub_huggingface.local.plans import safe
from modelhub_huggingface.local.watching import Watch
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["OURS", "Job", "Painted", "Painter", "load", "paint"]

OURS = (
    *("prompt", "negative_prompt", "image", "mask_image", "height", "width", "strength", "generator", "latents"),
    *("num_images_per_prompt", "output_type", "return_dict", "callback", "callback_on_step_end"),
)
"""What a pipeline is told by a request's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One picture to be made. ``picture`` and ``mask`` are Pillow's, of the size that the result has."""

    doing: Doing
    prompt: str
    seed: int
    form: str
    negative: str | None = None
    picture: Any = None
    mask: Any = None
    size: tuple[int, int] | None = None
    """Of the result, where the request says so."""
    strength: float | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    finish: Callable[[Any], Any] | None = None
    """What is done with the finished picture, before it is written."""


@dataclass(frozen=True, slots=True)
class Painted:
    """``data`` is ``None`` where the safety checker withheld it; ``left_out`` is how many tokens of the prompt were."""

    data: bytes | None
    pipeline: str
    left_out: int


@dataclass(frozen=True, slots=True)
class Painter:
    """What is loaded: the pipeline as it is stored, and those that do other things with the same networks."""

    library: Any
    stored: Any
    facts: Pipeline
    watch: Watch
    others: dict[str, Any] = field(default_factory=dict)

    def pipeline(self, doing: Doing) -> Any:
        """The pipeline that does this. What it needs is shared, so that it takes no memory."""
        name = self.facts.does[doing]
        if name == type(self.stored).__name__:
            return self.stored
        if name not in self.others:
            made = getattr(self.library, name).from_pipe(self.stored, dtype=self.stored.dtype)
            made.set_progress_bar_config(disable=True)
            self.others[name] = made
        return self.others[name]


def load(folder: ModelFolder, facts: Pipeline, options: HuggingFaceOptions) -> Painter:
    """The pipeline of a folder, ready to paint. Raises ``SetupError`` for one that brings code of its own."""
    torch, diffusers = torch_of(options), library("diffusers", "images")
    library("accelerate", "images")  # without it, weights that the files lack would be made up
    place, found = device(torch, options), safe(folder, options)
    _refuse_code(folder, diffusers)
    variants = {name for file in found.files for name in ("fp16", "bf16") if f".{name}." in file}
    with loaded(folder), quietly(diffusers, library("transformers")):
        kind = _kind(diffusers, folder, facts)
        made = kind.from_pretrained(
            folder.path,
            dtype=precision(torch, options, found.stored, place),
            local_files_only=True,
            use_safetensors=not found.pickled,
            low_cpu_mem_usage=True,
            **({"variant": variants.pop()} if variants else {}),
        )
        networks = {name: part for name, part in made.components.items() if isinstance(part, torch.nn.Module)}
        _require_whole(folder, networks)
        made.to(place)
    made.set_progress_bar_config(disable=True)
    watch = Watch()
    watch.put_on(*networks.values())
    return Painter(diffusers, made, facts, watch)


def _require_whole(folder: ModelFolder, networks: Mapping[str, Any]) -> None:
    """What the files lack has no place in memory."""
    lacking = [
        f"{part}.{name}" for part, network in networks.items() for name, weight in network.named_parameters() if weight.is_meta
    ]
    if lacking:
        message = f"The files of {folder.path} lack {len(lacking)} weights, {min(lacking)} among them. Fetch the model again."
        raise SetupError(message)


def _kind(diffusers: Any, folder: ModelFolder, facts: Pipeline) -> Any:
    """Its class; of one that is in no table here, what it takes tells whether it paints pictures from words."""
    kind = getattr(diffusers, facts.stored, None)
    if kind is None:
        raise SetupError(
            f"{folder.path} is a {facts.stored}, which this version of diffusers does not have: bring it up to date."
        )
    takes = inspect.signature(kind.__call__).parameters.keys()
    if facts.does == {"generate": facts.stored} and not (takes >= {"prompt", "num_images_per_prompt"} and "image" not in takes):
        raise Unsupported(f"{folder.path} is a {facts.stored}, which does not paint pictures from words.", feature="generate")
    return kind


def _refuse_code(folder: ModelFolder, diffusers: Any) -> None:
    """Raise ``SetupError`` for a part that is of neither library: it would be imported from wherever its name leads."""
    for name, told in folder.pipeline.items():
        if name.startswith("_") or not isinstance(told, list) or not told or told[0] is None:
            continue
        home = told[0]
        usual = home in ("diffusers", "transformers") or (isinstance(home, str) and hasattr(diffusers.pipelines, home))
        if not usual or folder.has(name, f"{home}.py"):
            raise SetupError(f"{folder.path} brings code of its own for its {name} ({home}), which is never run here.")


def paint(painter: Painter, job: Job, wanted: Callable[[], bool]) -> Painted:
    """The picture. Raises ``Left`` between two layers where it is ``wanted`` no longer."""
    import torch

    pipeline = painter.pipeline(job.doing)
    known(job.arguments, pipeline.__call__, painter.facts.stored)
    told = _told(pipeline, job)
    with painter.watch.during(wanted):
        made = pipeline(**told, generator=torch.Generator("cpu").manual_seed(job.seed))
    flagged = getattr(made, "nsfw_content_detected", None)
    name, left_out = type(pipeline).__name__, _left_out(pipeline, job.prompt)
    if flagged and flagged[0]:
        return Painted(None, name, left_out)
    picture = made.images[0]
    if job.doing == "fill":
        picture = kept(picture, job.picture, job.mask)
    return Painted(written(picture if job.finish is None else job.finish(picture), job.form), name, left_out)


def _told(pipeline: Any, job: Job) -> dict[str, Any]:
    """What the pipeline is called with: its own defaults hold for all else."""
    takes = inspect.signature(pipeline.__call__).parameters
    size = job.size or (job.picture.size if job.doing == "fill" else None)
    words: dict[str, Any] = {
        "prompt": job.prompt,
        "negative_prompt": job.negative,
        "image": job.picture,
        "mask_image": job.mask,
        "width": size and size[0],
        "height": size and size[1],
        "strength": job.strength,
    }
    told = {name: value for name, value in {**words, **job.arguments}.items() if value is not None and name in takes}
    if "strength" in takes:
        usual = {name: takes[name].default for name in ("strength", "num_inference_steps")}
        _require_steps(**{name: told.get(name, value) for name, value in usual.items()})
    return told


def _require_steps(strength: float, num_inference_steps: Any) -> None:
    steps = num_inference_steps
    if isinstance(steps, int) and int(steps * strength) < 1:
        least = f"{1 / steps:.2g}" if steps > 0 else "1"
        raise InvalidRequest(f"With a strength of {strength:g}, none of {steps} steps is left: ask for {least} or more.")


def _left_out(pipeline: Any, prompt: str) -> int:
    """How many tokens of the prompt none of the pipeline's encoders of text has read."""
    counts = []
    for name in ("tokenizer", "tokenizer_2", "tokenizer_3"):
        tokenizer = getattr(pipeline, name, None)
        if tokenizer is not None and tokenizer.model_max_length < 100_000:
            counts.append(len(tokenizer(prompt, truncation=False, verbose=False).input_ids) - tokenizer.model_max_length)
    return max(min(counts, default=0), 0)
