"""The blocking and the asynchronous doors say the same words."""

from __future__ import annotations

import importlib
import inspect

import pytest

from modelhub.hub import AsyncHub, Hub

KINDS = ("text", "embedding", "image", "speech", "transcription", "reranking", "index")


def public(cls: type) -> dict[str, inspect.Signature]:
    return {name: inspect.signature(value) for name, value in vars(cls).items() if inspect.isfunction(value) and name[0] != "_"}


def plain(signature: inspect.Signature) -> list[tuple[str, object, object, str]]:
    return [(p.name, p.kind, p.default, str(p.annotation)) for p in signature.parameters.values()]


@pytest.mark.parametrize("kind", KINDS)
def test_blocking_and_asynchronous_clients_have_equal_signatures(kind: str) -> None:
    module = importlib.import_module(f"modelhub.clients.{kind}")
    blocking = public(getattr(module, f"{kind.title()}Client"))
    awaited = public(getattr(module, f"Async{kind.title()}Client"))
    assert {name: plain(signature) for name, signature in blocking.items()} == {
        name: plain(signature) for name, signature in awaited.items()
    }
    for name, signature in blocking.items():
        expected = str(signature.return_annotation).replace("Stream[", "AsyncStream[").replace("Iterator[", "AsyncIterator[")
        assert str(awaited[name].return_annotation) == expected


def test_both_hubs_have_the_same_names() -> None:
    different = {"close", "aclose"}
    assert public(Hub).keys() - different == public(AsyncHub).keys() - different
