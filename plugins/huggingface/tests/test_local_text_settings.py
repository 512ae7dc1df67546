"""What a request, the options and a model's own files say about how tokens are chosen, and what is told of the choice."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from local_asking import Steps, config, four_ways
from modelhub_huggingface.local.writing.choices import Choices, choices
from modelhub_huggingface.local.writing.sampling import drawn
from tiny_scripts import PROMPT, scripted

from modelhub import AsyncHub, Hub, InvalidRequest

torch = pytest.importorskip("torch", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')
transformers = pytest.importorskip("transformers", reason='it computes: pip install "modelhub-huggingface[local]"')

DRAWN: dict[str, Any] = {"temperature": 1.3, "max_output_tokens": 16}


@pytest.fixture(scope="module")
def llama(tiny: Callable[..., str]) -> dict[str, Any]:
    return config(tiny("llama", initializer_range=0.3), prompt="plain")


def tokens(settings: dict[str, Any], prompt: str = "Tokyo is", **options: Any) -> list[int]:
    with Hub(settings) as hub:
        written: list[int] = hub.text("a").generate(prompt, **options).raw["token_ids"]
        return written


def test_a_seed_repeats_an_answer_and_another_seed_gives_another(llama: dict[str, Any]) -> None:
    first = tokens(llama, seed=7, **DRAWN)
    assert [tokens(llama, seed=7, **DRAWN) for _ in range(2)] == [first, first]
    others = {tuple(tokens(llama, seed=seed, **DRAWN)) for seed in range(8, 14)}
    assert len(others | {tuple(first)}) == 7
    assert len({tuple(tokens(llama, **DRAWN)) for _ in range(4)}) > 1, "Without a seed, chance is new every time."


def test_a_seed_repeats_whatever_stands_beside_it(llama: dict[str, Any]) -> None:
    """Rows of one batch have settings of their own, and chance of their own."""
    asked = [
        {"seed": 7, **DRAWN},
        {"temperature": 0, "max_output_tokens": 9},
        {"seed": 3, "top_k": 4, "max_output_tokens": 20},
        {"seed": 9, "top_p": 0.6, "presence_penalty": 1.0, "max_output_tokens": 12},
        {"seed": 7, **DRAWN},
        {"frequency_penalty": 1.5, "max_output_tokens": 16},
    ]
    alone = [tokens(llama, **options) for options in asked]

    async def scene() -> list[list[int]]:
        async with AsyncHub(llama) as hub:
            text = hub.text("a")
            await text.generate("x", max_output_tokens=1)
            steps = Steps()
            answers = await asyncio.gather(*(text.generate("Tokyo is", **options) for options in asked))
            assert max(steps.rows) == len(asked), "They were not written beside each other."
            return [answer.raw["token_ids"] for answer in answers]

    assert asyncio.run(scene()) == alone


@pytest.mark.parametrize(
    "narrow", [{"temperature": 0}, {"top_k": 1}, {"top_p": 1e-9}, {"temperature": 1e-4}, {"temperature": 1e-320}, {}]
)
def test_a_choice_of_one_is_the_likeliest(narrow: dict[str, Any], llama: dict[str, Any]) -> None:
    assert tokens(llama, max_output_tokens=16, **narrow) == tokens(llama, max_output_tokens=16, extra=given(do_sample=False))


@pytest.mark.parametrize("seed", [-1, 1 << 63])
@pytest.mark.parametrize("arguments", [{}, {"num_beams": 2}])
def test_a_seed_that_would_stand_for_another_is_refused(seed: int, arguments: dict[str, Any], llama: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="0 or more, and less than 2 to the power of 63"):
        tokens(llama, seed=seed, extra=given(**arguments), **DRAWN)
    assert tokens(llama, seed=(1 << 63) - 1, max_output_tokens=2, temperature=1.0)


def given(**arguments: Any) -> dict[str, Any]:
    return {"huggingface": arguments}


def test_chance_falls_as_the_probabilities_say() -> None:
    """Against the shares that are computed by hand, for each way of narrowing them."""
    scores = torch.tensor([2.0, 0.5, 1.0, -1.0, 0.0, 1.9])
    for narrowed, kept in [
        (Choices(temperature=1.0), [0, 1, 2, 3, 4, 5]),
        (Choices(temperature=0.5), [0, 1, 2, 3, 4, 5]),
        (Choices(temperature=1.0, top_k=3), [0, 2, 5]),
        (Choices(temperature=1.0, top_p=0.6), [0, 5]),
        (Choices(temperature=1.0, top_k=3, top_p=0.9), [0, 2, 5]),
        (Choices(temperature=1.0, min_p=0.3), [0, 2, 5]),
    ]:
        weights = {place: math.exp(float(scores[place]) / narrowed.temperature) for place in kept}
        drawn_often = [drawn(scores, narrowed, (place + 0.5) / 2_000) for place in range(2_000)]
        for place in range(6):
            share = weights.get(place, 0.0) / sum(weights.values())
            assert drawn_often.count(place) / 2_000 == pytest.approx(share, abs=2e-3), (narrowed, place)


@pytest.mark.parametrize("sharp", [0.5, 3.0])
def test_a_large_vocabulary_is_narrowed_to_the_same_tokens(sharp: float) -> None:
    """Flat or sharp: whether a few tokens make so much of the probability, or thousands."""
    scores = torch.randn(6000, generator=torch.Generator().manual_seed(1)) * sharp
    shares, order = scores.double().softmax(-1).sort(descending=True)
    kept = set(order[shares.cumsum(-1) - shares < 0.9].tolist())
    assert (len(kept) > 1024) == (sharp < 1)
    found = {drawn(scores, Choices(temperature=1.0, top_p=0.9), place / 500) for place in range(500)}
    assert found <= kept
    assert len(found) > min(len(kept), 500) / 4


def test_penalties_act_on_what_the_answer_has_said_already(llama: dict[str, Any]) -> None:
    plain = tokens(llama, max_output_tokens=40)
    assert len(set(plain)) < 40, "Left to itself, it repeats itself."
    assert len(set(tokens(llama, max_output_tokens=40, presence_penalty=1e4))) == 40
    assert len(set(tokens(llama, max_output_tokens=40, frequency_penalty=1e4))) == 40
    assert tokens(llama, max_output_tokens=40, presence_penalty=0.0, frequency_penalty=0.0) == plain


@pytest.mark.parametrize(
    "arguments",
    [
        lambda said: {"repetition_penalty": 1.7},
        lambda said: {"no_repeat_ngram_size": 1},
        lambda said: {"bad_words_ids": [said[:1], said[4:6]]},
        lambda said: {"suppress_tokens": [said[2], said[7]]},
        lambda said: {"begin_suppress_tokens": said[:1]},
        lambda said: {"repetition_penalty": 1.2, "no_repeat_ngram_size": 1},
    ],
)
def test_what_the_library_is_told_has_its_effect(
    arguments: Callable[[list[int]], dict[str, Any]], tiny: Callable[..., str]
) -> None:
    """By ``arguments`` of the options, or by ``extra`` of one request; the same as when the library writes by itself."""
    from test_local_text_families import reference

    path = tiny("llama", initializer_range=0.3)
    plain = reference(path, "Tokyo is", max_new_tokens=20)
    expected = reference(path, "Tokyo is", max_new_tokens=20, **arguments(plain))
    assert expected != plain
    assert tokens(config(path, prompt="plain"), max_output_tokens=20, extra=given(**arguments(plain))) == expected
    assert tokens(config(path, prompt="plain", arguments=arguments(plain)), max_output_tokens=20) == expected


def test_an_answer_has_as_many_tokens_as_it_must(tmp_path: Path) -> None:
    path = scripted(tmp_path / "m", "ab")
    assert len(tokens(config(path), PROMPT)) == 3
    assert len(tokens(config(path), PROMPT, extra=given(min_new_tokens=7), max_output_tokens=9)) >= 7


@pytest.mark.parametrize(
    "arguments", [{"num_beams": 3}, {"num_beams": 4, "length_penalty": 2.0, "early_stopping": True, "no_repeat_ngram_size": 2}]
)
@pytest.mark.parametrize("kind", ["bart", "t5", "gpt2"])
def test_beams_are_searched_by_the_library_and_streamed_in_one_piece(
    kind: str, arguments: dict[str, Any], tiny: Callable[..., str]
) -> None:
    from test_local_text_families import reference

    path = tiny(kind)
    expected = reference(path, "Tokyo is the capital", max_new_tokens=12, forced_eos_token_id=None, **arguments)
    for answer in four_ways(config(path), "Tokyo is the capital", max_output_tokens=12, extra=given(**arguments)):
        assert answer.raw["token_ids"] == expected[: len(answer.raw["token_ids"])]
        assert set(expected[len(answer.raw["token_ids"]) :]) <= {0, 1}, "What follows is filling."


def test_a_seed_repeats_where_the_library_draws(tiny: Callable[..., str]) -> None:
    settings = config(tiny("t5", seed=4), arguments={"num_beams": 2})
    asked = {"temperature": 3.0, "max_output_tokens": 10}
    assert tokens(settings, seed=5, **asked) == tokens(settings, seed=5, **asked)
    assert len({tuple(tokens(settings, seed=seed, **asked)) for seed in range(6)}) > 1


def test_an_argument_that_the_library_does_not_take_is_refused_by_its_name(llama: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="nonsense"):
        tokens(llama, max_output_tokens=2, extra=given(nonsense=1))
    with pytest.raises(InvalidRequest, match="trust_remote_code"):
        tokens(llama, max_output_tokens=2, extra=given(trust_remote_code=True))
    with pytest.raises(InvalidRequest, match="penalty"):
        tokens(llama, max_output_tokens=2, extra=given(repetition_penalty=-1.0))
    with pytest.raises(InvalidRequest, match="max_new_tokens is 'many'"):
        tokens(llama, extra=given(max_new_tokens="many"))


def with_own(path: str, folder: Path, **settings: Any) -> str:
    """A copy of a model whose own files say how it writes."""
    import shutil

    shutil.copytree(path, folder)
    told = json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))
    (folder / "generation_config.json").write_text(json.dumps({**told, **settings}), encoding="utf-8")
    return str(folder)


def test_a_models_own_settings_hold_where_nothing_else_is_said(tiny: Callable[..., str], tmp_path: Path) -> None:
    path = with_own(tiny("llama", initializer_range=0.3), tmp_path / "m", do_sample=True, temperature=1.3, max_new_tokens=16)
    settings = config(path, prompt="plain")
    plain = config(tiny("llama", initializer_range=0.3), prompt="plain")
    assert tokens(settings, seed=7) == tokens(plain, seed=7, **DRAWN)
    assert tokens(settings, temperature=0) == tokens(plain, max_output_tokens=16)
    assert len(tokens(settings, max_output_tokens=5, seed=7)) == 5
    whole = config(path, prompt="plain", arguments={"max_length": 9})
    with Hub(whole) as hub:
        usage = hub.text("a").generate("Tokyo is", seed=7).usage
    assert usage.total_tokens == 9
    assert tokens(whole, seed=7) == tokens(plain, seed=7, **DRAWN)[: usage.output_tokens]


def test_every_token_that_may_end_an_answer_ends_it(tiny: Callable[..., str], tmp_path: Path) -> None:
    """``eos_token_id`` is a list for many chat models."""
    plain = config(tiny("llama", initializer_range=0.3), prompt="plain")
    written = tokens(plain, max_output_tokens=16)
    place = next(n for n in range(3, 16) if written[n] not in written[:n])
    path = with_own(tiny("llama", initializer_range=0.3), tmp_path / "m", eos_token_id=[399, written[place]])
    for answer in four_ways(config(path, prompt="plain"), "Tokyo is", max_output_tokens=16):
        assert answer.raw["token_ids"] == written[: place + 1]
        assert (answer.finish_reason, answer.usage.output_tokens) == ("stop", place + 1)


def test_an_end_that_is_forced_is_no_end(tiny: Callable[..., str]) -> None:
    """AT-E2: BART's settings force its last token to be the one that ends; the answer was cut for all that."""
    for answer in four_ways(config(tiny("bart")), "Tokyo is the capital", max_output_tokens=6):
        assert (answer.finish_reason, answer.usage.output_tokens, answer.complete) == ("length", 6, False)


