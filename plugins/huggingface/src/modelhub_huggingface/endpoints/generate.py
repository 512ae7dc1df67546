"""Plain completion on TGI: ``generate``, and ``generate_stream``, which ends without a word for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from modelhub_openai.finish import finish_reason
from modelhub_openai.usage import estimated

from modelhub.plugin import (
    AnswerError,
    Finished,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    TextPart,
    TextRequest,
    TextResponse,
    TokenLogprob,
    Usage,
    enveloped,
)
from modelhub_huggingface.endpoints.server import Server
from modelhub_huggingface.endpoints.tgi_body import grammar
from modelhub_huggingface.pipelines.answers import parsed, rows
from modelhub_huggingface.pipelines.generation import sampling
from modelhub_huggingface.pipelines.prompts import one_text
from modelhub_huggingface.pipelines.site import body

if TYPE_CHECKING:
    from modelhub_huggingface.endpoints.generate_stream import GenerateDecoder

__all__ = ["Generate", "answer", "logprob", "whole"]

_KNOBS = frozenset(
    {"max_output_tokens", "temperature", "top_p", "top_k", "stop_sequences", "seed", "frequency_penalty", "logprobs"}
)
_ABLE = {"structured_output": True, "tools": False, "images": False, "audio": False, "files": False}


@dataclass(frozen=True)
class Generate:
    """One model of one TGI; its prompt is a text, and a schema is a grammar."""

    site: Server
    name: str
    about: ModelCard
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def card(self) -> ModelCard:
        return replace(self.about, capabilities=_ABLE, settings=_KNOBS)

    def build(self, request: TextRequest, *, stream: bool) -> HttpRequest:
        knobs = request.knobs
        parameters = {
            **sampling(knobs),
            "top_p": None if knobs.top_p == 1 or knobs.temperature == 0 else knobs.top_p,  # TGI refuses what cuts nothing off
            "stop": list(knobs.stop_sequences) if knobs.stop_sequences else None,
            "seed": knobs.seed,
            "frequency_penalty": knobs.frequency_penalty,
            "top_n_tokens": knobs.logprobs or None,
            "grammar": None if request.output is None else grammar(enveloped(request.output.schema)),
            "return_full_text": False,
            "details": True,
        }
        extra = request.extra.get(self.site.provider, {})
        content = body(one_text(request, self.card.model), parameters, self.arguments, extra)
        return self.site.call("generate_stream" if stream else "generate", content)

    def parse(self, response: HttpResponse) -> TextResponse[Any]:
        if response.body.startswith(b"data:"):  # a server that streams, whatever it is asked for
            decoder = self.decoder()
            events = [*decoder.feed(response.body), *decoder.close()]
            return cast("Finished[TextResponse[Any]]", events[-1]).response
        return whole(response, self.site, self.name)

    def decoder(self) -> GenerateDecoder:
        from modelhub_huggingface.endpoints.generate_stream import GenerateDecoder

        return GenerateDecoder(self.site, self.name)

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def completed(self, request: TextRequest, response: TextResponse[Any]) -> TextResponse[Any]:
        """The response without the log-probabilities that nobody asked for, and with tokens that nobody counted."""
        if request.knobs.logprobs is None and isinstance(response, TextResponse) and response.logprobs:
            response = replace(response, logprobs=None)
        return estimated(request, response)


def whole(response: HttpResponse, site: Server, name: str) -> TextResponse[Any]:
    """An answer that came at once. Raises ``AnswerError`` where it holds no text."""
    said = parsed(response, site, name)
    found = next((row for row in rows(said) if isinstance(row.get("generated_text"), str)), None)
    if found is None:
        raise AnswerError("The answer holds no generated_text.", head=json.dumps(said, ensure_ascii=False).encode()[:200])
    details = found.get("details") or {}
    listed, others = details.get("tokens") or [], details.get("top_tokens") or []
    pairs = zip(listed, [*others, *[None] * (len(listed) - len(others))], strict=False)
    told = {**details, "input_length": details.get("input_length") or response.headers.get("x-prompt-tokens")}
    logprobs = [read for token, top in pairs if (read := logprob(token, top)) is not None]
    return answer(site, name, found["generated_text"], told, logprobs, said)


def answer(
    site: Server, name: str, text: str, details: Mapping[str, Any], logprobs: list[TokenLogprob], raw: Any
) -> TextResponse[Any]:
    """A response of what came, whole or in pieces."""
    reason = details.get("finish_reason")
    raw_reason = reason if isinstance(reason, str) and reason else None
    seed = details.get("seed")
    return TextResponse(
        content=(TextPart(text),) if text else (),
        finish_reason=finish_reason(raw_reason, calls=False, refused=False),
        raw_finish_reason=raw_reason,
        logprobs=tuple(logprobs) or None,
        usage=Usage(input_tokens=_count(details.get("input_length")), output_tokens=_count(details.get("generated_tokens"))),
        provider_metadata={} if seed is None else {"seed": seed},
        model=name,
        provider=site.provider,
        raw=raw,
    )


def logprob(token: Any, others: Any) -> TokenLogprob | None:
    """A token of the text; ``None`` for one that only steers, and is no text."""
    if not isinstance(token, Mapping) or token.get("special") or not isinstance(token.get("logprob"), int | float):
        return None
    listed = [other for other in others or [] if isinstance(other, Mapping) and isinstance(other.get("logprob"), int | float)]
    alternatives = tuple((str(other.get("text")), float(other["logprob"])) for other in listed)
    return TokenLogprob(str(token.get("text")), float(token["logprob"]), alternatives)


def _count(value: Any) -> int | None:
    try:
        found = int(value)
    except (TypeError, ValueError):
        return None
    return found if found > 0 else None
