"""What an answer cost: the invoice's number, or none and the reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from modelhub.interfaces.content import Message, TextPart
from modelhub.interfaces.image import ImageRequest
from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import Finished, ModelCard, Usage
from modelhub.price import Price
from modelhub.testing import Driven
from modelhub.wrappers.pricing import Priced, cost

QUESTION = TextRequest(messages=(Message("user", "いくらですか？"),))


def price(**amounts: str) -> Price:
    return Price(**{name: Decimal(amount) for name, amount in amounts.items()})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rates", "usage", "expected"),
    [
        pytest.param(
            price(input="1.25", cached_input="0.625", output="10"),
            Usage(input_tokens=262_960, cached_tokens=257_955, output_tokens=1_744),
            "0.184918125",
            id="cached-tokens-are-inside-the-input",  # BerriAI/litellm#14849: 0.7642 was reported
        ),
        pytest.param(
            price(input="3", cache_write="3.75", output="15"),
            Usage(input_tokens=12_307, cache_write_tokens=12_304, output_tokens=550),
            "0.054399",
            id="cache-writes-are-inside-the-input",  # BerriAI/litellm#9812: 0.091311 was reported
        ),
        pytest.param(
            price(input="2.5", cached_input="1.25", output="10"),
            Usage(input_tokens=2_006, cached_tokens=1_920, output_tokens=300, reasoning_tokens=0),
            "0.005615",
            id="the-first-cached-prompt",  # the usage of BerriAI/litellm#6215
        ),
        pytest.param(
            price(input="2", output="8"), Usage(input_tokens=10, cached_tokens=4, output_tokens=0), "0.00002", id="no-discount"
        ),
        pytest.param(price(input="0.02"), Usage(input_tokens=8_192), "0.00016384", id="embedding"),
        pytest.param(price(minute="0.006"), Usage(audio_seconds=90.5), "0.00905", id="sound"),
        pytest.param(price(characters="15"), Usage(characters=2_000), "0.03", id="characters"),
        pytest.param(price(input="1", output="1"), Usage(input_tokens=0, output_tokens=0), "0", id="nothing-used"),
    ],
)
def test_a_cost_is_right_to_the_millionth(rates: Price, usage: Usage, expected: str) -> None:
    """AT-G1."""
    assert cost(rates, usage) == Decimal(expected)


@pytest.mark.parametrize(
    ("rates", "usage", "reason"),
    [
        (price(input="1", output="1"), Usage(), "how many input tokens"),
        (price(input="1", output="1"), Usage(input_tokens=3), "how many output tokens"),
        (price(input="1"), Usage(input_tokens=3, output_tokens=3), "No price is known for output tokens"),
        (price(), Usage(input_tokens=3), "No price is known for input tokens"),
        (price(), Usage(), "did not say what was used"),
        (price(input="1", output="1"), Usage(input_tokens=3, output_tokens=3, source="estimated"), "only an estimate"),
        (price(input="1", output="1"), Usage(input_tokens=3, cached_tokens=4, output_tokens=1), "contradict"),
        (price(input="1", output="1"), Usage(input_tokens=1, output_tokens=1, audio_seconds=2.0), "seconds of sound"),
    ],
)
def test_where_a_part_is_unknown_there_is_no_sum_but_a_reason(rates: Price, usage: Usage, reason: str) -> None:
    """AT-G1: an unknown price is no price of 0."""
    found = cost(rates, usage)
    assert isinstance(found, str)
    assert reason in found


def test_an_image_costs_what_its_size_and_quality_cost() -> None:
    rates = Price(images={"standard 1024x1024": Decimal("0.04"), "hd 1792x1024": Decimal("0.12")})
    assert cost(rates, Usage(images=2), ImageRequest(prompt="猫")) == Decimal("0.08")
    assert cost(rates, Usage(images=1), ImageRequest(prompt="猫", quality="hd", size=(1792, 1024))) == Decimal("0.12")
    assert cost(rates, Usage(images=1), ImageRequest(prompt="猫", quality="hd")) == "No price is known for images."


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity"])
def test_a_price_is_an_amount_of_money(amount: str) -> None:
    with pytest.raises(ValueError, match="output is"):
        price(output=amount)


@dataclass(frozen=True)
class Speaker:
    response: TextResponse[Any]

    @property
    def card(self) -> ModelCard:
        return ModelCard(model="speaker:one", kind="text")

    async def call(self, request: Any, runtime: Any) -> TextResponse[Any]:
        return self.response

    async def stream(self, request: Any, runtime: Any) -> Any:
        yield Finished(self.response)


ANSWER = TextResponse[None](
    content=(TextPart("百円"),), usage=Usage(input_tokens=1_000_000, output_tokens=1), finish_reason="stop"
)


def test_call_and_stream_tell_the_same_cost(runtime: Driven) -> None:
    model = Priced(Speaker(ANSWER), price(input="2", output="8"))
    called = runtime.call(model, QUESTION)
    *_, finished = runtime.stream(model, QUESTION)
    assert called.cost == finished.response.cost == Decimal("2.000008")
    assert called.unpriced is None


def test_what_the_provider_says_it_charged_is_kept(runtime: Driven) -> None:
    told = replace(ANSWER, cost=Decimal("0.5"), unpriced=None)
    assert runtime.call(Priced(Speaker(told), price(input="2", output="8")), QUESTION).cost == Decimal("0.5")


def test_without_a_price_the_answer_says_so() -> None:
    assert ANSWER.cost is None
    assert ANSWER.unpriced == "No price is known for this model."
