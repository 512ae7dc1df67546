"""How much memory this process may still take, and how a person writes amounts of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from modelhub.errors import ConfigError

__all__ = ["available", "bytes_of", "shown"]

_UNITS = {
    "": 1,
    "k": 1000,
    "m": 1000**2,
    "g": 1000**3,
    "t": 1000**4,
    "ki": 1 << 10,
    "mi": 1 << 20,
    "gi": 1 << 30,
    "ti": 1 << 40,
}
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?\s*", re.IGNORECASE)
_NO_LIMIT = 1 << 60
"""Version 1 of control groups writes a number like this where there is no limit."""


def bytes_of(amount: str | int, setting: str) -> int:
    """``"8 GiB"``, ``"500 MB"``, ``8_000_000_000`` as bytes. Raises ``ConfigError`` that names the setting."""
    found = _AMOUNT.fullmatch(str(amount))
    if found is None or not float(found[1]):
        raise ConfigError(f'{setting} is {amount!r}; write an amount of memory: "8 GiB", "500 MB", or a number of bytes.')
    return int(float(found[1]) * _UNITS[(found[2] or "").lower()])


def shown(amount: int) -> str:
    """``8.0 GiB``, ``37 MiB``."""
    if amount >= 1 << 30:
        return f"{amount / (1 << 30):.1f} GiB"
    return f"{-(-amount // (1 << 20))} MiB"


def available(root: Path = Path("/")) -> int | None:
    """Bytes that can be taken without swapping, and within the limits of this process's control groups; ``None``: unknown.

    Memory that holds files and can be dropped counts as free.
    """
    found = [amount for amount in (_machine(root), *_groups(root)) if amount is not None]
    return max(0, min(found)) if found else None


def _machine(root: Path) -> int | None:
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii")
    except (OSError, ValueError):
        return _physical() if root == Path("/") else None
    found = re.search(r"^MemAvailable:\s*(\d+) kB", lines, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _physical() -> int | None:
    """All memory of a machine that tells no more: what is surely too much is still refused."""
    import os

    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _groups(root: Path) -> Iterator[int | None]:
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _upwards(root / "sys/fs/cgroup", path, "memory.max", "memory.current", ("inactive_file", "active_file"))
        elif "memory" in controllers.split(","):
            names = ("total_inactive_file", "total_active_file")
            yield from _upwards(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes", "memory.usage_in_bytes", names)


def _upwards(mount: Path, path: str, limit: str, usage: str, files: tuple[str, ...]) -> Iterator[int | None]:
    """What each group that the process stands in leaves it; where the path is another namespace's, the mount's own."""
    place = mount / path.lstrip("/")
    for folder in (place, *place.parents):
        yield _left(folder, limit, usage, files)
        if folder == mount:
            return


def _left(folder: Path, limit: str, usage: str, files: tuple[str, ...]) -> int | None:
    try:
        most = (folder / limit).read_text(encoding="ascii").strip()
        if not most.isdecimal() or int(most) >= _NO_LIMIT:
            return None
        taken = int((folder / usage).read_text(encoding="ascii"))
        return int(most) - taken + _droppable(folder, files)
    except (OSError, ValueError):
        return None


def _droppable(folder: Path, files: tuple[str, ...]) -> int:
    pairs = (line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
    return sum(int(amount) for name, amount in pairs if name in files)
