"""Fixtures for tests of models and plugins. Each imports what it needs when it is used: to have it installed costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modelhub.testing.driven import Driven
    from modelhub.testing.fake import FakeRuntime
    from modelhub.testing.server import FaultServer


@pytest.fixture
def fake_runtime() -> FakeRuntime:
    """A runtime without sockets; set ``fake_runtime.answers`` before the model is called."""
    from modelhub.testing.fake import FakeRuntime

    return FakeRuntime()


@pytest.fixture
def fault_server() -> Iterator[FaultServer]:
    """A loopback server that answers from a script, and misbehaves where the script says so."""
    from modelhub.testing.server import FaultServer

    with FaultServer() as server:
        yield server


@pytest.fixture(params=["blocking", "asynchronous"])
def runtime(request: Any) -> Iterator[Driven]:
    """Each real runtime in turn: ``runtime.call(model, request)``, ``runtime.stream(model, request)``."""
    from modelhub.testing.driven import driven

    with driven(request.param) as caller:
        yield caller


@pytest.fixture
def loopback_only() -> Iterator[None]:
    """While the test runs, a connection to anywhere but this machine raises."""
    from modelhub.testing.guard import guarded

    with guarded():
        yield
