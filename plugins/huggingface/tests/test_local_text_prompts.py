"""AT-A4, AT-H2, AT-K: how a request becomes tokens, how many they are, and whether there is room for them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from local_asking import config, four_ways, loaded, unload
from tiny_scripts import PROMPT, scripted

from modelhub import AsyncHub, ConfigError, ContextOverflow, Hub, InvalidRequest, OutputInvalid, SetupError, Unsupported
from modelhub.plugin import Message, ToolResult, engines

torch = pytest.importorskip("torch", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')
transformers = pytest.importorskip("transformers", reason='it computes: pip install "modelhub-huggingface[local]"')

CONVERSATION = [
    Message("system", "簡潔に。"),
    Message("user", "Where is Tokyo?"),
    Message("assistant", "日本です。"),
    Message("user", "And the sea?"),
]
SHORT: dict[str, Any] = {"max_output_tokens": 2}


@pytest.fixture(autouse=True)
def alone() -> None:
    unload()


def prompt_of(settings: dict[str, Any], messages: Any) -> tuple[list[int], str]:
    """The tokens that reach the network, and their text."""
    seen: list[list[int]] = []
    with Hub(settings) as hub:
        hub.text("a").generate(messages, **SHORT)
        engine = loaded()
        name = "input_ids"
        part = engine.network.module.get_encoder() if engine.network.encodes else engine.network.module
        hook = part.register_forward_pre_hook(lambda _, given, named: seen.append(named[name][0].tolist()), with_kwargs=True)
        usage = hub.text("a").generate(messages, **SHORT).usage
        hook.remove()
    unload()
    assert usage.input_tokens == len(seen[0])
    return seen[0], engine.tokenizer.decode(seen[0])


def test_a_conversation_goes_through_the_models_own_template_and_its_mark_is_not_doubled(tiny: Callable[..., str]) -> None:
    """AT-K: BOS not doubled: this template brings it along, and so does the tokenizer."""
    path = tiny("llama")
    tokens, text = prompt_of(config(path), CONVERSATION)
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    turns = [{"role": message.role, "content": message.text} for message in CONVERSATION]
    assert tokens == tokenizer.apply_chat_template(turns, add_generation_prompt=True)["input_ids"]
    assert tokens.count(tokenizer.bos_token_id) == 1
    assert text.endswith("<|im_end|>\n<|im_start|>assistant\n")


def test_a_plain_text_has_one_mark_as_well(tiny: Callable[..., str]) -> None:
    for text in ("Tokyo", "<s>Tokyo"):
        tokens, whole = prompt_of(config(tiny("llama"), prompt="plain"), text)
        assert (tokens.count(1), whole) == (1, "<s>Tokyo")


def test_the_assistants_last_words_are_gone_on_from(tiny: Callable[..., str]) -> None:
    _, text = prompt_of(config(tiny("llama")), [*CONVERSATION, Message("assistant", "It is")])
    assert text.endswith("<|im_start|>assistant\nIt is")


def test_a_template_of_the_configuration_replaces_the_models(tiny: Callable[..., str], tmp_path: Path) -> None:
    template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[answer]"
    (tmp_path / "own.jinja").write_text(template, encoding="utf-8")
    for given in (template, str(tmp_path / "own.jinja")):
        for kind in ("llama", "gpt2"):
            _, text = prompt_of(config(tiny(kind), chat_template=given), CONVERSATION)
            assert text.removeprefix("<s>").startswith("[system] 簡潔に。\n[user] Where is Tokyo?\n")
            assert text.endswith("[answer]")


@dataclass
class Place:
    city: str
    rain: bool


def test_a_type_is_asked_for_in_words_and_the_answer_checked(tmp_path: Path) -> None:
    """AT-O: nothing holds such a model to a schema; a notice says so, and what does not follow it is an error."""
    said = '{"city": "東京", "rain": true}'
    settings = config(scripted(tmp_path / "m", said, chat_template="{{ messages[-1].content }}"))
    for answer in four_ways(settings, PROMPT, output_type=Place):
        assert answer.output == Place("東京", rain=True)
        assert [notice.setting for notice in answer.notices] == ["output_type"]
    with Hub(settings) as hub, pytest.raises(OutputInvalid, match="it was cut; allow more max_output_tokens"):
        hub.text("a").generate(PROMPT, output_type=Place, max_output_tokens=5)


def test_a_template_that_is_not_there_is_named(tiny: Callable[..., str]) -> None:
    with pytest.raises(
        ConfigError, match=r"chat_template is 'missing.jinja', and /.*missing.jinja cannot be read: No such file"
    ):
        prompt_of(config(tiny("gpt2"), chat_template="missing.jinja"), CONVERSATION)


def test_a_model_without_a_template_goes_on_from_a_text_and_takes_no_conversation(tiny: Callable[..., str]) -> None:
    """AT-K: absent template -> explicit error, never a silent default."""
    settings = config(tiny("gpt2"))
    assert prompt_of(settings, "def add(a, b):\n")[1] == "def add(a, b):\n"
    for conversation in (CONVERSATION, CONVERSATION[:2]):
        with pytest.raises(
            SetupError, match=r"no chat template.*single message.*chat_template = \"file.jinja\" in \[providers"
        ):
            prompt_of(settings, conversation)
    with pytest.raises(SetupError, match=r"no chat template.*Ask it with a single message"):
        prompt_of(settings, CONVERSATION[1:])
    with Hub(settings) as hub, pytest.raises(SetupError, match=r"nor an output_type.* a classifier") as caught:
        hub.text("a").generate(PROMPT, output_type=Place)
    assert "Ask it with a single message" not in caught.value.message, "That is what was done."
    with pytest.raises(SetupError, match="no chat template"):
        prompt_of(config(tiny("gpt2"), prompt="chat"), "hi")
    with pytest.raises(InvalidRequest, match=r"plain prompt .* is one message, not 4 \(system, user, assistant, user\)"):
        prompt_of(config(tiny("llama"), prompt="plain"), CONVERSATION)


def test_what_a_template_refuses_is_said_in_its_words(tiny: Callable[..., str]) -> None:
    template = "{% if messages[0].role == 'system' %}{{ raise_exception('No system messages, please') }}{% endif %}x"
    with pytest.raises(InvalidRequest, match="does not take this conversation: No system messages, please"):
        prompt_of(config(tiny("llama"), chat_template=template), CONVERSATION)


EMPTY = ("{{ raise_exception.__globals__ }}", "{{ ''|attr('__class__') }}")
"""What is there, and shows nothing."""


@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.__class__.__base__.__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.system('touch owned') }}",
        "{{ messages.append(1) }}",
        *EMPTY,
    ],
)
def test_a_template_reaches_nothing_beside_the_conversation(attack: str, tiny: Callable[..., str]) -> None:
    """AT-H2: templates come with models, and run in a sandbox: they get an error, or nothing."""
    settings = config(tiny("llama"), chat_template=attack + "{{ messages[0].content }}")
    if attack in EMPTY:
        assert prompt_of(settings, CONVERSATION)[1].removeprefix("<s>") == "簡潔に。"
    else:
        with pytest.raises(InvalidRequest, match="chat template does not take this conversation"):
            prompt_of(settings, CONVERSATION)


def test_a_document_that_looks_like_a_template_stays_what_it_is(tiny: Callable[..., str]) -> None:
    words = "{{ 7 * 7 }} {% raw %} %s {x}"
    assert words in prompt_of(config(tiny("llama")), words)[1]


def test_tools_and_their_turns_are_refused_before_anything_is_computed(tiny: Callable[..., str]) -> None:
    with Hub(config(tiny("llama"))) as hub, pytest.raises(Unsupported, match="ToolResult"):
        hub.text("a").generate([*CONVERSATION, Message("tool", ToolResult("1", "rain"))])


def test_an_encoder_decoder_takes_one_text_with_the_words_of_its_task_before_it(tiny: Callable[..., str]) -> None:
    path = tiny("t5")
    for task, prefix in {
        "summarization": "summarize: ",
        "translation": "translate English to French: ",
        "translation_en_to_fr": "translate English to French: ",
        "text2text-generation": "",
    }.items():
        tokenizer = transformers.AutoTokenizer.from_pretrained(path)
        assert prompt_of(config(path, task=task), "Tokyo is grey")[0] == tokenizer(f"{prefix}Tokyo is grey")["input_ids"]
    with pytest.raises(InvalidRequest, match=r"one text, not a conversation of 4"):
        prompt_of(config(path), CONVERSATION)
    assert "Tokyo" in prompt_of(config(path), CONVERSATION[:2])[1]


def test_the_settings_of_a_task_hold_for_it(tiny: Callable[..., str]) -> None:
    """BART's for summaries: two beams, and 24 tokens with the mark that it begins with."""
    for answer in four_ways(config(tiny("bart"), task="summarization"), "Tokyo is the capital of Japan."):
        assert answer.usage.output_tokens == 23
    with Hub(config(tiny("bart"), task="summarization", arguments={"max_length": 10})) as hub:
        assert hub.text("a").generate("Tokyo is the capital of Japan.").usage.output_tokens == 9


