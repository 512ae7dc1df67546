"""The laws of every model, whatever its kind and wherever it computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from modelhub.errors import InvalidRequest, ModelhubError, Unsupported, did_you_mean
from modelhub.model import AnyModel, Kind, Request, Response
from modelhub.testing.driven import Driven, driven
from modelhub.testing.fake import FakeRuntime
from modelhub.testing.laws import count_honestly

__all__ = ["ModelConformance"]


@pytest.mark.usefixtures("loopback_only")
class ModelConformance:
    """Say ``model_id = "shout:loud"`` and the model is built as a hub builds it; or override ``model``.

    ``request`` is what it is asked, ``options`` what ``[providers.NAME]`` would hold. An answer that differs from call to
    call in something without meaning (an id, a date) is made comparable in ``comparable``.
    """

    kind: ClassVar[Kind]
    model_id: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {}
    knobs: ClassVar[Mapping[str, Any]] = {}
    """Each optional setting of this kind, with a value that makes a difference."""

    def model(self) -> AnyModel:
        """The model under test."""
        from modelhub.testing.installed import build

        return build(self.kind, self.model_id, self.options)

    def request(self) -> Request:
        """What it is asked."""
        raise AssertionError("Override request(): this kind has no request that would suit every model.")

    def needing(self) -> Mapping[str, Request]:
        """For each capability of this kind, a request that cannot do without it."""
        return {}

    def having(self, setting: str) -> Request:
        """The request with one optional setting."""
        return replace(self.request(), **{setting: self.knobs[setting]})

    def comparable(self, response: Any) -> Any:
        """What must be equal when the same request is answered twice."""
        return response

    def test_the_card_says_kind_and_name(self) -> None:
        card = self.model().card
        assert card.kind == self.kind, f"The card's kind is {card.kind!r}: this is a {self.kind} model."
        assert card.model == self.model_id, f"The card's model is {card.model!r}: give the whole id, {self.model_id!r}."

    def test_the_card_speaks_the_words_of_requests(self) -> None:
        card, capabilities = self.model().card, sorted(self.needing())
        for word in card.capabilities.keys() - set(capabilities):
            hint = did_you_mean(word, capabilities)
            assert not hint, f"No {self.kind} request ever needs {word!r}, so the card says nothing with it.{hint}"
        for word in (card.settings or frozenset()) - self.knobs.keys():
            raise AssertionError(f"{self.kind} requests have no setting {word!r}.{did_you_mean(word, sorted(self.knobs))}")

    def test_what_the_card_denies_is_refused_before_anything_is_sent(self) -> None:
        for capability, request in self.needing().items():
            if self.model().card.supports(capability) is False:
                runtime = FakeRuntime()
                refused = _error(self.negotiated(), request, runtime)
                assert isinstance(refused, Unsupported), f"The card denies {capability!r}, yet {refused!r} came: keep it."
                assert not runtime.requests, f"{capability!r} was refused after something was sent: raise Unsupported before."

    def test_what_the_card_promises_is_accepted(self, runtime: Driven) -> None:
        for capability, request in self.needing().items():
            if self.model().card.supports(capability):
                refused = _refusal(self.model(), request, runtime)
                assert refused is None, f"The card promises {capability!r}, and the model refuses it: {refused}"

    def test_nothing_is_dropped_in_silence(self, runtime: Driven) -> None:
        card = self.model().card
        assert card.settings is not None, (
            f"{card.model} knows what it honours: name the settings on its card (frozenset() for none), "
            "so that callers get a Notice for all others."
        )
        for capability, request in self.needing().items():
            if card.supports(capability) is None:
                refused = _refusal(self.model(), request, runtime)
                assert refused is not None, (
                    f"A request with {capability!r} was answered, and the card does not name it: put "
                    f"{capability!r}: False on the card if it was ignored, True if it was heeded."
                )

    def test_a_setting_that_the_card_names_is_taken_and_any_other_is_a_notice(self, runtime: Driven) -> None:
        honoured = self.model().card.settings
        for setting in self.knobs:
            try:
                noticed = {notice.setting for notice in runtime.call(self.negotiated(), self.having(setting)).notices}
            except (InvalidRequest, Unsupported):
                continue
            if honoured is not None and setting in honoured:
                assert setting not in noticed, f"The card honours {setting!r}, and a Notice says the opposite: settle on one."
            elif honoured is not None:
                assert setting in noticed, f"{setting!r} was left out without a Notice: keep the notices of the response."

    def test_both_runtimes_give_the_same_answer(self) -> None:
        with driven("blocking") as blocking, driven("asynchronous") as asynchronous:
            first = self.comparable(blocking.call(self.model(), self.request()))
            second = self.comparable(asynchronous.call(self.model(), self.request()))
        assert first == second, f"Blocking gave {first!r}, asynchronous {second!r}: see comparable() if only an id differs."

    def test_the_answer_says_who_gave_it(self, runtime: Driven) -> None:
        response = runtime.call(self.model(), self.request())
        provider = self.model_id.partition(":")[0]
        assert isinstance(response, Response), f"call() gave {type(response).__name__}: give a response of modelhub.plugin."
        assert response.provider == provider, f"response.provider is {response.provider!r}: set it to {provider!r}."
        assert response.model, "response.model is empty: set it to the model's name, as the provider says it."

    def test_usage_is_counted_or_unknown_never_zero(self, runtime: Driven) -> None:
        count_honestly(runtime.call(self.model(), self.request()))

    def test_asking_leaves_the_model_as_it_was(self, runtime: Driven) -> None:
        model = self.model()
        before, card = repr(model), model.card
        runtime.call(model, self.request())
        assert (repr(model), model.card) == (before, card), "The model changed while it answered: keep state in the call."

    def negotiated(self) -> AnyModel:
        """The model as an application meets it: held against its card."""
        from modelhub.wrappers.negotiation import Negotiation

        return Negotiation(self.model())


def _error(model: AnyModel, request: Request, runtime: FakeRuntime) -> Exception | None:
    with driven("blocking", runtime) as caller:
        try:
            caller.call(model, request)
        except ModelhubError as error:
            return error
    return None


def _refusal(model: AnyModel, request: Request, caller: Driven) -> Exception | None:
    try:
        caller.call(model, request)
    except (InvalidRequest, Unsupported) as error:
        return error
    return None
