"""Tokens counted with a model's own tokenizer, wherever it runs, and what is cut by the count; no network is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tokenizers", reason='pip install "modelhub-huggingface[tokenizers]"')

from modelhub_huggingface.counted import Counted
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.tokens import counter, tokens_of

from modelhub import Hub
from modelhub.retrieval.tokens import count_tokens

pytestmark = pytest.mark.usefixtures("loopback_only")

CORPUS = {
    "en": "The lighthouse stands on the cliff; the sea is grey, and the wind is cold. Nobody has been there since June. ",
    "ja": "東京は日本の首都です。雨が降っています。「灯台は崖の上に立っている。」と彼は言った。モデルは質問に答えます！",
    "zh": "选择语言模型时，首先要确定目标和评估方法。根据速度、成本和质量的优先顺序，应选择的模型也会不同。你会选哪一个？",
    "th": "เมื่อเลือกแบบจำลองภาษาให้กำหนดเป้าหมายและวิธีการประเมินก่อนจากนั้นเปรียบเทียบด้วยข้อมูลของคุณเองที่นี่น้ำ",
    "code": "def add(a, b):\n    return a + b  # 合計\n\nfor i in range(1000):\n    print(f'{i:>8} {add(i, 0.25)}')\n",
}


def trained(folder: Path, told: dict[str, Any] | None = None) -> Path:
    """A folder with nothing but a tokenizer: byte-level pairs, with a mark before each text and one behind it."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS.values(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)])
    tokenizer.enable_truncation(8)  # as many are saved: it must not make texts look short
    tokenizer.enable_padding(length=64)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(told or {}), encoding="utf-8")
    return folder


@pytest.mark.parametrize("text", [*CORPUS.values(), *(text * 60 for text in CORPUS.values()), ""])
def test_a_text_is_counted_as_its_model_cuts_it(tmp_path: Path, text: str) -> None:
    """AT-A4: exactly, whatever the tokenizer was saved with; held against the library itself."""
    from tokenizers import Tokenizer

    count = counter(ModelFolder(str(trained(tmp_path / "m"))))
    reference = Tokenizer.from_file(str(tmp_path / "m" / "tokenizer.json"))
    reference.no_truncation()
    reference.no_padding()
    assert count is not None
    assert count(text) == len(reference.encode(text).ids)


def test_what_is_put_before_a_text_is_counted_with_it(tmp_path: Path) -> None:
    folder = ModelFolder(str(trained(tmp_path / "m")))
    bare, prompted = counter(folder), counter(folder, "passage: ")
    assert bare is not None
    assert prompted is not None
    assert prompted("東京") == bare("passage: 東京") > bare("東京")


@pytest.mark.parametrize("told", [{"add_bos_token": True}, {"add_eos_token": True}])
def test_a_file_that_does_not_say_all_counts_nothing(tmp_path: Path, told: dict[str, Any]) -> None:
    """Marks that a configuration adds are known to transformers alone: an estimate is honest, a count would be wrong."""
    assert counter(ModelFolder(str(trained(tmp_path / "m", told=told)))) is None


def test_a_folder_without_a_tokenizer_counts_nothing(tmp_path: Path) -> None:
    assert counter(ModelFolder(str(tmp_path))) is None


def test_many_counters_read_one_tokenizer(tmp_path: Path) -> None:
    """A file may be tens of megabytes."""
    folder = ModelFolder(str(trained(tmp_path / "m")))
    first = tokens_of(folder)
    assert tokens_of(folder) is first
    assert tokens_of(folder, lower_case=True) is not first


def cached(home: Path, name: str) -> Path:
    """A tokenizer in the hub's cache, as if it had been fetched."""
    repository = home / "huggingface" / "hub" / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("a" * 40, encoding="utf-8")
    return trained(repository / "snapshots" / ("a" * 40))


REMOTE = {"api_key": "hf_nobodys"}


def test_a_model_that_runs_elsewhere_is_counted_where_its_tokenizer_lies_here(home: Path) -> None:
    """AT-A4: no key, no network, no weights."""
    cached(home, "owner/embedder")
    with Hub(config={"providers": {"huggingface": REMOTE}}) as hub:
        known = hub.embedding("huggingface:owner/embedder").count_tokens([CORPUS["ja"], CORPUS["code"]])
        unknown = hub.embedding("huggingface:owner/another").count_tokens([CORPUS["ja"], CORPUS["code"]])
    count = counter(ModelFolder(str(home / "huggingface/hub/models--owner--embedder/snapshots" / ("a" * 40))))
    assert count is not None
    assert (known.tokens, known.exact) == (count(CORPUS["ja"]) + count(CORPUS["code"]), True)
    assert (unknown.tokens, unknown.exact) == (count_tokens(CORPUS["ja"]) + count_tokens(CORPUS["code"]), False)


