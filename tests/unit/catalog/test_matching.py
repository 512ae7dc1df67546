"""One filter language: what fits a card, what does not, and what cannot be said."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from modelhub.catalog.matching import folded, matches, unknown
from modelhub.catalog.query import Query
from modelhub.errors import InvalidRequest
from modelhub.model import ModelCard
from modelhub.price import Price

BART = ModelCard(
    model="depot:facebook/bart-large-cnn",
    kind="text",
    title="BART 要約モデル",
    description="Ｆｕｌｌ－ｗｉｄｔｈ letters, ﾊﾝｶｸ kana.",
    task="summarization",
    family="encoder-decoder",
    architecture="bart",
    library="transformers",
    licence="MIT",
    languages=("en", "ja-JP"),
    capabilities={"images": False},
    open_weights=True,
    local=False,
    fine_tunable=True,
    gated=False,
    data="api.example.com, Europe",
    context_window=1024,
    parameters=406_290_432,
    price=Price(input=Decimal("0.1"), output=Decimal("0.9")),
)
BARE = ModelCard(model="depot:bare", kind="text")

FITS: list[dict[str, Any]] = [
    {},
    {"search": "bart CNN"},
    {"search": "要約"},
    {"search": "full-width　ハンカク"},
    {"kind": "text"},
    {"task": "summarization"},
    {"licence": "mit"},
    {"licence": "MIT License"},
    {"language": "ja"},
    {"language": "ja-jp"},
    {"language": "EN"},
    {"family": "encoder-decoder"},
    {"architecture": "BART"},
    {"library": "Transformers"},
    {"inputs": ("text",)},
    {"outputs": ["text"]},
    {"open_weights": True},
    {"local": False},
    {"fine_tunable": True},
    {"gated": False},
    {"data": "europe"},
    {"min_context": 1024},
    {"max_parameters": 406_290_432},
    {"max_price": 0.9},
]
FITS_NOT: list[dict[str, Any]] = [
    {"search": "bart t5"},
    {"kind": "embedding"},
    {"task": "text-generation"},
    {"licence": "apache-2.0"},
    {"language": "de"},
    {"language": "jav"},
    {"family": "decoder"},
    {"architecture": "t5"},
    {"library": "gguf"},
    {"inputs": ("text", "image")},
    {"outputs": ("vector",)},
    {"open_weights": False},
    {"local": True},
    {"fine_tunable": False},
    {"gated": True},
    {"data": "this machine"},
    {"min_context": 1025},
    {"max_parameters": 10},
    {"max_price": 0.89},
]


@pytest.mark.parametrize("asked", FITS, ids=str)
def test_a_card_that_has_what_is_asked_for_is_found(asked: dict[str, Any]) -> None:
    assert matches(BART, Query(**asked))


@pytest.mark.parametrize("asked", FITS_NOT, ids=str)
def test_a_card_that_has_something_else_is_not_found(asked: dict[str, Any]) -> None:
    assert unknown(BART, Query(**asked)) is None


SAID_BY_THE_KIND = ("search", "kind", "outputs")


@pytest.mark.parametrize("asked", [asked for asked in FITS if asked and not asked.keys() & set(SAID_BY_THE_KIND)], ids=str)
def test_what_is_unknown_is_never_found_and_is_named(asked: dict[str, Any]) -> None:
    query = Query(**asked)
    if asked == {"inputs": ("text",)}:
        assert matches(BARE, query), "a text model takes text, whatever its card leaves open"
    else:
        assert unknown(BARE, query) == tuple(asked)
        assert not matches(BARE, query)


def test_what_does_not_fit_is_not_called_unknown() -> None:
    assert unknown(BARE, Query(kind="image", licence="mit")) is None
    assert unknown(BARE, Query(licence="mit", min_context=10)) == ("licence", "min_context")


@pytest.mark.parametrize(
    ("told", "wanted", "same"),
    [
        ("apache-2.0", "Apache-2.0", True),
        ("Apache License Version 2.0, January 2004 http://www.apache.org/licenses/", "apache-2.0", True),
        ("Apache-2.0 (engine and acoustic model: BSD)", "apache 2.0", True),
        ("The Apache License 2.0", "apache", True),
        ("MIT License", "mit", True),
        ("MIT OR Apache-2.0", "apache-2.0", True),
        ("GPL-3.0-or-later", "gpl-3.0", True),
        ("GPL v3.0", "gpl-3.0", True),
        ("cc-by-nc-4.0", "cc-by-4.0", False),
        ("apache-2.0", "mit", False),
        ("unknown", "mit", None),
        ("", "mit", None),
        (None, "mit", None),
    ],
)
def test_a_licence_has_many_spellings(told: str | None, wanted: str, same: bool | None) -> None:
    found = unknown(ModelCard(model="a:b", kind="text", licence=told), Query(licence=wanted))
    assert found == {True: (), False: None, None: ("licence",)}[same]


@pytest.mark.parametrize(
    ("spoken", "wanted", "found"),
    [
        (("multilingual",), "ja", None),
        (("pt",), "pt-BR", None),
        (("zh_TW",), "zh-tw", True),
        (("en", "multilingual"), "en", True),
        ((), "ja", None),
        (("jav",), "ja", False),
    ],
)
def test_languages_are_told_apart_by_their_tags(spoken: tuple[str, ...], wanted: str, found: bool | None) -> None:
    card = ModelCard(model="a:b", kind="text", languages=spoken)
    assert unknown(card, Query(language=wanted)) == {True: (), False: None, None: ("language",)}[found]


def test_what_goes_in_and_comes_out_follows_from_kind_and_capabilities() -> None:
    def found(kind: Any, asked: Query, **more: Any) -> bool:
        return matches(ModelCard(model="a:b", kind=kind, **more), asked)

    assert found("text", Query(inputs=("text", "image")), capabilities={"images": True})
    assert found("transcription", Query(inputs=("audio",), outputs=("text",)))
    assert not found("transcription", Query(inputs=("text",)))
    assert found("embedding", Query(outputs=("vector",)))
    assert found("reranking", Query(outputs=("order",)))
    assert found("speech", Query(outputs=("audio",)))
    assert found("image", Query(inputs=("image",)), capabilities={"generate": True, "edit": True})
    assert not found("image", Query(inputs=("image",)), capabilities={"edit": False, "variation": False, "upscale": False})
    assert found("text", Query(inputs=("video",)), inputs=("text", "video"))
    assert unknown(ModelCard(model="a:b", kind="image"), Query(inputs=("image",))) == ("inputs",)


def test_a_kind_does_its_own_task_whatever_the_model_was_made_for() -> None:
    def fate(kind: Any, asked: str, **more: Any) -> tuple[str, ...] | None:
        return unknown(ModelCard(model="a:b", kind=kind, **more), Query(task=asked))

    assert fate("embedding", "feature-extraction", task="sentence-similarity") == ()
    assert fate("transcription", "automatic-speech-recognition") == ()
    assert fate("image", "inpainting", task="text-to-image", capabilities={"mask": True}) == ()
    assert fate("image", "inpainting", task="text-to-image", capabilities={"mask": False}) is None
    assert fate("speech", "summarization") is None
    assert fate("text", "summarization") == ("task",)
    assert fate("text", "a-task-of-next-year") == ("task",)


def test_windows_and_prices_are_read_as_their_kinds_have_them() -> None:
    embedder = ModelCard(model="a:b", kind="embedding", limits={"input_tokens": 8192}, price=Price(input=Decimal("0.02")))
    assert matches(embedder, Query(min_context=8000, max_price=0.02))
    assert unknown(ModelCard(model="a:b", kind="image"), Query(min_context=8000)) is None, "pictures have no window"
    half = ModelCard(model="a:b", kind="text", price=Price(input=Decimal(1)))
    assert unknown(half, Query(max_price=5)) == ("max_price",)


def test_what_lies_or_runs_here_says_so() -> None:
    here = ModelCard(model="a:b", kind="text", local=True, file="/m/b.gguf", file_bytes=9)
    assert matches(here, Query(data="this machine", open_weights=True))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"kind": "txt"}, "kind has 'txt'; it can be text, embedding.*Did you mean 'text'"),
        ({"family": "encoder_decoder"}, "Did you mean 'encoder-decoder'"),
        ({"sort": "download"}, "Did you mean 'downloads'"),
        ({"inputs": ("picture",)}, "inputs has 'picture'; it can be text, image"),
        ({"inputs": "image"}, r"inputs is 'image'; write a tuple: \('image',\)"),
        ({"outputs": None}, "outputs is None; write a tuple"),
        ({"open_weights": "yes"}, "open_weights is 'yes'; it must be True or False"),
        ({"licence": 2}, "licence is 2; it must be a text"),
        ({"max_price": "1"}, "max_price is '1'"),
        ({"task": "summarisation"}, "There is no task 'summarisation'. Did you mean 'summarization'"),
        ({"task": "Text Generation"}, "not written like a task.*Did you mean 'text-generation'"),
        ({"task": "要約"}, "'要約' is not written like a task"),
        ({"language": "japanese"}, "it must be a tag, like 'ja'"),
        ({"limit": 0}, "limit is 0; it must be a whole number"),
        ({"limit": None}, "limit is None"),
        ({"min_context": "32k"}, "min_context is '32k'"),
        ({"max_price": -1.0}, "must be an amount"),
        ({"max_price": float("nan")}, "must be an amount"),
    ],
)
def test_a_value_that_no_model_has_is_refused_with_what_may_be_meant(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        Query(**asked)


def test_a_task_that_is_new_may_be_asked_for() -> None:
    assert Query(task="video-to-video").task == "video-to-video"


def test_a_folded_query_is_written_as_hubs_write_and_finds_the_same() -> None:
    written = Query(
        search="ＢＡＲＴ", licence="MIT License", language="JA_jp", architecture="BART", library="Transformers", limit=3
    )
    found = folded(written)
    assert (found.search, found.licence, found.language) == ("bart", "mit", "ja-jp")
    assert (found.architecture, found.library, found.limit) == ("bart", "transformers", 3)
    assert matches(BART, found)
    assert matches(BART, written)
    assert folded(Query()) == Query()
    assert folded(Query(licence="BigCode-OpenRAIL++")).licence == "bigcode-openrail++"