def test_log_probabilities_are_those_of_the_network(tiny: Callable[..., str]) -> None:
    path = tiny("llama", initializer_range=0.3)
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    network = transformers.AutoModelForCausalLM.from_pretrained(path)
    for answer in four_ways(config(path, prompt="plain"), "Tokyo is", max_output_tokens=6, logprobs=3, seed=5, temperature=2.0):
        prompt = tokenizer("Tokyo is")["input_ids"]
        with torch.inference_mode():
            told = network(torch.tensor([[*prompt, *answer.raw["token_ids"]]])).logits[0].log_softmax(-1)
        assert answer.logprobs is not None
        assert len(answer.logprobs) == 6
        for place, (token, said) in enumerate(zip(answer.raw["token_ids"], answer.logprobs, strict=True), len(prompt) - 1):
            assert said.token == tokenizer.decode([token])
            assert said.logprob == pytest.approx(float(told[place, token]), abs=1e-4)
            values, best = told[place].topk(3)
            assert said.alternatives == tuple(
                (tokenizer.decode([other]), pytest.approx(float(value), abs=1e-4))
                for other, value in zip(best.tolist(), values, strict=True)
            )


def test_log_probabilities_are_told_of_the_tokens_of_the_answer(tmp_path: Path) -> None:
    """Neither of the one that ends it, nor of those of a stop sequence."""
    path = scripted(tmp_path / "m", "abc END")
    for stops, expected in (None, "abc END"), (["END"], "abc "):
        for answer in four_ways(config(path), PROMPT, logprobs=0, stop_sequences=stops):
            assert answer.text == expected
            assert answer.logprobs is not None
            assert "".join(token.token for token in answer.logprobs) == expected
            assert all(token.alternatives == () and token.logprob > -0.01 for token in answer.logprobs)


def test_an_option_says_what_holds_for_every_request_and_a_request_says_what_holds_for_it() -> None:
    from modelhub.plugin import TextSettings

    own = {"do_sample": True, "temperature": 0.6, "top_p": 0.9, "eos_token_id": [1, 2], "transformers_version": "5.0.0"}
    chosen = choices(TextSettings(), {}, own)
    assert (chosen.temperature, chosen.top_p, chosen.limit, chosen.library) == (0.6, 0.9, None, None)
    chosen = choices(TextSettings(top_p=0.5, max_output_tokens=3), {"temperature": 0.2, "max_new_tokens": 9}, own)
    assert (chosen.temperature, chosen.top_p, chosen.limit) == (0.2, 0.5, 3)
    assert choices(TextSettings(), {"num_beams": 1, "early_stopping": True}, own).library is None
    assert choices(TextSettings(), {"num_beams": 2}, {**own, "num_beams": 4}).library == {
        "do_sample": True, "temperature": 0.6, "top_p": 0.9, "num_beams": 2,
    }  # fmt: skip
