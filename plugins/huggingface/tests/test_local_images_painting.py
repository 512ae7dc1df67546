"""Pictures painted in this process: as diffusers paints them, from seeds, at the sizes that a pipeline can paint."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import modelhub
from modelhub.plugin import (
    ContentFiltered,
    ImageResponse,
    InvalidRequest,
    PartialImage,
    Unsupported,
    engines,
)
from modelhub.testing import collect

pytest.importorskip("diffusers", reason='pictures on this machine need it: pip install "modelhub-huggingface[images]"')
pytest.importorskip("accelerate", reason='pictures on this machine need it: pip install "modelhub-huggingface[images]"')

PROMPT = "a lighthouse, 灯台"
STEPS = {"num_inference_steps": 2}


@pytest.fixture(scope="module")
def painting(made: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    """A client of a tiny pipeline, of that function of ``tiny_diffusion``."""
    with modelhub.Hub({"providers": {"huggingface": {"arguments": STEPS}}}) as hub:
        yield lambda name="stable_diffusion", **changes: hub.image(f"huggingface:{made('tiny_diffusion', name, **changes)}")
    engines().close()


def test_half_precision_on_a_processor_is_said_to_be_slow(made: Callable[..., str]) -> None:
    options = {"arguments": STEPS, "dtype": "float16", "device": "cpu"}
    with modelhub.Hub({"providers": {"huggingface": options}}) as hub:
        painter = hub.image(f"huggingface:{made('tiny_diffusion', 'stable_diffusion')}")
        assert [notice.setting for notice in painter.generate(PROMPT, seed=1).notices] == ["dtype"]


def opened(response: ImageResponse, number: int = 0) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(response.images[number].bytes()))


def hole(size: tuple[int, int]) -> bytes:
    """A mask that leaves the middle open."""
    from PIL import Image

    file, mask = io.BytesIO(), Image.new("RGBA", size, (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (16, 16, 48, 32))
    mask.save(file, "png")
    return file.getvalue()


def library(folder: str, kind: str, **asked: Any) -> bytes:
    """What diffusers itself paints."""
    import diffusers
    import torch

    pipeline = getattr(diffusers, kind).from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    picture = pipeline(generator=torch.Generator().manual_seed(7), **STEPS, **asked).images[0]
    data: bytes = picture.tobytes()
    return data


def test_a_picture_is_the_one_that_the_library_paints(painting: Callable[..., Any], made: Callable[..., str]) -> None:
    """AT-M: one result with bytes, and a media type by what they are."""
    response = painting().generate(PROMPT, seed=7)
    assert opened(response).tobytes() == library(
        made("tiny_diffusion", "stable_diffusion"), "StableDiffusionPipeline", prompt=PROMPT
    )
    assert (opened(response).size, response.images[0].media_type) == ((64, 64), "image/png")
    assert response.usage.images == 1
    assert response.provider_metadata == {"pipeline": "StableDiffusionPipeline", "seeds": (7,), "safety_checker": False}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_weights_of_half_precision_paint_as_well(painting: Callable[..., Any], dtype: str) -> None:
    assert opened(painting(dtype=dtype).generate(PROMPT, seed=7)).getextrema()[0] != (0, 0)


@pytest.mark.parametrize("size", [(64, 48), (32, 64), (128, 64)])
def test_a_picture_has_the_size_that_was_asked_for(painting: Callable[..., Any], size: tuple[int, int]) -> None:
    assert opened(painting().generate(PROMPT, size=size, seed=1)).size == size


def test_a_size_that_cannot_be_painted_is_refused_with_one_that_can(painting: Callable[..., Any]) -> None:
    """AT-M: an error lists what is allowed."""
    with pytest.raises(InvalidRequest, match="multiples of 8: 96 by 56 is near"):
        painting().generate(PROMPT, size=(100, 60))
    with pytest.raises(InvalidRequest, match="takes 65,536 in all"):
        painting().generate(PROMPT, size=(4096, 4096))


def test_the_same_seed_gives_the_same_picture_however_many_there_are(painting: Callable[..., Any]) -> None:
    """AT-M: several are made one after another."""
    painter = painting()
    several = painter.generate(PROMPT, seed=3, count=3)
    assert several.provider_metadata["seeds"] == (3, 4, 5)
    assert [image.bytes() for image in several.images] == [painter.generate(PROMPT, seed=3 + k).bytes() for k in range(3)]
    assert len({image.bytes() for image in several.images}) == 3


def test_without_a_seed_pictures_differ_and_each_can_be_had_again(painting: Callable[..., Any]) -> None:
    painter = painting()
    first, second = painter.generate(PROMPT), painter.generate(PROMPT)
    assert first.bytes() != second.bytes()
    assert painter.generate(PROMPT, seed=first.provider_metadata["seeds"][0]).bytes() == first.bytes()


def test_what_is_not_wanted_changes_the_picture(painting: Callable[..., Any]) -> None:
    painter = painting()
    assert painter.generate(PROMPT, seed=7, negative_prompt="霧").bytes() != painter.generate(PROMPT, seed=7).bytes()


@pytest.mark.parametrize(("form", "media_type", "kind"), [
    ("png", "image/png", "PNG"),
    ("jpeg", "image/jpeg", "JPEG"),
    ("jpg", "image/jpeg", "JPEG"),
    ("webp", "image/webp", "WEBP"),
])  # fmt: skip
def test_a_picture_comes_in_the_format_that_was_asked_for_and_holds_nothing_else(
    painting: Callable[..., Any], form: str, media_type: str, kind: str
) -> None:
    response = painting().generate(PROMPT, seed=7, output_format=form)
    picture = opened(response)
    assert (picture.format, response.images[0].media_type) == (kind, media_type)
    assert not picture.getexif()
    assert not {"parameters", "comment", "icc_profile", "xmp"} & picture.info.keys()
    assert PROMPT.encode() not in response.bytes()


def test_a_format_that_is_not_written_is_refused(painting: Callable[..., Any]) -> None:
    with pytest.raises(InvalidRequest, match="png, jpeg or webp"):
        painting().generate(PROMPT, output_format="gif")


def test_settings_that_no_pipeline_has_are_told(painting: Callable[..., Any]) -> None:
    response = painting().generate(PROMPT, seed=1, quality="high", style="vivid", background="transparent")
    assert {notice.setting for notice in response.notices} == {"quality", "style", "background"}


def test_the_rest_of_a_prompt_that_is_not_read_is_told(painting: Callable[..., Any]) -> None:
    """CLIP reads so many tokens, and the library cuts off what follows."""
    response = painting().generate("灯台 " * 40, seed=1)
    assert [notice.setting for notice in response.notices] == ["prompt"]
    assert response.bytes() == painting().generate("灯台 " * 40 + "at night", seed=1).bytes()


def test_a_stream_of_several_gives_each_as_soon_as_it_is_painted(painting: Callable[..., Any]) -> None:
    painter = painting()
    events = list(painter.stream(PROMPT, seed=3, count=2))
    response = collect(events)
    assert [event.index for event in events[:-1] if isinstance(event, PartialImage)] == [0, 1]
    assert [event.data for event in events[:-1]] == [image.bytes() for image in response.images]
    assert len(list(painter.stream(PROMPT, seed=3))) == 1, "of one picture, there is no preview"


def test_a_picture_that_is_found_fault_with_is_withheld(painting: Callable[..., Any]) -> None:
    """A safety checker that a pipeline brings is never dropped."""
    with pytest.raises(ContentFiltered, match="withheld the picture") as caught:
        painting(checker="everything").generate(PROMPT, seed=1)
    assert caught.value.source == "completion"
    with pytest.raises(ContentFiltered, match="withheld all 2 pictures"):
        painting(checker="everything").generate(PROMPT, seed=1, count=2)
    assert painting(checker="nothing").generate(PROMPT, seed=1).provider_metadata["safety_checker"] is True


def test_the_checker_looks_at_changed_pictures_as_well(painting: Callable[..., Any]) -> None:
    picture = painting().generate(PROMPT, seed=1).bytes()
    with pytest.raises(ContentFiltered):
        painting(checker="everything").edit(picture, PROMPT, seed=1)


def test_arguments_reach_the_library_and_a_wrong_one_is_refused(painting: Callable[..., Any]) -> None:
    painter = painting()
    usual, strict = (
        painter.generate(PROMPT, seed=7, extra={"huggingface": extra}).bytes() for extra in ({}, {"guidance_scale": 1})
    )
    assert usual != strict
    for extra, said in (
        ({"num_inference_step": 2}, "Did you mean 'num_inference_steps'"),
        ({"generator": 1}, "'generator' is no argument"),
        ({"guidance_scale": "x"}, "refuses this request"),
        ({"num_inference_steps": 0}, "num_inference_steps is 0; it must be a whole number, 1 or more"),
        ({"num_inference_steps": -3}, "num_inference_steps is -3"),
        ({"num_inference_steps": "many"}, "num_inference_steps is 'many'"),
        ({"eta": []}, "refuses this request"),
    ):
        with pytest.raises(InvalidRequest, match=said):
            painter.generate(PROMPT, extra={"huggingface": extra})


@pytest.mark.parametrize(("options", "said"), [
    ({"seed": -1}, "0 or more"),
    ({"strength": 0.5}, "generate starts from none"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(painting: Callable[..., Any], options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        painting().generate(PROMPT, **options)


@pytest.mark.parametrize(("name", "kind"), [
    ("xl", "StableDiffusionXL"),
    ("sd3", "StableDiffusion3"),
    ("flux", "Flux"),
])  # fmt: skip
def test_pipelines_of_other_families_paint_change_and_fill_in(
    painting: Callable[..., Any], made: Callable[..., str], name: str, kind: str
) -> None:
    painter = painting(name)
    response = painter.generate(PROMPT, seed=7, size=(64, 48))
    told = library(made("tiny_diffusion", name), f"{kind}Pipeline", prompt=PROMPT, width=64, height=48)
    assert opened(response).tobytes() == told
    changed = painter.edit(response.bytes(), PROMPT, seed=7, strength=0.6)
    filled = painter.edit(response.bytes(), PROMPT, seed=7, mask=hole((64, 48)))
    assert changed.provider_metadata["pipeline"] == f"{kind}Img2ImgPipeline"
    assert filled.provider_metadata["pipeline"] == f"{kind}InpaintPipeline"
    assert opened(changed).size == opened(filled).size == (64, 48)
    assert opened(filled).crop((0, 0, 64, 8)).tobytes() == opened(response).crop((0, 0, 64, 8)).tobytes()
    assert opened(filled).tobytes() != opened(response).tobytes()
    assert len({bytes(response.bytes()), changed.bytes(), filled.bytes()}) == 3


def test_what_a_pipeline_cannot_do_is_refused_before_it_is_loaded(painting: Callable[..., Any]) -> None:
    engines().close()
    for client, ask in (
        (painting(), lambda painter: painter.upscale(b"\x89PNG\r\n\x1a\n")),
        (painting(channels=9), lambda painter: painter.generate(PROMPT)),
        (painting("pix2pix"), lambda painter: painter.vary(b"\x89PNG\r\n\x1a\n")),
        (painting("upscaler"), lambda painter: painter.generate(PROMPT)),
    ):
        with pytest.raises(Unsupported):
            ask(client)
    assert engines().names() == ()
