"""The command as a process: pipes, Ctrl-C, locales, exit codes. Its model comes from a plugin that each test installs."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("MODELHUB", "PYTHON", "LC_", "LANG"))}
SOURCE = str(Path(__file__).parents[2] / "src")

PLUGIN = """
from modelhub.plugin import Provider, hookimpl

@hookimpl
def modelhub_provider():
    return Provider(name="sample", kinds={"text": "sample.models:text"})
"""

MODELS = """
import os
from dataclasses import dataclass

from modelhub.plugin import Finished, ModelCard, ProviderDown, StreamBroken, TextDelta, TextPart, TextResponse, Usage


@dataclass(frozen=True)
class Sample:
    name: str

    @property
    def card(self):
        return ModelCard(model=f"sample:{self.name}", kind="text")

    def answer(self, request):
        if self.name == "down":
            raise ProviderDown("503: the sample is down", status=503)
        asked = "|".join(f"{message.role}:{message.text}" for message in request.messages)
        return f"鍵🔑 é {asked}"

    async def call(self, request, runtime):
        text = self.answer(request)
        return TextResponse(content=(TextPart(text),), finish_reason="stop", model=self.name, usage=Usage(output_tokens=3))

    async def stream(self, request, runtime):
        try:
            if self.name == "endless":
                yield TextDelta("partial ")
                await runtime.sleep(60)
            if self.name == "breaking":
                yield TextDelta("half an ")
                raise StreamBroken("The sample broke off.")
            response = await self.call(request, runtime)
            for word in response.text.split(" "):
                yield TextDelta(word + " ")
            yield Finished(TextResponse(content=(TextPart(response.text + " "),), finish_reason="stop", model=self.name))
        finally:
            with open(os.environ["SAMPLE_CLOSED"], "w", encoding="utf-8") as file:
                file.write("closed")


