"""Tiny models of speech in folders: Whisper, a recogniser that has learnt to hear tones as letters, and a voice."""

from __future__ import annotations

import io
import json
import math
import struct
import wave
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["LETTERS", "RATE", "ctc", "repeated", "silence", "spoken", "tones", "vits", "wav", "whisper"]

RATE = 16_000
LETTERS = "abcdefあい"
_HERTZ = dict(zip(LETTERS, range(400, 2800, 300), strict=True))
_TONE, _GAP, _PAUSE = 0.16, 0.06, 0.3
KANA = "".join(map(chr, range(0x3041, 0x3097))) + "ー。、"


def spoken(text: str, rate: int = RATE) -> list[float]:
    """The text as the recogniser has learnt to hear it: a tone for each letter, a gap after it, a pause after each word."""
    sound = [0.0] * (rate // 10)
    for word in text.split():
        for letter in word:
            sound += _tone(letter, rate)
            sound += [0.0] * int(rate * _GAP)
        sound += [0.0] * int(rate * _PAUSE)
    return sound


@cache
def _tone(letter: str, rate: int) -> list[float]:
    return [0.3 * math.sin(2 * math.pi * _HERTZ[letter] * moment / rate) for moment in range(int(rate * _TONE))]


def tones(seconds: float, rate: int = RATE) -> list[float]:
    """A sound that changes all the time."""
    return [
        0.3 * math.sin(2 * math.pi * (200 + 90 * (moment // (rate // 4))) * moment / rate)
        for moment in range(int(rate * seconds))
    ]


def silence(seconds: float) -> list[float]:
    return [0.0] * int(RATE * seconds)


def wav(samples: Sequence[float], rate: int = RATE, bits: int = 16, channels: int = 1) -> bytes:
    """A WAV file; every channel holds the same."""
    if bits == 32:
        data = b"".join(struct.pack(f"<{channels}f", *[sample] * channels) for sample in samples)
        form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, channels, rate, rate * 4 * channels, 4 * channels, 32)
        head = struct.pack("<4sI4s", b"RIFF", 36 + len(data), b"WAVE")
        return head + form + struct.pack("<4sI", b"data", len(data)) + data
    width, most = bits // 8, 2 ** (bits - 1) - 1
    whole = [round(sample * most) + (128 if bits == 8 else 0) for sample in samples]
    data = b"".join(number.to_bytes(width, "little", signed=bits > 8) * channels for number in whole)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes(data)
    return file.getvalue()


def repeated(file: bytes, times: int) -> bytes:
    """A WAV file as ``wav`` makes it, so many times in a row."""
    data = file[44:] * times
    return file[:4] + struct.pack("<I", 36 + len(data)) + file[8:40] + struct.pack("<I", len(data)) + data


def whisper(folder: Path | str, *, seconds: int = 2, many: bool = True, timed: bool = True, seed: int = 0) -> str:
    """Whisper that hears ``seconds`` at a time; of random weights, so that it writes anything, and tells any times."""
    import torch
    from tiny_models import byte_level, quiet
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperProcessor,
    )

    quiet()
    torch.manual_seed(seed)
    tokenizer = _whisper_tokenizer(byte_level(), seconds)
    number = tokenizer.convert_tokens_to_ids
    end = number("<|endoftext|>")
    ids = {
        "pad_token_id": end,
        "bos_token_id": end,
        "eos_token_id": end,
        "decoder_start_token_id": number("<|startoftranscript|>"),
    }
    sizes: dict[str, Any] = {f"{half}_{name}": 2 for half in ("encoder", "decoder") for name in ("layers", "attention_heads")}
    sizes |= {"d_model": 32, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_target_positions": 64, "init_std": 0.5}
    config = WhisperConfig(
        vocab_size=len(tokenizer), num_mel_bins=80, max_source_positions=50 * seconds, suppress_tokens=None, **sizes, **ids
    )
    network = WhisperForConditionalGeneration(config).eval()
    told: dict[str, Any] = {"is_multilingual": many, "max_new_tokens": 24, "begin_suppress_tokens": [end]}
    if many:
        told["lang_to_id"] = {mark: number(mark) for mark in _LANGUAGES}
        told["task_to_id"] = {task: number(f"<|{task}|>") for task in ("transcribe", "translate")}
    if timed:
        told |= {"no_timestamps_token_id": number("<|notimestamps|>"), "max_initial_timestamp_index": 50}
        told |= {"alignment_heads": [[0, 0], [1, 1]], "prev_sot_token_id": number("<|startofprev|>")}
    network.generation_config = GenerationConfig(**ids, **told)
    network.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(feature_size=80, chunk_length=seconds), tokenizer).save_pretrained(folder)
    return str(folder)


_LANGUAGES = ("<|en|>", "<|ja|>", "<|fr|>")
_MARKS = ("<|startoftranscript|>", *_LANGUAGES, "<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>")


def _whisper_tokenizer(vocabulary: tuple[dict[str, int], list[Any]], seconds: int) -> Any:
    from tokenizers import AddedToken
    from transformers import WhisperTokenizer

    pieces, merges = vocabulary
    tokenizer = WhisperTokenizer(vocab={**pieces, "<|endoftext|>": len(pieces)}, merges=merges)
    tokenizer.add_special_tokens({"additional_special_tokens": [*_MARKS, "<|nospeech|>", "<|notimestamps|>"]})
    times = [AddedToken(f"<|{step * 0.02:.2f}|>", special=False) for step in range(50 * seconds + 1)]
    tokenizer.add_tokens(times)
    return tokenizer


def ctc(folder: Path | str) -> str:
    """wav2vec 2.0 that has learnt, in a second or two, which tone is which letter: what is ``spoken`` to it, it writes down."""
    import torch
    from tiny_models import quiet
    from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC, Wav2Vec2Processor

    quiet()
    Path(folder).mkdir(parents=True, exist_ok=True)
    marks = {"<pad>": 0, "<unk>": 1, "|": 2}
    vocabulary = {**marks, **{letter: len(marks) + place for place, letter in enumerate(LETTERS)}}
    file = Path(folder) / "letters.json"
    file.write_text(json.dumps(vocabulary), encoding="utf-8")
    tokenizer = Wav2Vec2CTCTokenizer(str(file), pad_token="<pad>", unk_token="<unk>", bos_token=None, eos_token=None)
    torch.manual_seed(0)
    still = dict.fromkeys(("layerdrop", "hidden_dropout", "attention_dropout", "activation_dropout", "final_dropout"), 0.0)
    config = Wav2Vec2Config(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        conv_dim=(24,), conv_kernel=(400,), conv_stride=(320,), feat_extract_norm="layer", do_stable_layer_norm=True,
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, pad_token_id=0, feat_proj_dropout=0.0, mask_time_prob=0.0,
        **still,
    )  # fmt: skip
    network, extractor = Wav2Vec2ForCTC(config), Wav2Vec2FeatureExtractor(sampling_rate=RATE, do_normalize=True)
    _teach(network, extractor, vocabulary)
    network.eval().save_pretrained(folder)
    Wav2Vec2Processor(extractor, tokenizer).save_pretrained(folder)
    return str(folder)


def _teach(network: Any, extractor: Any, vocabulary: dict[str, int]) -> None:
    """Which letter is heard at each moment is known of what is spoken here, so that some dozens of steps suffice."""
    import random

    import torch

    moments = torch.arange(400) / RATE
    waves = [f(2 * math.pi * hertz * moments) * torch.hann_window(400) / 50 for hertz in _HERTZ.values() for f in _phases()]
    network.wav2vec2.feature_extractor.conv_layers[0].conv.weight.data.copy_(torch.stack(waves)[:, None])
    chance, steps = random.Random(0), torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(100):
        loss = torch.zeros(())
        for _ in range(4):
            text = " ".join("".join(chance.choices(LETTERS, k=chance.randint(1, 3))) for _ in range(3))
            sound = torch.tensor(spoken(text))
            sound += torch.randn(len(sound)) * 10 ** chance.uniform(-8, -3)  # silence is never quite silent
            heard = network(**extractor(sound.numpy(), sampling_rate=RATE, return_tensors="pt")).logits[0]
            loss = loss + torch.nn.functional.cross_entropy(heard, _letters(text, len(heard), vocabulary))
        steps.zero_grad()
        loss.backward()
        steps.step()


def _phases() -> tuple[Any, ...]:
    import torch

    return torch.sin, torch.cos, lambda angle: -torch.sin(angle)


def _letters(text: str, count: int, vocabulary: dict[str, int]) -> Any:
    """The letter at each moment; at most moments there is none."""
    import torch

    marks, at = torch.zeros(320 * count + 400, dtype=torch.long), RATE // 10
    for word in text.split():
        for letter in word:
            marks[at : at + int(RATE * _TONE)] = vocabulary[letter]
            at += int(RATE * _TONE) + int(RATE * _GAP)
        marks[at + 1000 : at + int(RATE * _PAUSE) - 1000] = vocabulary["|"]
        at += int(RATE * _PAUSE)
    return marks[200 : 200 + 320 * count : 320]


def vits(folder: Path | str, *, speakers: int = 1, rate: int = RATE, seed: int = 0) -> str:
    """A voice of random weights, which makes some noise for each letter of English and each kana."""
    import torch
    from tiny_models import quiet
    from transformers import VitsConfig, VitsModel, VitsTokenizer

    quiet()
    Path(folder).mkdir(parents=True, exist_ok=True)
    letters = dict.fromkeys(" _'-.,abcdefghijklmnopqrstuvwxyz" + KANA)
    file = Path(folder) / "letters.json"
    file.write_text(json.dumps({letter: place for place, letter in enumerate(letters)}), encoding="utf-8")
    tokenizer = VitsTokenizer(str(file), pad_token="_", unk_token="_", phonemize=False, language="eng")
    torch.manual_seed(seed)
    counts = ("prior_encoder_num_flows", "prior_encoder_num_wavenet_layers", "posterior_encoder_num_wavenet_layers")
    one = dict.fromkeys(counts, 1)
    config = VitsConfig(
        vocab_size=len(letters), hidden_size=16, num_hidden_layers=1, ffn_dim=32, flow_size=16, spectrogram_bins=9,
        upsample_initial_channel=16, upsample_rates=(8, 8), upsample_kernel_sizes=(16, 16), resblock_kernel_sizes=(3,),
        resblock_dilation_sizes=((1,),), duration_predictor_num_flows=1, duration_predictor_filter_channels=16,
        depth_separable_num_layers=1, sampling_rate=rate, num_speakers=speakers,
        speaker_embedding_size=8 if speakers > 1 else 0, **one,
    )  # fmt: skip
    VitsModel(config).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
