"""Which sentences of some passages best answer a question.

A sentence earns, for each term of the question that it shares, that term's rarity among the sentences at hand (as BM25 counts
it); a part of it where only a neighbour or the heading has the term; more where two terms stand together as in the question;
more where the question asks for a number and the sentence has one that the question has not; and more the earlier its passage
came, for the search that found the passages has seen all documents, and this has not. The weights are round numbers from a
region where results hardly change with them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log

from modelhub.plugin import Passage, sentence_spans, terms
from modelhub_starter.expectation import asks_for_number, numbers, without_asking
from modelhub_starter.prose import Prose, without_marker

__all__ = ["Sentence", "best_passage", "best_sentences"]

_SATURATION = 1.2
_LENGTH = 0.5
_NEIGHBOUR = 0.25
_TOGETHER = 0.5
_NUMBER = 0.2
_EARLIER = 0.5
_ENOUGH = 0.25
"""The share of the question, weighed by rarity, that a sentence and its surroundings must have to support an answer."""
_CLOSE = 0.5
"""The share of the best sentence's score that a further one must reach."""
_HEADING = re.compile(r"#{1,6}\s|```|~~~")
"""A title or a code fence is no answer; a title still tells what stands below it."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Characters ``start`` to ``end`` of passage ``passage`` (counted from 0), without the white space around them."""

    passage: int
    start: int
    end: int
    text: str
    terms: tuple[str, ...]
    around: frozenset[str]
    prose: bool
    """Not code, and not a table's row."""


def best_sentences(question: str, passages: Sequence[Passage], count: int) -> list[Sentence]:
    """The best sentences of prose, best first, at most ``count``; none where the passages do not support an answer.

    What code and tables say counts as what surrounds a sentence.
    """
    return _best(question, passages, prose=True)[:count]


def best_passage(question: str, passages: Sequence[Passage]) -> list[Sentence]:
    """The passage that holds the best sentence, table row or code, whole; none where none supports an answer."""
    return [_whole(best, passages[best.passage]) for best in _best(question, passages, prose=False)[:1]]


def _best(question: str, passages: Sequence[Passage], *, prose: bool) -> list[Sentence]:
    wanted = terms(without_asking(question))
    candidates = [sentence for number, passage in enumerate(passages) for sentence in _sentences(number, passage)]
    rarity = _rarity(set(wanted), candidates)
    supported = [each for each in candidates if each.prose >= prose and _share(rarity, each) >= _ENOUGH]
    if not supported:
        return []
    score = _scorer(question, wanted, rarity, candidates)
    ranked = sorted(((score(each), each) for each in supported), key=lambda pair: (-pair[0], pair[1].passage, pair[1].start))
    enough = _CLOSE * ranked[0][0]
    return _once([each for reached, each in ranked if reached >= enough])


def _whole(sentence: Sentence, passage: Passage) -> Sentence:
    start, end = _stripped(passage.text, 0, len(passage.text))
    return replace(sentence, start=start, end=end, text=passage.text[start:end])


def _sentences(number: int, passage: Passage) -> list[Sentence]:
    spans = [_stripped(passage.text, *span) for span in sentence_spans(passage.text)]
    words = [tuple(terms(passage.text[start:end])) for start, end in spans]
    above = heading = frozenset(terms(passage.heading))
    prose = Prose(passage.text)
    found = []
    for place, (start, end) in enumerate(spans):
        text = passage.text[start:end]
        if _HEADING.match(text):
            above = heading.union(words[place])
        elif words[place]:
            near = above.union(*words[max(place - 1, 0) : place + 2])
            begin = start + without_marker(text)
            found.append(Sentence(number, begin, end, text[begin - start :], words[place], near, prose.holds(start, end)))
    return found


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return end - len(piece.lstrip()), start + len(piece.rstrip())


def _rarity(wanted: set[str], candidates: Sequence[Sentence]) -> dict[str, float]:
    having = Counter(term for each in candidates for term in wanted.intersection(each.terms))
    return {term: log(1 + (len(candidates) - having[term] + 0.5) / (having[term] + 0.5)) for term in sorted(wanted)}


def _share(rarity: Mapping[str, float], sentence: Sentence) -> float:
    """How much of the question the sentence and what surrounds it have, 0 to 1."""
    return sum(weight for term, weight in rarity.items() if term in sentence.around) / (sum(rarity.values()) or 1.0)


def _scorer(
    question: str, wanted: Sequence[str], rarity: Mapping[str, float], candidates: Sequence[Sentence]
) -> Callable[[Sentence], float]:
    average = sum(len(each.terms) for each in candidates) / len(candidates)
    whole = sum(rarity.values())
    pairs = set(pairwise(wanted))
    known = numbers(question)
    numeric = asks_for_number(question)

    def score(sentence: Sentence) -> float:
        counts = Counter(sentence.terms)
        length = 1 - _LENGTH + _LENGTH * len(sentence.terms) / average
        own = sum(rarity[term] * _gain(counts[term], length) for term in rarity.keys() & counts.keys())
        near = sum(rarity[term] for term in (rarity.keys() & sentence.around) - counts.keys())
        together = sum(rarity[one] + rarity[other] for one, other in pairs.intersection(pairwise(sentence.terms))) / 2
        number = whole if numeric and numbers(sentence.text) - known else 0.0
        return own + _NEIGHBOUR * near + _TOGETHER * together + _NUMBER * number + _EARLIER * whole / (1 + sentence.passage)

    return score


def _gain(count: int, length: float) -> float:
    return count * (_SATURATION + 1) / (count + _SATURATION * length)


def _once(sentences: Sequence[Sentence]) -> list[Sentence]:
    """The sentences without repetitions: passages that overlap bring the same one twice."""
    return list({sentence.text: sentence for sentence in reversed(sentences)}.values())[::-1]
