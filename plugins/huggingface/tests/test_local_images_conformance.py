"""Painters in this process keep the laws that every model keeps, in both runtimes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from modelhub.plugin import ImagePart, ImageRequest, engines
from modelhub.testing import ImageConformance
from modelhub.testing.conformance.samples import picture

pytest.importorskip("diffusers", reason='pictures on this machine need it: pip install "modelhub-huggingface[images]"')
pytest.importorskip("accelerate", reason='pictures on this machine need it: pip install "modelhub-huggingface[images]"')


@pytest.fixture(autouse=True, scope="module")
def unloaded() -> Iterator[None]:
    yield
    engines().close()


def hole() -> ImagePart:
    """A mask for the small picture that the laws are tried with."""
    from PIL import Image

    file, made = io.BytesIO(), Image.new("RGBA", (8, 8), (0, 0, 0, 255))
    made.paste((0, 0, 0, 0), (2, 2, 6, 6))
    made.save(file, "png")
    return ImagePart(data=file.getvalue())


class _InAFolder(ImageConformance):
    """The model is the folder of its own name, where the test runs; its pictures come from one seed."""

    changes: ClassVar[dict[str, Any]] = {}
    options: ClassVar[Mapping[str, Any]] = {"arguments": {"num_inference_steps": 2}}

    @pytest.fixture(autouse=True)
    def there(self, made: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(Path(made("tiny_diffusion", self.model_id.rpartition("/")[2], **self.changes)).parent)

    def request(self) -> ImageRequest:
        return replace(super().request(), seed=7, size=(32, 32))

    def needing(self) -> Mapping[str, ImageRequest]:
        wanted = dict(super().needing())
        return {**wanted, "mask": replace(wanted["mask"], mask=hole(), size=None)}


class TestStableDiffusion(_InAFolder):
    model_id = "huggingface:./stable_diffusion"


class TestFillingIn(_InAFolder):
    model_id = "huggingface:./stable_diffusion"
    changes: ClassVar[dict[str, Any]] = {"channels": 9}

    def request(self) -> ImageRequest:
        return replace(super().request(), operation="edit", images=(picture(),))


class TestUpscaler(_InAFolder):
    model_id = "huggingface:./upscaler"

    def request(self) -> ImageRequest:
        return ImageRequest(operation="upscale", images=(picture(),), scale=2, seed=7)

    def needing(self) -> Mapping[str, ImageRequest]:
        return {name: replace(request, prompt=request.prompt or "a lamp") for name, request in super().needing().items()}
