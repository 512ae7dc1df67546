"""Numbers that llama.cpp does not refuse but dies of: they are refused here, and what is just allowed runs."""

from __future__ import annotations

import json
import subprocess
import sys
from textwrap import dedent
from typing import Any

import pytest
from asking import config

from modelhub import ConfigError, Hub

pytest.importorskip("xllamacpp", reason='the engine is not installed: pip install "modelhub-llama[engine]"')


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch": 1}, r"batch is 1; it must be 2 or more\.$"),
        (
            {"batch": 2, "parallel": 4},
            r"batch is 2; it must be 4 or more, for parallel is 4: it holds a token of each request\.$",
        ),
        ({"batch": 4, "micro_batch": 4, "parallel": 8}, "batch is 4; it must be 8 or more"),
        ({"batch": 1 << 40}, "batch is 1099511627776; it must be 2147483647 or less"),
        ({"micro_batch": 1 << 31}, "micro_batch is 2147483648; it must be 2147483647 or less"),
        ({"threads": 100_000}, r"threads is 100000; it must be \d+ or less on this machine, which has \d+ processors"),
        ({"threads_batch": 100_000}, r"threads_batch is 100000; it must be \d+ or less"),
        ({"parallel": 257}, "parallel is 257; it must be 256 or less"),
        ({"gpu_layers": 1 << 31}, "gpu_layers is 2147483648"),
        ({"context_window": 1 << 31}, "context_window is 2147483648; it must be 2147483647 or less"),
    ],
    ids=str,
)
def test_a_number_that_the_engine_would_die_of_is_refused_before_it_is_loaded(
    tiny: str, options: dict[str, Any], words: str
) -> None:
    settings = config(tiny, **options)
    with Hub(settings) as hub, pytest.raises(ConfigError, match=rf"^\[providers\.llama\] {words}"):
        hub.text("a").generate("こんにちは", max_output_tokens=1)
    with Hub(settings) as hub, pytest.raises(ConfigError, match=words):
        hub.embedding("llama:" + tiny).embed(["こんにちは"])


ALLOWED: list[dict[str, Any]] = [
    {"batch": 2, "micro_batch": 1, "parallel": 1},
    {"batch": 4, "micro_batch": 1, "parallel": 4},
    {"threads": 64},
    {"parallel": 256, "context_window": 64},
    {"queue": 100_000},
    {"context_window": 1, "parallel": 1},
    {"context_window": 4, "parallel": 8},
]
ASKED = """
    import json, sys
    from concurrent.futures import ThreadPoolExecutor
    from modelhub import ContextOverflow, Hub
    from modelhub.plugin import engines

    def text(hub):
        return hub.text("a").generate("hi", max_output_tokens=4, extra={"llama": {"ignore_eos": True}}).usage.output_tokens

    def vector(hub):
        return len(hub.embedding("llama:" + sys.argv[1]).embed(["hi"]))

    def told(asked, hub):
        try:
            return asked(hub)
        except ContextOverflow:
            return "overflow"

    for settings in json.load(sys.stdin):
        settings["providers"]["llama"]["pooling"] = "mean"
        with Hub(settings) as hub, ThreadPoolExecutor(8) as many:
            texts = set(many.map(lambda _: told(text, hub), range(8)))
            vectors = set(many.map(lambda _: told(vector, hub), range(8)))
        engines().close()
        print(json.dumps([list(texts), list(vectors)]), flush=True)
"""


def test_the_engine_lives_with_what_is_just_allowed(tiny: str) -> None:
    """In a process of its own, which would be gone: with eight requests at once, whole or as an overflow."""
    settings = json.dumps([config(tiny, **options) for options in ALLOWED])
    done = subprocess.run(
        [sys.executable, "-c", dedent(ASKED), tiny],
        input=settings,
        capture_output=True,
        encoding="utf-8",
        timeout=50,
        check=False,
    )
    answers = list(map(json.loads, done.stdout.splitlines()))
    wanted: list[Any] = [[[4], [1]]] * 5 + [[["overflow"], ["overflow"]], [["overflow"], [1]]]
    assert (done.returncode, answers) == (0, wanted), (ALLOWED[len(answers) :][:1], done.stderr[-2000:])
