"""Each command does its work with a model of its kind: what is printed, what is written, what ``--json`` tells."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelhub.cli.shell import run
from modelhub.cli.streams import Streams

PLUGIN = """
from modelhub.plugin import Provider, hookimpl

KINDS = ("text", "embedding", "image", "speech", "transcription", "reranking")

@hookimpl
def modelhub_provider():
    return Provider(name="six", kinds={kind: f"six_kinds.models:{kind}" for kind in KINDS}, cards="six_kinds.models:cards")
"""

MODELS = """
from dataclasses import dataclass

from modelhub.interfaces.embedding import EmbeddingResponse, pack
from modelhub.interfaces.image import GeneratedImage, ImageResponse
from modelhub.interfaces.reranking import Ranked, RerankingResponse
from modelhub.interfaces.speech import SpeechResponse
from modelhub.interfaces.transcription import Segment, TranscriptionResponse, Word
from modelhub.plugin import Citation, ModelCard, Notice, TextPart, TextResponse, Usage

PNG = bytes.fromhex("89504e470d0a1a0a") + b"the rest"


def quote(request):
    passage = request.passages[0]
    cited = Citation(1, passage.id, passage.document, passage.span, passage.text)
    return TextResponse(content=(TextPart(f"{passage.text} [1]"),), finish_reason="stop", citations=(cited,), model="quote",
        usage=Usage(input_tokens=12, output_tokens=3), notices=(Notice("seed", "there is nothing random here"),))


def lengths(request):
    vectors = [(float(len(text)), 0.1) for text in request.inputs]
    buffer, count, dimensions = pack(vectors)
    return EmbeddingResponse(buffer=buffer, count=count, dimensions=dimensions, model="lengths")


def painted(request):
    size = "x".join(map(str, request.size or (0, 0)))
    words = f"{request.operation} {request.prompt} {size} {len(request.images)} {request.scale} {bool(request.mask)}"
    return ImageResponse(images=tuple(GeneratedImage(data=PNG + words.encode()) for _ in range(request.count)))


def spoken(request):
    words = f"{request.text}|{request.voice}|{request.language}|{request.speed}|{request.output_format}"
    return SpeechResponse(audio=words.encode(), duration=1.5, sample_rate=22050)


def heard(request):
    text = f"{','.join(request.phrases)}|{request.language}"
    segments = (Segment(0.0, 1.25, text),) if "segment" in request.timestamps else ()
    words = (Word(0.0, 0.5, "w"),) if "word" in request.timestamps else ()
    return TranscriptionResponse(text=text, segments=segments, words=words)


def ranked(request):
    places = sorted(range(len(request.documents)), key=lambda place: len(request.documents[place]))
    return RerankingResponse(ranking=tuple(Ranked(place, 1 / (1 + rank)) for rank, place in enumerate(places))[:request.top_n])


@dataclass(frozen=True)
class Sample:
    kind: str
    answer: object

    @property
    def card(self):
        return ModelCard(model=f"six:{self.kind}", kind=self.kind, title="見本", capabilities=dict.fromkeys(
            ("passages", "generate", "edit", "variation", "upscale", "mask"), True))

    async def call(self, request, runtime):
        return self.answer(request)


