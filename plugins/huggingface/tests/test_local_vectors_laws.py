"""An embedding model in this process: the laws of embedding models, what is refused and told, and many who ask at once."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

pytest.importorskip("torch", reason='pip install "modelhub-huggingface[local]"')
pytest.importorskip("transformers", reason='pip install "modelhub-huggingface[local]"')

from tiny_encoders import TEXTS, network, sentences, vectors

from modelhub import AsyncHub, Hub
from modelhub.engines import engines
from modelhub.errors import (
    ConfigError,
    ContextOverflow,
    InvalidRequest,
    SetupError,
    TimedOut,
    UnknownModel,
    Unsupported,
)
from modelhub.interfaces.embedding import EmbeddingRequest
from modelhub.model import AnyModel, Timeouts
from modelhub.testing import Driven, EmbeddingConformance, FakeRuntime, drive
from modelhub.testing.installed import build

EXACT = {"threads": 1, "dtype": "float32"}
BEAT = 0.005
PROMPTS = {"query": "the rain: ", "document": "in tokyo: "}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sentences(tmp_path_factory.mktemp("vectors") / "tiny", prompts=PROMPTS, told={"matryoshka_dims": [8, 16, 32]})


@pytest.fixture
def hub(folder: Path) -> Iterator[Hub]:
    with Hub(config=config(folder)) as hub:
        yield hub


def config(folder: Path, **options: Any) -> dict[str, Any]:
    """The configuration of the model ``e``, with more options."""
    return {
        "models": {"e": {"model": f"huggingface:{folder}"}},
        "providers": {"huggingface": {**EXACT, **options}},
    }


class _Held(EmbeddingConformance):
    """The laws of embedding models, for the folder that a fixture gives."""

    options: ClassVar[Mapping[str, Any]] = EXACT

    def model(self) -> AnyModel:
        return build("embedding", self.model_id, self.options)


class TestThatMayBeCut(_Held):
    @pytest.fixture(autouse=True)
    def _here(self, folder: Path) -> None:
        type(self).model_id = f"huggingface:{folder}"


class TestAsThisMachineIsFastest(_Held):
    """In half precision where the processor has it, and never to be cut."""

    options: ClassVar[Mapping[str, Any]] = {"threads": 1}

    @pytest.fixture(autouse=True)
    def _here(self, tmp_path: Path) -> None:
        type(self).model_id = f"huggingface:{sentences(tmp_path / 'plain')}"


def test_a_vector_belongs_to_its_text_whatever_stands_beside_it(hub: Hub, folder: Path) -> None:
    """AT-L: 5,000 texts of all lengths, in several requests: output i belongs to input i."""
    some = [f"{'rain ' * (number % 7)}in {'tokyo' if number % 2 else 'June'}" for number in range(14)]
    texts = [some[number * 5 % 14] for number in range(5000)]
    response = hub.embedding("e").embed(texts)
    wanted = dict(zip(some, vectors(folder, some), strict=True))
    assert np.abs(response.array() - np.array([wanted[text] for text in texts])).max() < 1e-5
    assert response.usage.input_tokens == hub.embedding("e").count_tokens(texts).tokens


def test_a_bare_text_is_a_type_error(hub: Hub) -> None:
    """AT-L."""
    with pytest.raises(TypeError, match="list"):
        hub.embedding("e").embed("雨")  # type: ignore[arg-type]


def test_empty_texts_are_as_the_caller_says(hub: Hub) -> None:
    """AT-L: a text without words is an error that names it, left out, or zeros."""
    client = hub.embedding("e")
    with pytest.raises(InvalidRequest, match=r"inputs\[1\]") as caught:
        client.embed(["雨", " "])
    assert caught.value.position == 1
    assert client.embed(["雨", " "], on_empty="skip").skipped == (1,)
    assert not client.embed([" ", "雨"], on_empty="zero").array()[0].any()


@pytest.mark.parametrize("word", ["in", "雨"])
def test_a_text_that_is_too_long_is_told_or_cut_as_the_caller_says(hub: Hub, folder: Path, word: str) -> None:
    """AT-L: over-length is an error, a beginning or a mean, told of each text; the model's own tokenizer says where it ends."""
    texts = ["tokyo", f"{word} " * 80, "in June"]
    client = hub.embedding("e")
    with pytest.raises(ContextOverflow, match=r"inputs\[1\]: It has \d+ tokens, the model takes 48") as caught:
        client.embed(texts)
    assert (caught.value.position, caught.value.context_window) == (1, 48)
    cut = client.embed(texts, purpose="document", on_long="truncate")
    mean = client.embed(texts, purpose="document", on_long="mean")
    wanted = vectors(folder, [PROMPTS["document"] + text for text in ("tokyo", f"{word} " * 43, "in June")])
    assert np.abs(cut.array() - wanted).max() < 1e-5, "Two marks, three tokens of the prompt, and 43 words are 48."
    assert "only its beginning" in cut.notices[0].message
    assert "the mean of those of" in mean.notices[0].message
    assert np.abs(cut.array()[[0, 2]] - mean.array()[[0, 2]]).max() < 1e-5


