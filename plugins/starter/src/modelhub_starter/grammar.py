"""The phrases of a request as a closed grammar (JSGF): what may be said, and nothing else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from modelhub.plugin import InvalidRequest, Unsupported

__all__ = ["grammar", "phrases"]

_MOST = 1000
_WORD = re.compile(r"[a-z][a-z'.-]*|'[a-z]+")
_EDGES = '.,!?;:"“”()…'


def phrases(given: Sequence[str], known: Callable[[str], bool]) -> dict[str, str]:
    """Each phrase as the recogniser spells it, with the spelling of the request.

    Raises ``Unsupported`` where there are none, ``InvalidRequest`` naming the words that the dictionary does not have: so
    no phrase can say anything in the language of grammars.
    """
    if not given:
        message = "starter:commands tells which of some phrases was spoken; it cannot take free dictation. Give `phrases`."
        raise Unsupported(message, feature="dictation", model="starter:commands")
    if len(given) > _MOST:
        raise InvalidRequest(f"{len(given)} phrases are too many: starter:commands takes {_MOST}.")
    spelt: dict[str, str] = {}
    for phrase in given:
        spelt.setdefault(" ".join(_words(phrase)), phrase)
    spelt.pop("", None)
    if not spelt:
        raise InvalidRequest("The phrases hold no words.")
    strange = sorted({word for words in spelt for word in words.split() if not _WORD.fullmatch(word) or not known(word)})
    if strange:
        named = ", ".join(repr(word) for word in strange[:10])
        raise InvalidRequest(f"Not in the English dictionary of starter:commands: {named}. Write numbers and names as words.")
    return spelt


def grammar(spelt: Sequence[str]) -> str:
    """The grammar that takes one of these, which ``phrases`` has checked."""
    return f"#JSGF V1.0;\ngrammar phrases;\npublic <phrase> = {' | '.join(spelt)};\n"


def _words(phrase: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", phrase).replace("’", "'").casefold()
    return [word for each in plain.split() if (word := each.strip(_EDGES))]