def test_an_empty_text_begins_with_the_models_mark(tiny: Callable[..., str]) -> None:
    assert prompt_of(config(tiny("gpt2")), [Message("user", "")])[0] == [0]


@pytest.mark.parametrize(("kind", "window"), [("gpt2", 128), ("llama", 256), ("bart", 128)])
def test_what_does_not_fit_is_refused_before_decoding_with_all_three_numbers(
    kind: str, window: int, tiny: Callable[..., str]
) -> None:
    """AT-K: ContextOverflow(n_prompt, n_ctx, n_max_tokens) before decoding."""
    with Hub(config(tiny(kind))) as hub:
        text = hub.text("a")
        with pytest.raises(ContextOverflow, match="the context window holds") as caught:
            text.generate("灯" * window, max_output_tokens=7)
        assert caught.value.prompt_tokens is not None
        assert caught.value.prompt_tokens > window
        assert (caught.value.context_window, caught.value.max_output_tokens) == (window, 7)


def test_an_answer_fills_the_window_and_no_more(tiny: Callable[..., str]) -> None:
    """AT-E2: what had no more room is an answer of finish reason ``length``."""
    for settings, window in (config(tiny("gpt2")), 128), (config(tiny("gpt2"), context_window=40), 40):
        with Hub(settings) as hub:
            text = hub.text("a")
            prompt = "The sea is grey and the wind is cold"
            count = text.count_tokens(prompt).tokens
            answer = text.generate(prompt)
            assert (answer.usage.total_tokens, answer.finish_reason) == (window, "length")
            assert text.generate(prompt, max_output_tokens=window - count).usage.total_tokens == window
            with pytest.raises(ContextOverflow):
                text.generate(prompt, max_output_tokens=window - count + 1)
            assert text.card.context_window == window