def test_a_prompt_that_makes_a_text_too_long_is_an_overflow_like_any_other(hub: Hub) -> None:
    """The counter has documents in mind; the model has the word."""
    text = "rain " * 40
    while hub.embedding("e").count_tokens([text]).tokens < 46:
        text += "rain "
    with pytest.raises(ContextOverflow):
        hub.embedding("e").embed([text], purpose="query")
    assert len(hub.embedding("e").embed([text], purpose="query", on_long="truncate")) == 1


@pytest.mark.parametrize("length", [8, 16])
def test_a_vector_is_cut_where_the_model_was_trained_for_it(hub: Hub, folder: Path, length: int) -> None:
    """The beginning, made one long again."""
    found = hub.embedding("e").embed(list(TEXTS[:2]), dimensions=length)
    cut = vectors(folder, TEXTS[:2])[:, :length]
    assert np.abs(found.array() - cut / np.linalg.norm(cut, axis=1, keepdims=True)).max() < 1e-5
    assert found.notices == ()


def test_a_length_that_the_model_was_not_trained_for_is_refused(hub: Hub) -> None:
    with pytest.raises(Unsupported, match="8, 16, 32"):
        hub.embedding("e").embed(["雨"], dimensions=12)
    with pytest.raises(Unsupported, match="8, 16, 32"):
        hub.embedding("e").embed(["雨"], dimensions=64)


def test_a_model_that_was_never_trained_for_it_leaves_dimensions_out_and_says_so(tmp_path: Path) -> None:
    folder = sentences(tmp_path / "m")
    bare = build("embedding", f"huggingface:{folder}", EXACT)
    with pytest.raises(Unsupported, match="not trained"):
        drive(bare.call(EmbeddingRequest(inputs=("雨",), dimensions=8), FakeRuntime()))
    assert f"huggingface:{folder}" not in engines().names(), "It was loaded to be refused."
    with Hub(config=config(folder)) as hub:
        response = hub.embedding("e").embed(["雨"], dimensions=8)
    assert (response.dimensions, [notice.setting for notice in response.notices]) == (32, ["dimensions"])


@pytest.mark.parametrize("kind", ["bert", "mpnet", "xlm-roberta"])
def test_a_folder_without_a_tokenizer_makes_no_vectors(tmp_path: Path, kind: str) -> None:
    """The library makes one without words for it, and all vectors would be alike."""
    folder = network(tmp_path / "m", kind)
    for file in folder.iterdir():
        if file.name not in ("config.json", "model.safetensors"):
            file.unlink()
    with (
        Hub(config=config(folder, pooling="mean")) as hub,
        pytest.raises(SetupError, match="has no tokenizer: save it into the folder"),
    ):
        hub.embedding("e").embed(["雨"])


