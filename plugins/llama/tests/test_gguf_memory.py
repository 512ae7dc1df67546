"""The memory that a card tells is what the engine takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from modelhub_llama.gguf.header import read
from modelhub_llama.gguf.memory import needs
from modelhub_llama.options import LlamaOptions
from tiny_gguf import write

pytest.importorskip("xllamacpp", reason='the engine: pip install "modelhub-llama[engine]"')

SCRIPT = """
import json, os, sys, urllib.request
import xllamacpp
def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
before = resident()
parameters = xllamacpp.CommonParams()
parameters.model.path, parameters.n_ctx, parameters.n_parallel = sys.argv[1], 2 * 2048, 2
parameters.port, parameters.warmup, parameters.verbosity, parameters.cpuparams.n_threads = 0, False, 0, 1
server = xllamacpp.Server(parameters)
body = json.dumps({"prompt": "x" * 1200, "max_tokens": 4}).encode()
request = urllib.request.Request(server.listening_address + "/v1/completions", body, {"content-type": "application/json"})
with urllib.request.urlopen(request) as answer:
    answer.read()
print(json.dumps(resident() - before), flush=True)
os._exit(0)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="resident memory is read from /proc")
@pytest.mark.timeout(120)
def test_the_engine_takes_what_was_foretold(tmp_path: Path) -> None:
    """Weights of 81 MiB and a cache of 64: neither is a rounding error."""
    file = write(tmp_path / "m.gguf", width=512, layers=8, heads=8, context=4096)
    done = subprocess.run([sys.executable, "-c", SCRIPT, file], capture_output=True, encoding="utf-8", check=True, timeout=100)
    taken = json.loads(done.stdout.splitlines()[-1])
    foretold = needs(read(file), LlamaOptions(context_window=2048, parallel=2)).total
    assert 0.9 * taken <= foretold <= 1.35 * taken, (taken, foretold)
