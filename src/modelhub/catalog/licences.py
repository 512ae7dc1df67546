"""Licences by the names that hubs, files and people give them."""

from __future__ import annotations

import re

__all__ = ["licence_name", "licensed"]

_SAME = {
    "apache": "apache-2.0",
    "apache-2": "apache-2.0",
    "apache2": "apache-2.0",
    "apache2.0": "apache-2.0",
    "mit-license": "mit",
    "bsd": "bsd-3-clause",
    "bsd-3": "bsd-3-clause",
    "bsd-2": "bsd-2-clause",
}
_PARTS = re.compile(r"[\s_,]+")
_VERSION = re.compile(r"-v(?=\d)|-version-v?(?=\d)")
_END = re.compile(r"-only$|-or-later$|(?<!\+)\+$")


def licensed(told: str | None, wanted: str) -> bool | None:
    """Whether ``told``, a licence's name or several with ``OR`` between them, is the one wanted; ``None`` where it is unknown.

    In any case, and in the spellings of hubs and of SPDX: ``apache-2.0`` is ``Apache-2.0`` and ``Apache License Version 2.0``.
    """
    if told is None or told.strip().lower() in ("", "unknown"):
        return None
    asked = licence_name(wanted)
    return any(licence_name(one) == asked for one in re.split(r"\s+OR\s+", told.strip().strip("()")))


def licence_name(told: str) -> str:
    """One spelling for all, that of hubs: ``apache-2.0``.

    What stands in brackets behind a licence speaks of a part; a text's first words name it.
    """
    words = _PARTS.sub("-", told.partition(" (")[0].strip().lower()).strip("-")
    words = _VERSION.sub("-", words.removeprefix("the-").replace("-licence", "-license"))
    if words.startswith(("apache-license", "apache-2.0-license")):
        return "apache-2.0"
    words = _END.sub("", words)
    return _SAME.get(words, words)
