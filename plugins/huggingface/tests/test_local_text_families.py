"""Every family writes what its own library writes: alone, beside others of other lengths, and with rows that come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from local_asking import Steps, config, eventually, loaded, unload

from modelhub import AsyncHub, Hub

torch = pytest.importorskip("torch", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')
transformers = pytest.importorskip("transformers", reason='it computes: pip install "modelhub-huggingface[local]"')

PROMPTS = (
    "Tokyo is the",
    "def greet(name):\n    print('こんにちは', name)\n",
    "東京は日本の",
    "The lighthouse stands on the cliff; the sea is grey and the wind is cold. A model answers a request, at once or as a",
    "雨",
)
LENGTHS = (24, 3, 17, 9, 12)
"""Some rows end long before others."""


@pytest.fixture(autouse=True)
def alone() -> None:
    unload()


def reference(path: str, prompt: str, **settings: Any) -> list[int]:
    """The tokens that the library writes, without the end that some models are forced to come to."""
    from tiny_models import quiet

    quiet()
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    encodes = transformers.AutoConfig.from_pretrained(path).is_encoder_decoder
    loader = transformers.AutoModelForSeq2SeqLM if encodes else transformers.AutoModelForCausalLM
    network = loader.from_pretrained(path)
    network.generation_config.forced_eos_token_id = None
    tokens = tokenizer(prompt, return_tensors="pt", return_token_type_ids=False)
    written = network.generate(**tokens, **{"do_sample": False, "num_beams": 1, **settings})[0].tolist()
    return written[1:] if encodes else written[tokens["input_ids"].shape[1] :]


async def beside(settings: dict[str, Any], prompts: tuple[str, ...], lengths: tuple[int, ...], **extra: Any) -> list[list[int]]:
    async with AsyncHub(settings) as hub:
        text = hub.text("a")
        await text.generate(prompts[0], max_output_tokens=1)
        calls = [text.generate(prompt, max_output_tokens=n, **extra) for prompt, n in zip(prompts, lengths, strict=True)]
        return [answer.raw["token_ids"] for answer in await asyncio.gather(*calls)]


@pytest.mark.parametrize("kind", ["gpt2", "codeparrot", "llama", "llama2", "bloom", "bart", "t5"])
def test_a_family_writes_what_its_library_writes(kind: str, tiny: Callable[..., str]) -> None:
    path = tiny(kind)
    expected = [reference(path, prompt, max_new_tokens=length) for prompt, length in zip(PROMPTS, LENGTHS, strict=True)]
    with Hub(config(path, prompt="plain")) as hub:
        text = hub.text("a")
        one_by_one = [text.generate(p, max_output_tokens=n).raw["token_ids"] for p, n in zip(PROMPTS, LENGTHS, strict=True)]
    assert one_by_one == expected
    assert asyncio.run(beside(config(path, prompt="plain"), PROMPTS * 3, LENGTHS * 3)) == expected * 3


def test_a_row_that_comes_later_joins_those_that_are_being_written(tiny: Callable[..., str]) -> None:
    """And nobody's answer is another for it."""
    path = tiny("llama")
    expected = [reference(path, prompt, max_new_tokens=150) for prompt in PROMPTS]

    async def scene() -> list[list[int]]:
        async with AsyncHub(config(path, prompt="plain")) as hub:
            text = hub.text("a")
            await text.generate("x", max_output_tokens=1)
            steps, tasks = Steps(), []
            for number, prompt in enumerate(PROMPTS, 1):
                tasks.append(asyncio.create_task(text.generate(prompt, max_output_tokens=150)))
                await asyncio.to_thread(eventually, lambda number=number: number in steps.rows)
            return [answer.raw["token_ids"] for answer in await asyncio.gather(*tasks)]

    assert asyncio.run(scene()) == expected


def test_a_batch_takes_as_many_rows_as_the_options_say(tiny: Callable[..., str]) -> None:
    async def scene() -> list[int]:
        async with AsyncHub(config(tiny("gpt2"), batch=3)) as hub:
            text = hub.text("a")
            await text.generate("x", max_output_tokens=1)
            steps = Steps()
            await asyncio.gather(*(text.generate(f"{number}", max_output_tokens=20) for number in range(10)))
            return steps.rows

    rows = asyncio.run(scene())
    assert max(rows) == 3
    assert len(rows) < 100, "It takes 20 tokens for each of 10 requests: 200 if they are written one by one."


def small(folder: Path, name: str, **changes: Any) -> str:
    """A network of another family, with the tokenizer of the tiny GPT-2."""
    from tiny_models import PROSE, byte_level, quiet

    quiet()
    vocabulary, merges = byte_level(PROSE, specials=("<|endoftext|>",))
    tokenizer = transformers.GPT2Tokenizer(vocab=vocabulary, merges=merges)
    config = getattr(transformers, f"{name}Config")
    sizes = {"vocab_size": len(vocabulary), "hidden_size": 32, "num_hidden_layers": 2, "bos_token_id": 0, "eos_token_id": 0}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = getattr(transformers, f"{name}ForCausalLM")(config(**{**sizes, "pad_token_id": 0, **changes}))
    network.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


HEADS = {"num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 64}


@pytest.mark.parametrize(
    ("name", "changes", "joins", "steps"),
    [
        ("Qwen2", HEADS, True, True),
        ("Mistral", {**HEADS, "sliding_window": 16}, False, True),
        ("Gemma2", {**HEADS, "head_dim": 16, "sliding_window": 16}, False, True),
        ("Mamba", {"state_size": 4, "time_step_rank": 4}, False, False),
    ],
)
def test_networks_that_keep_something_else_are_written_in_the_way_that_suits_them(
    name: str, changes: dict[str, Any], joins: bool, steps: bool, tmp_path: Path
) -> None:
    """Where windows slide, rows of different ages cannot go together; what keeps a state in place of keys is the library's."""
    path = small(tmp_path / "m", name, **changes)
    expected = [reference(path, prompt, max_new_tokens=length) for prompt, length in zip(PROMPTS, LENGTHS, strict=True)]
    assert asyncio.run(beside(config(path), PROMPTS, LENGTHS)) == expected
    assert (loaded().network.joins, loaded().network.steps) == (joins, steps)


def test_a_code_model_completes_code(tiny: Callable[..., str]) -> None:
    """As CodeParrot does: GPT-2's network, whose text goes on where the code ends."""
    with Hub(config(tiny("codeparrot"))) as hub:
        answer = hub.text("a").generate("def add(a, b):\n    return", max_output_tokens=12)
    assert answer.usage.output_tokens == 12
    assert hub.text("a").card.family == "decoder"


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_a_network_computes_in_the_precision_that_is_asked_for(dtype: str, tiny: Callable[..., str]) -> None:
    with Hub(config(tiny("llama"), dtype=dtype, prompt="plain")) as hub:
        hub.text("a").generate("Tokyo", max_output_tokens=2)
        assert str(loaded().network.module.dtype) == f"torch.{dtype}"


def test_half_precision_is_computed_as_single_on_a_processor(tiny: Callable[..., str]) -> None:
    with Hub(config(tiny("gpt2", dtype="float16"))) as hub:
        hub.text("a").generate("Tokyo", max_output_tokens=2)
        assert str(loaded().network.module.dtype) == "torch.float32"
