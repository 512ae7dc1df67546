"""How often search finds the right paragraph, and a quoted sentence holds the answer: XQuAD, through the hub.

    python benchmarks/xquad.py                          # en, zh, ru, th from ../shared/data
    python benchmarks/xquad.py path/to/xquad.en.json    # or files of your own

Each paragraph becomes a document of a BM25 index; each question is put to ``starter:quote`` with five passages. A sentence
holds the answer where one of the answers that XQuAD gives stands in it, letter for letter.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelhub import Hub

DATA = Path(__file__).parents[2] / "shared" / "data"
BARS = {"en": (92.0, 76.0, 86.0), "zh": (87.0, 70.0, 80.0)}
"""Per cent: right paragraph first; an answer in the first quoted sentence; in the first two."""


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    answers: tuple[str, ...]
    document: str


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument(
        "files", nargs="*", type=Path, default=[DATA / f"xquad.{name}.json" for name in ("en", "zh", "ru", "th")]
    )
    print("| language | paragraphs | questions | right paragraph first | answer in first sentence | in first two | seconds |")
    print("|---|---|---|---|---|---|---|")
    reached = [measured(file) for file in arguments.parse_args().files]
    return 0 if all(reached) else 1


def measured(file: Path) -> bool:
    """Print a row; whether it reaches the bars, where its language has any."""
    start = time.perf_counter()
    paragraphs, questions = read(file)
    shares = [100 * sum(column) / len(questions) for column in zip(*asked(paragraphs, questions), strict=True)]
    seconds = time.perf_counter() - start
    language = file.stem.rpartition(".")[2]
    figures = " | ".join(f"{share:.1f} %" for share in shares)
    print(f"| {language} | {len(paragraphs)} | {len(questions)} | {figures} | {seconds:.1f} |", flush=True)
    return all(share >= bar for share, bar in zip(shares, BARS.get(language, (0.0, 0.0, 0.0)), strict=True))


def read(file: Path) -> tuple[dict[str, str], list[Question]]:
    """The paragraphs by the names they get as documents, and the questions about them."""
    paragraphs: dict[str, str] = {}
    questions = []
    for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            name = f"{len(paragraphs):03d}.txt"
            paragraphs[name] = paragraph["context"]
            for asked_for in paragraph["qas"]:
                answers = tuple(answer["text"] for answer in asked_for["answers"])
                questions.append(Question(asked_for["question"], answers, name))
    return paragraphs, questions


def asked(paragraphs: dict[str, str], questions: Sequence[Question]) -> Iterator[tuple[bool, bool, bool]]:
    """For each question: whether the right paragraph came first, the answer in the first sentence, in the first two."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in paragraphs.items():
            Path(folder, name).write_text(text, encoding="utf-8", newline="")
        index = {"sources": [folder], "search": {"mode": "bm25", "top_k": 5}}
        reader = {"model": "starter:quote", "retrieval": "paragraphs"}
        with Hub({"models": {"reader": reader}, "indexes": {"paragraphs": index}}) as hub:
            for question in questions:
                found = hub.index("paragraphs").search(question.text, top_k=1)
                quotes = [citation.quote for citation in hub.text("reader").generate(question.text).citations]
                holds = [any(answer in quote for answer in question.answers) for quote in quotes]
                yield bool(found) and Path(found[0].document).name == question.document, any(holds[:1]), any(holds[:2])


if __name__ == "__main__":
    raise SystemExit(main())
