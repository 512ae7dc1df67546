"""What is loaded and what is not: safetensors alone, no code of strangers, whole files, within the memory there is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from local_asking import config, environment, eventually, loaded, unload

from modelhub import ConfigError, ContextOverflow, Hub, NotEnoughMemory, ProviderDown, SetupError, UnknownModel, Unsupported
from modelhub.plugin import engines

torch = pytest.importorskip("torch", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')
transformers = pytest.importorskip("transformers", reason='it computes: pip install "modelhub-huggingface[local]"')

SHORT: dict[str, Any] = {"max_output_tokens": 2}


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    unload()
    yield
    unload()


def asked(path: str, **options: Any) -> Any:
    with Hub(config(path, **options)) as hub:
        return hub.text("a").generate("Tokyo", **SHORT)


def copied(path: str, folder: Path, **changes: Any) -> Path:
    """A copy of a model with other words in its config.json."""
    shutil.copytree(path, folder)
    told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**told, **changes}), encoding="utf-8")
    return folder


def pickled(path: str, folder: Path) -> Path:
    """A copy of a model whose weights are pickled."""
    from safetensors.torch import load_file

    shutil.copytree(path, folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def test_pickled_weights_are_loaded_where_it_is_asked_for_and_not_else(tiny: Callable[..., str], tmp_path: Path) -> None:
    """AT-H4: unpickling runs whatever a file says."""
    folder = pickled(tiny("gpt2"), tmp_path / "m")
    with pytest.raises(SetupError, match=r"no safetensors, only pytorch_model.bin.*pickled_weights = true in \[providers"):
        asked(str(folder))
    assert asked(str(folder), pickled_weights=True).raw == asked(tiny("gpt2")).raw


def test_safetensors_are_taken_where_pickled_weights_lie_beside(tiny: Callable[..., str], tmp_path: Path) -> None:
    shutil.copytree(tiny("gpt2"), tmp_path / "m")
    (tmp_path / "m" / "pytorch_model.bin").write_bytes(b"not even a pickle")
    assert asked(str(tmp_path / "m")).raw == asked(tiny("gpt2")).raw


CODE = 'from pathlib import Path\nPath(__file__).with_name("owned").touch()\nraise SystemExit(3)\n'


@pytest.mark.parametrize("where", ["config", "tokenizer", "generate"])
def test_code_that_comes_with_a_model_is_never_run(where: str, tiny: Callable[..., str], tmp_path: Path) -> None:
    """AT-H4: whatever the configuration says."""
    folder = tmp_path / "m"
    auto = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}
    changes = {"auto_map": auto, "model_type": "own", "architectures": ["OwnForCausalLM"]} if where == "config" else {}
    copied(tiny("gpt2"), folder, **changes)
    (folder / "custom_generate").mkdir()
    for file in ("own.py", "custom_generate/generate.py"):
        (folder / file).write_text(CODE, encoding="utf-8")
    if where == "tokenizer":
        told = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        told |= {"auto_map": {"AutoTokenizer": ["own.OwnTokenizer", None]}, "tokenizer_class": "OwnTokenizer"}
        (folder / "tokenizer_config.json").write_text(json.dumps(told), encoding="utf-8")
    if where == "config":
        with pytest.raises(SetupError, match=r"needs code of its own .* such code is never run here"):
            asked(str(folder))
    else:
        assert asked(str(folder)).usage.output_tokens == 2
    assert not [*tmp_path.rglob("owned")]


def test_no_option_lets_code_of_strangers_run() -> None:
    """And none is passed on to the library under another name."""
    from modelhub_huggingface.options import HuggingFaceOptions

    assert "trust_remote_code" not in HuggingFaceOptions.__dataclass_fields__


def test_a_network_that_the_library_knows_is_loaded_though_code_lies_beside(tiny: Callable[..., str], tmp_path: Path) -> None:
    """Many models carry along the code that ran them before the library could; it is not run, and not needed."""
    folder = copied(tiny("gpt2"), tmp_path / "m", auto_map={"AutoModelForCausalLM": "own.OwnModel"})
    (folder / "own.py").write_text(CODE, encoding="utf-8")
    assert asked(str(folder)).raw == asked(tiny("gpt2")).raw


def test_a_network_that_the_library_does_not_know_is_named(tiny: Callable[..., str], tmp_path: Path) -> None:
    folder = copied(tiny("gpt2"), tmp_path / "m", model_type="tomorrow", architectures=["TomorrowForCausalLM"])
    with pytest.raises(SetupError, match="tomorrow"):
        asked(str(folder))


def cut(folder: Path) -> None:
    with open(folder / "model.safetensors", "r+b") as file:
        file.truncate(2000)


def garbled(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 4096)


def empty(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def without_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def garbled_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": ', encoding="utf-8")


def garbled_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")


def other_weights(folder: Path) -> None:
    told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**told, "n_embd": 64}), encoding="utf-8")


def fewer_weights(folder: Path) -> None:
    told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**told, "n_layer": 3}), encoding="utf-8")


@pytest.mark.parametrize(
    "damage",
    [cut, garbled, empty, without_weights, without_config, garbled_config, garbled_tokenizer, other_weights, fewer_weights],
)
def test_a_damaged_folder_is_refused_with_what_to_do(
    damage: Callable[[Path], None], tiny: Callable[..., str], tmp_path: Path
) -> None:
    shutil.copytree(tiny("gpt2"), tmp_path / "m")
    damage(tmp_path / "m")
    with pytest.raises(SetupError, match="Fetch the model again") as caught:
        asked(str(tmp_path / "m"))
    assert str(tmp_path / "m") in caught.value.message
    assert engines().names() == ()


@pytest.mark.parametrize("configured", [True, False])
@pytest.mark.parametrize("kind", ["gpt2", "llama", "llama2", "bloom", "bart", "t5", "bert-classes", "bert-gaps"])
def test_a_folder_without_a_tokenizer_is_refused(kind: str, configured: bool, tiny: Callable[..., str], tmp_path: Path) -> None:
    """The library makes one without words for it, and would answer nonsense."""
    weights = ("config.json", "generation_config.json", "model.safetensors", *(["tokenizer_config.json"] if configured else []))
    (tmp_path / "m").mkdir()
    for file in weights:
        if Path(tiny(kind), file).exists():
            shutil.copy(Path(tiny(kind), file), tmp_path / "m")
    with pytest.raises(SetupError, match="has no tokenizer: save it into the folder, or fetch the model again") as caught:
        asked(str(tmp_path / "m"))
    assert str(tmp_path / "m") in caught.value.message
    assert engines().names() == ()


@pytest.mark.parametrize(
    ("changes", "options", "told"),
    [
        ({}, {"task": "fill-mask"}, r'is a GPT2LMHeadModel, which was not made for task = "fill-mask": leave task out'),
        ({}, {"task": "text-classification"}, r'not made for task = "text-classification", leave task out'),
        ({"model_type": "tomorrow"}, {}, r"is of the type 'tomorrow', which this transformers does not know\. A newer one may"),
        ({"n_embd": "wide"}, {}, r"cannot be loaded: .*n_embd"),
        ({"architectures": None}, {}, r"config\.json has no architectures\. Add them"),
    ],
)
def test_what_fetching_again_would_not_mend_is_told_as_what_it_is(
    changes: dict[str, Any], options: dict[str, Any], told: str, tiny: Callable[..., str], tmp_path: Path
) -> None:
    with pytest.raises(SetupError, match=told) as caught:
        asked(str(copied(tiny("gpt2"), tmp_path / "m", **changes)), **options)
    assert ("Fetch the model again" in caught.value.message) == (options.get("task") == "text-classification")
    assert "AutoModel" not in caught.value.message


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"holds no model .* it has no config\.json"):
        asked(str(tmp_path))


def test_a_library_that_goes_on_for_long_is_cut_at_a_word(tmp_path: Path) -> None:
    from modelhub_huggingface.local.files import ModelFolder
    from modelhub_huggingface.local.loading import loaded

    with pytest.raises(SetupError) as caught, loaded(ModelFolder(str(tmp_path))):
        raise ValueError("lighthouse " * 100)
    assert caught.value.message.endswith(" lighthouse ….")


def test_a_folder_that_is_not_there_is_an_unknown_model(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="There is no folder"):
        asked(str(tmp_path / "missing"))


@pytest.mark.parametrize(("kind", "instead"), [("bert", "hub.embedding"), ("bert-ranking", "hub.reranking")])
def test_a_model_that_is_for_something_else_says_what_it_is_asked_as(kind: str, instead: str, tiny: Callable[..., str]) -> None:
    with pytest.raises(Unsupported, match=instead):
        asked(tiny(kind))
    assert engines().names() == ()


def test_a_model_that_does_not_fit_is_not_loaded_and_says_what_it_needs(tiny: Callable[..., str]) -> None:
    with pytest.raises(NotEnoughMemory, match=r"needs .* of memory.* 1 MiB .*memory_limit") as caught:
        asked(tiny("gpt2"), memory_limit="1 MiB")
    assert caught.value.needed is not None
    assert caught.value.needed > 1 << 20
    assert caught.value.limit == 1 << 20


def test_the_memory_of_what_is_kept_of_each_request_is_counted(tiny: Callable[..., str]) -> None:
    """Keys and values of each layer, of as many rows as a batch takes."""

    def needed(**options: Any) -> int:
        with pytest.raises(NotEnoughMemory) as caught:
            asked(tiny("llama"), memory_limit=1, **options)
        assert caught.value.needed is not None
        return caught.value.needed

    one_token = 2 * 4 * 2 * 1 * 16  # keys and values of four bytes, two layers, one head of 16
    assert needed(batch=9) - needed(batch=8) == one_token * 256


ALIKE: tuple[dict[str, Any], ...] = (
    {"engine": "local"},
    {"prompt": "plain"},
    {"chat_template": "{{ messages[0].content }}"},
    {"queue": 5},
    {"cold_start": 1.0},
    {"bill_to": "us"},
    {"task": "text-generation"},
    {"context_window": 100},
    {"pooling": "mean"},
)
"""Options that loading does not look at."""


def test_one_model_is_loaded_once_whatever_its_aliases_are_told_beside(tiny: Callable[..., str]) -> None:
    settings = config(tiny("llama"))
    for place, options in enumerate(ALIKE):
        settings["models"][f"b{place}"] = {"model": f"huggingface:{tiny('llama')}", "options": options}
    with Hub(settings) as hub:
        for name in settings["models"]:
            hub.text(name).generate("Tokyo", **SHORT)
    assert len(engines().names()) == 1


@pytest.mark.parametrize("option", [{"dtype": "bfloat16"}, {"batch": 3}])
def test_what_loading_looks_at_makes_two(option: dict[str, Any], tiny: Callable[..., str]) -> None:
    settings = config(tiny("gpt2"))
    settings["models"]["b"] = {"model": f"huggingface:{tiny('gpt2')}", "options": option}
    with Hub(settings) as hub:
        for name in "abab":
            hub.text(name).generate("Tokyo", **SHORT)
    assert len(engines().names()) == 2


@pytest.mark.parametrize(("order", "refused"), [("ab", "b"), ("ba", "b")])
def test_who_shares_a_model_keeps_their_own_limit(order: str, refused: str, tiny: Callable[..., str]) -> None:
    settings = config(tiny("bert-classes"))
    settings["models"]["b"] = {"model": f"huggingface:{tiny('bert-classes')}", "options": {"context_window": 5}}
    with Hub(settings) as hub:
        for name in order:
            if name == refused:
                with pytest.raises(ContextOverflow, match="reads 5 at once"):
                    hub.text(name).generate("It rains in Tokyo, in June.")
            else:
                assert hub.text(name).generate("It rains in Tokyo, in June.").usage.input_tokens > 5
    assert len(engines().names()) == 1


def test_one_model_makes_room_for_another(tiny: Callable[..., str]) -> None:
    settings = config(tiny("gpt2"), max_loaded=1)
    settings["models"]["b"] = {"model": f"huggingface:{tiny('llama')}"}
    with Hub(settings) as hub:
        for name in "abab":
            hub.text(name).generate("Tokyo", **SHORT)
            assert len(engines().names()) == 1


def test_a_model_that_nobody_uses_is_unloaded_and_loaded_again(tiny: Callable[..., str]) -> None:
    with Hub(config(tiny("gpt2"), keep_alive=0.1)) as hub:
        first = hub.text("a").generate("Tokyo", **SHORT)
        thread = loaded()._thread
        eventually(lambda: engines().names() == ())
        thread.join(5)
        assert not thread.is_alive()
        assert hub.text("a").generate("Tokyo", **SHORT).raw == first.raw


def test_who_is_being_answered_when_a_model_is_unloaded_is_told(tiny: Callable[..., str]) -> None:
    with Hub(config(tiny("llama", hidden_size=256, max_position_embeddings=8192), prompt="plain")) as hub:
        stream = hub.text("a").stream("Tokyo", max_output_tokens=8000, extra={"huggingface": {"min_new_tokens": 8000}})
        next(stream)
        engines().close()
        with pytest.raises(Exception, match="was unloaded while it was asked") as caught:
            stream.collect()
    assert isinstance(caught.value.__cause__, ProviderDown)


@pytest.mark.parametrize(("option", "value"), [("device", "cuda:7"), ("device", "nonsense"), ("batch", 0), ("queue", -1)])
def test_an_option_that_cannot_be_is_named(option: str, value: Any, tiny: Callable[..., str]) -> None:
    if value == "cuda:7" and torch.cuda.device_count() > 7:
        pytest.skip("This machine has eight of them.")
    with pytest.raises(ConfigError, match=rf"\[providers.huggingface\] {option} is"):
        asked(tiny("gpt2"), **{option: value})


QUIET = """
import sys, modelhub
for path, more in zip(sys.argv[1:], ({}, {"num_beams": 2, "early_stopping": True}, {}, {}, {})):
    settings = {"models": {"a": {"model": "huggingface:" + path}}, "providers": {"huggingface": {"arguments": more}}}
    with modelhub.Hub(settings) as hub:
        hub.text("a").generate("Tokyo is the capital " * 40, max_output_tokens=3)
        for event in hub.text("a").stream("東京", max_output_tokens=3): pass
"""


def test_nothing_is_written_to_the_screen(tiny: Callable[..., str]) -> None:
    """Neither bars while it is loaded, nor advice of the library."""
    paths = [tiny(kind, max_position_embeddings=512) for kind in ("llama", "bart")] + [tiny("t5"), tiny("bloom")]
    done = subprocess.run(
        [sys.executable, "-c", QUIET, *paths],
        capture_output=True, encoding="utf-8", check=False, timeout=60, env=environment(),
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_card_tells_what_is_known_before_anything_is_loaded(tiny: Callable[..., str]) -> None:
    with Hub(config(tiny("llama"))) as hub:
        card = hub.text("a").card
        assert (card.local, card.open_weights, card.data, card.task) == (True, True, "this machine", "text-generation")
        assert (card.family, card.architecture, card.context_window, card.quantization) == ("decoder", "llama", 256, "F32")
        assert card.parameters == sum(
            weights.numel() for weights in transformers.AutoModelForCausalLM.from_pretrained(tiny("llama")).parameters()
        )
        assert card.supports("tools") is False
    assert engines().names() == ()
