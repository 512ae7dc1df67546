"""What users do wrong with a model on their own machine, and what they are told."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from asking import config, saying
from tiny_gguf import write

from modelhub import (
    AsyncHub,
    ContextOverflow,
    Hub,
    InvalidRequest,
    Message,
    ModelhubError,
    SetupError,
    UnknownModel,
    Unreachable,
)

pytest.importorskip("xllamacpp", reason='the engine is not installed: pip install "modelhub-llama[engine]"')


def refused(settings: dict[str, Any], kind: type[ModelhubError], words: str) -> None:
    """Each door says so, in either runtime."""

    async def awaited() -> None:
        async with AsyncHub(settings) as hub:
            await hub.text("a").generate("こんにちは", max_output_tokens=1)

    with Hub(settings) as hub:
        with pytest.raises(kind, match=words):
            hub.text("a").generate("こんにちは", max_output_tokens=1)
        with pytest.raises(kind, match=words):
            list(hub.text("a").stream("こんにちは", max_output_tokens=1))
    with pytest.raises(kind, match=words):
        asyncio.run(awaited())


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    write(tmp_path / "qwen.gguf")
    refused(config(str(tmp_path / "qwem.gguf")), UnknownModel, r"qwem\.gguf.*Did you mean 'qwen\.gguf'")


def test_a_directory(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").mkdir()
    refused(config(str(tmp_path / "model.gguf")), UnknownModel, r"model\.gguf is a folder without \.gguf files")
    write(tmp_path / "model.gguf" / "inner.gguf")
    refused(config(str(tmp_path / "model.gguf")), UnknownModel, r"is a folder: name a file in it \(inner\.gguf\)")
    (tmp_path / "plain").mkdir()
    refused(config(str(tmp_path / "plain")), UnknownModel, r"plain is a folder without .* models add .*plain")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").touch()
    refused(config(str(tmp_path / "model.gguf")), SetupError, r"the file is empty\. Download the file again")


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"PK\x03\x04" + bytes(1000))
    words = r"begins with the bytes 50 4b 03 04 .*looks like PyTorch weights; convert them with"
    refused(config(str(tmp_path / "model.gguf")), SetupError, words)
    (tmp_path / "model.gguf").write_text("hello world", encoding="utf-8")
    refused(config(str(tmp_path / "model.gguf")), SetupError, r"this is no GGUF file: it begins with 'hello wo'\.$")


def test_a_file_with_another_ending(tmp_path: Path) -> None:
    write(tmp_path / "model.bin")
    refused(config(str(tmp_path / "model.bin")), UnknownModel, r"The file .*model\.bin does not end in \.gguf")
    refused(config(str(tmp_path / "none.bin")), UnknownModel, r"There is no file .*none\.bin")
    write(tmp_path / "model.gguf")
    refused(config(str(tmp_path / "model")), UnknownModel, r"Did you mean '.*model\.gguf'\?$")


def test_a_file_whose_end_is_missing(tmp_path: Path) -> None:
    whole = Path(write(tmp_path / "whole.gguf")).read_bytes()
    (tmp_path / "half.gguf").write_bytes(whole[: len(whole) // 2])
    refused(
        config(str(tmp_path / "half.gguf")), SetupError, r"half\.gguf: the file lacks its last \d+ bytes.* Download it again"
    )


def test_a_server_that_is_not_running() -> None:
    settings = {
        "models": {"a": {"model": "llama:x"}},
        "providers": {"llama": {"base_url": "http://127.0.0.1:9/v1"}},
        "retry": {"times": 0},
    }
    words = r"127\.0\.0\.1:9.*Is a server running there\? `llama-server -m FILE\.gguf` starts one"
    refused(settings, Unreachable, words)
    with Hub(settings) as hub:
        for ask in (
            lambda: hub.text("a").count_tokens("x"),
            lambda: hub.embedding("llama:x").embed(["x"]),
            lambda: hub.reranking("llama:x").rank("x", ["y"]),
            lambda: hub.models(provider="llama"),
        ):
            with pytest.raises(Unreachable, match=words):
                ask()


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("", r"chat_template is empty: leave it out, or name a Jinja file\.$"),
        ("none.jinja", r"chat_template: \S+none\.jinja cannot be read \(No such file or directory\)\.$"),
        (".", r"chat_template: \S+ cannot be read \(Is a directory\)\.$"),
    ],
)
def test_a_template_that_is_not_there(tmp_path: Path, template: str, words: str) -> None:
    refused(config(write(tmp_path / "tiny.gguf"), chat_template=template), SetupError, words)


def test_a_template_that_is_longer_than_the_window(tmp_path: Path) -> None:
    """What it adds is only known to the engine, whose own words would be about its insides."""
    long = "{{ messages[0].content }}" + "x" * 1000
    settings = config(write(tmp_path / "tiny.gguf"), chat_template=long)
    refused(settings, ContextOverflow, r"^The prompt has 10\d\d tokens.*; the context window holds 512\. Shorten it")


def test_two_models_at_once_answer_as_themselves(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{seed}.gguf", seed=seed) for seed in (1, 2)]
    settings = {"models": {name: {"model": f"llama:{path}"} for name, path in zip("ab", paths, strict=True)}}
    settings["providers"] = {"llama": {"threads": 1}}  # type: ignore[assignment]  # another kind of table

    async def both() -> list[str]:
        async with AsyncHub(settings) as hub:
            asked = {"temperature": 0.0, "max_output_tokens": 12, "extra": {"llama": {"grammar": "root ::= [a-z]+"}}}
            alone = [(await hub.text(name).generate("x", **asked)).text for name in "ab"]
            together = await asyncio.gather(*(hub.text(name).generate("x", **asked) for name in "abab"))
            assert [answer.text for answer in together] == alone * 2
            return alone

    first, second = asyncio.run(both())
    assert first != second


INTERRUPTED = """
    import sys
    from modelhub import Hub

    with Hub({"models": {"a": {"model": f"llama:{sys.argv[1]}"}}, "providers": {"llama": {"threads": 1}}}) as hub:
        try:
            extra = {"llama": {"ignore_eos": True, "grammar": "root ::= [a-z]+"}}
            for number, event in enumerate(hub.text("a").stream("x", extra=extra)):
                if number == 3:
                    print("begun", flush=True)
        except KeyboardInterrupt:
            print("stopped", flush=True)
        print(hub.text("a").generate("x", max_output_tokens=1).usage.output_tokens, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_control_c_stops_an_answer_and_leaves_the_model_usable(tmp_path: Path) -> None:
    path = write(tmp_path / "tiny.gguf", context=1 << 16, width=128)
    script = textwrap.dedent(INTERRUPTED).replace('"threads": 1', '"threads": 1, "context_window": 65536')
    with subprocess.Popen(
        [sys.executable, "-c", script, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "begun\n"
        program.send_signal(signal.SIGINT)
        said, errors = program.communicate(timeout=30)
    assert (said, program.returncode) == ("stopped\n1\n", 0), errors


def test_a_prompt_of_ten_megabytes(tmp_path: Path) -> None:
    path = write(tmp_path / "tiny.gguf")
    with Hub(config(path)) as hub:
        with pytest.raises(ContextOverflow, match=r"The prompt has about \d+ tokens; the context window holds 512") as caught:
            hub.text("a").generate("長い話" * 1_111_111)
        assert caught.value.prompt_tokens == pytest.approx(10_000_000, rel=0.05), "This vocabulary has a token for each byte."
        assert caught.value.context_window == 512
        assert hub.text("a").generate("x", extra=saying("はい")).text == "はい"


def test_an_empty_prompt(tmp_path: Path) -> None:
    path = write(tmp_path / "tiny.gguf")
    with Hub(config(path)) as hub, pytest.raises(InvalidRequest, match="empty"):
        hub.text("a").generate("   ")
    with Hub(config(path)) as hub:  # a message without words is one all the same
        assert hub.text("a").generate([Message("user", "")], extra=saying("はい")).text == "はい"


def test_only_a_system_message(tmp_path: Path) -> None:
    path = write(tmp_path / "tiny.gguf")
    with Hub(config(path)) as hub:
        assert hub.text("a").generate([Message("system", "短く。")], extra=saying("はい")).text == "はい"


def test_half_of_a_character(tmp_path: Path) -> None:
    path = write(tmp_path / "tiny.gguf")
    with Hub(config(path)) as hub:
        for prompt in ("\ud83d", [Message("user", "x\udc00")]):
            with pytest.raises(InvalidRequest, match=r"surrogate|cannot be"):
                hub.text("a").generate(prompt)
        assert hub.text("a").generate("x", extra=saying("はい")).text == "はい"