def test_a_writer_that_runs_elsewhere_has_its_turns_counted_for_budgets(home: Path) -> None:
    """Of a whole conversation only its server knows what stands around the turns: that stays an estimate, and says so."""
    cached(home, "owner/writer")
    with Hub(config={"providers": {"huggingface": REMOTE}}) as hub:
        for name in ("owner/writer", "owner/writer:groq"):
            client = hub.text(f"huggingface:{name}")
            assert not client.count_tokens(CORPUS["ja"]).exact
            own = client.model.counter  # type: ignore[attr-defined]
            assert own(CORPUS["ja"]) == own("") + len(tokens_of(ModelFolder(str(where(home)))).of([CORPUS["ja"]])[0]) - 2


def where(home: Path) -> Path:
    return home / "huggingface/hub/models--owner--writer/snapshots" / ("a" * 40)


def test_a_stream_has_nobody_between_it_and_its_reader(home: Path) -> None:
    class Inner:
        def stream(self, *given: Any) -> Any:
            return given

    assert Counted(Inner(), len).stream("request", "runtime") == ("request", "runtime")  # type: ignore[arg-type]


class TestAnIndexOfALocalModel:
    """AT-A4, AT-P1: tokens counted, texts cut, an index built and asked, all on this machine."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        pytest.importorskip("torch", reason='pip install "modelhub-huggingface[local]"')
        pytest.importorskip("transformers", reason='pip install "modelhub-huggingface[local]"')
        from tiny_encoders import sentences

        prompts = {"query": "query: ", "document": "passage: "}
        return sentences(tmp_path / "model", "roberta", longest=300, max_position_embeddings=512, prompts=prompts)

    def config(self, folder: Path, sources: Path, tokens: int) -> dict[str, Any]:
        return {
            "models": {"answers": {"model": "starter:quote", "retrieval": "handbook"}},
            "indexes": {
                "handbook": {"sources": [str(sources)], "embedding": f"huggingface:{folder}", "chunk": {"tokens": tokens}}
            },
            "providers": {"huggingface": {"threads": 1, "dtype": "float32"}},
        }

    @pytest.mark.parametrize("language", CORPUS)
    def test_no_passage_is_longer_than_the_embedding_model_takes(self, folder: Path, tmp_path: Path, language: str) -> None:
        """5,000 characters without a line's end to cut at: by the embedding model's counter, held against transformers."""
        from transformers import AutoTokenizer

        text = (CORPUS[language].replace("\n", " ") * (5000 // len(CORPUS[language]) + 1))[:5000]
        (tmp_path / "docs").mkdir()
        (tmp_path / "docs" / "long.txt").write_text(text, encoding="utf-8")
        with Hub(config=self.config(folder, tmp_path / "docs", 1000)) as hub:
            report = hub.index("handbook").build()
            passages = hub.index("handbook").search("x", mode="vector", top_k=1000)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        counts = [len(tokenizer(f"passage: {passage.text}", verbose=False)["input_ids"]) for passage in passages]
        assert (report.chunk_tokens, report.counter, len(passages)) == (300, "exact", report.passages)
        assert max(counts) <= 300
        assert sum(counts) / len(counts) > 150, "They should be filled."
        assert "".join(passage.text for passage in sorted(passages, key=lambda each: each.span.start)).replace(
            " ", ""
        ) == text.replace(" ", "")

    def test_an_answer_is_found_and_cited_without_a_network(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "docs").mkdir()
        (tmp_path / "docs" / "lighthouse.md").write_text("# 灯台\n\n灯台は崖の上に立っています。", encoding="utf-8")
        (tmp_path / "docs" / "rain.md").write_text("# Rain\n\nIt rains in Tokyo in June.", encoding="utf-8")
        with Hub(config=self.config(folder, tmp_path / "docs", 64)) as hub:
            answer = hub.text("answers").generate("灯台はどこに立っていますか？")
        assert "崖の上" in answer.text
        assert answer.citations[0].document.endswith("lighthouse.md")

    def test_counting_loads_neither_the_weights_nor_the_libraries_that_compute(self, folder: Path) -> None:
        code = (
            "import sys\n"
            "from modelhub import Hub\n"
            "counted = Hub(config={}).embedding('huggingface:' + sys.argv[1]).count_tokens(['雨', 'It rains.'])\n"
            "print(counted.tokens, counted.exact, sorted({'torch', 'transformers'} & set(sys.modules)))\n"
        )
        command = [sys.executable, "-X", "utf8", "-c", code, str(folder)]
        said = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        assert said.split(" ", 1) == [str(sum(len(tokenizer(text)["input_ids"]) for text in ("雨", "It rains."))), "True []\n"]

    def test_a_writer_on_this_machine_counts_for_budgets(self, tiny: Any, folder: Path) -> None:
        with Hub(config={}) as hub:
            own = hub.text(f"huggingface:{tiny('gpt2')}").model.counter  # type: ignore[attr-defined]
        from transformers import AutoTokenizer

        assert own(CORPUS["ja"]) == len(AutoTokenizer.from_pretrained(tiny("gpt2"))(CORPUS["ja"])["input_ids"])
