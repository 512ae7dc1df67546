"""Ask a team's documents a question. Which model answers, and how, stands in modelhub.toml beside this file."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import modelhub

QUESTIONS = (
    "Where does modelhub look for its configuration file?",
    "社外に出せない文書を扱うときは、どのモデルを選べばよいですか？",
)


def main(arguments: list[str]) -> None:
    as_json = "--json" in arguments
    questions = [argument for argument in arguments if argument != "--json"] or QUESTIONS
    with modelhub.Hub(Path(__file__).with_name("modelhub.toml")) as hub:
        assistant = hub.text("assistant")
        for question in questions:
            started = time.perf_counter()
            answer = assistant.generate(question)
            seconds = time.perf_counter() - started
            show_json(question, answer, seconds) if as_json else show(question, answer, seconds)


def show(question: str, answer: modelhub.TextResponse[None], seconds: float) -> None:
    print(f"\nQ: {question}\nA: {answer.text}")
    for source in sources(answer):
        print(f"   {source}")
    usage = answer.usage
    print(f"   {answer.model} · {usage.input_tokens} tokens in, {usage.output_tokens} out · {seconds:.2f} s")


def show_json(question: str, answer: modelhub.TextResponse[None], seconds: float) -> None:
    usage = {"input_tokens": answer.usage.input_tokens, "output_tokens": answer.usage.output_tokens}
    report = {"question": question, "text": answer.text, "citations": sources(answer), "model": answer.model, **usage}
    print(json.dumps({**report, "seconds": seconds}, ensure_ascii=False))


def sources(answer: modelhub.TextResponse[None]) -> list[str]:
    return [f"[{cited.number}] {cited.document}:{cited.span.first_line}-{cited.span.last_line}" for cited in answer.citations]


if __name__ == "__main__":
    main(sys.argv[1:])
