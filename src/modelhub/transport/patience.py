"""How long a server asks to be left alone."""

from __future__ import annotations

import math
import re
import time

from modelhub.http import Headers

__all__ = ["told_wait"]


def told_wait(headers: Headers) -> float | None:
    """Seconds from now, never negative; ``None`` where the headers do not say, or say nothing that can be understood.

    Read are ``retry-after-ms``, ``retry-after`` (seconds, also fractions, or a date, compared with the server's own ``date``),
    and the ``t=`` of a used-up ``ratelimit``.
    """
    milliseconds = _seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    told = headers.get("retry-after", "")
    seconds = _seconds(told)
    if seconds is None:
        seconds = _until(told, headers.get("date", ""))
    return seconds if seconds is not None else _reset(headers.get("ratelimit", ""))


def _seconds(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return max(number, 0.0) if math.isfinite(number) else None


def _until(date: str, now: str) -> float | None:
    then = _moment(date)
    return None if then is None else max(then - (_moment(now) or time.time()), 0.0)


def _moment(date: str) -> float | None:
    from email.utils import mktime_tz, parsedate_tz

    fields = parsedate_tz(date)
    try:
        return None if fields is None else float(mktime_tz(fields))
    except (ValueError, OverflowError):
        return None


def _reset(limits: str) -> float | None:
    """``"api";r=0;t=55``: nothing is left for 55 seconds."""
    found = re.search(r";\s*r=0\b.*?;\s*t=(\d+)", limits)
    return float(found[1]) if found else None
