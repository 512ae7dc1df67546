"""Tiny diffusion pipelines in folders, as diffusers saves them: real architectures, seeded random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["flux", "latent_upscaler", "pix2pix", "sd3", "stable_diffusion", "upscaler", "xl"]

_WIDTH = 32


def stable_diffusion(folder: Path | str, *, channels: int = 4, checker: str | None = None, dtype: str = "float32") -> str:
    """Stable Diffusion that paints 64 by 64 pixels by itself; with 9 ``channels``, one that was made for filling in.

    ``checker`` is a safety checker that finds fault with ``"everything"`` or with ``"nothing"``.
    """
    import diffusers

    parts = {**_parts(channels), **_safety(checker), "requires_safety_checker": checker is not None}
    kind = diffusers.StableDiffusionInpaintPipeline if channels == 9 else diffusers.StableDiffusionPipeline
    return _saved(kind(**parts), folder, dtype)


def pix2pix(folder: Path | str) -> str:
    """InstructPix2Pix: changes a picture as it is told."""
    import diffusers

    parts = {**_parts(8), **_safety(None), "requires_safety_checker": False}
    return _saved(diffusers.StableDiffusionInstructPix2PixPipeline(**parts), folder)


def upscaler(folder: Path | str) -> str:
    """Stable Diffusion's upscaler, here to twice the size: its decoder has two floors."""
    import diffusers

    noise = diffusers.DDPMScheduler(beta_schedule="scaled_linear", num_train_timesteps=1000)
    parts = {**_parts(7, num_class_embeds=1000), "low_res_scheduler": noise, "max_noise_level": 350}
    parts["vae"] = _vae(scaling_factor=0.08333)
    return _saved(diffusers.StableDiffusionUpscalePipeline(**parts), folder)


def latent_upscaler(folder: Path | str) -> str:
    """The upscaler that works on latents: to twice the size always."""
    import diffusers
    import torch

    _quiet()
    torch.manual_seed(0)
    network = diffusers.UNet2DConditionModel(
        act_fn="gelu", attention_head_dim=8, norm_num_groups=None, time_cond_proj_dim=160,
        block_out_channels=(_WIDTH, _WIDTH, 2 * _WIDTH, 2 * _WIDTH),
        conv_in_kernel=1, conv_out_kernel=1, cross_attention_dim=_WIDTH, in_channels=8, out_channels=5, mid_block_type=None,
        only_cross_attention=False, resnet_time_scale_shift="scale_shift", time_embedding_type="fourier",
        timestep_post_act="gelu", down_block_types=("KDownBlock2D", *["KCrossAttnDownBlock2D"] * 3),
        up_block_types=(*["KCrossAttnUpBlock2D"] * 3, "KUpBlock2D"),
    )  # fmt: skip
    parts = {
        **_words(),
        "vae": _vae(),
        "unet": network,
        "scheduler": diffusers.EulerDiscreteScheduler(prediction_type="sample"),
    }
    return _saved(diffusers.StableDiffusionLatentUpscalePipeline(**parts), folder)


def xl(folder: Path | str) -> str:
    """Stable Diffusion XL: two encoders of text, and none that checks."""
    import diffusers
    import torch
    from transformers import CLIPTextModelWithProjection

    _quiet()
    torch.manual_seed(0)
    both = _words()
    network = _unet(
        4, attention_head_dim=(2, 4), cross_attention_dim=2 * _WIDTH, addition_embed_type="text_time",
        addition_time_embed_dim=8, projection_class_embeddings_input_dim=48 + _WIDTH,
    )  # fmt: skip
    second = CLIPTextModelWithProjection(both["text_encoder"].config)
    parts = {**both, "text_encoder_2": second, "tokenizer_2": both["tokenizer"], "vae": _vae(), "unet": network}
    return _saved(diffusers.StableDiffusionXLPipeline(**parts, scheduler=_scheduler(), add_watermarker=False), folder)


def flux(folder: Path | str) -> str:
    """Flux: a transformer in the place of the convolutions, and a T5 that reads along."""
    import diffusers
    import torch

    _quiet()
    torch.manual_seed(0)
    network = diffusers.FluxTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=_WIDTH, pooled_projection_dim=_WIDTH, axes_dims_rope=(4, 4, 8),
    )  # fmt: skip
    plain = {"use_quant_conv": False, "use_post_quant_conv": False, "shift_factor": 0.06, "scaling_factor": 1.5}
    parts = {**_words(), **_t5("_2"), "vae": _vae(**plain), "transformer": network.eval()}
    return _saved(diffusers.FluxPipeline(**parts, scheduler=diffusers.FlowMatchEulerDiscreteScheduler()), folder)


