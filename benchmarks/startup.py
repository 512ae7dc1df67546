"""What starting costs, against its bars: CPU time of whole processes, medians of alternating cold runs, as ratios.

python benchmarks/startup.py [RUNS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PLUGIN = """
from __future__ import annotations

import json
from dataclasses import dataclass

from modelhub.plugin import HttpModel, HttpRequest, HttpResponse, ModelCard, Provider, TextPart, TextResponse, hookimpl


@hookimpl
def modelhub_provider():
    return Provider(name="bench", kinds={"text": "modelhub_bench:model"})


@dataclass(frozen=True)
class Chat:
    url: str

    @property
    def card(self):
        return ModelCard(model="bench:chat", kind="text")

    def build(self, request, *, stream):
        body = json.dumps({"model": "m", "messages": [{"role": m.role, "content": m.text} for m in request.messages]})
        return HttpRequest("POST", self.url, {"content-type": "application/json"}, body.encode())

    def parse(self, response):
        answer = json.loads(response.body)
        return TextResponse(content=(TextPart(answer["text"]),), finish_reason="stop")

    def decoder(self):
        raise AssertionError

    def fault(self, response):
        raise AssertionError(response)


def model(name, options):
    return HttpModel(Chat(name))
"""
OURS = """
from modelhub import Hub
with Hub({}) as hub:
    assert hub.text("bench:URL").generate("Hello?").text == "Hello!"
"""
THEIRS = """
import httpx
with httpx.Client() as client:
    answer = client.post("URL", json={"model": "m", "messages": [{"role": "user", "content": "Hello?"}]})
    assert answer.json()["text"] == "Hello!"
"""
HUBS = """
import ssl, time
made = []
original = ssl.create_default_context
ssl.create_default_context = lambda *a, **k: made.append(1) or original(*a, **k)
from modelhub import Hub
start = time.process_time()
hubs = [Hub({}) for _ in range(1000)]
each = time.process_time() - start
for hub in hubs:
    try:
        hub.text("bench:https://127.0.0.1:9/").generate("Hello?", retries=0)
    except Exception as error:
        assert type(error).__name__ == "Unreachable", repr(error)
print(len(made), round(each, 4))
"""


def main(runs: int) -> int:
    with tempfile.TemporaryDirectory() as folder, server() as url:
        install(Path(folder), "bench", PLUGIN)
        crowd = Path(folder, "crowd")
        for number in range(20):
            install(crowd, f"crowd{number}", "import time\ntime.sleep(5)\n" if number == 7 else "import json\n")
        commands = {
            "python -c pass": (["-c", "pass"], folder),
            "import httpx": (["-c", "import httpx"], folder),
            "import modelhub": (["-c", "import modelhub"], folder),
            "from modelhub import Hub": (["-c", "from modelhub import Hub"], folder),
            "first call, bare httpx": (["-c", THEIRS.replace("URL", url)], folder),
            "first call, modelhub": (["-c", OURS.replace("URL", url)], folder),
            "modelhub --help, 20 plugins": (["-m", "modelhub", "--help"], f"{folder}{os.pathsep}{crowd}"),
        }
        met = report(measure(commands, runs))
        made = subprocess.run(
            python(["-c", HUBS]), env=environment(folder), capture_output=True, encoding="utf-8", check=True
        ).stdout
        contexts, seconds = made.split()
        met &= row("1,000 hubs: TLS contexts", float(contexts), 1) & row("1,000 hubs: ms each", float(seconds), 0.3)
    return 0 if met else 1


def measure(commands: dict[str, tuple[list[str], str]], runs: int) -> dict[str, list[float]]:
    """CPU seconds of each command, run by run; the commands take turns, so that run ``i`` of all of them saw one machine."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, (arguments, path) in commands.items():
            seconds = cpu(python(arguments), environment(path))
            if turn:
                times[name].append(seconds)
    return times


def cpu(command: list[str], env: dict[str, str]) -> float:
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return usage.ru_utime + usage.ru_stime


def report(times: dict[str, list[float]]) -> bool:
    """The medians, and the medians of the ratios taken turn by turn: a machine that slows down does so for both sides."""
    for name, taken in times.items():
        print(f"{name:32} {1000 * statistics.median(taken):7.1f} ms CPU")
    print()
    nothing = times["python -c pass"]
    added = {name: [a - b for a, b in zip(taken, nothing, strict=True)] for name, taken in times.items()}
    rows = (
        ("import modelhub / import httpx", ratio(added["import modelhub"], added["import httpx"]), 0.1),
        ("from modelhub import Hub / httpx", ratio(added["from modelhub import Hub"], added["import httpx"]), 0.35),
        ("first call / bare httpx", ratio(times["first call, modelhub"], times["first call, bare httpx"]), 1.3),
        ("modelhub --help / python -c pass", ratio(times["modelhub --help, 20 plugins"], nothing), 5),
    )
    met = [row(*each) for each in rows]  # all of them are printed
    return all(met)


def ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def row(name: str, value: float, bar: float) -> bool:
    print(f"{name:34} {value:6.3f}   bar {bar:<5} {'met' if value <= bar else 'MISSED'}")
    return value <= bar


def python(arguments: list[str]) -> list[str]:
    return [sys.executable, *arguments]


def environment(path: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "PYTHONPATH": path, "NO_PROXY": "*"}


def install(folder: Path, name: str, code: str) -> None:
    """What an installer would leave: a module, and metadata with an entry point."""
    metadata = folder / f"modelhub_{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: modelhub-{name}\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[modelhub]\n{name} = modelhub_{name}\n", encoding="utf-8")
    (folder / f"modelhub_{name}.py").write_text(code, encoding="utf-8")


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"text": "Hello!"}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/"
        listening.shutdown()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 11))
