"""How far long work is."""

from __future__ import annotations

import io

from modelhub.cli.context import Context, Options
from modelhub.cli.progress import Bar, Lines, Silence, progress
from modelhub.cli.streams import Streams


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def context(stderr: io.StringIO, *, quiet: bool = False) -> Context:
    return Context(Streams(None, io.StringIO(), stderr), Options(quiet=quiet))


def test_a_log_gets_a_line_each_tenth_of_the_way() -> None:
    stderr = io.StringIO()
    told = progress(context(stderr))
    assert isinstance(told, Lines)
    for done in range(1001):
        told(done, 1000, "embed")
    told.close()
    assert stderr.getvalue().splitlines()[:2] == ["embed 0 % (0 of 1000)", "embed 10 % (100 of 1000)"]
    assert len(stderr.getvalue().splitlines()) == 11


def test_each_step_has_its_own_lines_and_nothing_to_do_is_done() -> None:
    stderr = io.StringIO()
    told = Lines(stderr)
    told(0, 0, "read")
    told(1, 1, "embed")
    assert stderr.getvalue().splitlines() == ["read 100 % (0 of 0)", "embed 100 % (1 of 1)"]


def test_a_terminal_gets_a_bar_for_each_step() -> None:
    terminal = Terminal()
    told = progress(context(terminal))
    assert isinstance(told, Bar)
    told(1, 2, "read")
    told(2, 2, "read")
    told(5, 10, "embed")
    told.close()
    assert "read:" in terminal.getvalue()
    assert "embed:" in terminal.getvalue()


def test_bytes_are_told_as_a_person_reads_them() -> None:
    stderr, terminal = io.StringIO(), Terminal()
    for stream in (stderr, terminal):
        told = progress(context(stream), sizes=True)
        told(3 << 29, 3 << 30, "qwen.gguf")
        told.close()
    assert stderr.getvalue() == "qwen.gguf 50 % (1.5 GiB of 3.0 GiB)\n"
    assert "1.50G/3.00G" in terminal.getvalue()  # a bar begins where the file was left


def test_quiet_shows_nothing() -> None:
    terminal = Terminal()
    told = progress(context(terminal, quiet=True))
    assert isinstance(told, Silence)
    told(1, 2, "read")
    told.close()
    assert terminal.getvalue() == ""
