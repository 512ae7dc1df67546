"""What ``modelhub models`` is asked for, as a query: options for each axis on which models are chosen."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelhub.catalog.query import Query

__all__ = ["configure_filters", "provider_name", "query_of"]

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}


def configure_filters(parser: ArgumentParser) -> None:
    """The options; each that is left out does not matter, and what is unknown of a model is not found."""
    what = parser.add_argument_group("what the model is")
    what.add_argument("--search", metavar="WORDS", help="all of these words in its name, title or description")
    what.add_argument("--kind", metavar="KIND", help="text, embedding, image, speech, transcription or reranking")
    what.add_argument("--task", metavar="TASK", help="what it was made for: summarization, text-to-image...")
    what.add_argument("--family", metavar="FAMILY", help="decoder, encoder, encoder-decoder or diffusion")
    what.add_argument("--architecture", metavar="NAME", help="how its network is built: bert, t5...")
    what.add_argument("--library", metavar="NAME", help="whose files it has: transformers, diffusers, gguf...")
    what.add_argument("--language", metavar="TAG", help="a language that it knows: ja, pt-BR...")
    what.add_argument("--inputs", type=_words, metavar="WHAT", help="what it takes: text,image")
    what.add_argument("--outputs", type=_words, metavar="WHAT", help="what it gives: text, vector, image, audio or order")
    terms = parser.add_argument_group("on which terms")
    terms.add_argument("--licence", metavar="LICENCE", help="apache-2.0, mit...")
    _either(terms, "open_weights", "--open", "its weights can be had", "--proprietary", "it is a service alone")
    _either(terms, "gated", "--gated", "its files are given to some only", "--not-gated", "its files are given to everyone")
    terms.add_argument("--fine-tunable", action="store_true", default=None, help="it can be trained further")
    terms.add_argument("--service", dest="local", action="store_false", default=None, help="it runs elsewhere")
    terms.add_argument("--data", metavar="WORDS", help="words of where what is sent goes: 'this machine', a host, a place")
    sizes = parser.add_argument_group("how large, how dear")
    sizes.add_argument("--min-context", type=_count, metavar="TOKENS", help="a window of so many tokens at least: 32k")
    sizes.add_argument("--max-parameters", type=_count, metavar="N", help="so many weights at most: 8.5B")
    sizes.add_argument("--max-price", type=_dollars, metavar="DOLLARS", help="for a million output tokens")
    shown = parser.add_argument_group("which are shown")
    shown.add_argument("--sort", metavar="ORDER", help="name, downloads, likes, updated, parameters, context or price")
    shown.add_argument("--limit", type=int, metavar="N", help="so many at most (default: 50 of those that are looked for)")


def query_of(arguments: Namespace) -> Query | None:
    """The query; ``None`` where nothing is asked for. Raises ``InvalidRequest``."""
    from modelhub.catalog.query import Query

    named = {field.name: getattr(arguments, field.name) for field in fields(Query)}
    given = {name: value for name, value in named.items() if value not in (None, "")}  # a variable of the shell may be unset
    return Query(**given) if given else None


def _either(group: Any, name: str, yes: str, yes_help: str, no: str, no_help: str) -> None:
    """Two options that exclude each other."""
    pair = group.add_mutually_exclusive_group()
    pair.add_argument(yes, dest=name, action="store_true", default=None, help=yes_help)
    pair.add_argument(no, dest=name, action="store_false", default=None, help=no_help)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _count(text: str) -> int:
    """``32k`` is 32,000, ``8.5B`` is 8,500,000,000."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmbt]?)", text.strip().replace(",", "").replace("_", ""), re.IGNORECASE)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is not a number; write it as 32000, 32k or 8.5B")
    count = round(float(found[1]) * _UNITS[found[2].lower()])
    if count < 1:
        raise ArgumentTypeError(f"{text!r} is less than one: is it {text}B?")
    return count


def _dollars(text: str) -> float:
    """``0.5``, ``$0.50``."""
    try:
        return float(text.strip().removeprefix("$"))
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no amount of US dollars; write it as 0.5") from None


def provider_name(text: str) -> str:
    """The name of a provider, which is not empty."""
    if not text.strip():
        raise ArgumentTypeError("it is empty; write the name of a provider")
    return text