def text(name, options): return Sample("text", quote)
def embedding(name, options): return Sample("embedding", lengths)
def image(name, options): return Sample("image", painted)
def speech(name, options): return Sample("speech", spoken)
def transcription(name, options): return Sample("transcription", heard)
def reranking(name, options): return Sample("reranking", ranked)
def cards(): return [text("", None).card, image("", None).card]
"""

TOML = """\
[models.assistant]
model = "six:quote"
retrieval = "handbook"
[indexes.handbook]
sources = ["docs/*.md"]
store = "kept"
"""


@pytest.fixture(scope="module", autouse=True)
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "six_kinds").mkdir()
    (folder / "six_kinds" / "__init__.py").write_text(PLUGIN, encoding="utf-8")
    (folder / "six_kinds" / "models.py").write_text(MODELS, encoding="utf-8")
    about = folder / "modelhub_six-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: modelhub-six\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[modelhub]\nsix = six_kinds\n", encoding="utf-8")
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    for name in ("MODELHUB_PROFILE", "MODELHUB_CONFIG", "MODELHUB_STRICT_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "modelhub.toml").write_text(TOML, encoding="utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "鍵.md").write_text("# 鍵\n\n鍵は九十日ごとに交換します。\n", encoding="utf-8")
    return tmp_path


class Called:
    def __init__(self, *words: str, stdin: str | None = None) -> None:
        streams = Streams(None if stdin is None else io.BytesIO(stdin.encode()), io.StringIO(), io.StringIO())
        self.code = run(words, streams)
        self.out: str = streams.stdout.getvalue()  # type: ignore[attr-defined]
        self.err: str = streams.stderr.getvalue()  # type: ignore[attr-defined]

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


def test_ask_prints_the_answer_and_then_where_it_stands() -> None:
    done = Called("ask", "鍵はいつ交換しますか？")
    assert (done.code, done.err) == (0, "")
    answer, blank, citation = done.out.removesuffix("\n").rsplit("\n", 2)
    assert "九十日ごとに交換します。" in answer
    assert blank == ""
    assert citation.startswith("[1] docs/鍵.md:")
    assert citation.endswith('鍵は九十日ごとに交換します。"')


def test_ask_takes_the_question_from_a_pipe() -> None:
    assert "九十日" in Called("ask", stdin="鍵はいつ交換しますか？\n").out


def test_ask_verbose_tells_model_tokens_and_notices() -> None:
    told = Called("ask", "鍵の交換", "--verbose").err
    assert "notice: seed: there is nothing random here" in told
    assert "model quote, 12 tokens in, 3 tokens out" in told


def test_ask_json_has_the_question_the_answer_and_exact_citations(here: Path) -> None:
    document = Called("ask", "鍵の交換", "--json").json
    cited = document["citations"][0]
    text = (here / "docs" / "鍵.md").read_text(encoding="utf-8")
    assert document["question"] == "鍵の交換"
    assert text[cited["span"]["start"] : cited["span"]["end"]] == cited["quote"]
    assert document["usage"] == {"input_tokens": 12, "output_tokens": 3, "source": "provider"}


def test_embed_prints_a_vector_a_line_without_losing_a_bit() -> None:
    done = Called("embed", "-m", "six:lengths", "鍵", "two")
    assert (done.code, done.out) == (0, "[1.0, 0.100000001]\n[3.0, 0.100000001]\n")


def test_embed_reads_lines_from_a_pipe_or_a_file(here: Path) -> None:
    assert Called("embed", "-m", "six:lengths", stdin="a\n\n鍵鍵\r\n").out == "[1.0, 0.100000001]\n[2.0, 0.100000001]\n"
    (here / "texts.txt").write_text("\ufeffabc\n", encoding="utf-8")
    told = Called("embed", "-m", "six:lengths", "--file", "texts.txt", "--json").json
    assert told.pop("seconds") >= 0
    assert told == {
        "dimensions": 2,
        "vectors": [[3.0, 0.100000001]],
        "model": "lengths",
        "attempts": [{"model": "six:embedding", "error": None}],
    }


def test_embed_writes_numpy_or_json(here: Path) -> None:
    done = Called("embed", "-m", "six:lengths", "a", "bb", "-o", "x.npy")
    assert (done.code, done.out, done.err) == (0, "", "x.npy: 2 vectors of 2 dimensions\n")
    array = np.load(here / "x.npy", allow_pickle=False)
    assert (array.dtype, array.shape) == (np.float32, (2, 2))
    assert Called("embed", "-m", "six:lengths", "a", "-o", "x.json").code == 0
    assert json.loads((here / "x.json").read_text(encoding="utf-8"))["vectors"] == [[1.0, 0.100000001]]
    assert Called("embed", "-m", "six:lengths", "a", "-o", "x.csv").code == 2


def test_image_makes_and_saves(here: Path) -> None:
    done = Called("image", "-m", "six:p", "灯台", "-o", "out.png", "--size", "64x32")
    assert (done.code, done.err) == (0, f"out.png: image/png, {len((here / 'out.png').read_bytes())} bytes\n")
    assert (here / "out.png").read_bytes().endswith("generate 灯台 64x32 0 None False".encode())


def test_several_images_get_numbers(here: Path) -> None:
    document = Called("image", "-m", "six:p", "x", "-o", "out.png", "--count", "2", "--json").json
    assert [picture["file"] for picture in document["images"]] == ["out-1.png", "out-2.png"]
    assert (here / "out-2.png").exists()


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["--edit", "in.png", "--mask", "in.png", "more sky"], b"edit more sky 0x0 1 None True"),
        (["--vary", "in.png"], b"variation  0x0 1 None False"),
        (["--upscale", "in.png", "--scale", "4"], b"upscale  0x0 1 4 False"),
    ],
)
def test_image_edits_varies_and_enlarges(here: Path, words: list[str], asked: bytes) -> None:
    (here / "in.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = Called("image", "-m", "six:p", "-o", "out.png", *words)
    assert done.code == 0, done.err
    assert (here / "out.png").read_bytes().endswith(asked)


def test_speak_writes_the_format_that_the_name_ends_in(here: Path) -> None:
    done = Called("speak", "-m", "six:s", "こんにちは", "-o", "out.wav", "--language", "ja", "--speed", "1.5")
    assert (done.code, done.out) == (0, "")
    assert done.err == "out.wav: audio/wav, 31 bytes, 1.5 s\n"
    assert (here / "out.wav").read_text(encoding="utf-8") == "こんにちは|None|ja|1.5|wav"


def test_speak_json_tells_the_file() -> None:
    document = Called("speak", "-m", "six:s", "-o", "out.mp3", "--json", stdin="hi").json
    assert (document["file"], document["duration"], document["bytes"]) == ("out.mp3", 1.5, 21)


def test_transcribe_prints_text_or_subtitles(here: Path) -> None:
    (here / "in.wav").write_bytes(b"RIFF0000WAVE")
    words = ("transcribe", "-m", "six:t", "in.wav", "--phrase", "右へ", "--phrase", "左へ", "--language", "ja")
    assert Called(*words).out == "右へ,左へ|ja\n"
    assert Called(*words, "--srt").out == "1\n00:00:00,000 --> 00:00:01,250\n右へ,左へ|ja\n"
    assert Called(*words, "--vtt").out.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.250\n")
    assert Called(*words, "--words", "--json").json["words"][0]["text"] == "w"
    assert Called(*words, "--srt", "--vtt").code == 2


def test_a_sound_file_that_is_not_there_is_a_mistake() -> None:
    done = Called("transcribe", "-m", "six:t", "gone.wav")
    assert (done.code, done.err) == (2, "modelhub: Cannot read 'gone.wav': No such file or directory.\n")


@pytest.mark.parametrize("command", [("image", "-m", "six:p", "x", "-o"), ("embed", "-m", "six:e", "x", "--output")])
def test_where_a_result_cannot_be_written_no_model_is_asked(command: tuple[str, ...], here: Path) -> None:
    done = Called(*command, "no/such/folder/out.npy")
    said = "modelhub: no/such/folder/out.npy: there is no folder no/such/folder. Make it first.\n"
    assert (done.code, done.err) == (2, said)
    (here / "a.npy").mkdir()
    assert "is a folder" in Called(*command, "a.npy").err


def test_rank_puts_the_best_first(here: Path) -> None:
    assert Called("rank", "-m", "six:r", "q", "a long one", "鍵").out == "  1.0000     2  鍵\n  0.5000     1  a long one\n"
    (here / "docs.txt").write_text("a long one\nshort\n", encoding="utf-8")
    document = Called("rank", "-m", "six:r", "q", "--documents", "docs.txt", "--top-n", "1", "--json").json
    assert document["ranking"] == [{"index": 1, "score": 1.0, "document": "short"}]


def test_models_of_a_provider_are_asked_by_its_name() -> None:
    assert Called("models", "--provider", "six", "--kind", "image").out == "six:image  image  見本\n"
    assert [card["kind"] for card in Called("models", "--provider", "six", "--json").json["models"]] == ["text", "image"]
    missing = Called("models", "--provider", "sixx")
    assert missing.code == 2
    assert "Did you mean 'six'?" in missing.err


def test_index_builds_searches_and_shows(here: Path) -> None:
    built = Called("index", "build", "handbook")
    assert built.code == 0, built.err
    assert built.out.startswith("handbook: 1 documents, 1 passages, ")
    assert "1 added" in built.out
    assert "100 %" in built.err
    assert (here / "kept").exists()
    found = Called("index", "search", "handbook", "鍵を交換する")
    assert found.out.startswith("[1] docs/鍵.md:")
    assert Called("index", "search", "handbook", "鍵", "--json").json["passages"][0]["document"] == "docs/鍵.md"
    assert Called("index", "show", "handbook", "--json").json["handbook"]["sources"] == ["docs/*.md"]
    assert "1 unchanged" in Called("index", "build", "handbook", "--quiet").out
    assert Called("index", "build", "handbook", "--json").json["report"]["passages"] == 1


def test_a_search_that_finds_nothing_says_so() -> None:
    done = Called("index", "search", "handbook", "zzz")
    assert (done.code, done.out, done.err) == (0, "", "modelhub: nothing in handbook answers to that.\n")


def test_an_index_that_is_not_there_is_a_mistake() -> None:
    for words in (["build", "handbok"], ["show", "handbok"], ["search", "handbok", "q"]):
        done = Called("index", *words)
        assert done.code == 2
        assert "Did you mean 'handbook'?" in done.err


def test_check_tells_what_only_the_plugin_knows(here: Path) -> None:
    assert Called("config", "check").code == 0
    with open(here / "modelhub.toml", "a", encoding="utf-8") as file:
        file.write("[models.b]\nmodel = 'sixx:y'\n[models.c]\nmodel = 'six:y'\noptions = { colour = 'red' }\n")
    done = Called("config", "check", "--json")
    assert done.code == 2
    problems = json.loads(done.out)["problems"]
    assert "Did you mean 'six'?" in problems[0]
    assert "colour" in problems[1]
