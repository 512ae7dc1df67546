"""``modelhub models pull huggingface:OWNER/MODEL``: what a model needs comes into the hub's cache, once, whole, and safe."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from leaving import interrupted_after
from modelhub_huggingface.local.files import find
from modelhub_huggingface.local.pulling import pull
from modelhub_huggingface.options import HuggingFaceOptions
from scripted_repository import COMMIT, ScriptedRepository

import modelhub
from modelhub.plugin import (
    AnswerError,
    InvalidRequest,
    KeyRefused,
    ModelCard,
    Plain,
    SetupError,
    UnknownModel,
    Unreachable,
)
from modelhub.testing import Reply
from modelhub.testing.driven import Driven, driven

CONFIG = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_positions": 128}


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests ask a hub, on this machine."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", "/nowhere/token")


def tensors(size: int) -> bytes:
    """A safetensors file with one tensor of so many bytes."""
    head = json.dumps({"wte.weight": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}).encode()
    return len(head).to_bytes(8, "little") + head + bytes(range(256)) * (size // 256)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """What a repository of a small model holds, with what others put beside."""
    folder = tmp_path / "repository"
    (folder / "onnx").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(tensors(24 << 20))
    (folder / "README.md").write_text("---\nlicense: mit\nlanguage: ja\n---\n# 小さなモデル\n", encoding="utf-8")
    (folder / "modeling_own.py").write_text("raise SystemExit\n", encoding="utf-8")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "onnx" / "model.onnx").write_bytes(b"onnx")
    (folder / "onnx" / "config.json").write_text("{}", encoding="utf-8")
    (folder / ".gitattributes").write_text("*.bin filter=lfs\n", encoding="utf-8")
    return folder


@pytest.fixture
def hub(repository: Path) -> Iterator[ScriptedRepository]:
    with ScriptedRepository(repository) as server:
        yield server


def options(hub: ScriptedRepository, tmp_path: Path, **changes: Any) -> HuggingFaceOptions:
    return HuggingFaceOptions(hub_url=hub.url, cache=str(tmp_path / "cache"), engine="local", **changes)


def pulled(
    hub: ScriptedRepository, runtime: Driven, told: HuggingFaceOptions, name: str | None = None
) -> tuple[ModelCard, list[Any]]:
    steps: list[tuple[int, int, str]] = []
    coroutine = pull(name or hub.name, told, runtime.runtime, lambda *step: steps.append(step))
    if runtime.loop is not None:
        return runtime.loop.run(coroutine), steps
    from modelhub.testing import drive

    return drive(coroutine), steps


def test_what_a_model_needs_is_fetched_and_nothing_else(hub: ScriptedRepository, tmp_path: Path, runtime: Driven) -> None:
    """No code, no pickle, and no other library's copy of the weights; the token's way leads to the hub alone."""
    told = options(hub, tmp_path)
    card, steps = pulled(hub, runtime, told)
    assert hub.fetched() == {"README.md", "config.json", "model.safetensors", "tokenizer.json"}
    assert (card.model, card.kind, card.task, card.licence) == ("huggingface:acme/tiny", "text", "text-generation", "mit")
    folder = find("acme/tiny", told)
    assert (card.file, card.revision, folder.revision) == (folder.path, COMMIT, COMMIT)
    total = sum(len((hub.folder / name).read_bytes()) for name in hub.fetched())
    assert [steps[0], steps[-1]] == [(0, total, "acme/tiny"), (total, total, "acme/tiny")]
    assert all(earlier[0] <= later[0] for earlier, later in pairwise(steps))


def test_what_was_pulled_runs(tiny: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')
    with ScriptedRepository(tiny("gpt2")) as hub:
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)  # which whoever makes a model asks for
        told = {"hub_url": hub.url, "cache": str(tmp_path / "cache"), "engine": "local"}
        with modelhub.Hub({"providers": {"huggingface": told}}) as client:
            with pytest.raises(UnknownModel, match="modelhub models pull huggingface:acme/tiny"):
                client.text("huggingface:acme/tiny")
            with driven("blocking") as runtime:
                pulled(hub, runtime, options(hub, tmp_path))
            answer = client.text("huggingface:acme/tiny").generate("Tokyo", max_output_tokens=2)
        assert answer.usage.output_tokens == 2


@pytest.mark.filterwarnings("ignore:'encoding' argument:EncodingWarning")  # its references are ASCII
def test_the_hubs_own_client_finds_what_was_pulled(hub: ScriptedRepository, tmp_path: Path, runtime: Driven) -> None:
    client = pytest.importorskip("huggingface_hub", reason="it reads the same cache")
    card, _ = pulled(hub, runtime, options(hub, tmp_path))
    cache = str(tmp_path / "cache")
    assert client.snapshot_download("acme/tiny", cache_dir=cache, local_files_only=True) == card.file
    assert client.try_to_load_from_cache("acme/tiny", "config.json", cache_dir=cache) == os.path.join(
        card.file or "", "config.json"
    )
    scanned = client.scan_cache_dir(cache)
    assert not scanned.warnings
    assert [(repo.repo_id, repo.nb_files, sorted(repo.refs)) for repo in scanned.repos] == [("acme/tiny", 4, ["main"])]


def test_a_second_pull_fetches_nothing(hub: ScriptedRepository, tmp_path: Path, runtime: Driven) -> None:
    pulled(hub, runtime, options(hub, tmp_path))
    hub.server.requests.clear()
    hub.files.requests.clear()
    _, steps = pulled(hub, runtime, options(hub, tmp_path))
    assert hub.fetched() == set()
    assert all(done == total for done, total, _ in steps)


def test_a_connection_that_breaks_off_is_gone_on_with(hub: ScriptedRepository, tmp_path: Path, runtime: Driven) -> None:
    hub.faults.append(lambda reply: replace(reply, fault="cut", at="middle"))
    pulled(hub, runtime, options(hub, tmp_path))
    whole = (hub.folder / "model.safetensors").read_bytes()
    assert (tmp_path / "cache" / "models--acme--tiny" / "snapshots" / COMMIT / "model.safetensors").read_bytes() == whole
    starts = [request.headers.get("range") for request in hub.files.requests]
    assert starts[0] is None
    assert starts[1].startswith("bytes=")
    assert 0 < int(starts[1][6:-1]) < len(whole)


def test_who_leaves_stops_it_and_the_next_pull_goes_on_from_there(hub: ScriptedRepository, tmp_path: Path) -> None:
    """A file that comes in drops; Ctrl-C after some of them."""
    whole = (hub.folder / "model.safetensors").read_bytes()
    pieces = [whole[start : start + (1 << 20)] for start in range(0, len(whole), 1 << 20)]
    hub.faults.append(lambda reply: Reply(200, {}, chunks=pieces, chunk_delay=0.05))
    with driven("blocking") as runtime:
        with interrupted_after(0.6):
            pulled(hub, runtime, options(hub, tmp_path))
        assert hub.files.requests[0].wait_for_disconnect(1)
        with pytest.raises(UnknownModel):  # half a model is none
            find("acme/tiny", options(hub, tmp_path))
        card, steps = pulled(hub, runtime, options(hub, tmp_path))
    start = int(hub.files.requests[-1].headers["range"][6:-1])
    assert start > 0
    assert steps[1][0] >= start
    assert Path(card.file or "", "model.safetensors").read_bytes() == whole


def test_bytes_that_are_not_what_the_hub_says_are_thrown_away(hub: ScriptedRepository, tmp_path: Path, runtime: Driven) -> None:
    hub.faults.append(lambda reply: replace(reply, body=bytes(len(reply.content()))))
    with pytest.raises(AnswerError, match="came damaged"):
        pulled(hub, runtime, options(hub, tmp_path))
    card, _ = pulled(hub, runtime, options(hub, tmp_path))
    assert (
        hashlib.sha256(Path(card.file or "", "model.safetensors").read_bytes()).digest()
        == hashlib.sha256((hub.folder / "model.safetensors").read_bytes()).digest()
    )


def test_a_revision_is_what_the_options_say(hub: ScriptedRepository, tmp_path: Path, runtime: Driven) -> None:
    card, _ = pulled(hub, runtime, options(hub, tmp_path, revision=COMMIT))
    assert card.revision == COMMIT
    with pytest.raises(UnknownModel, match="no such revision"):
        pulled(hub, runtime, options(hub, tmp_path, revision="v9"))


def test_a_private_model_comes_with_a_token_that_nothing_repeats(repository: Path, tmp_path: Path, runtime: Driven) -> None:
    with ScriptedRepository(repository, token="hf_secret_of_mine") as hub:
        with pytest.raises(UnknownModel, match="HF_TOKEN"):
            pulled(hub, runtime, options(hub, tmp_path))
        card, _ = pulled(hub, runtime, options(hub, tmp_path, api_key=Plain("hf_secret_of_mine")))
        assert "hf_secret" not in repr(card)
        other = replace(options(hub, tmp_path), api_key=Plain("hf_secret_of_another"), cache=str(tmp_path / "other"))
        with pytest.raises(UnknownModel) as caught:
            pulled(hub, runtime, other)
        assert "hf_secret" not in f"{caught.value!r} {caught.value.__cause__!r} {vars(caught.value)}"


def test_terms_that_were_not_accepted_are_named_with_their_page(repository: Path, tmp_path: Path, runtime: Driven) -> None:
    with ScriptedRepository(repository, token="hf_secret_of_mine", gated=True) as hub:
        with pytest.raises(KeyRefused, match=f"accept them at {hub.url}/acme/tiny") as caught:
            pulled(hub, runtime, options(hub, tmp_path, api_key=Plain("hf_secret_of_mine")))
        assert "hf_secret" not in f"{caught.value!r} {vars(caught.value)}"


def test_a_model_that_there_is_not_says_so(hub: ScriptedRepository, tmp_path: Path, runtime: Driven) -> None:
    with pytest.raises(UnknownModel, match="no model acme/other"):
        pulled(hub, runtime, options(hub, tmp_path), "acme/other")
    with pytest.raises(UnknownModel, match="OWNER/MODEL"):
        pulled(hub, runtime, options(hub, tmp_path), "a/b/c")


def test_a_folder_need_not_be_fetched(hub: ScriptedRepository, tmp_path: Path, runtime: Driven) -> None:
    with pytest.raises(InvalidRequest, match="folder on this machine"):
        pulled(hub, runtime, options(hub, tmp_path), "./tiny")


def test_offline_nothing_is_asked(
    hub: ScriptedRepository, tmp_path: Path, runtime: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SetupError, match="offline"):
        pulled(hub, runtime, options(hub, tmp_path, offline=True))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(SetupError, match="HF_HUB_OFFLINE"):
        pulled(hub, runtime, options(hub, tmp_path))
    assert not hub.server.requests


def test_a_hub_that_cannot_be_reached_says_so(hub: ScriptedRepository, tmp_path: Path, runtime: Driven) -> None:
    told = options(hub, tmp_path)
    hub.server.close()
    with pytest.raises(Unreachable):
        pulled(hub, runtime, told)


def test_pickled_weights_come_only_where_they_were_asked_for(hub: ScriptedRepository, tmp_path: Path, runtime: Driven) -> None:
    (hub.folder / "model.safetensors").unlink()
    with pytest.raises(SetupError, match="pickled_weights = true"):
        pulled(hub, runtime, options(hub, tmp_path))
    pulled(hub, runtime, options(hub, tmp_path, pickled_weights=True))
    assert "pytorch_model.bin" in hub.fetched()


def test_a_small_file_is_held_against_its_hash_as_well(hub: ScriptedRepository, tmp_path: Path, runtime: Driven) -> None:
    hub.small = b'{"architectures": ["Another"]}'
    with pytest.raises(AnswerError, match=r"README\.md came damaged"):
        pulled(hub, runtime, options(hub, tmp_path))
    hub.small = None
    assert pulled(hub, runtime, options(hub, tmp_path))[0].architecture == "gpt2"


@pytest.mark.parametrize(
    "name", ["../../outside.json", "/etc/outside.json", "a/../../outside.json", "C:\\outside.json", "a//b.json"]
)
def test_a_file_whose_name_leads_elsewhere_is_put_nowhere(
    name: str, hub: ScriptedRepository, tmp_path: Path, runtime: Driven
) -> None:
    hub.extra = ({"rfilename": name, "size": 2, "blobId": "0" * 40},)
    with pytest.raises(AnswerError, match="put nowhere"):
        pulled(hub, runtime, options(hub, tmp_path))
    assert not (tmp_path / "cache").exists()


def test_a_proxy_of_the_options_is_the_way(hub: ScriptedRepository, tmp_path: Path, runtime: Driven) -> None:
    from modelhub.testing import FaultServer

    with FaultServer(Reply(502)) as proxy:
        told = replace(options(hub, tmp_path, proxy=proxy.url), hub_url="http://hub.invalid")
        with pytest.raises(modelhub.ModelhubError):
            pulled(hub, runtime, told)
        assert proxy.requests


def test_the_command_tells_where_the_model_is(hub: ScriptedRepository, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "modelhub", "models", "pull", "huggingface:acme/tiny"]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    snapshot = tmp_path / "home" / "hub" / "models--acme--tiny" / "snapshots" / COMMIT
    assert done.stdout == f"huggingface:acme/tiny is in {snapshot}\n"
    assert "acme/tiny 100 %" in done.stderr
    assert (snapshot / "config.json").is_file()
