"""``modelhub config check``: every mistake that shows without a request, each with its file and line (AT-T)."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from modelhub.cli.shell import run
from modelhub.cli.streams import Streams

WRONG = """\
[models.assistant]
model = "starter:quot"
settings = { temprature = 1 }
[models.b]
model = "starter:quote"
prompt = "p"
retrieval = "手引き"
settings = { temperature = -1, voice = "x" }
options = { sentnces = 2 }
[models.c]
model = "nobody:x"
[models.d]
model = "c"
[models.e]
model = "starter:quote"
prompt = "absent"
[prompts.p]
template = "absent.txt"
examples = "gone.jsonl"
[prompts.q]
system = "短く答える。"
strategy = "zero"
[indexes."手引き"]
sources = ["none/*.md", "x.toto"]
embedding = "starter:quote"
[providers.startr]
depth = 1
"""

TOLD = [
    (2, "models.assistant.model: ", "Did you mean 'quote'?"),
    (3, "models.assistant.settings.temprature: ", "Did you mean 'temperature'?"),
    (8, "models.b.settings.temperature: ", "must be at least 0"),
    (8, "models.b.settings.voice: ", "there is no such setting"),
    (9, "models.b.options.sentnces: ", "Did you mean 'sentences'?"),
    (11, "models.c.model: ", "No plugin answers to 'nobody'"),
    (16, "models.e.prompt: ", "there is no [prompts.absent]"),
    (18, "prompts.p.template: ", "absent.txt: The file cannot be read"),
    (19, "prompts.p.examples: ", "gone.jsonl: The file cannot be read"),
    (22, "prompts.q.strategy: ", "Did you mean 'zero-shot'?"),
    (24, 'indexes."手引き".sources[0]: ', "matches no file"),
    (24, 'indexes."手引き".sources[1]: ', "there is no loader for x.toto"),
    (25, 'indexes."手引き".embedding: ', "There is no embedding model starter:quote"),
    (26, "providers.startr: ", "Did you mean 'starter'?"),
]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nobody"))
    for name in ("MODELHUB_CONFIG", "MODELHUB_PROFILE", "MODELHUB_STRICT_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.toto").write_text("?", encoding="utf-8")
    return tmp_path


def checked(place: Path, text: str, *words: str) -> tuple[int, str, list[str]]:
    (place / "modelhub.toml").write_text(text, encoding="utf-8")
    out, err = io.StringIO(), io.StringIO()
    code = run(["config", "check", *words], Streams(None, out, err))
    return code, out.getvalue(), err.getvalue().splitlines()


def test_every_mistake_is_told_once_with_file_and_line(place: Path) -> None:
    """AT-T: what the file shows, what other files show, and what only plugins know."""
    code, out, lines = checked(place, WRONG)
    assert (code, out) == (2, "")
    assert len(lines) == len(TOLD)
    for number, key, message in TOLD:
        start = f"modelhub: {place / 'modelhub.toml'}:{number}: {key}"
        (line,) = [line for line in lines if line.startswith(start)]
        assert message in line


def test_the_mistakes_are_a_document_too(place: Path) -> None:
    code, out, lines = checked(place, WRONG, "--json")
    assert code == 2
    assert [f"modelhub: {problem}" for problem in json.loads(out)["problems"]] == lines


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[timeouts]\ntotal = -3\n[models.a]\nmodel = 'starter:quote'\n", ":1: timeouts: timeouts.total is -3"),
        ("[models.a]\nmodel = 1\n[models.b]\nmodel = 'a'\n", ":2: models.a.model: expected a string"),
        ("[models.a]\nprompt = 'x'\n[prompts.x]\n[models.b]\nmodel = 'a'\n", ":1: models.a: 'model' is missing"),
        ("[models.a]\nmodel = 'starter:hash'\nprompt = 'x'\n[prompts.x]\n", ":3: models.a.prompt: this is for text models"),
        ("[models.a]\nmodel = 'starter:hash'\n[models.a.settings]\nvoice = 'x'\n", ":4: models.a.settings.voice: there is no"),
        ("[indexes.i]\nsources = ['x.toto']\nsearch.mode = 'vector'\n", "name an `embedding` model"),
        ("[providers.starter]\nsentences = 'x'\nb = 1\n", ":2: providers.starter.sentences: expected a whole number"),
    ],
)
def test_a_mistake_is_told_where_it_stands(place: Path, text: str, told: str) -> None:
    code, _, lines = checked(place, text)
    assert code == 2
    assert [line for line in lines if told in line]
    assert not [line for line in lines if "there is no alias" in line]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("fallback = ['nobody']\nfallback_on = ['RateLimitted']\n", ["models.a.fallback[0]", "models.a.fallback_on[0]"]),
        ("price = { input = '2,50', output = 'x' }\nretry = { times = -1 }\n", ["models.a.retry", "models.a.price.input"]),
        ("[models.b]\nmodel = 'a'\nfallback = ['a']\n[retry]\ntimes = 1.5\n", ["retry.times"]),
        ("[models.b]\nmodel = 'starter:quote'\nprice = { input = -1 }\n", ["models.b.price"]),
    ],
)
def test_a_mistake_is_not_told_again_where_it_strikes(place: Path, text: str, places: list[str]) -> None:
    _, _, lines = checked(place, f"[models.a]\nmodel = 'starter:quote'\n{text}")
    told = [line.split(": ")[2] for line in lines]
    assert set(places) <= set(told)
    assert not [line for line in lines if ".model: " in line]


def test_what_is_right_for_the_kind_its_model_has_is_right(place: Path) -> None:
    """A setting of pictures is no mistake on a model of pictures; nor is a prompt that no model uses yet."""
    text = """
    [models.painter]
    model = "starter:placeholder"
    settings = { size = [64, 64] }
    [models.search]
    model = "starter:hash"
    [models.assistant]
    model = "starter:quote"
    prompt = "few"
    retrieval = "docs"
    settings = { temperature = 0.2 }
    [prompts.few]
    template = "t.txt"
    examples = "e.jsonl"
    [indexes.docs]
    sources = ["*.md"]
    embedding = "search"
    """
    (place / "a.md").write_text("鍵は九十日間有効です。", encoding="utf-8")
    (place / "t.txt").write_text("質問: {{ input }}", encoding="utf-8")
    (place / "e.jsonl").write_text('{"input": "一", "output": "二"}\n', encoding="utf-8")
    code, _, lines = checked(place, text)
    assert (code, lines) == (0, [f"{place / 'modelhub.toml'}: 3 models, 1 prompts, 1 indexes: nothing is wrong"])