def sd3(folder: Path | str) -> str:
    """Stable Diffusion 3: a transformer, and three encoders of text."""
    import diffusers
    import torch
    from transformers import CLIPTextModelWithProjection

    _quiet()
    torch.manual_seed(0)
    network = diffusers.SD3Transformer2DModel(
        sample_size=32, patch_size=2, in_channels=16, num_layers=1, attention_head_dim=8, num_attention_heads=4,
        caption_projection_dim=_WIDTH, joint_attention_dim=2 * _WIDTH, pooled_projection_dim=2 * _WIDTH, out_channels=16,
    )  # fmt: skip
    words = _words()
    readers = [CLIPTextModelWithProjection(words["text_encoder"].config).eval() for _ in range(2)]
    both = {"text_encoder": readers[0], "tokenizer": words["tokenizer"]}
    both |= {"text_encoder_2": readers[1], "tokenizer_2": words["tokenizer"]}
    plain = {"use_quant_conv": False, "use_post_quant_conv": False, "shift_factor": 0.06, "scaling_factor": 1.5}
    parts = {**both, **_t5("_3", width=2 * _WIDTH), "vae": _vae(latent_channels=16, **plain), "transformer": network.eval()}
    return _saved(diffusers.StableDiffusion3Pipeline(**parts, scheduler=diffusers.FlowMatchEulerDiscreteScheduler()), folder)


def _t5(place: str, width: int = _WIDTH) -> dict[str, Any]:
    from tiny_models import unigram
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    tokenizer = T5Tokenizer(vocab=unigram(), extra_ids=0, model_max_length=64)
    config = T5Config(vocab_size=len(tokenizer), d_model=width, d_kv=16, d_ff=64, num_layers=1, num_heads=2)
    return {f"text_encoder{place}": T5EncoderModel(config).eval(), f"tokenizer{place}": tokenizer}


def _parts(channels: int, **unet: Any) -> dict[str, Any]:
    import torch

    _quiet()
    torch.manual_seed(0)
    return {**_words(), "vae": _vae(), "unet": _unet(channels, **unet), "scheduler": _scheduler()}


def _quiet() -> None:
    from diffusers.utils import logging
    from tiny_models import quiet

    quiet()
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _words() -> dict[str, Any]:
    """An encoder of text that reads 32 tokens, and its tokenizer: what is no letter of English falls into bytes."""
    from tokenizers import pre_tokenizers
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=32)
    config = CLIPTextConfig(
        vocab_size=len(vocabulary), hidden_size=_WIDTH, intermediate_size=37, num_attention_heads=4, num_hidden_layers=2,
        max_position_embeddings=32, bos_token_id=0, eos_token_id=1, pad_token_id=1, projection_dim=_WIDTH,
    )  # fmt: skip
    return {"text_encoder": CLIPTextModel(config).eval(), "tokenizer": tokenizer}


def _unet(channels: int, **changes: Any) -> Any:
    from diffusers import UNet2DConditionModel

    sizes = {"block_out_channels": (_WIDTH, 2 * _WIDTH), "layers_per_block": 1, "sample_size": 32, "attention_head_dim": 8}
    down, up = ("DownBlock2D", "CrossAttnDownBlock2D"), ("CrossAttnUpBlock2D", "UpBlock2D")
    kinds = {"down_block_types": down, "up_block_types": up, "cross_attention_dim": _WIDTH}
    return UNet2DConditionModel(in_channels=channels, out_channels=4, **{**sizes, **kinds, **changes}).eval()


def _vae(**changes: Any) -> Any:
    from diffusers import AutoencoderKL

    kinds = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
    sizes = {"block_out_channels": (_WIDTH, 2 * _WIDTH), "latent_channels": 4, "sample_size": 64}
    return AutoencoderKL(**{**sizes, **kinds, **changes}).eval()


def _scheduler() -> Any:
    from diffusers import DDIMScheduler

    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    return DDIMScheduler(**betas, clip_sample=False, set_alpha_to_one=False, steps_offset=1)


def _safety(checker: str | None) -> dict[str, Any]:
    """What looks at pictures; where everything is to be found, the least likeness is enough."""
    if checker is None:
        return {"safety_checker": None, "feature_extractor": None}
    import torch
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor

    eyes = {"hidden_size": _WIDTH, "intermediate_size": 37, "num_hidden_layers": 1, "num_attention_heads": 4}
    config = CLIPConfig(vision_config={**eyes, "image_size": 32, "patch_size": 16}, projection_dim=_WIDTH)
    looks = StableDiffusionSafetyChecker(config).eval()
    looks.concept_embeds_weights.data = torch.full((17,), -2.0 if checker == "everything" else 2.0)
    small = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    return {"safety_checker": looks, "feature_extractor": CLIPImageProcessor(**small)}


def _saved(pipeline: Any, folder: Path | str, dtype: str = "float32") -> str:
    import torch

    pipeline.to(dtype=getattr(torch, dtype))
    pipeline.save_pretrained(folder)
    return str(folder)
