"""The life of a loaded model: what the engine is told, what it says when it fails, what it needs, and who may ask it."""

from __future__ import annotations

import asyncio
import json
import re
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import config
from engine_room import ask, eventually, loaded, unload

from modelhub import AnswerError, AsyncHub, ConfigError, Hub, ModelhubError, NotEnoughMemory, SetupError, StreamBroken
from modelhub.plugin import engines

pytest.importorskip("xllamacpp", reason='the engine is missing: pip install "modelhub-llama[engine]"')

ENDLESS: dict[str, Any] = {"extra": {"llama": {"grammar": "root ::= [a-z]*", "ignore_eos": True}}, "max_output_tokens": 400}


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    unload()
    yield
    unload()


def say_hi(path: str, **options: Any) -> None:
    with Hub(config(path, **options)) as hub:
        said = hub.text("a").generate("hi", max_output_tokens=2, extra={"llama": {"ignore_eos": True}})
        assert said.usage.output_tokens == 2


def test_it_is_unloaded_when_nobody_has_asked_for_a_while_and_loaded_anew(tiny: str) -> None:
    say_hi(tiny, keep_alive=0.2)
    assert len(engines().names()) == 1
    eventually(lambda: engines().names() == ())
    say_hi(tiny, keep_alive=0.2)


def test_a_model_that_is_kept_for_ever_is_kept(tiny: str) -> None:
    say_hi(tiny, keep_alive=False)
    assert not [thread for thread in threading.enumerate() if thread.name == "modelhub-janitor"]
    assert len(engines().names()) == 1


def test_a_second_model_takes_the_place_of_the_first(tiny: str, tmp_path: Path) -> None:
    from tiny_gguf import write

    other = write(tmp_path / "other.gguf", seed=1)
    say_hi(tiny, max_loaded=1)
    say_hi(other, max_loaded=1)
    assert len(engines().names()) == 1
    say_hi(tiny, max_loaded=2)
    assert len(engines().names()) == 2


def test_what_does_not_fit_says_what_it_needs_and_what_to_change(tiny: str) -> None:
    with pytest.raises(NotEnoughMemory) as caught:
        say_hi(tiny, memory_limit="20 MiB", parallel=4)
    assert caught.value.limit == 20 << 20 < caught.value.needed
    for word in ("memory_limit", "context_window (it is 512)", "parallel (it is 4)", "[providers.llama]", "quantisation"):
        assert word in caught.value.message


def test_a_window_that_no_machine_has_room_for_is_refused_before_it_is_tried(tmp_path: Path) -> None:
    from tiny_gguf import write

    path = write(tmp_path / "endless.gguf", context=1 << 31)
    with pytest.raises(NotEnoughMemory, match=r"needs [\d.]+ GiB of memory; available: [\d.]+ GiB\. "):
        say_hi(path, context_window=1 << 29)


def test_an_amount_that_is_none_names_the_setting(tiny: str) -> None:
    with pytest.raises(ConfigError, match=r"\[providers.llama\] memory_limit is 'much'"):
        say_hi(tiny, memory_limit="much")


@pytest.mark.parametrize(("option", "value"), [("parallel", 0), ("queue", -1), ("context_window", 0), ("threads", 0)])
def test_a_number_that_cannot_be_is_said_before_anything_is_loaded(tiny: str, option: str, value: int) -> None:
    with pytest.raises(ConfigError, match=rf"{option} is {value}; it must be \d or more"):
        say_hi(tiny, **{option: value})


def test_models_that_differ_in_what_is_sent_alone_share_an_engine(tiny: str) -> None:
    """A grammar for one of two names of a file costs no second load, and binds the one alone."""
    settings = config(tiny)
    settings["models"]["はい"] = {"model": f"llama:{tiny}", "options": {"extra_body": {"grammar": 'root ::= "はい"'}}}
    settings["providers"]["too"] = {"uses": "llama", "threads": 1, "extra_body": {"grammar": 'root ::= "いいえ"'}}
    with Hub(settings) as hub:
        for _ in range(2):
            assert hub.text("はい").generate("x", max_output_tokens=20).text == "はい"
            assert hub.text(f"too:{tiny}").generate("x", max_output_tokens=20).text == "いいえ"
            free = hub.text("a").generate("x", max_output_tokens=20, seed=1)
            assert free.text not in ("はい", "いいえ")
            assert (free.provider, hub.text("a").count_tokens("x").exact) == ("llama", True)
        assert len(engines().names()) == 1
        assert len(repr(hub.text("a"))) < 600


