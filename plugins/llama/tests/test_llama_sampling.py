"""Seeds, temperatures, log-probabilities, grammars: what llama.cpp is told, and that it heeds it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asking import config, four_ways, grammar, saying, serving
from tiny_gguf import write

from modelhub import BadRequest, Hub, InvalidRequest, TextResponse

pytest.importorskip("xllamacpp", reason='the engine is not installed: pip install "modelhub-llama[engine]"')

LETTERS = {"llama": {"grammar": "root ::= [a-z]+"}}


@pytest.fixture(scope="module", params=["in-process", "server"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    path = write(tmp_path_factory.mktemp("models") / "tiny.gguf", context=1024)
    if request.param == "in-process":
        yield config(path, context_window=1024, parallel=4)
    else:
        with serving(path, n_parallel=4) as found:
            yield found


def test_an_answer_repeats_with_its_seed(place: dict[str, Any]) -> None:
    """In a call and in a stream, with the prompt cached since the first of them."""
    options: dict[str, Any] = {"temperature": 1.0, "max_output_tokens": 40, "extra": LETTERS}
    same = {response.text for _ in range(2) for response in four_ways(place, "東京", seed=7, **options)}
    other = {response.text for response in four_ways(place, "東京", seed=8, **options)}
    assert (len(same), len(other)) == (1, 1)
    assert same != other


def test_an_answer_repeats_beside_others(place: dict[str, Any]) -> None:
    with Hub(place) as hub, ThreadPoolExecutor(8) as threads:
        model = hub.text("a")

        def ask(number: int) -> str:
            prompt = "東京" if number % 2 else f"別の話{number}" * 5
            return model.generate(prompt, seed=7, temperature=1.0, max_output_tokens=40, extra=LETTERS).text

        alone = ask(1)
        assert set(list(threads.map(ask, range(24)))[1::2]) == {alone}


def test_log_probabilities_repeat_to_the_last_bit_without_the_cache_of_prompts(place: dict[str, Any]) -> None:
    """With it, a prompt that is computed in another batch may differ in the fourth decimal."""
    with Hub(place) as hub:

        def ask(**extra: Any) -> list[float]:
            given = {"llama": {**LETTERS["llama"], **extra}}
            response = hub.text("a").generate("東京" * 9, seed=3, max_output_tokens=12, logprobs=0, extra=given)
            assert response.logprobs is not None
            return [token.logprob for token in response.logprobs]

        exact = [ask(cache_prompt=False) for _ in range(3)]
        cached = ask()
    assert exact[0] == exact[1] == exact[2]
    assert cached == pytest.approx(exact[0], abs=0.01)


def test_temperature_zero_takes_the_likeliest(place: dict[str, Any]) -> None:
    answers = four_ways(place, "東京", temperature=0.0, logprobs=1, max_output_tokens=10, extra={"llama": {"ignore_eos": True}})
    assert len({answer.text for answer in answers}) == 1
    for answer in answers:
        assert answer.logprobs is not None
        assert [token.logprob for token in answer.logprobs if token.alternatives] == pytest.approx(
            [token.alternatives[0][1] for token in answer.logprobs if token.alternatives], abs=0.01
        )


@pytest.mark.parametrize("wanted", [0, 1, 3])
def test_log_probabilities_come_with_as_many_alternatives_as_asked(wanted: int, place: dict[str, Any]) -> None:
    for response in four_ways(place, "x", extra=saying("日a🗼"), logprobs=wanted, max_output_tokens=30):
        assert response.logprobs is not None
        assert "".join(token.token for token in response.logprobs) == "日a🗼"
        for token in response.logprobs:
            assert token.logprob <= 0
            assert len(token.alternatives) == wanted
            assert sorted((number for _, number in token.alternatives), reverse=True) == [
                number for _, number in token.alternatives
            ]


def test_knobs_of_llama_cpp_alone_go_through_extra_and_configuration(place: dict[str, Any]) -> None:
    def answers(**options: Any) -> set[str]:
        own = {"ignore_eos": True, **options.pop("own", {})}
        found = four_ways(place, "東京", max_output_tokens=8, extra={"llama": own}, **options)
        assert {response.finish_reason for response in found} == {"length"}
        return {response.text for response in found}

    likeliest = answers(temperature=0.0)
    assert len(likeliest) == 1
    assert answers(temperature=1.5, top_k=1) == likeliest
    for own in ({"top_k": 1}, {"min_p": 1.0}, {"samplers": ["top_k"], "top_k": 1}):
        assert answers(temperature=1.5, own=own) == likeliest
    settings = {**place, "providers": {"llama": {**place["providers"]["llama"], "extra_body": {"grammar": grammar("はい")}}}}
    assert {response.text for response in four_ways(settings, "東京")} == {"はい"}


@pytest.mark.parametrize(
    "bad", ['root ::= "日本語', "root ::= missing", 'other ::= "x"', 'root ::= root "x" | "y"', "ルート ::= 何か", ""]
)
def test_a_bad_grammar_is_an_error_and_the_engine_lives_on(bad: str, place: dict[str, Any]) -> None:
    with Hub(place) as hub:
        model = hub.text("a")
        if bad:
            with pytest.raises(
                BadRequest, match=r"^The grammar \(GBNF\) has a mistake; .*failed to parse grammar\)\.$"
            ) as caught:
                model.generate("x", extra={"llama": {"grammar": bad}})
            assert not caught.value.retryable
            with pytest.raises(BadRequest, match="failed to parse grammar"):
                list(model.stream("x", extra={"llama": {"grammar": bad}}))
        else:  # an empty one is none
            model.generate("x", extra={"llama": {"grammar": bad}}, max_output_tokens=1)
        assert model.generate("x", extra=saying("生きている")).text == "生きている"


def test_a_grammar_and_a_type_are_not_both_taken(place: dict[str, Any]) -> None:
    with Hub(place) as hub, pytest.raises(InvalidRequest, match="leave one out"):
        hub.text("a").generate("x", output_type=bool, extra=saying("はい"))


def test_a_type_goes_before_the_grammar_of_the_configuration(place: dict[str, Any]) -> None:
    settings = {**place, "providers": {"llama": {**place["providers"]["llama"], "extra_body": {"grammar": grammar("はい")}}}}
    for response in four_ways(settings, "x", output_type=bool, max_output_tokens=60):
        assert response.output in (True, False)
        assert [notice.setting for notice in response.notices] == ["grammar"]


def test_a_value_that_llama_cpp_does_not_take_is_told_in_its_words(place: dict[str, Any]) -> None:
    with Hub(place) as hub, pytest.raises(BadRequest, match="min_p"):
        hub.text("a").generate("x", extra={"llama": {"min_p": "多い"}})


def test_usage_tells_what_came_out_of_the_cache(place: dict[str, Any]) -> None:
    with Hub(place) as hub:
        answers: list[TextResponse[None]] = [hub.text("a").generate("キャッシュ" * 5, max_output_tokens=1) for _ in range(2)]
    assert answers[0].usage.input_tokens == answers[1].usage.input_tokens
    assert answers[1].usage.cached_tokens