def test_an_event_loop_is_not_starved_while_a_long_text_is_counted(hub: Hub, folder: Path) -> None:
    """AT-K: megabytes of it; what counts lets others run."""
    late: list[float] = []
    long = "tokyo " * 400_000

    async def beat(done: asyncio.Event) -> None:
        while not done.is_set():
            started = time.monotonic()
            await asyncio.sleep(BEAT)
            late.append(time.monotonic() - started - BEAT)

    async def scene() -> None:
        async with AsyncHub(config=config(folder)) as hub:
            await hub.embedding("e").embed(["tokyo"])
            done = asyncio.Event()
            beating = asyncio.create_task(beat(done))
            with pytest.raises(ContextOverflow):
                await hub.embedding("e").embed([long])
            done.set()
            await beating

    asyncio.run(scene())
    assert len(late) > 20
    assert max(late) < 0.3


TRAINED = '---\ntags:\n- loss:MatryoshkaLoss\n---\n\n# m\n\n```json\n{"loss": "x", "matryoshka_dims": [\n 32,\n 4\n]}\n```\n'


@pytest.mark.parametrize(
    ("said", "length"),
    [({"readme": TRAINED}, 4), ({"matryoshka_dimensions": [4, 32]}, 4), ({"told": {"truncate_dim": 6}}, 5)],
)
def test_what_a_model_was_trained_for_is_found_wherever_it_stands(tmp_path: Path, said: dict[str, Any], length: int) -> None:
    """In its README as the training library writes it, in its network's configuration, or as the length that it usually has."""
    folder = sentences(tmp_path / "m", **said)
    with Hub(config=config(folder)) as hub:
        client = hub.embedding("e")
        assert client.embed(["雨"], dimensions=length).dimensions == length
        assert client.embed(["雨"]).dimensions == client.card.dimensions == (6 if "told" in said else 32)


def test_the_card_says_what_the_model_takes_and_gives(hub: Hub) -> None:
    card, told = hub.embedding("e").card, hub.embedding("e").embed(["雨"]).provider_metadata
    assert (card.dimensions, card.limits, card.context_window) == (32, {"input_tokens": 48}, 48)
    assert (card.languages, card.licence, card.title) == (("en", "ja"), "apache-2.0", "A tiny encoder")
    assert (card.task, card.family, card.library) == ("feature-extraction", "encoder", "sentence-transformers")
    assert (card.local, card.open_weights, card.data) == (True, True, "this machine")
    assert card.settings == {"dimensions"}
    assert told == {"pooling": "mean", "normalised": True, "precision": "float32"}


@pytest.mark.parametrize(
    ("kind", "positions", "told", "limit"),
    [
        ("bert", 64, None, 64),
        ("bert", 64, 100, 64),
        ("roberta", 98, None, 96),
        ("xlm-roberta", 98, None, 96),
        ("mpnet", 98, 50, 50),
    ],
)
def test_the_longest_text_is_what_files_and_positions_allow(
    tmp_path: Path, kind: str, positions: int, told: int | None, limit: int
) -> None:
    """RoBERTa's positions begin behind that of its padding, so that the last two are none. The longest text is computed."""
    folder = sentences(tmp_path / "m", kind, longest=told, max_position_embeddings=positions)
    with Hub(config=config(folder)) as hub:
        client = hub.embedding("e")
        assert client.card.limits == {"input_tokens": limit}
        text = "a"
        while client.count_tokens([text + " a"]).tokens <= limit:
            text += " a"
        assert client.embed([text]).usage.input_tokens == client.count_tokens([text]).tokens >= limit - 1


def test_the_options_make_the_longest_text_shorter(folder: Path) -> None:
    with Hub(config=config(folder, context_window=20)) as hub:
        assert hub.embedding("e").card.limits == {"input_tokens": 20}


@pytest.mark.parametrize(("kind", "usual"), [("bert", "mean"), ("llama", "last")])
def test_a_network_without_a_pooling_says_what_to_set(tmp_path: Path, kind: str, usual: str) -> None:
    """AT-J: pooling is declared, never guessed."""
    folder = network(tmp_path / "m", kind)
    with Hub(config=config(folder)) as hub, pytest.raises(SetupError, match=rf'set pooling in .*"{usual}" is') as caught:
        hub.embedding("e")
    assert "[providers.huggingface]" in caught.value.message
    with Hub(config=config(folder, pooling=usual)) as hub:
        assert hub.embedding("e").embed(["雨", "It rains in Tokyo."]).provider_metadata["pooling"].startswith(usual)


