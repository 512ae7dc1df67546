"""How much memory a process may take, read from the places where systems say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelhub.engines.memory import available, bytes_of, shown
from modelhub.errors import ConfigError

MIB = 1 << 20


def machine(root: Path, **files: str) -> Path:
    """A root folder with these files; ``__`` stands for ``/``, and ``_DOT_`` for a dot."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


MEMINFO = "MemTotal:       16000000 kB\nMemFree:          100000 kB\nMemAvailable:    2048 kB\n"


def test_the_machine_says_what_is_available(tmp_path: Path) -> None:
    assert available(machine(tmp_path, proc__meminfo=MEMINFO)) == 2 * MIB


def test_a_system_that_says_nothing_is_unknown(tmp_path: Path) -> None:
    assert available(tmp_path) is None


def test_a_control_group_of_version_2_may_leave_less(tmp_path: Path) -> None:
    root = machine(
        tmp_path,
        proc__meminfo=MEMINFO,
        proc__self__cgroup="0::/app/worker\n",
        sys__fs__cgroup__app__worker__memory_DOT_max="max\n",
        sys__fs__cgroup__app__worker__memory_DOT_current="100\n",
        sys__fs__cgroup__app__memory_DOT_max=f"{3 * MIB}\n",
        sys__fs__cgroup__app__memory_DOT_current=f"{3 * MIB - 4096}\n",
        sys__fs__cgroup__app__memory_DOT_stat="anon 1\ninactive_file 1000\nactive_file 24\n",
    )
    assert available(root) == 4096 + 1024, "Files that lie in memory can be dropped."


def test_a_control_group_of_version_1_may_leave_less(tmp_path: Path) -> None:
    root = machine(
        tmp_path,
        proc__meminfo=MEMINFO,
        proc__self__cgroup="5:cpu,cpuacct:/x\n4:memory:/docker/x\n",
        sys__fs__cgroup__memory__docker__x__memory_DOT_limit_in_bytes="9223372036854771712\n",
        sys__fs__cgroup__memory__memory_DOT_limit_in_bytes="8192\n",
        sys__fs__cgroup__memory__memory_DOT_usage_in_bytes="5000\n",
        sys__fs__cgroup__memory__memory_DOT_stat="total_inactive_file 100\ntotal_active_file 0\n",
    )
    assert available(root) == 8192 - 5000 + 100


def test_a_group_that_is_over_its_limit_leaves_nothing(tmp_path: Path) -> None:
    root = machine(
        tmp_path,
        proc__self__cgroup="0::/\n",
        sys__fs__cgroup__memory_DOT_max="4096\n",
        sys__fs__cgroup__memory_DOT_current="9999\n",
        sys__fs__cgroup__memory_DOT_stat="",
    )
    assert available(root) == 0


def test_nonsense_in_these_files_is_no_reason_to_fail(tmp_path: Path) -> None:
    root = machine(
        tmp_path,
        proc__meminfo="日本語",
        proc__self__cgroup="0::/\n",
        sys__fs__cgroup__memory_DOT_max="4096\n",
        sys__fs__cgroup__memory_DOT_current="many\n",
    )
    assert available(root) is None


@pytest.mark.parametrize(
    ("amount", "meant"),
    [
        ("8 GiB", 8 << 30), ("8gib", 8 << 30), ("1.5 GB", 1_500_000_000), ("500 MB", 500_000_000),
        ("64Ki", 64 << 10), ("1T", 10**12), (4096, 4096), ("4096", 4096), ("100 B", 100),
    ],
)  # fmt: skip
def test_amounts_are_written_as_people_write_them(amount: str | int, meant: int) -> None:
    assert bytes_of(amount, "memory_limit") == meant


@pytest.mark.parametrize("amount", ["much", "", "-1 GiB", "8 GiB free", "0", 0, -5, "8 XB"])
def test_what_is_no_amount_names_its_setting(amount: str | int) -> None:
    with pytest.raises(ConfigError, match=r"\[providers\.x\] memory_limit is .*8 GiB"):
        bytes_of(amount, "[providers.x] memory_limit")


def test_amounts_are_shown_in_round_numbers() -> None:
    assert [shown(amount) for amount in (0, 1, 37 * MIB, 3 << 29, 8 << 30)] == [
        "0 MiB",
        "1 MiB",
        "37 MiB",
        "1.5 GiB",
        "8.0 GiB",
    ]