@pytest.mark.parametrize("kind", ["gpt2", "codeparrot", "llama", "llama2", "bloom", "bart", "t5"])
@pytest.mark.parametrize("text", ["Tokyo is the capital", "東京は日本の首都です。👩‍🚀", "def add(a, b):\n    return a\n"])
def test_tokens_are_counted_exactly_and_without_the_weights(kind: str, text: str, tiny: Callable[..., str]) -> None:
    """AT-A4: by the model's own tokenizer, with its template around the text."""
    with Hub(config(tiny(kind))) as hub:
        counted = hub.text("a").count_tokens(text)
        assert engines().names() == ()
        assert (counted.tokens, counted.exact) == (hub.text("a").generate(text, **SHORT).usage.input_tokens, True)


def test_tokens_are_counted_in_a_running_loop(tiny: Callable[..., str]) -> None:
    async def scene() -> None:
        async with AsyncHub(config(tiny("llama"))) as hub:
            counted = await hub.text("a").count_tokens(CONVERSATION)
            assert counted.exact
            assert counted.tokens == (await hub.text("a").generate(CONVERSATION, **SHORT)).usage.input_tokens

    asyncio.run(scene())


LIGHT = """
import sys, modelhub
with modelhub.Hub({"models": {"a": {"model": "huggingface:" + sys.argv[1]}}}) as hub:
    print(hub.text("a").count_tokens("東京 is grey").tokens, sorted({"torch", "transformers"} & sys.modules.keys()))
"""


def test_counting_a_plain_text_loads_no_library_that_computes(tiny: Callable[..., str]) -> None:
    """AT-A1: seconds and hundreds of megabytes."""
    path = tiny("gpt2")
    done = subprocess.run([sys.executable, "-c", LIGHT, path], capture_output=True, encoding="utf-8", check=True, timeout=60)
    count = len(transformers.AutoTokenizer.from_pretrained(path)("東京 is grey")["input_ids"])
    assert done.stdout == f"{count} []\n"
