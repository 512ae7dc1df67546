"""Pictures changed, varied, filled in and enlarged in this process, with the networks that are loaded once."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import modelhub
from modelhub.plugin import ImagePart, InvalidRequest, Unsupported, engines

pytest.importorskip("diffusers", reason='pictures on this machine need it: pip install "modelhub-huggingface[images]"')
pytest.importorskip("accelerate", reason='pictures on this machine need it: pip install "modelhub-huggingface[images]"')

from PIL import Image  # with diffusers only

PROMPT = "a lighthouse, 灯台"
STEPS = {"num_inference_steps": 4}


@pytest.fixture(scope="module")
def painting(made: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    with modelhub.Hub({"providers": {"huggingface": {"arguments": STEPS}}}) as hub:
        yield lambda name="stable_diffusion", **changes: hub.image(f"huggingface:{made('tiny_diffusion', name, **changes)}")
    engines().close()


def picture(size: tuple[int, int] = (64, 64)) -> Any:
    return Image.effect_mandelbrot(size, (-2.0, -1.5, 1.0, 1.5), 50).convert("RGB")


def written(image: Any, form: str = "png", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def opened(response: Any) -> Any:
    return Image.open(io.BytesIO(response.bytes()))


def mask(size: tuple[int, int] = (64, 64), hole: tuple[int, int, int, int] = (16, 16, 48, 48)) -> Any:
    """Opaque, but for a hole."""
    made = Image.new("RGBA", size, (0, 0, 0, 255))
    made.paste((0, 0, 0, 0), hole)
    return made


def library(folder: str, kind: str, **asked: Any) -> bytes:
    import diffusers
    import torch

    pipeline = getattr(diffusers, kind).from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    data: bytes = pipeline(generator=torch.Generator().manual_seed(7), **STEPS, **asked).images[0].tobytes()
    return data


def test_a_changed_picture_is_the_one_that_the_library_paints(painting: Callable[..., Any], made: Callable[..., str]) -> None:
    response = painting().edit(written(picture()), PROMPT, seed=7, strength=0.5)
    asked = {"prompt": PROMPT, "image": picture(), "strength": 0.5}
    told = library(made("tiny_diffusion", "stable_diffusion"), "StableDiffusionImg2ImgPipeline", **asked)
    assert opened(response).tobytes() == told
    assert response.provider_metadata["pipeline"] == "StableDiffusionImg2ImgPipeline"


def test_a_variation_needs_no_words(painting: Callable[..., Any], made: Callable[..., str]) -> None:
    response = painting().vary(written(picture()), seed=7)
    told = library(made("tiny_diffusion", "stable_diffusion"), "StableDiffusionImg2ImgPipeline", prompt="", image=picture())
    assert opened(response).tobytes() == told


def test_a_pipeline_that_is_told_what_to_do_does_it(painting: Callable[..., Any], made: Callable[..., str]) -> None:
    response = painting("pix2pix").edit(written(picture()), "make it night", seed=7)
    asked = {"prompt": "make it night", "image": picture()}
    assert opened(response).tobytes() == library(
        made("tiny_diffusion", "pix2pix"), "StableDiffusionInstructPix2PixPipeline", **asked
    )


@pytest.mark.parametrize("changes", [{}, {"channels": 9}])
def test_only_what_the_mask_leaves_open_is_painted(painting: Callable[..., Any], changes: dict[str, Any]) -> None:
    """The very pixels elsewhere are those that were there before."""
    response = painting(**changes).edit(written(picture()), PROMPT, mask=written(mask()), seed=7)
    before, after = picture(), opened(response)
    assert response.provider_metadata["pipeline"] == "StableDiffusionInpaintPipeline"
    for box in ((0, 0, 64, 16), (0, 48, 64, 64), (0, 16, 16, 48), (48, 16, 64, 48)):
        assert after.crop(box).tobytes() == before.crop(box).tobytes()
    hole = (16, 16, 48, 48)
    same = sum(one == other for one, other in zip(after.crop(hole).tobytes(), before.crop(hole).tobytes(), strict=True))
    assert same < 32 * 32 * 3 / 4


def test_what_is_painted_in_the_hole_is_what_the_library_paints_there(
    painting: Callable[..., Any], made: Callable[..., str]
) -> None:
    white = Image.new("L", (64, 64), 0)
    white.paste(255, (16, 16, 48, 48))
    asked = {"prompt": PROMPT, "image": picture(), "mask_image": white, "width": 64, "height": 64}
    told = library(made("tiny_diffusion", "stable_diffusion"), "StableDiffusionInpaintPipeline", **asked)
    after = opened(painting().edit(written(picture()), PROMPT, mask=written(mask()), seed=7))
    hole = (16, 16, 48, 48)
    assert after.crop(hole).tobytes() == Image.frombytes("RGB", (64, 64), told).crop(hole).tobytes()


def test_a_pipeline_for_filling_in_changes_all_where_there_is_no_mask(painting: Callable[..., Any]) -> None:
    filling = painting(channels=9)
    whole = filling.edit(written(picture()), PROMPT, seed=7)
    everything = filling.edit(written(picture()), PROMPT, seed=7, mask=written(mask(hole=(0, 0, 64, 64))))
    assert whole.bytes() == everything.bytes()


def test_a_mask_may_be_of_any_form_that_can_be_transparent(painting: Callable[..., Any]) -> None:
    painter, whole = painting(), mask()
    palette = whole.getchannel("A").point(lambda opaque: opaque // 255).convert("P")
    forms = [written(whole), written(whole, "webp", lossless=True), written(palette, transparency=0)]
    assert len({painter.edit(written(picture()), PROMPT, mask=form, seed=7).bytes() for form in forms}) == 1


@pytest.mark.parametrize(("wrong", "said"), [
    (lambda: mask((32, 32), (8, 8, 16, 16)), "32 by 32 pixels, and the picture 64 by 64"),
    (lambda: mask().convert("RGB"), "opaque: make those places transparent"),
    (lambda: mask(hole=(0, 0, 0, 0)), "opaque everywhere"),
])  # fmt: skip
def test_a_mask_that_does_not_suit_is_refused(painting: Callable[..., Any], wrong: Callable[[], Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        painting().edit(written(picture()), PROMPT, mask=written(wrong()))


def test_a_result_is_as_large_as_the_picture_or_as_was_asked_for(painting: Callable[..., Any]) -> None:
    painter = painting()
    near = painter.edit(written(picture((101, 67))), PROMPT, seed=1)
    assert opened(near).size == (96, 64)
    assert [notice.setting for notice in near.notices] == ["size"]
    asked = painter.edit(written(picture((101, 67))), PROMPT, seed=1, size=(48, 40))
    assert (opened(asked).size, asked.notices) == ((48, 40), ())
    masked = painter.edit(written(picture((101, 67))), PROMPT, seed=1, mask=written(mask((101, 67))))
    assert opened(masked).size == (96, 64)


@pytest.mark.parametrize(("form", "options"), [("jpeg", {}), ("webp", {}), ("gif", {}), ("bmp", {}), ("png", {"mode": "LA"})])
def test_a_picture_of_any_usual_format_can_be_changed(painting: Callable[..., Any], form: str, options: dict[str, str]) -> None:
    image = picture().convert(options["mode"]) if options else picture()
    assert opened(painting().edit(written(image, form), PROMPT, seed=1)).size == (64, 64)


def test_a_photograph_is_set_upright(painting: Callable[..., Any]) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    response = painting().edit(written(picture((64, 32)), "jpeg", exif=turned), PROMPT, seed=1)
    assert opened(response).size == (32, 64)


@pytest.mark.parametrize(("data", "said"), [
    (b"\x89PNG\r\n\x1a\n" + bytes(40), "cannot be read"),
    (b"GIF89a", "cannot be read"),
    (b"no picture", "The picture cannot be read: these bytes are no picture. Give PNG, JPEG or WebP."),
])  # fmt: skip
def test_bytes_that_are_no_picture_are_refused(painting: Callable[..., Any], data: bytes, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        painting().edit(data, PROMPT)


def test_half_a_picture_is_refused(painting: Callable[..., Any]) -> None:
    whole = written(picture())
    with pytest.raises(InvalidRequest, match="The picture cannot be read"):
        painting().edit(whole[: len(whole) // 2], PROMPT)


def test_a_picture_that_would_fill_the_memory_is_refused(painting: Callable[..., Any]) -> None:
    with pytest.raises(InvalidRequest, match="too large"):
        painting().edit(written(Image.new("1", (20_000, 10_000))), PROMPT)
    with pytest.raises(InvalidRequest, match="takes 65,536 in all"):
        painting().edit(written(Image.new("1", (512, 512))), PROMPT)


def test_more_or_fewer_pictures_than_one_are_refused(painting: Callable[..., Any]) -> None:
    with pytest.raises(InvalidRequest, match="takes one picture to edit, not 2"):
        painting().edit([written(picture())] * 2, PROMPT)
    with pytest.raises(InvalidRequest, match="is an address"):
        painting().edit(ImagePart(url="https://example.com/a.png"), PROMPT)


def test_a_strength_that_leaves_nothing_to_do_is_refused(painting: Callable[..., Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"none of 4 steps is left: ask for 0\.25 or more"):
        painting().edit(written(picture()), PROMPT, strength=0.1)
    with pytest.raises(InvalidRequest, match=r"With a strength of 0\.8, none of 1 steps is left"):
        painting().edit(written(picture()), PROMPT, extra={"huggingface": {"num_inference_steps": 1}})


def test_an_upscaler_makes_it_as_many_times_as_large(painting: Callable[..., Any], made: Callable[..., str]) -> None:
    response = painting("upscaler").upscale(written(picture((24, 16))), scale=2, seed=7)
    assert opened(response).size == (48, 32)
    asked = {"prompt": "", "image": picture((24, 16))}
    assert opened(response).tobytes() == library(made("tiny_diffusion", "upscaler"), "StableDiffusionUpscalePipeline", **asked)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of diffusers' scheduler, under numpy 2
@pytest.mark.parametrize("name", ["upscaler", "latent_upscaler"])
@pytest.mark.parametrize("size", [(30, 21), (8, 8), (17, 40)])
def test_a_picture_of_any_size_is_enlarged_exactly(painting: Callable[..., Any], name: str, size: tuple[int, int]) -> None:
    response = painting(name).upscale(written(picture(size)), scale=2, seed=7)
    assert opened(response).size == (2 * size[0], 2 * size[1])


def test_a_scale_that_it_cannot_reach_is_refused_with_those_it_can(painting: Callable[..., Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"scale is 3; .* makes pictures 2 times as large"):
        painting("upscaler").upscale(written(picture((16, 16))), scale=3)


def test_all_that_a_pipeline_does_is_done_with_the_same_networks(made: Callable[..., str]) -> None:
    from modelhub_huggingface.local import painting
    from modelhub_huggingface.local.files import ModelFolder
    from modelhub_huggingface.local.pipelines import pipeline_of
    from modelhub_huggingface.options import HuggingFaceOptions

    folder = ModelFolder(made("tiny_diffusion", "stable_diffusion", checker="nothing"))
    painter = painting.load(folder, pipeline_of(folder), HuggingFaceOptions())
    stored = painter.pipeline("generate")
    for doing in ("edit", "fill"):
        other = painter.pipeline(doing)
        assert type(other) is not type(stored)
        assert all(other.components[name] is part for name, part in stored.components.items() if name in other.components)
        assert painter.pipeline(doing) is other


def test_the_verbs_of_one_model_share_one_engine(painting: Callable[..., Any]) -> None:
    engines().close()
    painter = painting()
    painter.generate(PROMPT, seed=1)
    painter.edit(written(picture()), PROMPT, seed=1)
    painter.edit(written(picture()), PROMPT, seed=1, mask=written(mask()))
    assert len(engines().names()) == 1


def test_what_a_pipeline_is_for_stands_on_its_card(painting: Callable[..., Any]) -> None:
    cards = {name: painting(name).model.card for name in ("stable_diffusion", "pix2pix", "upscaler", "latent_upscaler")}
    cards["filling"] = painting(channels=9).model.card
    assert {name: card.task for name, card in cards.items()} == {
        "stable_diffusion": "text-to-image",
        "pix2pix": "image-to-image",
        "upscaler": "upscaling",
        "latent_upscaler": "upscaling",
        "filling": "inpainting",
    }
    assert {card.family for card in cards.values()} == {"diffusion"}
    assert all(card.memory_bytes and card.local and card.open_weights for card in cards.values())


def test_a_pipeline_that_can_only_be_ordered_takes_no_mask(painting: Callable[..., Any]) -> None:
    with pytest.raises(Unsupported, match="mask"):
        painting("pix2pix").edit(written(picture()), PROMPT, mask=written(mask()))