def test_an_answer_bears_the_name_that_was_asked_for(tiny: str) -> None:
    """And not the place of the file on this machine."""
    options = {"threads": 1, "models": [str(Path(tiny).parent)], "pooling": "mean"}
    with Hub({"providers": {"llama": options}}) as hub:
        text = hub.text("llama:tiny")
        assert text.generate("x", max_output_tokens=1).model == "tiny"
        *_, last = text.stream("x", max_output_tokens=1)
        assert last.response.model == "tiny"
        assert hub.embedding("llama:tiny").embed(["x"]).model == "tiny"
        with pytest.raises(AnswerError) as caught:
            text.generate("x", output_type={"type": "string"}, extra={"llama": {"logit_bias": [[5 + 0xFF, 20]]}})
        assert caught.value.partial.model == "tiny"


def test_what_was_loaded_before_a_file_changed_is_not_used_for_the_new_one(tmp_path: Path) -> None:
    from tiny_gguf import write

    path = write(tmp_path / "a.gguf", seed=1)
    say_hi(path)
    time.sleep(0.01)
    write(path, seed=2)
    say_hi(path)
    assert len(engines().names()) == 2


WRITTEN_OVER = """
    import json, os, shutil, sys
    from modelhub import Hub, SetupError

    settings, path, other = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
    with Hub(settings) as hub:
        hub.text("a").generate("x", max_output_tokens=1)
        shutil.copy(other, path + ".new")
        os.replace(path + ".new", path)
        print(hub.text("a").generate("x", max_output_tokens=1).usage.output_tokens)
        hub.embedding("llama:" + path).embed(["x"])
        open(path, "wb").close()
        print(hub.text("a").generate("x", max_output_tokens=1).usage.output_tokens)
        try:
            hub.embedding("llama:" + path).embed(["x"])
        except SetupError as error:
            print(error)
    shutil.copy(other, path)
    with Hub(settings) as hub:
        print(hub.text("a").generate("x", max_output_tokens=1).usage.output_tokens)
"""


def test_a_file_that_is_written_over_while_it_is_loaded_ends_no_process(tiny: str, tmp_path: Path) -> None:
    """What is read where it lies would be gone under it (SIGBUS). A file that another is moved over stays."""
    path = tmp_path / "a.gguf"
    path.write_bytes(Path(tiny).read_bytes())
    settings = json.dumps(config(str(path), pooling="mean"))
    command = [sys.executable, "-c", textwrap.dedent(WRITTEN_OVER), settings, str(path), tiny]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=50, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    before, after, refused, anew = done.stdout.splitlines()
    assert (before, after, anew) == ("1", "1", "1")
    assert "was written over while its model was loaded: ask a new Hub" in refused


# what the engine is told


OPTIONS: list[dict[str, Any]] = [
    {"threads": 2, "threads_batch": 1},
    {"batch": 64, "micro_batch": 32},
    {"gpu_layers": 0},
    {"cache_type_k": "q8_0", "cache_type_v": "q8_0"},
    {"cache_type_k": "bf16", "cache_type_v": "f32"},
    {"flash_attention": True},
    {"flash_attention": False},
    {"mmap": False},
    {"mmap": True, "mlock": True},
    {"mmap": False, "mlock": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.items())))
def test_the_engine_runs_with_each_option(tmp_path: Path, options: dict[str, Any]) -> None:
    from tiny_gguf import write

    say_hi(write(tmp_path / "w.gguf", width=128, heads=2), **options)


def filled(**options: Any) -> Any:
    """llama.cpp's parameters for these options."""
    import xllamacpp
    from modelhub_llama.options import LlamaOptions
    from modelhub_llama.parameters import fill

    parameters = xllamacpp.CommonParams()
    fill(parameters, xllamacpp, LlamaOptions(**options), 300)
    return parameters


def test_options_become_the_engines_own_parameters() -> None:
    import xllamacpp as llama

    told = filled(threads=3, threads_batch=5, batch=64, micro_batch=32, gpu_layers=7, cache_type_k="q8_0", parallel=4, queue=10)
    assert (told.cpuparams.n_threads, told.cpuparams_batch.n_threads) == (3, 5)
    assert (told.n_batch, told.n_ubatch, told.n_gpu_layers) == (64, 32, 7)
    assert (told.n_parallel, told.n_ctx, told.kv_unified, told.ctx_shift) == (4, 1200, False, False)
    assert told.cache_type_k == llama.ggml_type.GGML_TYPE_Q8_0
    assert filled(flash_attention=False).flash_attn_type == llama.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    assert filled(mmap=False).load_mode == llama.llama_load_mode.LLAMA_LOAD_MODE_NONE
    assert filled(mlock=True).load_mode == llama.llama_load_mode.LLAMA_LOAD_MODE_MMAP_MLOCK