@pytest.mark.parametrize("options", [{}, {"pooling": "mean"}, {"task": "feature-extraction", "pooling": "mean"}])
def test_a_model_that_reads_no_text_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    """Before anything is loaded, and whatever the options say."""
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["WhisperForConditionalGeneration"]}), encoding="utf-8")
    with Hub(config=config(tmp_path, **options)) as hub, pytest.raises(Unsupported, match="automatic-speech-recognition"):
        hub.embedding("e")


def test_a_part_that_is_not_computed_here_is_named(tmp_path: Path) -> None:
    folder = sentences(tmp_path / "m", parts=("Transformer", "Pooling", "WordWeights"))
    with Hub(config=config(folder)) as hub, pytest.raises(SetupError, match="WordWeights"):
        hub.embedding("e")


def test_a_part_outside_of_the_folder_is_none(tmp_path: Path) -> None:
    folder = sentences(tmp_path / "m")
    listed = (folder / "modules.json").read_text(encoding="utf-8").replace("1_Pooling", "../elsewhere")
    (folder / "modules.json").write_text(listed, encoding="utf-8")
    with Hub(config=config(folder)) as hub, pytest.raises(SetupError, match="leads out"):
        hub.embedding("e")


def test_a_model_with_both_halves_is_refused_where_its_encoder_cannot_be_had_alone(tiny: Any) -> None:
    with Hub(config=config(Path(tiny("bart")), pooling="mean")) as hub, pytest.raises(SetupError, match="bart"):
        hub.embedding("e").embed(["雨"])


def test_the_encoder_of_a_model_with_both_halves_makes_vectors(tiny: Any) -> None:
    """As the sentence transformers that were made of T5."""
    with Hub(config=config(Path(tiny("t5")), pooling="mean", normalize=True)) as hub:
        client = hub.embedding("e")
        found = client.embed(["It rains.", "The sea is grey."])
        assert (client.card.family, found.dimensions) == ("encoder-decoder", 32)
    assert found.array()[0] @ found.array()[1] < 0.999


def test_pickled_weights_are_refused_unless_they_are_asked_for(tmp_path: Path) -> None:
    """Loading them can run what they hold."""
    import torch
    from safetensors.torch import load_file

    folder = sentences(tmp_path / "m", parts=("Transformer", "Pooling", "Dense"))
    wanted = vectors_of(folder)
    torch.save(load_file(folder / "2_Dense" / "model.safetensors"), folder / "2_Dense" / "pytorch_model.bin")
    (folder / "2_Dense" / "model.safetensors").unlink()
    with Hub(config=config(folder)) as hub, pytest.raises(SetupError, match="pickled_weights = true"):
        hub.embedding("e").embed(["雨"])
    with Hub(config=config(folder, pickled_weights=True)) as hub:
        assert np.abs(hub.embedding("e").embed(list(TEXTS)).array() - wanted).max() < 1e-6
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with Hub(config=config(folder)) as hub, pytest.raises(SetupError, match="pickled_weights = true"):
        hub.embedding("e")


def vectors_of(folder: Path) -> np.ndarray:
    with Hub(config=config(folder)) as hub:
        return hub.embedding("e").embed(list(TEXTS)).array()


