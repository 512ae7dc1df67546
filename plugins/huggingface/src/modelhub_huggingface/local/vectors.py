"""A network that makes vectors, and what it takes to make them of tokens: batches of about one length, pooled and finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modelhub.plugin import Notice, SetupError
from modelhub_huggingface.local.devices import device, has_fast_bfloat16, slow, torch_of
from modelhub_huggingface.local.engine import TorchEngine
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.lengths import at_once, together
from modelhub_huggingface.local.loading import library, loaded, network
from modelhub_huggingface.local.plans import safe
from modelhub_huggingface.local.pooling import pooled
from modelhub_huggingface.local.processes import Crew
from modelhub_huggingface.local.recipe import Recipe
from modelhub_huggingface.local.sentence_folder import Dense
from modelhub_huggingface.local.share import Share
from modelhub_huggingface.local.tokens import Tokens, tokens_of
from modelhub_huggingface.options import HuggingFaceOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]

__all__ = ["Embedder", "EmbedderEngine", "load_embedder"]

_SPARE = ("pooler.",)
"""What encoders are saved with, or not: it is for the sentence pairs of their training."""
_ACTIVATIONS = {"Identity": None, "Tanh": "tanh", "ReLU": "relu", "GELU": "gelu", "SiLU": "silu", "Sigmoid": "sigmoid"}


@dataclass(frozen=True, slots=True)
class Embedder:
    """Used by one thread at a time; its ``tokens`` by any."""

    network: Any
    device: Any
    tokens: Tokens
    recipe: Recipe
    steps: tuple[Callable[[Any], Any], ...]
    filling: int
    """The token that fills a text up to the length of another."""
    at_once: int
    """Tokens of one batch."""
    crew: Crew | None
    alone: bool
    """Whether several processes were asked for where there is nothing for them to do: beside an accelerator."""

    @property
    def precision(self) -> str:
        """What it computes in."""
        return str(self.network.dtype).removeprefix("torch.")

    def vectors(self, texts: Sequence[Sequence[int]], before: int, wanted: Callable[[], bool]) -> Numbers:
        """A row for each text that is given by its tokens; those that are no longer ``wanted`` stay zeros."""
        texts = [text or (self.filling,) for text in texts]  # one without tokens has a vector all the same
        batches = together(list(map(len, texts)), self.at_once)
        share = Share(texts, batches, before)
        if self.crew is not None and self.crew.is_worth(len(batches), sum(map(len, texts))):
            self.crew.compute(share, self.step, wanted)
        else:
            while wanted() and self.step(share):
                pass
        return share.vectors()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What whoever asked for several processes, or for half precision, should know."""
        if self.alone:
            return (Notice("processes", f"Several processes are for a processor; this model is on {self.device}."),)
        why = None if self.crew is None else self.crew.failure
        idle = () if why is None else (Notice("processes", f"A process that should have helped does not: {why}."),)
        return (*idle, *slow(self.network))

    def close(self) -> None:
        """End the processes that helped."""
        if self.crew is not None:
            self.crew.close()

    def step(self, share: Share) -> bool:
        """Compute one batch, if one is left."""
        places = share.take()
        if places is None:
            return False
        share.done(places, self.batch(share.texts(places), share.before))
        return True

    def batch(self, texts: Sequence[Sequence[int]], before: int) -> Numbers:
        """A row for each of a few texts, all computed at once."""
        import torch

        lengths = list(map(len, texts))
        longest = max(lengths)
        with torch.inference_mode():
            filled = [[*text, *[self.filling] * (longest - len(text))] for text in texts]
            ids = torch.tensor(filled, device=self.device)
            inside = torch.arange(longest, device=self.device) < torch.tensor(lengths, device=self.device)[:, None]
            states = self.network(input_ids=ids, attention_mask=inside.long()).last_hidden_state
            vectors = pooled(states, lengths, self.recipe.modes, before)
            for step in self.steps:
                vectors = step(vectors)
            rows: Numbers = vectors.cpu().numpy()
        return rows


class EmbedderEngine(TorchEngine[Embedder]):
    """An embedder, with the processes that help it."""

    def close(self) -> None:
        self.part.close()
        super().close()


def load_embedder(recipe: Recipe, options: HuggingFaceOptions) -> Embedder:
    """Load it. Raises ``SetupError`` for files that are no whole model, or of a kind that makes no vectors of texts."""
    torch = torch_of(options)
    place = device(torch, options)
    if options.dtype is None and has_fast_bfloat16(torch, place):
        options = replace(options, dtype="bfloat16")
    made, place = network(_loader(recipe.network), recipe.network, options, _SPARE)
    filling = made.config.get_text_config().pad_token_id
    several, here = options.processes > 1, place.type == "cpu"
    return Embedder(
        network=made,
        device=place,
        tokens=tokens_of(recipe.network, lower_case=recipe.lower_case),
        recipe=recipe,
        steps=tuple(_dense(step, options, place) if isinstance(step, Dense) else _one_long for step in recipe.steps),
        filling=filling if isinstance(filling, int) and filling >= 0 else 0,
        at_once=at_once(place),
        crew=Crew(options.processes, recipe, options, made.num_parameters()) if several and here else None,
        alone=several and not here,
    )


def _loader(folder: ModelFolder) -> str:
    """The class of transformers that loads it: of a model with both halves, the encoder alone."""
    config = folder.config
    if config.get("is_encoder_decoder") is not True:
        return "AutoModel"
    auto = library("transformers").models.auto.modeling_auto
    if config.get("model_type") not in auto.MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES:
        message = f"{folder.path} is a {config.get('model_type')}, whose encoder cannot be had alone: it makes no vectors here."
        raise SetupError(message)
    return "AutoModelForTextEncoding"


def _one_long(vectors: Any) -> Any:
    import torch

    return torch.nn.functional.normalize(vectors, dim=1)


def _dense(step: Dense, options: HuggingFaceOptions, place: Any) -> Callable[[Any], Any]:
    """A layer in 32 bits."""
    import torch

    if step.activation not in _ACTIVATIONS:
        message = f"{step.folder.path} has the activation {step.activation}, which is not computed here."
        raise SetupError(message)
    with loaded(step.folder):
        tensors = {name: tensor.float().to(place) for name, tensor in _tensors(step.folder, options).items()}
        weight, bias = tensors["linear.weight"], tensors.get("linear.bias")
    name = _ACTIVATIONS[step.activation]
    activation = None if name is None else getattr(torch.nn.functional, name)

    def layer(vectors: Any) -> Any:
        vectors = torch.nn.functional.linear(vectors, weight, bias)
        return vectors if activation is None else activation(vectors)

    return layer


def _tensors(folder: ModelFolder, options: HuggingFaceOptions) -> dict[str, Any]:
    import torch

    if not safe(folder, options).pickled:
        return dict(library("safetensors.torch").load_file(folder.file("model.safetensors")))
    return dict(torch.load(folder.file("pytorch_model.bin"), map_location="cpu", weights_only=True))
