"""Libraries say nothing on the screen while they work here, and go on saying it to everybody else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from io import StringIO

import pytest
from modelhub_huggingface.local.silence import be_silent, hush, silence


@pytest.fixture
def screen() -> Iterator[StringIO]:
    """What a library of this name writes on the screen."""
    written = StringIO()
    library, handler = logging.getLogger("a_library"), logging.StreamHandler(written)
    library.addHandler(handler)
    library.setLevel(logging.WARNING)  # whatever other tests have set for all
    hush("a_library")
    hush("a_library")
    yield written
    library.removeHandler(handler)


def say() -> None:
    inner = logging.getLogger("a_library.inner")
    inner.warning("装置が古い")
    inner.error("故障")


def test_our_threads_hear_errors_alone(screen: StringIO) -> None:
    def work() -> None:
        be_silent()
        say()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert screen.getvalue() == "故障\n"


def test_other_threads_hear_all(screen: StringIO) -> None:
    with silence():
        other = threading.Thread(target=say)
        other.start()
        other.join()
    assert screen.getvalue() == "装置が古い\n故障\n"


def test_silence_ends_where_it_began(screen: StringIO) -> None:
    with silence():
        say()
    say()
    assert screen.getvalue() == "故障\n装置が古い\n故障\n"


def test_what_the_application_listens_with_hears_all(screen: StringIO) -> None:
    heard = StringIO()
    handler = logging.StreamHandler(heard)
    logging.getLogger("a_library").addHandler(handler)
    with silence():
        say()
    logging.getLogger("a_library").removeHandler(handler)
    assert heard.getvalue() == "装置が古い\n故障\n"
    assert screen.getvalue() == "故障\n"