def test_weights_that_are_missing_are_not_made_up(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = sentences(tmp_path / "m")
    file = folder / "model.safetensors"
    kept = {name: tensor for name, tensor in load_file(file).items() if "layer.1.output.dense" not in name}
    save_file(kept, file, metadata={"format": "pt"})
    with Hub(config=config(folder)) as hub, pytest.raises(SetupError, match=r"lack 2 weights"):
        hub.embedding("e").embed(["雨"])


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with Hub(config=config(tmp_path / "nothing")) as hub, pytest.raises(UnknownModel):
        hub.embedding("e")


def test_torch_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = sentences(tmp_path / "m")  # one that no test has loaded
    monkeypatch.setitem(sys.modules, "torch", None)
    with Hub(config=config(folder)) as hub, pytest.raises(SetupError, match=r"pip install \"modelhub-huggingface\[local\]\""):
        hub.embedding("e").embed(["雨"])


@pytest.mark.parametrize("options", [{"pooling": "sum"}, {"prompts": {"question": "x"}}, {"processes": 0}, {"dtype": "int8"}])
def test_an_option_that_is_none_is_refused(folder: Path, options: dict[str, Any]) -> None:
    with pytest.raises((ConfigError, SetupError)), Hub(config=config(folder, **options)) as hub:
        hub.embedding("e")


def test_a_tokenizer_is_made_of_what_else_there_is(tmp_path: Path) -> None:
    """Older models have no ``tokenizer.json``: their words are enough, and count as exactly."""
    folder = sentences(tmp_path / "m")
    wanted = vectors_of(folder)
    words = folder / "vocab.txt"
    from transformers import AutoTokenizer

    vocabulary = AutoTokenizer.from_pretrained(folder).get_vocab()
    words.write_text("\n".join(sorted(vocabulary, key=vocabulary.__getitem__)) + "\n", encoding="utf-8")
    shutil.copytree(folder, tmp_path / "old", ignore=shutil.ignore_patterns("tokenizer.json"))
    with Hub(config=config(tmp_path / "old")) as hub:
        found = hub.embedding("e").embed(list(TEXTS))
        assert hub.embedding("e").count_tokens(TEXTS).exact
    assert np.abs(found.array() - wanted).max() < 1e-6


def test_a_time_out_ends_what_is_computed(hub: Hub) -> None:
    """AT-C7: the total time-out holds where nothing is sent; the model goes on for others."""
    client = hub.embedding("e")
    client.embed(["雨"])
    with pytest.raises(TimedOut) as caught:
        client.embed(["in " * 40] * 20_000, timeouts=Timeouts(total=0.3))
    assert caught.value.phase == "total"
    assert len(client.embed(["雨"])) == 1


def test_a_text_without_tokens_has_a_vector_where_nobody_minds_it(tmp_path: Path, runtime: Driven) -> None:
    """A decoder has no marks around a text; who asks the model itself is not asked about empty texts."""
    model = build("embedding", f"huggingface:{network(tmp_path / 'm', 'gpt2')}", {**EXACT, "pooling": "last"})
    found = runtime.call(model, EmbeddingRequest(inputs=("", "rain")))
    assert len(found) == 2
    assert np.isfinite(found.array()).all()


def test_whoever_leaves_is_not_computed_for(folder: Path) -> None:
    """AT-C5: the model is free again long before all texts could have been computed."""

    async def asked() -> None:
        async with AsyncHub(config=config(folder)) as hub:
            client = hub.embedding("e")
            await client.embed(["雨"])
            left = asyncio.create_task(client.embed(["in " * 40] * 40_000))
            await asyncio.sleep(0.5)
            left.cancel()
            with pytest.raises(asyncio.CancelledError):
                await left
            await client.embed(["雨"], timeouts=Timeouts(total=3))

    asyncio.run(asked())


def test_many_threads_and_tasks_share_one_model(folder: Path) -> None:
    """AT-K: 32 threads and 32 tasks at once, each with its own vector."""
    texts = [f"{'rain ' * (number % 5)}{number}" for number in range(64)]
    wanted = vectors(folder, texts)

    async def tasks() -> list[Any]:
        async with AsyncHub(config=config(folder)) as hub:
            return await asyncio.gather(*(hub.embedding("e").embed([text]) for text in texts[32:]))

    with Hub(config=config(folder)) as hub, ThreadPoolExecutor(33) as pool:
        loop = pool.submit(asyncio.run, tasks())
        answers = [*pool.map(lambda text: hub.embedding("e").embed([text]), texts[:32]), *loop.result()]
    assert np.abs(np.concatenate([answer.array() for answer in answers]) - wanted).max() < 1e-5


def test_a_model_that_nobody_uses_is_unloaded(tmp_path: Path) -> None:
    folder = sentences(tmp_path / "m")
    with Hub(config=config(folder, keep_alive=0)) as hub:
        assert len(hub.embedding("e").embed(["雨"])) == 1
    for _ in range(200):
        if f"huggingface:{folder}" not in engines().names():
            break
        threading.Event().wait(0.05)
    assert f"huggingface:{folder}" not in engines().names()
