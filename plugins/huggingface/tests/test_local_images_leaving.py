"""Whoever leaves while a picture is painted, or is late, stops it within a step; files that are not safe are not loaded."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from leaving import interrupted_after

import modelhub
from modelhub.plugin import NotEnoughMemory, SetupError, TimedOut, Timeouts, Unsupported, engines

pytest.importorskip("diffusers", reason='pictures on this machine need it: pip install "modelhub-huggingface[images]"')
pytest.importorskip("accelerate", reason='pictures on this machine need it: pip install "modelhub-huggingface[images]"')

ENDLESS: dict[str, Any] = {"extra": {"huggingface": {"num_inference_steps": 999}}, "seed": 1}
"""A picture that takes some ten seconds or more."""
SHORT: dict[str, Any] = {"extra": {"huggingface": {"num_inference_steps": 1}}, "seed": 1}


@pytest.fixture(scope="module")
def model(made: Callable[..., str]) -> Iterator[str]:
    yield f"huggingface:{made('tiny_diffusion', 'stable_diffusion')}"
    engines().close()


def by_time_out(painter: Any) -> None:
    with pytest.raises(TimedOut) as caught:
        painter.generate("灯台", **ENDLESS, timeouts=Timeouts(total=0.5))
    assert caught.value.phase == "total"


def by_ctrl_c(painter: Any) -> None:
    with interrupted_after(0.5):
        painter.generate("灯台", **ENDLESS)


def by_closing_in_another_thread(painter: Any) -> None:
    stream = painter.stream("灯台", **ENDLESS)
    threading.Timer(0.5, stream.close).start()
    with pytest.raises(modelhub.StreamBroken):
        stream.collect()


def by_break_after_the_first_of_many(painter: Any) -> None:
    for _ in painter.stream("灯台", **SHORT, count=1000):
        break


@pytest.mark.parametrize("leave", [by_time_out, by_ctrl_c, by_closing_in_another_thread, by_break_after_the_first_of_many])
def test_who_leaves_stops_what_is_painted_for_him(model: str, leave: Callable[[Any], None]) -> None:
    """AT-C5: whatever the way he leaves by, the next one has his turn."""
    with modelhub.Hub({}) as hub:
        painter = hub.image(model)
        painter.generate("灯台", **SHORT)
        leave(painter)
        before = time.monotonic()
        assert painter.generate("灯台", **SHORT).bytes()
        assert time.monotonic() - before < 2


async def async_cancel(painter: Any) -> None:
    task = asyncio.create_task(painter.generate("灯台", **ENDLESS))
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def async_close(painter: Any) -> None:
    stream = painter.stream("灯台", **SHORT, count=1000)
    await anext(stream)
    await stream.aclose()


@pytest.mark.parametrize("leave", [async_cancel, async_close])
def test_who_leaves_stops_it_where_it_is_awaited(model: str, leave: Callable[[Any], Awaitable[None]]) -> None:
    async def scene() -> None:
        async with modelhub.AsyncHub({}) as hub:
            painter = hub.image(model)
            await painter.generate("灯台", **SHORT)
            await leave(painter)
            before = time.monotonic()
            assert (await painter.generate("灯台", **SHORT)).bytes()
            assert time.monotonic() - before < 2

    asyncio.run(scene())


def test_who_is_late_has_the_pictures_that_are_finished(model: str) -> None:
    with modelhub.Hub({}) as hub:
        painter = hub.image(model)
        painter.generate("灯台", **SHORT)
        with pytest.raises(TimedOut) as caught:
            painter.generate("灯台", **SHORT, count=1000, timeouts=Timeouts(total=1.0))
        done = caught.value.partial
        assert isinstance(done, modelhub.ImageResponse)
        assert 1 <= len(done.images) < 1000


def test_two_painters_work_beside_each_other_and_are_unloaded(made: Callable[..., str]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    engines().close()
    with modelhub.Hub({}) as hub, ThreadPoolExecutor(4) as threads:
        one = hub.image(f"huggingface:{made('tiny_diffusion', 'stable_diffusion')}")
        other = hub.image(f"huggingface:{made('tiny_diffusion', 'xl')}")
        alone = [painter.generate("灯台", **SHORT).bytes() for painter in (one, other)]
        both = [threads.submit(painter.generate, "灯台", **SHORT) for _ in range(3) for painter in (one, other)]
        assert [each.result().bytes() for each in both] == alone * 3
        assert len(engines().names()) == 2
    engines().close()
    assert engines().names() == ()


def test_a_painter_that_nobody_uses_is_unloaded(model: str) -> None:
    engines().close()
    with modelhub.Hub({"providers": {"huggingface": {"keep_alive": 0.2}}}) as hub:
        hub.image(model).generate("灯台", **SHORT, count=2)
        assert len(engines().names()) == 1
        until = time.monotonic() + 5
        while engines().names() and time.monotonic() < until:
            time.sleep(0.02)
        assert engines().names() == ()


def test_a_painter_that_does_not_fit_is_not_loaded(model: str) -> None:
    engines().close()
    with (
        modelhub.Hub({"providers": {"huggingface": {"memory_limit": "1 MiB"}}}) as hub,
        pytest.raises(NotEnoughMemory) as caught,
    ):
        hub.image(model).generate("灯台", **SHORT)
    assert caught.value.needed is not None
    assert caught.value.needed > 64 << 20
    assert engines().names() == ()


def changed(made: Callable[..., str], tmp_path: Path, **index: Any) -> Path:
    """A pipeline with other words in its model_index.json."""
    folder = Path(shutil.copytree(made("tiny_diffusion", "stable_diffusion"), tmp_path / "changed"))
    told = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    (folder / "model_index.json").write_text(json.dumps({**told, **index}), encoding="utf-8")
    return folder


def refused(folder: Path, **options: Any) -> str:
    with modelhub.Hub({"providers": {"huggingface": options}}) as hub, pytest.raises((SetupError, Unsupported)) as caught:
        hub.image(f"huggingface:{folder}").generate("灯台", **SHORT)
    return str(caught.value)


@pytest.mark.parametrize("index", [
    {"_class_name": ["pipeline", "OwnPipeline"]},
    {"unet": ["own_unet", "OwnUNet"]},
    {"scheduler": ["os", "system"]},
    {"vae": ["../../vae", "AutoencoderKL"]},
])  # fmt: skip
def test_code_that_a_pipeline_brings_along_is_never_run(
    index: dict[str, Any], made: Callable[..., str], tmp_path: Path
) -> None:
    folder = changed(made, tmp_path, **index)
    mark = tmp_path / "ran"
    for place in (folder / "own_unet.py", folder / "unet" / "own_unet.py", folder / "pipeline.py"):
        place.write_text(f"open({str(mark)!r}, 'w').close()\nclass OwnUNet: pass\nclass OwnPipeline: pass\n", encoding="utf-8")
    assert "code of its own" in refused(folder)
    assert not mark.exists()


def test_code_under_the_name_of_a_library_is_not_run_either(made: Callable[..., str], tmp_path: Path) -> None:
    folder, mark = changed(made, tmp_path), tmp_path / "ran"
    (folder / "unet" / "diffusers.py").write_text(f"open({str(mark)!r}, 'w').close()\n", encoding="utf-8")
    assert "code of its own" in refused(folder)
    assert not mark.exists()


def test_a_pipeline_that_does_not_paint_says_so(made: Callable[..., str], tmp_path: Path) -> None:
    assert "does not paint pictures from words" in refused(
        changed(made, tmp_path, _class_name="StableDiffusionDepth2ImgPipeline")
    )
    shutil.rmtree(tmp_path / "changed")
    assert "does not have" in refused(changed(made, tmp_path, _class_name="TimeMachinePipeline"))


def test_a_network_that_is_no_pipeline_says_so(tiny: Callable[..., str]) -> None:
    assert "has no model_index.json" in refused(Path(tiny("gpt2")))


def test_pickled_weights_are_loaded_only_where_that_was_asked_for(made: Callable[..., str], tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = changed(made, tmp_path)
    for file in folder.glob("*/*.safetensors"):
        name = "pytorch_model.bin" if file.parent.name == "text_encoder" else "diffusion_pytorch_model.bin"
        torch.save(load_file(file), file.parent / name)
        if file.parent.name == "unet":
            file.unlink()
    assert "cannot be loaded" in refused(folder)  # what is safe of it does not make the rest so
    for file in folder.glob("*/*.safetensors"):
        file.unlink()
    assert "pickled_weights = true" in refused(folder)
    with modelhub.Hub({"providers": {"huggingface": {"pickled_weights": True}}}) as hub:
        again = hub.image(f"huggingface:{folder}").generate("灯台", **SHORT).bytes()
        assert again == hub.image(f"huggingface:{made('tiny_diffusion', 'stable_diffusion')}").generate("灯台", **SHORT).bytes()


def test_weights_that_lie_there_twice_are_counted_and_loaded_once(made: Callable[..., str], tmp_path: Path) -> None:
    """Beside its parts, a repository may hold the whole in one file, and each part in half precision."""
    folder = changed(made, tmp_path)
    with modelhub.Hub({}) as hub:
        before = hub.image(f"huggingface:{folder}").model.card
        whole = folder / "unet" / "diffusion_pytorch_model.safetensors"
        shutil.copy(whole, folder / "v1-5-pruned.safetensors")
        shutil.copy(whole, folder / "unet" / "diffusion_pytorch_model.fp16.safetensors")
    with modelhub.Hub({}) as hub:
        painter = hub.image(f"huggingface:{folder}")
        assert (painter.model.card.parameters, painter.model.card.memory_bytes) == (before.parameters, before.memory_bytes)
        assert painter.generate("灯台", **SHORT).bytes()


def test_a_pipeline_that_lies_there_in_half_precision_alone_is_loaded(made: Callable[..., str], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made("tiny_diffusion", "stable_diffusion", dtype="float16"), tmp_path / "half"))
    for file in folder.glob("*/*.safetensors"):
        file.rename(file.with_name(file.name.replace(".safetensors", ".fp16.safetensors")))
    with modelhub.Hub({}) as hub:
        painter = hub.image(f"huggingface:{folder}")
        assert painter.model.card.quantization == "F16"
        assert painter.generate("灯台", **SHORT).bytes()


def test_a_damaged_pipeline_says_which_file_it_is(made: Callable[..., str], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = changed(made, tmp_path)
    file = folder / "unet" / "diffusion_pytorch_model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    assert str(file) in refused(folder)
    file.write_bytes(whole)
    weights = load_file(file)
    del weights["conv_in.weight"]
    save_file(weights, file)
    assert "conv_in.weight" in refused(folder)
    file.write_bytes(whole)
    shutil.rmtree(folder / "vae")
    assert str(folder) in refused(folder)


def test_a_checker_whose_files_are_missing_is_not_done_without(made: Callable[..., str], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made("tiny_diffusion", "stable_diffusion", checker="nothing"), tmp_path / "unchecked"))
    shutil.rmtree(folder / "safety_checker")
    assert "cannot be loaded" in refused(folder)
