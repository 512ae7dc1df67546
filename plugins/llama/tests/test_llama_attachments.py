"""LoRA adapters and projectors, by configuration alone."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from asking import config
from tiny_attachments import adapter, projector

from modelhub import Hub, ImagePart, TextPart
from modelhub.errors import ModelhubError, SetupError

pytest.importorskip("xllamacpp", reason='pip install "modelhub-llama[engine]"')


def said(path: str, prompt: Any = "hello", **options: Any) -> str:
    with Hub(config=config(path, **options)) as hub:
        return hub.text("a").generate(prompt, temperature=0, max_output_tokens=12).text


def test_an_adapter_changes_the_answer_as_far_as_its_scale_says(tiny: str, tmp_path: Path) -> None:
    file = adapter(tmp_path / "adapter.gguf")
    bare = said(tiny)
    assert said(tiny, adapters=[{"file": file, "scale": 0.0}]) == bare
    assert said(tiny, adapters=[{"file": file}]) != bare
    assert said(tiny, adapters=[{"file": file, "scale": 1.0}]) == said(tiny, adapters=[{"file": file}])


def test_several_adapters_lie_over_each_other(tiny: str, tmp_path: Path) -> None:
    one, two = adapter(tmp_path / "one.gguf"), adapter(tmp_path / "two.gguf", seed=9)
    both = said(tiny, adapters=[{"file": one, "scale": 0.5}, {"file": two, "scale": 0.5}])
    assert both not in {said(tiny, adapters=[{"file": one, "scale": 0.5}]), said(tiny, adapters=[{"file": two, "scale": 0.5}])}


def test_models_with_and_without_an_adapter_live_beside_each_other(tiny: str, tmp_path: Path) -> None:
    """Two aliases of one file, each with its own options: neither changes the other."""
    file = adapter(tmp_path / "adapter.gguf")
    models = {"plain": {"model": f"llama:{tiny}"}, "turned": {"model": f"llama:{tiny}"}}
    models["turned"]["options"] = {"adapters": [{"file": file}]}
    with Hub(config={"models": models, "providers": {"llama": {"threads": 1}}}) as hub:
        answers = {
            name: hub.text(name).generate("hello", temperature=0, max_output_tokens=12).text
            for name in ("plain", "turned", "plain")
        }
    assert answers["plain"] == said(tiny)
    assert answers["turned"] == said(tiny, adapters=[{"file": file}])


def test_a_projector_lets_the_model_see(tiny: str, tmp_path: Path) -> None:
    """Pictures of different colours lead to different answers, the same picture to the same one."""
    eye = projector(tmp_path / "mmproj.gguf")

    def seen(colour: tuple[int, int, int]) -> str:
        return said(tiny, [TextPart("what? "), picture(colour)], projector=eye)

    red, blue = seen((255, 0, 0)), seen((0, 0, 255))
    assert red != blue
    assert seen((255, 0, 0)) == red


def test_a_model_that_sees_says_so_on_its_card(tiny: str, tmp_path: Path) -> None:
    eye = projector(tmp_path / "mmproj.gguf")
    with Hub(config=config(tiny, projector=eye)) as hub:
        assert hub.text("a").card.supports("images") is True


def test_a_model_without_a_projector_refuses_a_picture(tiny: str) -> None:
    with pytest.raises(ModelhubError):
        said(tiny, [TextPart("what? "), picture((0, 255, 0))])


def test_files_that_are_something_else_are_told_before_the_engine_sees_them(tiny: str, tmp_path: Path) -> None:
    eye, lora = projector(tmp_path / "mmproj.gguf"), adapter(tmp_path / "adapter.gguf")
    with pytest.raises(SetupError, match="`projector` wants a projector"):
        said(tiny, projector=tiny)
    with pytest.raises(SetupError, match="`adapters` wants a LoRA adapter"):
        said(tiny, adapters=[{"file": eye}])
    with pytest.raises(SetupError, match=r"no file .*nothing\.gguf, which `adapters` names"):
        said(tiny, adapters=[{"file": str(tmp_path / "nothing.gguf")}])
    with pytest.raises(SetupError, match="`projector` wants a projector"):
        said(tiny, projector=lora)


def picture(colour: tuple[int, int, int], side: int = 32) -> ImagePart:
    """A PNG of one colour."""
    rows = b"".join(b"\0" + bytes(colour) * side for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks)
    return ImagePart(b"\x89PNG\r\n\x1a\n" + body)