def test_an_option_that_this_engine_does_not_know_is_named() -> None:
    from types import SimpleNamespace

    from modelhub_llama.options import LlamaOptions
    from modelhub_llama.parameters import fill

    def fresh() -> Any:
        return SimpleNamespace(
            cpuparams=SimpleNamespace(),
            cpuparams_batch=SimpleNamespace(),
            n_ctx=0,
            n_parallel=1,
            use_mmap=True,
            use_mlock=False,
        )

    older = SimpleNamespace(__version__="0.1")
    plain = fresh()
    fill(plain, older, LlamaOptions(mmap=False, mlock=True), 300)
    assert (plain.n_ctx, plain.use_mmap, plain.use_mlock) == (600, False, True)
    for options in ({"gpu_layers": 1}, {"flash_attention": True}, {"cache_type_k": "q8_0"}, {"micro_batch": 8}):
        (option,) = options
        with pytest.raises(SetupError, match=rf"option {option} is not known to xllamacpp 0\.1"):
            fill(fresh(), older, LlamaOptions(**options), 300)


def test_a_small_cache_of_values_needs_flash_attention(tiny: str) -> None:
    with pytest.raises(ConfigError, match="cache_type_v is 'q8_0', which needs flash attention"):
        say_hi(tiny, cache_type_v="q8_0", flash_attention=False)


def test_the_engine_tells_the_window_that_the_card_tells(tmp_path: Path) -> None:
    from tiny_gguf import write

    path = write(tmp_path / "w.gguf", context=8192)
    for asked, told in ((None, 4096), (512, 512), (9000, 8192)):
        options = {} if asked is None else {"context_window": asked}
        with Hub(config(path, **options)) as hub:
            text = hub.text("a")
            text.generate("hi", max_output_tokens=1)
            assert text.card.context_window == told
        assert json.loads(ask("/props")[2])["default_generation_settings"]["n_ctx"] == told
        unload()


# who may ask it


def test_only_whoever_has_the_key_gets_an_answer(tiny: str) -> None:
    say_hi(tiny)
    body = json.dumps({"messages": [{"role": "user", "content": "hi"}], "prompt": "hi", "content": "hi", "max_tokens": 1})
    for path in (
        "/props",
        "/slots",
        "/metrics",
        "/models",
        "/v1/models",
        "/api/tags",
        "/lora-adapters",
        "/tools",
        "/cors-proxy",
    ):
        assert ask(path, key=False)[0] == 401, path
    for path in ("/v1/chat/completions", "/completion", "/v1/embeddings", "/tokenize", "/apply-template", "/v1/responses"):
        assert ask(path, key=False, method="POST", body=body)[0] == 401, path
        assert ask(path, key=False, method="POST", body=body, authorization="Bearer guess")[0] == 401, path
    for path in ("/", "/index.html"):
        assert ask(path, key=False)[0] == 404, path
    assert ask("/health", key=False)[2] == b'{"status":"ok"}', "That it runs is all that anybody on this machine can see."


def test_a_web_page_may_not_ask(tiny: str) -> None:
    say_hi(tiny)
    for method, path in (("GET", "/health"), ("OPTIONS", "/v1/chat/completions")):
        _, headers, _ = ask(path, key=False, method=method, origin="https://evil.example")
        assert "evil" not in str(headers)
        assert headers.get("Access-Control-Allow-Origin") != "*"


def test_the_door_is_open_to_this_machine_alone(tiny: str) -> None:
    say_hi(tiny)
    port = loaded().host.base_url.split(":")[2].split("/")[0]
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    assert [place for place in listening if place.endswith(f":{int(port):04X}")][:1] == [f"0100007F:{int(port):04X}"]
    everywhere = Path("/proc/net/tcp6")
    if everywhere.exists():
        assert f":{int(port):04X} " not in everywhere.read_text(encoding="ascii")


def test_the_key_is_another_one_each_time_and_shown_nowhere(tiny: str) -> None:
    say_hi(tiny)
    first = loaded().host.headers["authorization"].reveal()
    assert first.removeprefix("Bearer ") not in f"{loaded().host!r} {loaded()!r} {vars(loaded())!r}"
    unload()
    say_hi(tiny)
    assert loaded().host.headers["authorization"].reveal() != first
    assert len(first) > 40


# what it says when it fails


def damaged(tiny: str, path: Path, old: bytes, new: bytes) -> str:
    held = Path(tiny).read_bytes()
    assert old in held
    path.write_bytes(held.replace(old, new, 1))
    return str(path)


