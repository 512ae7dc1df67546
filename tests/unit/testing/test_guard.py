"""The guard lets a test talk to its own machine and to nobody else; standing down, it stops nobody."""

from __future__ import annotations

import socket

import pytest

from modelhub.testing.guard import Reached, guarded


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("198.51.100.7", 443)])
def test_an_address_elsewhere_is_out_of_reach(address: tuple[str, int]) -> None:
    with guarded(), socket.socket() as caller, pytest.raises(Reached, match=r"reached out of this machine.*192|198"):
        caller.connect(address)


def test_a_name_elsewhere_is_not_even_looked_up() -> None:
    with guarded(), pytest.raises(Reached, match="example"):
        socket.getaddrinfo("example.invalid", 443)


def test_this_machine_is_in_reach() -> None:
    with guarded(), socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()[:2]):
        pass


def test_nowhere_allows_no_socket_at_all() -> None:
    with guarded("nowhere"), pytest.raises(Reached, match=r"socket\.__new__"):
        socket.socket()


def test_a_guard_that_stood_down_stops_nobody() -> None:
    with guarded("nowhere"):
        pass
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert server.getsockname()[0] == "127.0.0.1"


def test_the_inner_guard_leaves_and_the_outer_one_stays() -> None:
    with guarded():
        with guarded("nowhere"):
            pass
        with socket.socket() as caller, pytest.raises(Reached):
            caller.connect(("192.0.2.1", 80))


def test_the_fixture_stands_guard(loopback_only: None) -> None:
    with socket.socket() as caller, pytest.raises(Reached):
        caller.connect(("192.0.2.1", 80))
