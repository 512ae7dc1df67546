"""Encoders as text models: gaps filled, texts put under labels, answers found; each held against the library's own pipeline."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Literal

import pytest
from local_asking import config, four_ways

from modelhub import ContextOverflow, Hub, InvalidRequest, OutputInvalid, TimedOut, Timeouts, Unsupported
from modelhub.plugin import Passage, Span

pytest.importorskip("torch", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')
transformers = pytest.importorskip("transformers", reason='it computes: pip install "modelhub-huggingface[local]"')

TEXTS = ("The weather is good", "東京に雨が降っています。", "bad sport and no joy in June")


def pipeline(task: str, path: str) -> Any:
    from tiny_models import quiet

    quiet()
    return transformers.pipeline(task, path, device="cpu")


def ask(path: str, prompt: Any, provider: dict[str, Any] | None = None, **options: Any) -> Any:
    with Hub(config(path, **(provider or {}))) as hub:
        return hub.text("a").generate(prompt, **options)


def arguments(**given: Any) -> dict[str, Any]:
    return {"extra": {"huggingface": given}}


@pytest.mark.parametrize("text", TEXTS)
def test_a_label_is_the_pipelines(text: str, tiny: Callable[..., str]) -> None:
    path = tiny("bert-classes")
    expected = {row["label"]: row["score"] for row in pipeline("text-classification", path)(text, top_k=None)}
    for answer in four_ways(config(path), text):
        assert answer.provider_metadata["scores"] == pytest.approx(expected, abs=1e-5)
        assert list(answer.provider_metadata["scores"]) == list(expected), "Best first."
        assert answer.text == next(iter(expected))
        assert (answer.finish_reason, answer.complete) == ("stop", True)
        assert answer.usage.input_tokens == len(transformers.AutoTokenizer.from_pretrained(path)(text)["input_ids"])


def test_several_labels_may_be_right(tiny: Callable[..., str]) -> None:
    path = tiny("bert-classes", problem_type="multi_label_classification")
    expected = {row["label"]: row["score"] for row in pipeline("text-classification", path)(TEXTS[0], top_k=None)}
    assert ask(path, TEXTS[0]).provider_metadata["scores"] == pytest.approx(expected, abs=1e-5)


class Feeling(Enum):
    GOOD = "Positive"
    BAD = "NEGATIVE"
    NONE = "neutral"


@pytest.mark.parametrize("text", TEXTS)
def test_a_type_of_choices_is_answered_with_one_of_them(text: str, tiny: Callable[..., str]) -> None:
    """So that the same lines work with a classifier and with a model that chats; in whatever case the labels are written."""
    label = ask(tiny("bert-classes"), text).text
    for chosen in (Feeling, Literal["Positive", "NEGATIVE", "neutral"]):
        for answer in four_ways(config(tiny("bert-classes")), text, output_type=chosen):
            output = answer.output.value if isinstance(answer.output, Feeling) else answer.output
            assert output.lower() == label
            assert answer.notices == ()


def test_a_label_that_nobody_asked_for_is_no_answer(tiny: Callable[..., str]) -> None:
    with pytest.raises(OutputInvalid, match="its labels are 'negative', 'neutral', 'positive'"):
        ask(tiny("bert-classes"), TEXTS[0], output_type=Literal["rain", "sun"])
    with pytest.raises(Unsupported, match=r"output_type=Literal\['a', 'b'\] can be asked for"):
        ask(tiny("bert-classes"), TEXTS[0], output_type=dict[str, int])


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("given", [{}, {"multi_label": True}, {"hypothesis_template": "It is about {}."}])
def test_labels_of_ones_own_are_the_pipelines(text: str, given: dict[str, Any], tiny: Callable[..., str]) -> None:
    path = tiny("bert-entailment")
    told = pipeline("zero-shot-classification", path)(text, candidate_labels=["weather", "sport", "joy"], **given)
    expected = dict(zip(told["labels"], told["scores"], strict=True))
    answer = ask(path, text, output_type=Literal["weather", "sport", "joy"], **arguments(**given))
    assert answer.provider_metadata["scores"] == pytest.approx(expected, abs=1e-5)
    assert answer.output == told["labels"][0]
    assert ask(path, text, {"arguments": given}, output_type=Literal["weather", "sport", "joy"]) == answer


def test_labels_are_judged_by_and_by_and_no_longer_than_they_are_wanted(tiny: Callable[..., str]) -> None:
    """AT-C7."""
    from modelhub_huggingface.local.encoders.encoder import load
    from modelhub_huggingface.local.encoders.entailment import entailments
    from modelhub_huggingface.local.files import ModelFolder
    from modelhub_huggingface.options import HuggingFaceOptions

    engine = load("AutoModelForSequenceClassification", ModelFolder(tiny("bert-entailment")), HuggingFaceOptions(threads=1))
    labels, rows = [f"{word} {number}" for word in ("joy", "雨") for number in range(300)], []
    engine.part.network.register_forward_pre_hook(lambda _, __, given: rows.append(len(given["input_ids"])), with_kwargs=True)
    shares, _ = entailments(engine.part, TEXTS[0], labels, lambda: True)
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert sum(rows) == len(labels)
    assert len(rows) > 5
    rows.clear()
    entailments(engine.part, TEXTS[0], labels, iter((True, True, False)).__next__)
    assert len(rows) == 2
    engine.close()


def test_a_long_text_is_measured_once_and_not_beside_each_label(tiny: Callable[..., str]) -> None:
    with (
        Hub(config(tiny("bert-entailment"))) as hub,
        pytest.raises(ContextOverflow, match="the model reads 64 at once") as caught,
    ):
        hub.reranking("a").rank("rain " * 1000, [str(number) for number in range(100_000)], timeouts=Timeouts(total=5.0))
    assert caught.value.prompt_tokens is not None
    assert caught.value.prompt_tokens > 1000


def test_an_answer_that_nobody_waits_for_is_not_looked_for(tiny: Callable[..., str]) -> None:
    settings = config(tiny("bert-answers"))
    with Hub(settings) as hub:
        hub.text("a").generate("Tokyo is here.\n\nWhat is here?")
        with pytest.raises(TimedOut):
            hub.text("a").generate("Tokyo is here. " * 4000 + "\n\nWhat is here?", timeouts=Timeouts(total=0.3))
        assert hub.text("a").generate("Tokyo is here.\n\nWhat is here?").text


@pytest.mark.parametrize("kind", ["bert-classes", "bert-entailment", "bert-gaps", "bert-answers"])
def test_an_argument_that_is_not_looked_at_is_refused(kind: str, tiny: Callable[..., str]) -> None:
    prompt, choices = "Tokyo is [MASK].\n\nWhere?", {"output_type": Literal["joy", "sport"]} if "ment" in kind else {}
    for options in ({"num_baems": 3}, {"hypothesis_templat": "{}"}):
        with pytest.raises(InvalidRequest, match=r"arguments.* not '(num_baems|hypothesis_templat)'"):
            ask(tiny(kind), prompt, {"arguments": options}, **choices)
        with pytest.raises(InvalidRequest, match=r"arguments.* not '(num_baems|hypothesis_templat)'"):
            ask(tiny(kind), prompt, **arguments(**options), **choices)
    with pytest.raises(InvalidRequest, match="Did you mean 'hypothesis_template'"):
        ask(tiny("bert-entailment"), prompt, **arguments(hypothesis_templat="{}"), output_type=Literal["joy"])


def test_labels_of_ones_own_have_to_be_named(tiny: Callable[..., str]) -> None:
    with pytest.raises(InvalidRequest, match=r"write output_type=Literal\['positive', 'negative'\]"):
        ask(tiny("bert-entailment"), TEXTS[0])
    with pytest.raises(InvalidRequest, match=r"the label's place in it is \{\}"):
        ask(tiny("bert-entailment"), TEXTS[0], output_type=Literal["joy"], **arguments(hypothesis_template="no place"))


@pytest.mark.parametrize("text", ["Tokyo is the {} of Japan.", "{}が降る", "it rains {}"])
@pytest.mark.parametrize("gap", ["[MASK]", "<mask>"])
def test_a_gap_is_filled_as_the_pipeline_fills_it(text: str, gap: str, tiny: Callable[..., str]) -> None:
    path = tiny("bert-gaps")
    rows = pipeline("fill-mask", path)(text.replace("{}", "[MASK]"), top_k=3)
    expected = {row["token_str"].strip(): row["score"] for row in rows}
    for answer in four_ways(config(path), text.replace("{}", gap), **arguments(top_k=3)):
        assert answer.provider_metadata["scores"] == pytest.approx(expected, abs=1e-5)
        best = next(iter(expected))
        joined = best.removeprefix("##")
        whole = text.replace(" {}" if best.startswith("##") else "{}", joined)
        assert answer.text == (whole if "{}" not in whole else whole.replace("{}", joined))


def test_several_gaps_are_filled_at_once(tiny: Callable[..., str]) -> None:
    answer = ask(tiny("bert-gaps"), "Tokyo is [MASK] capital, and it <mask> there.")
    first, second = answer.provider_metadata["words"]
    assert answer.text in (
        f"Tokyo is {first} capital, and it {second} there.",
        f"Tokyo is {first} capital, and it{second} there.",
    )
    assert first == next(iter(answer.provider_metadata["scores"]))


def test_a_text_without_a_gap_is_refused(tiny: Callable[..., str]) -> None:
    with pytest.raises(InvalidRequest, match=r"write \[MASK\] where a word is missing"):
        ask(tiny("bert-gaps"), "Tokyo is here.")
    with pytest.raises(InvalidRequest, match="top_k"):
        ask(tiny("bert-gaps"), "Tokyo is [MASK].", **arguments(top_k=0))


CONTEXT = "Tokyo is the capital of Japan, and it rains there in June. 東京は日本の首都です。"


@pytest.mark.parametrize("context", [CONTEXT, CONTEXT * 8], ids=["short", "long"])
def test_an_answer_is_the_stretch_that_the_pipeline_finds(context: str, tiny: Callable[..., str]) -> None:
    """Also where the text is longer than what the network reads at once."""
    path = tiny("bert-answers")
    expected = best_of_all(path, "What is Tokyo?", context)
    for answer in four_ways(config(path), f"{context}\n\nWhat is Tokyo?"):
        start, end = answer.provider_metadata["start"], answer.provider_metadata["end"]
        assert answer.text == context[start:end]
        assert max(answer.provider_metadata["scores"].values()) == pytest.approx(expected[0], abs=1e-5)
        assert answer.text == context[expected[1] : expected[2]]


def best_of_all(path: str, question: str, context: str) -> tuple[float, int, int]:
    """By trying every beginning and every end of every piece."""
    import torch

    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    network = transformers.AutoModelForQuestionAnswering.from_pretrained(path)
    asked = len(tokenizer(question)["input_ids"])
    pieces = tokenizer(
        question, context, truncation="only_second", max_length=64, stride=(64 - asked) // 3,
        return_overflowing_tokens=True, return_offsets_mapping=True,
    )  # fmt: skip
    found = []
    for place, (tokens, kinds) in enumerate(zip(pieces["input_ids"], pieces["token_type_ids"], strict=True)):
        with torch.inference_mode():
            said = network(torch.tensor([tokens]), token_type_ids=torch.tensor([kinds]))
        inside = [n for n, part in enumerate(pieces.sequence_ids(place)) if part == 1]
        begin, end = (scores[0, inside].softmax(-1).tolist() for scores in (said.start_logits, said.end_logits))
        offsets = [pieces["offset_mapping"][place][n] for n in inside]
        for first in range(len(inside)):
            lasts = range(first, min(first + 15, len(inside)))
            found += [(begin[first] * end[last], offsets[first][0], offsets[last][1]) for last in lasts]
    return max(found)


def test_an_answer_out_of_passages_is_a_citation(tiny: Callable[..., str]) -> None:
    from modelhub.plugin import Message, TextRequest
    from modelhub.testing.driven import driven

    texts = ("The lighthouse stands on the cliff.", "It rains in Tokyo.\nThe sea is grey.")
    passages = tuple(
        Passage(f"p{number}", text, f"{number}.md", Span(100, 100 + len(text), 7, 7 + text.count("\n")))
        for number, text in enumerate(texts)
    )
    request = TextRequest(messages=(Message("user", "What is grey?"),), passages=passages)
    with Hub(config(tiny("bert-answers"))) as hub, driven("blocking") as caller:
        model = hub.text("a").model
        assert model.card.supports("passages") is True
        answer = caller.call(model, request)
    (citation,) = answer.citations
    passage = passages[citation.number - 1]
    assert citation.quote == answer.text
    assert citation.passage_id == passage.id
    assert passage.text[citation.span.start - 100 : citation.span.end - 100] == answer.text


def test_a_question_needs_a_text(tiny: Callable[..., str]) -> None:
    with pytest.raises(InvalidRequest, match="put it before the question"):
        ask(tiny("bert-answers"), "What is Tokyo?")
    with pytest.raises(ContextOverflow, match="The question has"):
        ask(tiny("bert-answers"), "Tokyo.\n\n" + "What is it? " * 20)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("bert-classes", {}), ("bert-entailment", {"output_type": Literal["joy", "sport"]}), ("bert-gaps", {})],
)
def test_a_text_that_is_too_long_is_refused_and_never_cut(kind: str, options: dict[str, Any], tiny: Callable[..., str]) -> None:
    with pytest.raises(ContextOverflow, match="the model reads 64 at once") as caught:
        ask(tiny(kind), "It rains in Tokyo [MASK] " * 30, **options)
    assert caught.value.context_window == 64
    assert caught.value.prompt_tokens is not None
    assert caught.value.prompt_tokens > 64


def test_an_encoder_takes_one_text_and_says_so(tiny: Callable[..., str]) -> None:
    for kind in ("bert-classes", "bert-gaps"):
        with pytest.raises(InvalidRequest, match="takes one text, not 2 messages"):
            ask(tiny(kind), "Tokyo [MASK]", system="Be brief.")


def test_a_card_says_that_it_is_an_encoder(tiny: Callable[..., str]) -> None:
    tasks = {
        "bert-classes": "text-classification",
        "bert-entailment": "zero-shot-classification",
        "bert-gaps": "fill-mask",
        "bert-answers": "question-answering",
    }
    for kind, task in tasks.items():
        with Hub(config(tiny(kind))) as hub:
            card = hub.text("a").card
        assert (card.task, card.family, card.settings, card.local) == (task, "encoder", frozenset(), True)