def test_the_reason_why_a_model_does_not_load_is_told(tiny: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Not in a log: in the error."""
    strange = damaged(tiny, tmp_path / "strange.gguf", b"\x05\0\0\0\0\0\0\0llama", b"\x05\0\0\0\0\0\0\0llamb")
    lacking = damaged(tiny, tmp_path / "lacking.gguf", b"llama.block_count", b"llama.blocc_count")
    half = tmp_path / "half.gguf"
    half.write_bytes(Path(tiny).read_bytes()[:300_000])
    for path, reason in (
        (strange, "unknown model architecture: 'llamb'"),
        (lacking, "key not found in model: llama.block_count"),
        (str(half), "lacks its last|not within the file"),
    ):
        with pytest.raises(SetupError, match=reason):
            say_hi(path)
    assert capfd.readouterr() == ("", "")


def test_the_reason_why_options_do_not_go_with_a_model_is_told(
    tiny: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The file is loaded once more with the same options where the log can be read."""
    with pytest.raises(SetupError, match=r"cannot load .*tiny\.gguf: K cache type q8_0 .* does not divide n_embd_head_k=16\.$"):
        say_hi(tiny, cache_type_k="q8_0")
    with (
        Hub(config(tiny, cache_type_v="q8_0", pooling="mean")) as hub,
        pytest.raises(SetupError, match=r"V cache type q8_0 .* does not divide"),
    ):
        hub.embedding("llama:" + tiny).embed(["x"])
    assert capfd.readouterr() == ("", "")


def test_nothing_is_written_to_the_terminal(tiny: str, capfd: pytest.CaptureFixture[str]) -> None:
    say_hi(tiny)
    unload()
    assert capfd.readouterr() == ("", "")


# unloading


def test_unloading_holds_up_no_event_loop(tmp_path: Path) -> None:
    """llama.cpp's end waits for all who are connected, with the interpreter's lock in its hand: they are cut first."""
    from tiny_gguf import write

    slow = write(tmp_path / "slow.gguf", width=256, layers=3, context=2048)
    late: list[float] = []

    async def beat() -> None:
        while True:
            started = time.monotonic()
            await asyncio.sleep(0.005)
            late.append(time.monotonic() - started)

    async def scene() -> None:
        async with AsyncHub(config(slow, parallel=1)) as hub:
            text = hub.text("a")
            await text.generate("hi", max_output_tokens=1)
            tasks = [asyncio.create_task(text.generate("hi", **ENDLESS | {"max_output_tokens": 1900})) for _ in range(4)]
            await asyncio.sleep(0.5)
            beating = asyncio.create_task(beat())
            await asyncio.to_thread(unload)
            beating.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(end, ModelhubError) for end in ends), ends

    asyncio.run(scene())
    assert max(late, default=0) < 1.0  # where all is over before the first beat, nothing was held up


def test_a_reader_whose_engine_is_unloaded_gets_a_broken_stream(tiny: str) -> None:
    with Hub(config(tiny)) as hub:
        stream = hub.text("a").stream("hi", **ENDLESS)
        next(iter(stream))
        unload()
        with pytest.raises(StreamBroken):
            stream.collect()
        assert hub.text("a").generate("hi", max_output_tokens=2).usage.output_tokens == 2


def test_it_can_be_loaded_and_unloaded_many_times(tiny: str) -> None:
    """An engine that is ended before its loop has begun would never end."""
    sockets = len(open_sockets())
    for _ in range(30):
        say_hi(tiny)
        unload()
    eventually(lambda: len(open_sockets()) <= sockets)


def open_sockets() -> list[int]:
    import os

    found = []
    for name in os.listdir("/dev/fd"):
        try:
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                found.append(int(name))
        except OSError:
            continue
    return found


# what it needs


GROWTH = """
import re, sys
from pathlib import Path
from modelhub import Hub
def taken():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text("utf-8"))[1]) * 1024
settings = {"models": {"a": {"model": "llama:" + sys.argv[1]}}, "providers": {"llama": {"threads": 1, "parallel": 4}}}
import xllamacpp, httpx, numpy
hub = Hub(settings)
hub.text("a")
before = taken()
hub.text("a").generate("hi" * 200, max_output_tokens=100, extra={"llama": {"ignore_eos": True}})
from modelhub.plugin import engines
(entry,) = engines()._entries.values()
print(taken() - before, entry.plan.memory)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="This system does not tell what a process takes.")
@pytest.mark.parametrize("shape", [{"width": 64, "layers": 2, "heads": 4}, {"width": 512, "layers": 3, "heads": 8}], ids=str)
def test_it_takes_no_more_than_was_said(tmp_path: Path, shape: dict[str, int]) -> None:
    """The estimate is not below what the process grows by, and within 64 MiB of twice that."""
    from tiny_gguf import write

    path = write(tmp_path / "m.gguf", context=2048, **shape)  # type: ignore[arg-type]  # whole numbers all
    done = subprocess.run([sys.executable, "-c", GROWTH, path], capture_output=True, encoding="utf-8", timeout=50, check=True)
    grown, said = map(int, re.findall(r"\d+", done.stdout))
    assert grown <= said <= 2 * grown + (64 << 20)
