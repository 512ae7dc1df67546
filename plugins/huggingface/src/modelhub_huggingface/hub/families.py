"""Which half of the transformer a network has, or both: told from the name of its architecture, of its class, of its task."""

from __future__ import annotations

from modelhub.plugin import Family

__all__ = ["family_of"]

_BOTH = (
    "bart", "bigbird_pegasus", "blenderbot", "blenderbot-small", "canary", "dia", "encoder-decoder", "florence2",
    "fsmt", "kosmos-2.5", "led", "longt5", "m2m_100", "marian", "mbart", "moonshine", "moonshine_streaming", "mt5",
    "mvp", "nllb-moe", "nougat", "pegasus", "pegasus_x", "pix2struct", "plbart", "pop2piano", "prophetnet",
    "seamless_m4t", "seamless_m4t_v2", "speech-encoder-decoder", "speech_to_text", "speecht5", "switch_transformers",
    "t5", "t5gemma", "t5gemma2", "udop", "umt5", "vision-encoder-decoder", "whisper",
)  # fmt: skip
_ENCODERS = (
    "audio-spectrogram-transformer", "big_bird", "canine", "clap", "clip", "clip_text_model", "convnext",
    "data2vec-audio", "data2vec-text", "deberta", "deberta-v2", "deit", "dinov2", "dinov3_vit", "electra", "ernie",
    "ernie_m", "esm", "fnet", "funnel", "gte", "layoutlm", "layoutlmv2", "layoutlmv3", "lilt", "longformer", "luke",
    "markuplm", "mpnet", "mra", "new", "nezha", "nystromformer", "parakeet_ctc", "perceiver", "roformer", "roc_bert",
    "sew", "sew-d", "siglip", "siglip2", "splinter", "swin", "t5encoder", "tapas", "unispeech", "unispeech-sat", "vit",
    "wav2vec2", "wav2vec2-conformer", "wavlm", "xlm", "xlm-roberta", "xlm-roberta-xl", "xmod", "yoso",
)  # fmt: skip
_DECODERS = (
    "apertus", "arcee", "aya", "bamba", "bark", "biogpt", "bitnet", "bloom", "chameleon", "chatglm", "codegen",
    "cohere", "command", "ctrl", "dbrx", "deepseek", "dots", "emu3", "ernie4_5", "exaone", "falcon", "fuyu", "gemma",
    "git", "glm", "gpt", "granite", "helium", "hunyuan", "idefics", "internlm", "internvl", "jais", "jamba", "janus",
    "kimi", "lfm", "llama", "llava", "mamba", "minicpm", "minimax", "ministral", "mistral", "mixtral", "mllama",
    "molmo", "moshi", "mpt", "musicgen", "nemotron", "olmo", "openai-gpt", "opt", "orpheus", "ovis", "paligemma",
    "parler_tts", "persimmon", "phi", "qwen", "recurrent_gemma", "refact", "rwkv", "seed_oss", "smallthinker", "smollm",
    "smolvlm", "stablelm", "starcoder", "vaultgemma", "voxtral", "xglm", "xlnet", "xlstm", "yi", "zamba",
)  # fmt: skip
"""How the names of decoders begin: ``qwen2``, ``qwen3_vl_moe`` and whatever comes next."""
_ENDINGS: tuple[tuple[str, Family], ...] = (
    ("Pipeline", "diffusion"),
    ("ForCausalLM", "decoder"),
    ("LMHeadModel", "decoder"),
    ("EncoderDecoderModel", "encoder-decoder"),
    ("ForMaskedLM", "encoder"),
    ("ForCTC", "encoder"),
)
"""What the name of a network's class says of an architecture that is not known here."""
_TASKS: dict[str, Family] = {
    "fill-mask": "encoder",
    "image-text-to-text": "decoder",
    "video-text-to-text": "decoder",
    "audio-text-to-text": "decoder",
    "any-to-any": "decoder",
}


def family_of(architecture: str | None, cls: str = "", *, task: str | None = None, both: object = None) -> Family | None:
    """The family of an architecture (``qwen2``, ``bert``); of one that is not known, what its class and its task say.

    ``both`` is what its configuration has for ``is_encoder_decoder``. ``None`` for unknown.
    """
    name = (architecture or "").lower()
    if name in _BOTH or both is True:
        return "encoder-decoder"
    if name.endswith("-decoder"):
        return "decoder"
    if name in _ENCODERS or "bert" in name:
        return "encoder"
    if name.startswith(_DECODERS):
        return "decoder"
    return next((family for ending, family in _ENDINGS if cls.endswith(ending)), None) or _TASKS.get(task or "")
