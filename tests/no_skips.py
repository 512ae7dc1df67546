"""A plugin of pytest (``-p no_skips``) for sessions that install all that they test: there, what is skipped has failed."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Of a test."""
    return _failed((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """Of a file, which is skipped where a module is missing that it needs."""
    return _failed((yield))


def _failed(report: Any) -> Any:
    if report.skipped and not hasattr(report, "wasxfail"):
        report.longrepr = f"It was skipped, in a session that is to prove it: {report.longrepr}"
        report.outcome = "failed"
    return report