def text(name, options):
    return Sample(name)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder to work in; beside it, an installed plugin ``sample``."""
    package = tmp_path / "plugins" / "sample"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PLUGIN, encoding="utf-8")
    (package / "models.py").write_text(MODELS, encoding="utf-8")
    install(tmp_path / "plugins", "sample", "sample")
    here = tmp_path / "here"
    here.mkdir()
    return here


def install(folder: Path, name: str, module: str) -> None:
    about = folder / f"modelhub_{name}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: modelhub-{name}\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(f"[modelhub]\n{name} = {module}\n", encoding="utf-8")


def environment(place: Path, **more: str) -> dict[str, str]:
    return {
        **CLEAN,
        "PYTHONPATH": os.pathsep.join((SOURCE, str(place.parent / "plugins"))),
        "PYTHONWARNINGS": "error",
        "SAMPLE_CLOSED": str(place.parent / "closed"),
        "HOME": str(place.parent),
        **more,
    }


def modelhub(place: Path, *words: str, stdin: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "modelhub", *words]
    return subprocess.run(
        command, env=environment(place, **more), cwd=place, input=stdin, capture_output=True, check=False, timeout=50
    )


def test_piped_text_comes_before_the_prompt(place: Path) -> None:
    done = modelhub(place, "run", "-m", "sample:echo", "要約して", stdin="長い文書\n".encode(), PYTHONUTF8="1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == "鍵🔑 é user:長い文書\n\n要約して\n"


def test_a_system_text_and_a_file_go_along(place: Path) -> None:
    (place / "note.txt").write_text("メモ", encoding="utf-8-sig")
    done = modelhub(place, "run", "-m", "sample:echo", "-s", "Be brief.", "--file", "note.txt", "go", PYTHONUTF8="1")
    assert done.stdout.decode() == "鍵🔑 é system:Be brief.|user:note.txt:\nメモ\n\ngo\n"


def test_a_stream_with_json_is_json_lines_that_end_in_the_whole_answer(place: Path) -> None:
    done = modelhub(place, "--json", "run", "--stream", "-m", "sample:echo", "hi")
    events = [json.loads(line) for line in done.stdout.decode("utf-8").removesuffix("\n").split("\n")]
    assert [event["event"] for event in events] == ["TextDelta"] * 3 + ["Finished"]
    assert "".join(event["text"] for event in events[:-1]) == events[-1]["text"] == "鍵🔑 é user:hi "


@pytest.mark.parametrize("encoding", ["cp932", "ascii", "utf-8"])
@pytest.mark.parametrize("form", [[], ["--stream"], ["--json"]])
def test_a_pipe_of_any_encoding_gets_the_answer(place: Path, encoding: str, form: list[str]) -> None:
    """AT-A5: what the encoding lacks is escaped, and nothing crashes."""
    done = modelhub(place, "run", "-m", "sample:echo", "hi", *form, PYTHONIOENCODING=f"{encoding}:strict")
    assert (done.returncode, done.stderr) == (0, b"")
    read = done.stdout.decode("utf-8" if form == ["--json"] else encoding)
    assert ("🔑" in read) == (encoding == "utf-8" or form == ["--json"])
    assert "user:hi" in read


def test_nothing_is_read_or_written_in_the_platform_s_own_encoding(place: Path) -> None:
    """AT-A5: under ``EncodingWarning`` as an error."""
    (place / "modelhub.toml").write_text('[models."助手"]\nmodel = "sample:echo"\n', encoding="utf-8")
    (place / "note.txt").write_text("メモ\n", encoding="utf-8")
    done = modelhub(
        place,
        *("run", "--file", "note.txt", "何"),
        PYTHONWARNDEFAULTENCODING="1",
        PYTHONWARNINGS="error::EncodingWarning",
        PYTHONIOENCODING="utf-8",
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert "メモ" in done.stdout.decode()


@pytest.mark.parametrize("stdin", [b"a\0b", b"\xff\xfe", "鍵".encode("cp932")])
def test_piped_bytes_that_are_not_utf_8_are_a_clear_error(place: Path, stdin: bytes) -> None:
    done = modelhub(place, "run", "-m", "sample:echo", "x", stdin=stdin)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"modelhub: standard input is ")
    assert done.stderr.count(b"\n") == 1


def test_ctrl_c_closes_the_stream_keeps_what_was_printed_and_ends_in_130(place: Path) -> None:
    """AT-C5: SIGINT."""
    process = subprocess.Popen(
        [sys.executable, "-m", "modelhub", "run", "-m", "sample:endless", "--stream", "hi"],
        env=environment(place),
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(8) == b"partial "
        process.send_signal(signal.SIGINT)
        stopped = time.monotonic()
        rest, errors = process.stdout.read(), process.stderr.read()
        code = process.wait(10)
    assert time.monotonic() - stopped < 5
    assert (code, rest, errors) == (130, b"", b"\nmodelhub: interrupted\n")
    assert (place.parent / "closed").read_text(encoding="utf-8") == "closed"


def test_a_terminal_sees_the_answer_as_it_comes(place: Path) -> None:
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "modelhub", "run", "-m", "sample:endless", "hi"],
        env=environment(place),
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=inside,
        stderr=subprocess.DEVNULL,
    )
    os.close(inside)
    with process:
        assert os.read(terminal, 8) == b"partial "
        assert process.poll() is None
        looking = threading.Thread(target=_look_on, args=(terminal,))
        looking.start()  # a terminal that nobody looks at fills up, and whoever writes to it waits
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    looking.join()
    os.close(terminal)


def _look_on(terminal: int) -> None:
    """Read what is shown until there is nobody left to show it."""
    with suppress(OSError):
        while os.read(terminal, 4096):
            pass


def test_a_reader_who_leaves_gets_no_traceback(place: Path) -> None:
    for words in ("--help", "run -m sample:echo --stream hi", "plugins list"):
        command = f"{sys.executable} -m modelhub {words} | true; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(
            ["bash", "-c", command], env=environment(place), cwd=place, capture_output=True, check=False, timeout=30
        )
        assert (done.returncode in (0, 141), done.stderr) == (True, b""), words


def test_a_provider_s_failure_is_code_1_and_a_mistake_is_code_2(place: Path) -> None:
    down = modelhub(place, "run", "-m", "sample:down", "hi")
    assert (down.returncode, down.stderr) == (1, b"modelhub: 503: the sample is down\n")
    missing = modelhub(place, "run", "-m", "smple:echo", "hi")
    assert missing.returncode == 2
    assert b"Did you mean 'sample'?" in missing.stderr
    picture = modelhub(place, "image", "-m", "sample:echo", "-o", "x.png", "hi")
    assert (picture.returncode, picture.stderr.count(b"\n")) == (2, 1)


def test_a_stream_that_breaks_keeps_what_came_and_is_code_1(place: Path) -> None:
    done = modelhub(place, "run", "-m", "sample:breaking", "--stream", "hi")
    assert (done.returncode, done.stdout, done.stderr) == (1, b"half an \n", b"modelhub: The sample broke off.\n")
    lines = modelhub(place, "run", "-m", "sample:breaking", "--stream", "--json", "hi").stdout.splitlines()
    assert json.loads(lines[0]) == {"event": "TextDelta", "text": "half an "}
    assert json.loads(lines[1])["error"] == {"type": "StreamBroken", "message": "The sample broke off.", "retryable": False}


def test_a_traceback_is_there_for_whoever_asks(place: Path) -> None:
    assert b"Traceback" in modelhub(place, "run", "-m", "sample:down", "hi", MODELHUB_TRACEBACK="1").stderr


def broken(place: Path, source: str, name: str = "broken") -> None:
    package = place.parent / "plugins" / name
    package.mkdir()
    (package / "__init__.py").write_text(source, encoding="utf-8")
    install(place.parent / "plugins", name, name)


BROKEN = {
    "missing": ("import nowhere", "ModuleNotFoundError"),
    "mistyped": ("def", "SyntaxError"),
    "leaving": ("raise SystemExit(3)", "sys.exit(3)"),
    "aborting": ("import os; os.abort()", "SIGABRT"),
    "hollow": ("", "implements no hook"),
}


def test_a_broken_plugin_harms_no_other_and_the_doctor_names_it(place: Path) -> None:
    """AT-B2: every other model answers; the doctor tells the cause and how to remove the plugin; strictness is code 1."""
    for name, (source, _) in BROKEN.items():
        broken(place, source, name)
    assert modelhub(place, "run", "-m", "sample:echo", "hi").returncode == 0
    assert modelhub(place, "models").returncode == 0
    doctor = modelhub(place, "plugins", "doctor")
    told = doctor.stdout.decode()
    assert doctor.returncode == 1
    assert "ok      sample (modelhub-sample 1.0)" in told
    for name, (_, cause) in BROKEN.items():
        _, found, about = told.partition(f"broken  {name} (modelhub-{name} 1.0)")
        assert found
        assert cause in about.partition("\nok ")[0].partition("\nbroken ")[0]
        assert f"pip uninstall modelhub-{name}" in about
    strict = modelhub(place, "run", "-m", "sample:echo", "hi", MODELHUB_STRICT_PLUGINS="1")
    assert strict.returncode == 1
    for name in BROKEN:
        assert len([line for line in strict.stderr.splitlines() if f"modelhub-{name} 1.0".encode() in line]) == 1


def test_a_broken_plugin_that_is_asked_is_one_line_and_code_2(place: Path) -> None:
    """AT-B2."""
    broken(place, "import nowhere")
    done = modelhub(place, "run", "-m", "broken:x", "hi")
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"modelhub-broken 1.0" in done.stderr
    assert b"nowhere" in done.stderr


def test_models_names_a_plugin_whose_module_is_gone(place: Path) -> None:
    """AT-B2: seen without importing anything."""
    install(place.parent / "plugins", "gone", "gone")
    done = modelhub(place, "models")
    assert done.returncode == 0
    assert done.stderr.decode().startswith(
        "modelhub: the plugin 'gone' (modelhub-gone 1.0) is broken: there is no module 'gone'."
    )


def test_models_names_a_plugin_whose_list_cannot_be_read_and_shows_the_others(place: Path) -> None:
    """AT-B2."""
    cards = '[{"model": "sample:echo", "kind": "text", "title": "見本"}]'
    (place.parent / "plugins" / "sample" / "modelhub_cards.json").write_text(cards, encoding="utf-8")
    broken(place, "")
    (place.parent / "plugins" / "broken" / "modelhub_cards.json").write_text("{", encoding="utf-8")
    done = modelhub(place, "models", PYTHONUTF8="1")
    assert done.returncode == 0
    assert "sample:echo" in done.stdout.decode()
    assert [line for line in done.stderr.splitlines() if b"modelhub_cards.json" in line]


def test_the_doctor_speaks_json(place: Path) -> None:
    broken(place, "import nowhere")
    done = modelhub(place, "plugins", "doctor", "--json")
    found = {plugin["name"]: plugin for plugin in json.loads(done.stdout)["plugins"]}
    assert done.returncode == 1
    assert (found["sample"]["ok"], found["broken"]["ok"]) == (True, False)
    assert found["broken"]["uninstall"] == "pip uninstall modelhub-broken"


def test_plugins_export_writes_requirements(place: Path) -> None:
    assert "modelhub-sample==1.0" in modelhub(place, "plugins", "export").stdout.decode().split()


def test_plugins_restore_prints_the_command_that_installs_an_export(place: Path) -> None:
    (place / "plugins.txt").write_bytes(b"\xef\xbb\xbf# ours\r\nmodelhub-sample==1.0  # tried\r\n\r\n")
    done = modelhub(place, "plugins", "restore", "plugins.txt")
    assert done.stdout.decode().split()[1:] == ["-m", "pip", "install", "modelhub-sample==1.0"]


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (3, 1)])
def test_plugins_restore_runs_the_command_when_asked(place: Path, code: int, expected: int) -> None:
    """Pip's own words are beside the result, and its failure is the command's."""
    pip = place.parent / "plugins" / "pip"
    pip.mkdir()
    (pip / "__init__.py").touch()
    (pip / "__main__.py").write_text(f"import sys\nprint('pip', *sys.argv[1:])\nsys.exit({code})\n", encoding="utf-8")
    (place / "plugins.txt").write_text("modelhub-sample==1.0\n", encoding="utf-8")
    done = modelhub(place, "plugins", "restore", "plugins.txt", "--run", "--json")
    assert (done.returncode, done.stderr.split()) == (expected, b"pip install modelhub-sample==1.0".split())
    assert json.loads(done.stdout)["exit_code"] == code


@pytest.mark.parametrize("text", ["", "# nothing\n", "--index-url=https://x.example\n", "-r other.txt\n"])
def test_plugins_restore_takes_plugins_alone(place: Path, text: str) -> None:
    (place / "plugins.txt").write_text(text, encoding="utf-8")
    assert modelhub(place, "plugins", "restore", "plugins.txt", "--run").returncode == 2


def test_a_plugin_may_bring_a_command(place: Path) -> None:
    package = place.parent / "plugins" / "greet"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from modelhub.plugin import Command, hookimpl\n\n"
        "@hookimpl\n"
        "def modelhub_command():\n"
        "    return Command('greet', 'greet someone', lambda parser: parser.add_argument('who'), greet)\n\n"
        "def greet(arguments, context):\n"
        "    context.say(f'hello {arguments.who}')\n"
        "    return 0\n",
        encoding="utf-8",
    )
    install(place.parent / "plugins", "greet", "greet")
    assert modelhub(place, "greet", "you").stdout.split() == [b"hello", b"you"]
    unknown = modelhub(place, "sample", "you")
    assert (unknown.returncode, unknown.stderr.startswith(b"modelhub: There is no command 'sample'.")) == (2, True)
