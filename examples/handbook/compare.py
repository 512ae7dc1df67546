"""Run the same application through several configurations, and put the answers side by side."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

PROFILES = {
    "": "as modelhub.toml says",
    "another-model": "another model",
    "few-shot": "with a prompt strategy",
    "no-retrieval": "without retrieval",
}
GAP = 3


def main(questions: list[str]) -> None:
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    answers = {profile: ask(profile, questions) for profile in PROFILES}
    width = max(22, (shutil.get_terminal_size((120, 24)).columns - GAP * (len(PROFILES) - 1)) // len(PROFILES))
    for answered in zip(*answers.values(), strict=True):
        print(f"\n\N{BLACK RIGHT-POINTING TRIANGLE} {answered[0]['question']}\n")
        columns = [list(column(name, answer, width)) for name, answer in zip(PROFILES.values(), answered, strict=True)]
        for row in zip_longest(*columns, fillvalue=""):
            print((" " * GAP).join(line + " " * (width - cells(line)) for line in row).rstrip())
    print("\nThe application was the same file each time; only the configuration differed (MODELHUB_PROFILE).")


def ask(profile: str, questions: list[str]) -> list[dict[str, Any]]:
    """Run app.py under one profile; its report on each question."""
    app = Path(__file__).with_name("app.py")
    environment = {**os.environ, "MODELHUB_PROFILE": profile, "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, str(app), "--json", *questions]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, encoding="utf-8", check=True)  # noqa: S603
    return [json.loads(line) for line in done.stdout.splitlines()]


def column(name: str, answer: dict[str, Any], width: int) -> Iterator[str]:
    """One configuration's answer, as lines of a column."""
    yield from wrapped(f"== {name} ==", width)
    yield from wrapped(answer["text"], width)
    yield ""
    for source in answer["citations"]:
        yield from wrapped(source, width)
    yield from wrapped(f"{answer['model']}", width)
    yield from wrapped(f"{answer['input_tokens']} tokens in, {answer['output_tokens']} out", width)
    yield f"{answer['seconds']:.2f} s"


def wrapped(text: str, width: int) -> Iterator[str]:
    """Lines of at most ``width`` cells, broken at spaces where there are some and anywhere in Japanese."""
    line = ""
    for word in pieces(text):
        if cells(line + word.rstrip()) > width and line:
            yield line.rstrip()
            line = word.lstrip()
        else:
            line += word
        while cells(line.rstrip()) > width:
            cut = next(end for end in range(len(line), 0, -1) if cells(line[:end]) <= width)
            yield line[:cut]
            line = line[cut:]
    yield line.rstrip()


def pieces(text: str) -> Iterator[str]:
    word = ""
    for character in " ".join(text.split()):
        word += character
        if character == " " or wide(character):
            yield word
            word = ""
    yield word


def wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(2 if wide(character) else 1 for character in text)


if __name__ == "__main__":
    main(sys.argv[1:])
