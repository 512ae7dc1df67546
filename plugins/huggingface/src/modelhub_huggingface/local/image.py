"""Pictures painted in this process, by diffusion pipelines: made from words, changed, filled in, enlarged."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Self

from modelhub.plugin import (
    AnswerError,
    ContentFiltered,
    Finished,
    GeneratedImage,
    ImageEvent,
    ImageModel,
    ImageRequest,
    ImageResponse,
    ModelCard,
    ModelhubError,
    Notice,
    PartialImage,
    Plan,
    Runtime,
    Usage,
)
from modelhub_huggingface.local import painting
from modelhub_huggingface.local.cards import card
from modelhub_huggingface.local.devices import slow
from modelhub_huggingface.local.engine import TorchEngine, Wanted, held
from modelhub_huggingface.local.files import ModelFolder, find
from modelhub_huggingface.local.mishaps import told_apart
from modelhub_huggingface.local.orders import Order, ordered
from modelhub_huggingface.local.pictures import FORMATS
from modelhub_huggingface.local.pipelines import Pipeline, pipeline_of
from modelhub_huggingface.local.plans import plan
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["Painting", "model"]


def model(name: str, options: HuggingFaceOptions) -> ImageModel:
    """The painter of that name on this machine. Raises ``UnknownModel``; ``SetupError`` where its files are of no pipeline."""
    folder = find(name, options)
    return Painting.of(name, folder, options)


@dataclass(frozen=True)
class Painting:
    """One picture after another, each from a seed of its own: the same seed gives the same picture, however many there are.

    Where the request gives no seed, the first one is drawn; ``provider_metadata`` tells it. A picture in which the pipeline's
    safety checker finds fault is withheld: where none is left, ``ContentFiltered`` is raised. A stream of several pictures
    gives each as soon as it is finished; there are no previews of one that is not.
    """

    card: ModelCard
    name: str
    options: HuggingFaceOptions
    plan: Plan[TorchEngine[painting.Painter]]
    facts: Pipeline

    @classmethod
    def of(cls, name: str, folder: ModelFolder, options: HuggingFaceOptions) -> Self:
        """The pipeline in a folder."""
        facts = pipeline_of(folder)
        how = plan(name, folder, options, "image", lambda: TorchEngine(painting.load(folder, facts, options)), facts.room)
        return cls(_card(name, folder, facts, options), name, options, how, facts)

    async def call(self, request: ImageRequest, runtime: Runtime) -> ImageResponse:
        async with aclosing(self.stream(request, runtime)) as events:
            async for event in events:
                if isinstance(event, Finished):
                    return event.response
        raise AnswerError("The painting ended without its end.")

    async def stream(self, request: ImageRequest, runtime: Runtime) -> AsyncGenerator[ImageEvent, None]:
        order = await runtime.in_thread(ordered, request, self.facts, self.options, self.card.model)
        done = _Done(order)
        async with held(self.plan, request, runtime) as turns:
            for number in range(request.count):
                job = replace(order.job, seed=(order.job.seed + number) % (1 << 63))
                try:
                    one, done.slow = await turns.take(_run(job, self.card.model))
                except ModelhubError as error:
                    error.partial = self._response(done) if done.images else None
                    raise
                if done.add(job.seed, one) and request.count > 1:
                    yield PartialImage(len(done.images) - 1, done.images[-1].bytes())
        if not done.images:
            raise self._withheld(request.count)
        yield Finished(self._response(done))

    def _response(self, done: _Done) -> ImageResponse:
        return ImageResponse(
            model=self.name,
            provider=self.options.provider,
            images=tuple(done.images),
            usage=Usage(images=len(done.images)),
            notices=tuple(done.notices()),
            provider_metadata={"pipeline": done.pipeline, "seeds": tuple(done.seeds), "safety_checker": self.facts.checks},
        )

    def _withheld(self, count: int) -> ContentFiltered:
        what = "the picture" if count == 1 else f"all {count} pictures"
        message = f"The safety checker of {self.card.model} withheld {what}. Another seed or other words may help."
        error = ContentFiltered(message, provider=self.options.provider, model=self.name)
        error.source = "completion"
        return error


@dataclass(slots=True)
class _Done:
    """The pictures of an order that are finished."""

    order: Order
    images: list[GeneratedImage] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    withheld: int = 0
    left_out: int = 0
    pipeline: str = ""
    slow: tuple[Notice, ...] = ()

    def add(self, seed: int, one: painting.Painted) -> bool:
        """Whether the picture was not withheld."""
        self.pipeline, self.left_out = one.pipeline, one.left_out
        if one.data is None:
            self.withheld += 1
            return False
        self.images.append(GeneratedImage(one.data, media_type=FORMATS[self.order.job.form]))
        self.seeds.append(seed)
        return True

    def notices(self) -> Iterator[Notice]:
        """What was not as it was asked for."""
        yield from self.order.notices
        yield from self.slow
        if self.left_out:
            message = (
                f"The model reads fewer words than there are: the last {self.left_out} tokens of the prompt were left out."
            )
            yield Notice("prompt", message)
        if self.withheld:
            yield Notice("count", f"{self.withheld} of the pictures were withheld by the model's safety checker.")


def _run(job: painting.Job, name: str) -> Callable[[painting.Painter, Wanted], tuple[painting.Painted, tuple[Notice, ...]]]:
    def run(painter: painting.Painter, wanted: Wanted) -> tuple[painting.Painted, tuple[Notice, ...]]:
        with told_apart(name, "Ask for a smaller size."):
            return painting.paint(painter, job, wanted), slow(painter.stored)

    return run


def _card(name: str, folder: ModelFolder, facts: Pipeline, options: HuggingFaceOptions) -> ModelCard:
    return card(
        name,
        "image",
        folder,
        options,
        capabilities=facts.capabilities,
        settings=facts.settings,
        task=options.task or facts.task,
        inputs=("text",) if set(facts.does) == {"generate"} else ("text", "image"),
        outputs=("image",),
    )
