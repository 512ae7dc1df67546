"""Chat templates: the model's own or one that was given, never one that nobody chose; and what a hostile one can do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from asking import config, four_ways, saying
from modelhub_llama import diagnosis, template
from modelhub_llama.gguf.header import read
from modelhub_llama.options import LlamaOptions
from scripted_gguf import HERMES
from tiny_gguf import CHATML, write

from modelhub import BadRequest, Hub, Message, SetupError

pytest.importorskip("xllamacpp", reason='the engine is not installed: pip install "modelhub-llama[engine]"')

RAISES = CHATML + "{% if messages|length > 2 %}{{ raise_exception('Roles must alternate: 交互に') }}{% endif %}"
WITHOUT_BOS = "{% for message in messages %}[{{ message['content'] }}]{% endfor %}"
TURNS = "{% for m in messages %}{{ m.content }}{% endfor %}"
SOUND = {
    "chatml": CHATML,
    "hermes": HERMES,
    "dunder": "{{ ''.__class__.__mro__ }}" + TURNS,
    "globals": "{{ cycler.__init__.__globals__ }}{{ self.__init__ }}{{ lipsum.__globals__ }}" + TURNS,
    "macro": "{% macro turn(m) %}[{{ m.content }}]{% endmacro %}{% for m in messages %}{{ turn(m) }}{% endfor %}",
    "range": "{% for i in range(messages|length) %}{{ messages[i].content }}{% endfor %}",
}
HOSTILE = {
    "loops": "{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}",
    "repeats": "{{ 'x' * 10000000000 }}",
    "recurs": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "nests": "{{ " + "(" * 100_000 + "1" + ")" * 100_000 + " }}",
}
ENDS = "(crashes|did not come to an end|is not taken)"
REFUSED = {
    "broken": ("{% if %}x", "Unexpected token"),
    "attr": ("{{ ''|attr('__class__') }}", ""),
    "reads": ("{% include '/etc/passwd' %}", ""),
    "raises": ("{{ raise_exception('never 決して') }}", "never 決して"),
}


def test_a_model_without_a_template_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    """AT-K: llama.cpp would take ChatML in silence."""
    path = write(tmp_path / "bare.gguf", template=None)
    with Hub(config(path)) as hub:
        for _ in range(2):
            with pytest.raises(SetupError, match=r'no chat template.*prompt = "plain".*chat_template = "file.jinja"'):
                hub.text("a").generate("こんにちは")
        with pytest.raises(SetupError, match="no chat template"):
            list(hub.text("a").stream("こんにちは"))
        with pytest.raises(SetupError, match="no chat template"):
            hub.text("a").count_tokens("こんにちは")


def test_a_model_without_a_template_goes_on_with_a_text(tmp_path: Path) -> None:
    path = write(tmp_path / "bare.gguf", template=None)
    for response in four_ways(config(path, prompt="plain"), "むかし", extra=saying("々"), max_output_tokens=9):
        assert response.text == "々"


def test_a_template_that_is_given_is_taken(tmp_path: Path) -> None:
    path = write(tmp_path / "bare.gguf", template=None)
    (tmp_path / "turns.jinja").write_text(WITHOUT_BOS, encoding="utf-8")
    with Hub(config(path, chat_template=str(tmp_path / "turns.jinja"))) as hub:
        assert hub.text("a").count_tokens("日本").tokens == 1 + 2 + 6
    with Hub(config(path, chat_template=WITHOUT_BOS)) as hub:
        assert hub.text("a").count_tokens("日本").tokens == 1 + 2 + 6
    with Hub(config(path, chat_template="missing.jinja")) as hub, pytest.raises(SetupError, match=r"missing\.jinja"):
        hub.text("a").generate("x")


def test_a_template_under_another_name_is_told_of(tmp_path: Path) -> None:
    path = write(tmp_path / "named.gguf", template=None, metadata={"tokenizer.chat_template.tool_use": CHATML})
    with pytest.raises(SetupError, match="it has others: tool_use"):
        template.chosen(read(path), LlamaOptions())
    path = write(tmp_path / "default.gguf", template=None, metadata={"tokenizer.chat_template.default": CHATML})
    assert template.chosen(read(path), LlamaOptions()) == CHATML


@pytest.mark.parametrize("begins", ["", "{{ bos_token }}", "<s>"])
def test_the_beginning_of_a_text_is_marked_once(begins: str, tmp_path: Path) -> None:
    """AT-K: whether the template does it, or the tokenizer: the count is exact."""
    path = write(tmp_path / "bos.gguf", template=begins + WITHOUT_BOS)
    with Hub(config(path)) as hub:
        assert hub.text("a").count_tokens("日本").tokens == 1 + 2 + 6
        assert hub.text("a").generate("日本", max_output_tokens=1).usage.input_tokens == 1 + 2 + 6


def test_a_template_that_does_not_take_a_conversation_says_so_in_its_own_words(tmp_path: Path) -> None:
    path = write(tmp_path / "raises.gguf", template=RAISES)
    turns = [Message("user", "a"), Message("assistant", "b"), Message("user", "c")]
    with Hub(config(path)) as hub:
        with pytest.raises(BadRequest, match=r"does not take this conversation: Roles must alternate: 交互に$") as caught:
            hub.text("a").generate(turns)
        assert caught.value.status == 400
        with pytest.raises(BadRequest, match="交互に"):
            list(hub.text("a").stream(turns))
        assert hub.text("a").generate("a", max_output_tokens=1).usage.output_tokens == 1


@pytest.mark.parametrize("name", SOUND)
def test_a_template_reaches_nothing_of_python(name: str, tmp_path: Path) -> None:
    """AT-H2: it runs in llama.cpp's own interpreter, where such names stand for nothing."""
    path = write(tmp_path / "model.gguf", template=SOUND[name], context=2048)
    with Hub(config(path, context_window=2048)) as hub:
        words = "日本"
        count = hub.text("a").count_tokens(words)
        response = hub.text("a").generate(words, max_output_tokens=1)
    assert count.exact
    assert response.usage.input_tokens == count.tokens
    if name in ("dunder", "globals", "range"):
        assert count.tokens == 1 + len(words.encode())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_template_that_hangs_or_crashes_does_so_in_a_process_of_its_own(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AT-H2, AT-K: llama.cpp bounds neither loops nor recursion."""
    monkeypatch.setattr(template, "_SECONDS", 6.0)
    path = write(tmp_path / "hostile.gguf", template=HOSTILE[name])
    with Hub(config(path)) as hub:
        for _ in range(2):
            with pytest.raises(SetupError, match=f"chat template of .*hostile[.]gguf {ENDS}"):
                hub.text("a").generate("x")


@pytest.mark.parametrize("name", REFUSED)
def test_a_template_that_is_not_taken_is_an_error_with_its_reason(name: str, tmp_path: Path) -> None:
    text, words = REFUSED[name]
    path = write(tmp_path / "refused.gguf", template=text)
    with Hub(config(path)) as hub, pytest.raises(SetupError, match=f"is not taken by llama.cpp: .*{words}"):
        hub.text("a").generate("x")


def test_a_template_that_was_found_sound_is_not_tried_by_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is noted beside the models; one that is not sound is tried again, for it may have been a busy machine."""
    monkeypatch.setenv("MODELHUB_CACHE", str(tmp_path / "cache"))
    sound, refused = SOUND["range"] + " 一度だけ", "{{ range(3) }}{% if %}x"
    template.tried(sound, "model.gguf")
    with pytest.raises(SetupError):
        template.tried(refused, "model.gguf")
    assert len(list((tmp_path / "cache" / "templates").iterdir())) == 1
    monkeypatch.setattr(template, "_TRIED", {})
    monkeypatch.setattr(sys, "executable", str(marking(tmp_path)))
    template.tried(sound, "model.gguf")
    assert not (tmp_path / "started").exists()
    with pytest.raises(SetupError):
        template.tried(refused, "model.gguf")
    assert (tmp_path / "started").exists()


def test_a_frozen_program_does_not_start_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its executable is the program, whatever it is called with."""
    monkeypatch.setattr(sys, "executable", str(marking(tmp_path)))
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    template.tried(SOUND["range"] + " 凍結", "model.gguf")
    assert diagnosis.reason("model.gguf", "text", LlamaOptions(), 512) == "it does not say why"
    assert not (tmp_path / "started").exists()


def marking(folder: Path) -> Path:
    """A program that leaves a mark, and fails."""
    program = folder / "program"
    program.write_text(f"#!/bin/sh\ntouch '{folder / 'started'}'\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(("name", "text"), [*HOSTILE.items(), ("macro", SOUND["macro"]), ("range", SOUND["range"])])
def test_what_may_not_end_is_tried_first(name: str, text: str) -> None:
    assert template.doubtful(text), name


@pytest.mark.parametrize("text", [CHATML, HERMES, WITHOUT_BOS])
def test_what_only_loops_over_its_conversation_is_not(text: str) -> None:
    assert not template.doubtful(text)


def test_the_effort_is_a_setting_where_the_template_asks_for_it(tmp_path: Path) -> None:
    thinks: Any = write(tmp_path / "thinks.gguf", template="{{ reasoning_effort }}" + WITHOUT_BOS)
    plain: Any = write(tmp_path / "plain.gguf", template=WITHOUT_BOS)
    with Hub(config(thinks)) as hub:
        low = hub.text("a").generate("x", reasoning_effort="low", max_output_tokens=1)
        assert low.usage.input_tokens == 1 + len("low") + len("[x]")
        assert not low.notices
    with Hub(config(plain)) as hub:
        notices = hub.text("a").generate("x", reasoning_effort="low", max_output_tokens=1).notices
    assert [notice.setting for notice in notices] == ["reasoning_effort"]
