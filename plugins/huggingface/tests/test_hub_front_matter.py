"""A README may be anything: what can be read of it is read, nothing of it is run, and nothing of it takes long."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hub_room import asker
from hub_shelf import HubModel
from hypothesis import given, settings
from hypothesis import strategies as st
from modelhub_huggingface.hub.cards import licence, written
from modelhub_huggingface.hub.front_matter import front_matter
from modelhub_huggingface.hub.prose import heading, summary
from modelhub_huggingface.hub.results import reported
from scripted_hub import ScriptedHub

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20)
VALUES = st.recursive(
    WORDS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=12
)


def readme(block: str, text: str = "# 見出し\n\n本文です。\n") -> str:
    return f"---\n{block}\n---\n{text}"


@given(
    said=st.dictionaries(WORDS.filter(bool), VALUES, max_size=5),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    bom=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_what_is_written_as_yaml_is_read_as_the_same_texts(said: dict[str, Any], ending: str, bom: bool) -> None:
    block = yaml.safe_dump(said, allow_unicode=True, default_style='"', default_flow_style=False)
    written_so = ("\ufeff" if bom else "") + readme(block.rstrip("\n")).replace("\n", ending)
    read = front_matter(written_so)
    assert (read.said, read.wrong) == (said, None)
    assert read.text == "# 見出し\n\n本文です。\n"


@given(text=st.text(max_size=300), front=st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_text_raises_and_what_comes_is_plain(text: str, front: bool) -> None:
    read = front_matter(readme(text) if front else text)
    json.dumps(read.said)
    assert isinstance(read.said, dict)
    heading(read.text)
    summary(read.text)
    json.dumps({name: str(value) for name, value in written(read.said).items()})


NAMES = st.sampled_from(["license", "language", "results", "metrics", "name", "value", "dataset", "task", "type"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(value=ANYTHING)
@settings(max_examples=300, deadline=None)
def test_any_value_in_any_place_is_read_or_left_out(value: Any) -> None:
    for name in ("license", "license_name", "language", "base_model", "datasets", "model-index"):
        written({name: value}, {"tags": value, "evalResults": value})


def test_a_readme_without_front_matter_is_all_text() -> None:
    assert front_matter("# Title\n\n---\nlicense: mit\n---\n") == ({}, "# Title\n\n---\nlicense: mit\n---\n", None)
    assert front_matter("") == ({}, "", None)
    assert front_matter("---\nlicense: mit\n").said == {}  # it never ends
    assert front_matter("---\n---\nText").text == "Text"


@pytest.mark.parametrize(
    ("block", "languages"),
    [
        ("language: no", ("no",)),
        ("language: [no, en]", ("no", "en")),
        ("language:\n- en\n- NO\n- no", ("en", "NO", "no")),
        ("language: ja", ("ja",)),
        ("language: null", ()),
        ("language:", ()),
        ("languages: [ja, en]", ("ja", "en")),
        ("language: {name: ja}", ("ja",)),
        ("language: [[ja]]", ("ja",)),
    ],
)
def test_languages_are_read_however_they_are_written(block: str, languages: tuple[str, ...]) -> None:
    assert written(front_matter(readme(block)).said)["languages"] == languages


@pytest.mark.parametrize(
    ("block", "named"),
    [
        ("license: apache-2.0", "apache-2.0"),
        ("license: [mit]", "mit"),
        ("license:\n- mit\n- apache-2.0", "mit AND apache-2.0"),
        ("license: other", "other"),
        ("license: other\nlicense_name: llama-3-community", "llama-3-community"),
        ("license: other\nlicense_link: LICENSE.md", "LICENSE.md"),
        ("license_name: own-terms", "own-terms"),
        ("license: 1.0", "1.0"),
        ("license: ~", None),
        ("tags: [x]", None),
    ],
)
def test_licences_are_read_however_they_are_written(block: str, named: str | None) -> None:
    assert licence(front_matter(readme(block)).said) == named


def test_a_licence_is_also_read_from_the_tags() -> None:
    assert licence({}, ("en", "license:cc-by-4.0")) == "cc-by-4.0"


@pytest.mark.parametrize(
    "block",
    [
        "x: !!python/object/apply:os.system ['touch {file}']",
        "x: !!python/object/new:subprocess.Popen [['touch', '{file}']]",
        '!!python/object/apply:builtins.exec [\'open("{file}", "w")\']',
        "x: !!python/name:os.system",
        "x: !!python/module:this",
        "? !!python/object/apply:os.mkdir ['{file}']\n: y",
    ],
)
def test_a_tag_runs_nothing(block: str, tmp_path: Path) -> None:
    file = tmp_path / "touched"
    before = set(sys.modules)
    front_matter(readme(block.replace("{file}", str(file))))
    assert not file.exists()
    assert "this" not in set(sys.modules) - before


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{b}: &{b} {{<<: [{','.join([f'*{a}'] * 9)}]}}\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "block",
    [
        BOMB, MERGES, "a: &a [*a]", "- " * 60_000 + "x", "[" * 60_000, "{a: " * 30_000, "? " * 30_000, "a: " * 30_000,
        "&x " * 30_000, "!" * 60_000, "'" * 100_001, '"' + "\\" * 100_001, "#" * 500_000, "a: |\n" + "  x\n" * 100_000, "\0",
        "a: \ud800", "model-index:\n" + "- name: x\n" * 200_000, "\n" * 300_000 + "a: b", " " * 500_000,
        "%YAML 9.9\n---\na: b", "x: [" + "1," * 200_000,
    ],
    ids=lambda block: repr(block[:12]),
)  # fmt: skip
def test_a_hostile_readme_takes_no_time_and_raises_nothing(block: str) -> None:
    started = time.process_time()
    read = front_matter(readme(block))
    written(read.said)
    assert len(json.dumps(read.said)) < 2_000_000
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "text",
    [
        "*" * 300_000, "[" * 300_000, "<a " * 100_000, "`a" * 100_000, "__a " * 100_000, "# " * 100_000, "<!--" * 99_999,
        "# a" + " " * 300_000 + "b", "```\n" * 99_999, "!" * 300_000, "[a](" * 99_999, "a" * 300_000, "\n \t" * 100_000,
        "> " * 99_999, "。" * 300_000,
    ],
    ids=lambda text: repr(text[:8]),
)  # fmt: skip
def test_hostile_prose_takes_no_time(text: str) -> None:
    started = time.process_time()
    assert len(heading(text)) <= 200
    assert len(summary(text)) <= 400
    assert time.process_time() - started < 2


def test_ten_megabytes_of_readme_are_neither_fetched_nor_read(hub: ScriptedHub) -> None:
    text = "---\nlicense: mit\n---\n# Long\n\nIt goes on.\n\n" + "日本" * 2_000_000
    hub.models["some/long"] = HubModel("some/long", {"pipeline_tag": "summarization"}, text)
    with asker("blocking", hub.url) as room:
        assert room.card("huggingface:some/long").title == "Long"
    (asked,) = [request for request in hub.server.requests if request.path.startswith("/api/resolve-cache/models/some/long")]
    assert asked.headers["range"] == f"bytes=0-{(1 << 20) - 1}"
    assert asked.headers["accept-encoding"] == "identity"


def test_the_results_of_a_benchmark_do_not_hide_the_licence() -> None:
    results = "".join(
        f"  - task: {{type: STS}}\n    dataset: {{name: d{n}}}\n    metrics: [{{type: cos, value: 1}}]\n" for n in range(9_000)
    )
    block = f"license: mit\nmodel-index:\n- name: x\n  results:\n{results}language: ja"
    assert len(block) > 512 << 10
    assert front_matter(readme(block)).said == {"license": "mit", "language": "ja"}


def test_hundreds_of_results_are_cut() -> None:
    result = [{"dataset": {"name": f"d{n}"}, "metrics": [{"type": "f1", "value": n}]} for n in range(900)]
    assert len(reported([{"results": result}])) == 200


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("85.1", 85.1), (85, 85.0), ("N/A", "N/A"), ("85 %", "85 %"), (True, None), (None, None), (float("nan"), None),
        ("inf", None),
    ],
)  # fmt: skip
def test_a_result_is_a_number_where_it_is_one(value: object, read: object) -> None:
    found = reported([{"results": [{"metrics": [{"type": "f1", "value": value}]}]}])
    assert [metric.value for metric in found] == ([] if read is None else [read])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<p align='center'><img src='x.png'></p>\n\n[![x](y)](z)\n\n# T\n\nIt sums up texts.", "It sums up texts."),
        ("<!-- comment -->\n\n| a | b |\n|---|---|\n\n> quoted\n\n- list\n\nここに説明があります。", "ここに説明があります。"),
        ("```python\nimport x.\n```\n\nShort\n\nThe **bold** and `code` of [it](http://x).", "The bold and code of it."),
        ("# Title only\n", ""),
    ],
)
def test_the_first_prose_is_the_description(text: str, said: str) -> None:
    assert summary(text) == said


def test_a_long_description_ends_with_a_sentence() -> None:
    found = summary(f"{'これは長い説明です。' * 60}")
    assert len(found) <= 400
    assert found.endswith("。")
    assert summary("word " * 200).endswith("…")


@pytest.mark.parametrize(
    ("text", "title"),
    [("# Über  *alles* ##\n", "Über alles"), ("## About\n\nx", ""), ("x\n", ""), ("```\n# no\n```\n# yes", "yes")],
)
def test_the_first_heading_is_the_title(text: str, title: str) -> None:
    assert heading(text) == title
