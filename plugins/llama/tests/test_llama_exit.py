"""AT-F1: a process that forks goes on in both, and one that ends does so cleanly, wherever its engine is just then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("xllamacpp", reason='the engine is missing: pip install "modelhub-llama[engine]"')

BEGIN = """
import asyncio, os, signal, sys, threading, time
import modelhub
settings = {"models": {"a": {"model": "llama:" + sys.argv[1]}}, "providers": {"llama": {"threads": 1, "parallel": 1}}}
endless = {"extra": {"llama": {"grammar": "root ::= [a-z]*", "ignore_eos": True}}, "max_output_tokens": 1900}
hub = modelhub.Hub(settings)
text = hub.text("a")
"""

ENDS = {
    "after a call": "text.generate('hi', max_output_tokens=2)",
    "after the hub was closed": "text.generate('hi', max_output_tokens=2); hub.close()",
    "with a stream open": "stream = text.stream('hi', **endless); next(stream)",
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
assert begun.wait(20)
""",
    "while a loop reads in a daemon thread": """
begun = threading.Event()
async def read():
    async with modelhub.AsyncHub(settings) as hub:
        async for event in hub.text('a').stream('hi', **endless):
            begun.set()
threading.Thread(target=lambda: asyncio.run(read()), daemon=True).start()
assert begun.wait(20)
""",
    "while it is being loaded": """
threading.Thread(target=lambda: text.generate('hi', max_output_tokens=2), daemon=True).start()
while not modelhub.plugin.engines().names(): pass
""",
    "by sys.exit with a stream open": "stream = text.stream('hi', **endless); next(stream); sys.exit(0)",
    "after sys.exit in a thread": """
stream = text.stream('hi', **endless); next(stream)
thread = threading.Thread(target=sys.exit); thread.start(); thread.join()
""",
    "after a task left its stream by a break": """
async def scene():
    async with modelhub.AsyncHub(settings) as hub:
        async for event in hub.text('a').stream('hi', **endless):
            break
asyncio.run(scene())
""",
    "while a thread finishes its answer": """
threading.Thread(target=lambda: text.generate('hi', **{**endless, 'max_output_tokens': 300})).start()
""",
}


def ended(script: str, path: str, *, interrupted: bool = False) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a process that runs this."""
    begin = BEGIN + ("import modelhub.plugin\n" if "modelhub.plugin" in script else "")
    with subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", "-c", begin + script, path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        if interrupted:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return process.returncode, out, err


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that takes a few milliseconds for a token."""
    from tiny_gguf import write

    return write(tmp_path_factory.mktemp("exit") / "small.gguf", width=256, layers=3, context=2048)


@pytest.mark.parametrize("end", ENDS)
def test_a_process_ends_without_a_word(small: str, end: str) -> None:
    """AT-F1: no crash, no hang, nothing on standard error."""
    started = time.monotonic()
    assert ended(ENDS[end], small) == (0, "", "")
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("reading", ["text.generate('hi', **endless)", "text.stream('hi', **endless).collect()"])
def test_an_interrupted_process_ends_as_it_is_told(small: str, reading: str) -> None:
    """AT-C5: SIGINT while the engine writes."""
    script = f"""
text.generate('hi', max_output_tokens=2)
text.stream('hi', max_output_tokens=2).collect()
print("begun", flush=True)
try:
    while True: {reading}
except KeyboardInterrupt:
    print("stopped", flush=True)
    sys.exit(7)
"""
    assert ended(script, small, interrupted=True) == (7, "stopped\n", "")


FORK = """
text.generate('hi', max_output_tokens=2)
stream = text.stream('hi', **endless); next(stream)
child = os.fork()
if child == 0:
    mine = text.generate('子', extra={"llama": {"grammar": 'root ::= "子です"'}}, max_output_tokens=40).text
    print(mine, flush=True)
    modelhub.plugin.engines().close()
    assert text.generate('hi', max_output_tokens=2).usage.output_tokens == 2
    sys.exit(5 if mine == "子です" else 6)
_, status = os.waitpid(child, 0)
stream.close()
assert modelhub.plugin.engines().names()
theirs = text.generate('親', extra={"llama": {"grammar": 'root ::= "親です"'}}, max_output_tokens=40).text
print(theirs, os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system does not fork.")
def test_a_forked_child_loads_its_own_and_the_parents_goes_on(small: str) -> None:
    """AT-F1: create in the parent, use in a forked child and in the parent; the child ends like any process."""
    code, out, err = ended("import warnings; warnings.simplefilter('ignore', DeprecationWarning)" + FORK, small)
    assert (code, out, err) == (0, "子です\n親です 5\n", "")


CHILD = """
text.generate('hi', max_output_tokens=2)
child = os.fork()
if child == 0:
    sys.exit(3)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Only there can the end of such a child be mended.")
def test_a_forked_child_that_asks_nothing_ends_as_it_wants(small: str) -> None:
    """AT-F1: llama.cpp's own end would abort it."""
    assert ended("import warnings; warnings.simplefilter('ignore', DeprecationWarning)" + CHILD, small) == (0, "3\n", "")


HELD = """
import asyncio
async def main():
    async with modelhub.AsyncHub({"providers": {"llama": {"threads": 1}}}) as hub:
        stream = hub.text("llama:" + sys.argv[1]).stream("x", extra={"llama": {"ignore_eos": True}})
        async for event in stream:
            break
asyncio.run(main())
"""


def test_a_stream_that_is_held_after_a_break_ends_with_its_hub_in_silence(small: str) -> None:
    assert ended(HELD, small) == (0, "", "")


POOL = """
from concurrent.futures import ProcessPoolExecutor
import multiprocessing
def work(number):
    return text.generate('q', extra={"llama": {"grammar": f'root ::= "{number}です"'}}, max_output_tokens=40).text
text.generate('hi', max_output_tokens=2)
with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
    print(list(pool.map(work, range(4))), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system does not fork.")
def test_a_pool_of_forked_processes_uses_the_parents_hub(small: str) -> None:
    """AT-F1: a process pool."""
    code, out, err = ended("import warnings; warnings.simplefilter('ignore', DeprecationWarning)" + POOL, small)
    assert (code, out, err) == (0, "['0です', '1です', '2です', '3です']\n", "")


def test_it_loads_in_a_moment(small: str) -> None:
    """What loading costs by itself, with as many places as there are by default: no second is spent on waiting."""
    script = """
text.generate('hi', max_output_tokens=1)
modelhub.plugin.engines().close()
started = time.perf_counter()
text.generate('hi', max_output_tokens=1)
print(time.perf_counter() - started)
"""
    code, out, err = ended(script, small)
    assert (code, err) == (0, "")
    assert float(out) < 1.5
