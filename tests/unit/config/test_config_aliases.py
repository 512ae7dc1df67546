"""What a name stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from modelhub.config import load, plugin_of, read_options, resolve, split_id
from modelhub.config.reader import hints_of
from modelhub.config.settings import NAMES, class_of
from modelhub.errors import ConfigError, InvalidRequest, UnknownAlias
from modelhub.model import KINDS, Timeouts

CHAIN: dict[str, Any] = {
    "models": {
        "assistant": {"model": "base", "settings": {"temperature": 0.9}, "options": {"region": "jp"}},
        "base": {"model": "root", "prompt": "support", "settings": {"temperature": 0.1, "seed": 1}},
        "root": {"model": "starter:quote:v1", "timeouts": {"idle": 2}, "options": {"region": "us", "depth": 4}},
        "bare": {"model": "base", "prompt": False},
    },
    "prompts": {"support": {"system": "短く答える。"}},
    "providers": {"starter": {"depth": 1, "label": "x"}},
    "timeouts": {"total": 30, "idle": 50},
}


@dataclass(frozen=True)
class Options:
    region: str = ""
    depth: int = 0
    label: str = ""


def test_a_chain_of_aliases_ends_in_an_id_and_the_nearer_setting_wins() -> None:
    spec = resolve(load(CHAIN), "assistant", "text")
    assert spec.model == "starter:quote:v1"
    assert spec.settings == {"temperature": 0.9, "seed": 1}
    assert spec.prompt == "support"
    assert spec.timeouts == Timeouts(total=30.0, idle=2.0)


def test_false_takes_away_what_an_alias_further_on_gives() -> None:
    assert resolve(load(CHAIN), "bare").prompt is None


def test_an_id_stands_for_itself() -> None:
    spec = resolve(load(CHAIN), "llama:C:/models/qwen.gguf")
    assert (spec.model, spec.settings, spec.timeouts) == ("llama:C:/models/qwen.gguf", {}, Timeouts(total=30.0, idle=50.0))


def test_options_of_the_provider_and_of_each_alias_are_laid_over_each_other() -> None:
    loaded = load(CHAIN)
    assert read_options(loaded, Options, "assistant") == Options(region="jp", depth=4, label="x")
    assert read_options(loaded, Options, "starter:other") == Options(depth=1, label="x")


def test_a_wrong_option_is_told_where_it_is_written() -> None:
    loaded = load({"models": {"a": {"model": "x:y", "options": {"dept": 1}}}, "providers": {"x": {"depth": "1"}}})
    with pytest.raises(ConfigError, match=r"^models\.a\.options\.dept: .*Did you mean 'depth'\?"):
        read_options(loaded, Options, "a")
    with pytest.raises(ConfigError, match=r"^providers\.x\.depth: expected a whole number"):
        read_options(loaded, Options, "x:y")


def test_a_provider_without_options_takes_none() -> None:
    assert read_options(load({}), None, "x:y") is None
    with pytest.raises(ConfigError, match=r"^providers\.x\.a: the provider 'x' takes no options\.$"):
        read_options(load({"providers": {"x": {"a": 1}}}), None, "x:y")


@pytest.mark.parametrize("name", ["asistant", "assistants"])
def test_an_unknown_alias_is_told_with_the_nearest(name: str) -> None:
    with pytest.raises(UnknownAlias, match=r"Did you mean 'assistant'\?"):
        resolve(load(CHAIN), name)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"models": {"a": {"model": "b"}, "b": {"model": "c"}, "c": {"model": "b"}}}, "models.c.model: .*circle: b → c → b"),
        ({"models": {"a": {"model": "a"}}}, "models.a.model: .*circle: a → a"),
        ({"models": {"a": {"model": "bse"}, "base": {"model": "x:y"}}}, r"models\.a\.model: there is no alias 'bse'.*'base'"),
        ({"models": {"a": {"model": "x:"}}}, r"models\.a\.model: 'x:' is not a model id"),
        ({"models": {"a:b": {"model": "x:y"}}}, 'models."a:b": an alias has no colon'),
        ({"models": {"a": {"model": "x:y", "prompt": "p"}}}, r"models\.a\.prompt: there is no \[prompts\.p\]\."),
        (
            {"models": {"a": {"model": "x:y", "retrieval": "hanbook"}}, "indexes": {"handbook": {"sources": ["a"]}}},
            r"models\.a\.retrieval: there is no \[indexes\.hanbook\]\. Did you mean 'handbook'\?",
        ),
        ({"indexes": {"i": {"sources": ["a"], "embedding": "e"}}}, r"indexes\.i\.embedding: there is no alias 'e'"),
        ({"indexes": {"i": {"sources": ["a"], "reranking": "e"}}}, r"indexes\.i\.reranking: there is no alias 'e'"),
        ({"prompts": {"p": {"select": {"embedding": "e"}}}}, r"prompts\.p\.select\.embedding: there is no alias 'e'"),
        ({"indexes": {"i": {"sources": ["a"], "chunk": {"tokens": 5, "overlap": 5}}}}, r"indexes\.i\.chunk: tokens has to"),
    ],
)
def test_a_reference_that_leads_nowhere_is_told_at_load(source: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        load(source)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (
            "text",
            {"temprature": 1},
            r"models\.a\.settings\.temprature: there is no such setting\. Did you mean 'temperature'\?",
        ),
        ("text", {"temperature": "hot"}, r"models\.a\.settings\.temperature: expected a number"),
        ("text", {"stop_sequences": "終"}, r"models\.a\.settings\.stop_sequences: expected a list"),
        ("embedding", {"inputs": ["a"]}, r"models\.a\.settings\.inputs: there is no such setting"),
        ("image", {"size": [1]}, r"models\.a\.settings\.size: expected 2 values"),
        ("speech", {"voce": "x"}, r"models\.a\.settings\.voce: .*'voice'"),
        ("transcription", {"timestamps": ["words"]}, r"models\.a\.settings\.timestamps\[0\]: expected 'segment' or 'word'"),
        ("reranking", {"top_n": True}, r"models\.a\.settings\.top_n: expected a whole number"),
    ],
)
def test_settings_are_checked_against_what_the_kind_takes(kind: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        resolve(load({"models": {"a": {"model": "x:y", "settings": settings}}}), "a", kind)


def test_a_setting_that_no_kind_has_is_told_when_the_file_is_read() -> None:
    """AT-T: no plugin is needed to know it; which kind the model is, is known later."""
    with pytest.raises(ConfigError, match=r"^models\.a\.settings\.temprature: .* Did you mean 'temperature'\?"):
        load({"models": {"a": {"model": "x:y", "settings": {"temprature": 1}}}})
    with pytest.raises(ConfigError, match=r"^models\.a\.settings\.qqq: .* No kind of model"):
        load({"models": {"a": {"model": "x:y", "settings": {"qqq": 1}}}})
    kept = load({"models": {"a": {"model": "x:y", "settings": {"voice": "花子"}}}})
    with pytest.raises(ConfigError, match=r"^models\.a\.settings\.voice: there is no such setting"):
        resolve(kept, "a", "text")


def test_the_names_of_settings_are_those_of_all_kinds() -> None:
    every = {name for kind in KINDS for cls, without in [class_of(kind)] for name in hints_of(cls).keys() - without}
    assert every == NAMES


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("text", {"seed": 1, "temperature": -1}, r"temperature: temperature is -1\.0; it must be at least 0"),
        ("image", {"size": [0, 5]}, r"size: size: width is 0; it must be at least 1"),
    ],
)
def test_a_setting_out_of_range_is_told_where_it_is_written(kind: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^models\.a\.settings\.{message}"):
        resolve(load({"models": {"a": {"model": "x:y", "settings": settings}}}), "a", kind)


def test_settings_have_the_types_that_a_call_takes() -> None:
    image = load({"models": {"a": {"model": "x:y", "settings": {"size": [512, 256], "seed": 1}}}})
    assert resolve(image, "a", "image").settings == {"size": (512, 256), "seed": 1}
    text = load({"models": {"a": {"model": "x:y", "settings": {"stop_sequences": ["\u2028", "終"]}}}})
    assert resolve(text, "a", "text").settings == {"stop_sequences": ("\u2028", "終")}


def test_a_setting_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    source = {"models": {"a": {"model": "x:y", "settings": {"voice": {"env": "MODELHUB_TEST_VOICE"}}}}}
    monkeypatch.setenv("MODELHUB_TEST_VOICE", "花子")
    assert resolve(load(source), "a", "speech").settings == {"voice": "花子"}
    monkeypatch.delenv("MODELHUB_TEST_VOICE")
    with pytest.raises(ConfigError, match=r"^models\.a\.settings\.voice: the environment variable"):
        load(source)


def test_only_text_takes_a_prompt() -> None:
    with pytest.raises(ConfigError, match=r"^models\.base\.prompt: this is for text models"):
        resolve(load(CHAIN), "assistant", "embedding")


@pytest.mark.parametrize("model", ["starter", ":quote", "starter:", ":", ""])
def test_half_an_id_is_no_id(model: str) -> None:
    with pytest.raises(InvalidRequest, match="is not a model id"):
        split_id(model)


def test_the_first_colon_separates() -> None:
    assert split_id("llama:C:/qwen.gguf") == ("llama", "C:/qwen.gguf")


@dataclass(frozen=True, kw_only=True)
class Named:
    provider: str = "?"
    region: str = "jp"


def test_a_name_is_served_by_the_plugin_that_its_table_uses() -> None:
    loaded = load({"providers": {"mine": {"uses": "x", "region": "de"}}})
    assert plugin_of(loaded, "mine") == "x"
    assert plugin_of(loaded, "other") == "other"
    assert read_options(loaded, Named, "mine:m", {"region": "us"}) == Named(provider="mine", region="de")
    assert read_options(loaded, Named, "other:m", {"region": "us"}) == Named(provider="other", region="us")


def test_what_cannot_be_used_is_told_with_its_place() -> None:
    with pytest.raises(ConfigError, match=r"providers\.mine\.uses: expected the name"):
        plugin_of(load({"providers": {"mine": {"uses": 3}}}), "mine")
    with pytest.raises(ConfigError, match=r"providers\.mine\.provider: there is no such setting"):
        read_options(load({"providers": {"mine": {"provider": "x"}}}), Named, "mine:m")
