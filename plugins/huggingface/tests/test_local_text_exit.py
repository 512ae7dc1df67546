"""AT-C5, AT-F1: a process that forks goes on in both, and one that ends does so cleanly, wherever its engine is just then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from local_asking import environment

pytest.importorskip("torch", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')
pytest.importorskip("transformers", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')

BEGIN = """
import asyncio, os, signal, sys, threading, time
import modelhub, modelhub.plugin
settings = {"models": {"a": {"model": "huggingface:" + sys.argv[1]}}, "providers": {"huggingface": {"prompt": "plain"}}}
endless = {"extra": {"huggingface": {"min_new_tokens": 4000}}, "max_output_tokens": 4000}
hub = modelhub.Hub(settings)
text = hub.text("a")
"""

ENDS = {
    "after a call": "text.generate('hi', max_output_tokens=2); hub.close()",
    "with a stream open and one that waits": """
stream = text.stream('hi', **endless); next(stream)
waiting = text.stream('hi', **endless)
thread = threading.Thread(target=lambda: next(waiting), daemon=True); thread.start(); time.sleep(0.2)
""",
    "while a daemon thread reads": """
begun = threading.Event()
def read():
    for event in text.stream('hi', **endless):
        begun.set()
threading.Thread(target=read, daemon=True).start()
assert begun.wait(50)
""",
    "while a loop reads in a daemon thread": """
begun = threading.Event()
async def read():
    async with modelhub.AsyncHub(settings) as hub:
        async for event in hub.text('a').stream('hi', **endless):
            begun.set()
threading.Thread(target=lambda: asyncio.run(read()), daemon=True).start()
assert begun.wait(50)
""",
    "while it is being loaded": """
threading.Thread(target=lambda: text.generate('hi', max_output_tokens=2), daemon=True).start()
while not modelhub.plugin.engines().names(): pass
""",
    "while a thread finishes its answer": """
text.generate('hi', max_output_tokens=2)
threading.Thread(target=lambda: text.generate('hi', **{**endless, 'max_output_tokens': 100})).start()
""",
}


def ended(script: str, path: str, *, interrupted: bool = False) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a process that runs this."""
    with subprocess.Popen(
        [sys.executable, "-W", "always", "-c", BEGIN + script, path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(),
    ) as process:
        if interrupted:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=55)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return process.returncode, out, err


@pytest.fixture(scope="module")
def small(tiny: Callable[..., str]) -> str:
    """A model that takes a few milliseconds for a token."""
    return tiny("llama", hidden_size=256, intermediate_size=1024, num_hidden_layers=4, max_position_embeddings=8192)


@pytest.mark.parametrize("end", ENDS)
def test_a_process_ends_without_a_word(small: str, end: str) -> None:
    """AT-F1: no crash, no hang, nothing on standard error."""
    assert ended(ENDS[end], small) == (0, "", "")


INTERRUPTED = """
text.generate('hi', max_output_tokens=2)
text.stream('hi', max_output_tokens=2).collect()
print("begun", flush=True)
try:
    while True: text.generate('hi', **endless)
except KeyboardInterrupt:
    print("stopped", flush=True)
sys.exit(7)
"""


def test_an_interrupted_process_ends_as_it_is_told(small: str) -> None:
    """AT-C5: SIGINT while the engine writes."""
    assert ended(INTERRUPTED, small, interrupted=True) == (7, "stopped\n", "")


FORK = """
right = text.generate('子です', max_output_tokens=8).text
stream = text.stream('hi', **endless); next(stream)
child = os.fork()
if child == 0:
    same = text.generate('子です', max_output_tokens=8).text == right
    modelhub.plugin.engines().close()
    sys.exit(5 if same else 6)
_, status = os.waitpid(child, 0)
stream.close()
print(text.generate('子です', max_output_tokens=8).text == right, os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system does not fork.")
def test_a_forked_child_loads_its_own_and_the_parents_goes_on(small: str) -> None:
    """AT-F1: create in the parent, use in a forked child and in the parent, while the parent's engine writes."""
    begin = "import warnings; warnings.simplefilter('ignore', DeprecationWarning)\n"
    assert ended(begin + FORK, small) == (0, "True 5\n", "")
