"""The hub's own client asks the same questions, is refused alike, and leaves a cache that is read here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

pytest.importorskip("huggingface_hub", minversion="2.0", reason="pip install huggingface_hub")

from hub_cache import safetensors
from hub_room import asker
from hub_shelf import BART, HubModel
from modelhub_huggingface.hub.kept import FIELDS
from modelhub_huggingface.hub.local import local
from modelhub_huggingface.options import HuggingFaceOptions
from scripted_hub import ScriptedHub

from modelhub.plugin import KeyRefused, ModelhubError, UnknownModel


def official(hub: ScriptedHub, code: str, *words: str) -> Any:
    """What the client prints, in a process of its own: it reads its environment once."""
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"}
    whole = f"import json, sys\nfrom huggingface_hub import HfApi, hf_hub_download\napi = HfApi()\n{code}"
    told = subprocess.run(
        [sys.executable, "-c", whole, *words], env=environment, capture_output=True, encoding="utf-8", timeout=50, check=False
    )
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout.splitlines()[-1])


def last(hub: ScriptedHub) -> tuple[str, list[tuple[str, str]]]:
    """The last question: its path, and what it asked for."""
    parts = urlsplit(hub.server.requests[-1].path)
    return parts.path, sorted(parse_qsl(parts.query))


CALLS: list[tuple[dict[str, Any], str]] = [
    ({"task": "summarization", "licence": "mit", "search": "bart"}, 'filter="license:mit", pipeline_tag=task, search="bart"'),
    ({"task": "fill-mask", "language": "ja", "sort": "likes"}, 'filter="ja", pipeline_tag=task, sort="likes"'),
    ({"task": "text-ranking", "sort": "updated", "limit": 7}, 'pipeline_tag=task, sort="last_modified", limit=7'),
    ({"task": "text-to-image", "library": "diffusers", "gated": False}, 'filter="diffusers", pipeline_tag=task, gated=False'),
    (
        {"task": "translation", "architecture": "t5", "licence": "apache-2.0"},
        'filter=["license:apache-2.0", "t5"], pipeline_tag=task',
    ),
    (
        {"task": "text-to-audio", "max_parameters": 8_000_000_000},
        'pipeline_tag=task, num_parameters="max:8B", limit=100',
    ),
]


@pytest.mark.parametrize(("query", "arguments"), CALLS)
def test_a_search_asks_what_the_client_asks(hub: ScriptedHub, query: dict[str, Any], arguments: str) -> None:
    with asker("blocking", hub.url) as room:
        room.names(**query)
    path, ours = last(hub)
    expand = [value for name, value in ours if name == "expand"]
    usual = ", ".join(word for word in ('sort="downloads"', "limit=50") if word.partition("=")[0] not in arguments)
    call = f"api.list_models({arguments}, {usual}{', ' if usual else ''}expand={expand!r})"
    official(hub, f"task = {query['task']!r}\nlist({call})\nprint('[]')")
    assert last(hub) == (path, ours)


@pytest.mark.parametrize("revision", [None, BART.sha])
def test_a_card_asks_what_the_client_asks(hub: ScriptedHub, revision: str | None) -> None:
    official(hub, f"api.model_info({BART.id!r}, revision={revision!r}, expand={list(FIELDS)!r})\nprint('[]')")
    theirs = last(hub)
    before = len(hub.server.requests)
    with asker("blocking", hub.url, revision=revision) as room:
        room.card(f"huggingface:{BART.id}")
    parts = urlsplit(hub.server.requests[before].path)
    assert (parts.path, sorted(parse_qsl(parts.query))) == theirs


def test_a_card_tells_what_the_client_reads(hub: ScriptedHub) -> None:
    code = (
        f"info = api.model_info({BART.id!r}, expand={list(FIELDS)!r})\n"
        "print(json.dumps([info.card_data.license, info.card_data.language, info.safetensors.total, info.downloads, info.sha,"
        " [(r.metric_name, r.metric_value) for r in info.card_data.eval_results]]))"
    )
    licence, languages, parameters, downloads, sha, results = official(hub, code)
    with asker("blocking", hub.url) as room:
        card = room.card(f"huggingface:{BART.id}")
    assert (card.licence, [*card.languages], card.parameters, card.downloads, card.revision) == (
        licence,
        languages,
        parameters,
        downloads,
        sha,
    )
    assert [(metric.name, metric.value) for metric in card.metrics] == [(name, float(value)) for name, value in results]


SECRET = "acme/secret-summariser"
REFUSALS: list[tuple[str, dict[str, Any], str, type[ModelhubError]]] = [
    ("some/nothing", {}, "RepositoryNotFoundError", UnknownModel),
    (SECRET, {}, "RepositoryNotFoundError", UnknownModel),
    (SECRET, {"api_key": "hf_other"}, "RepositoryNotFoundError", UnknownModel),
    (BART.id, {"revision": "v9"}, "RevisionNotFoundError", UnknownModel),
    (BART.id, {"api_key": "hf_bad"}, "HfHubHTTPError", KeyRefused),
]


@pytest.mark.parametrize(("name", "options", "theirs", "ours"), REFUSALS)
def test_what_the_client_is_refused_is_refused_here(
    hub: ScriptedHub, name: str, options: dict[str, Any], theirs: str, ours: type[ModelhubError]
) -> None:
    call = f"api.model_info({name!r}, revision={options.get('revision')!r}, token={options.get('api_key')!r})"
    assert official(hub, f"try:\n    {call}\nexcept Exception as error:\n    print(json.dumps(type(error).__name__))") == theirs
    with asker("blocking", hub.url, **options) as room, pytest.raises(ours):
        room.card(f"huggingface:{name}")


def test_what_the_client_fetches_lies_here(hub: ScriptedHub, home: Path) -> None:
    weights = safetensors({"a": ("BF16", (64, 16))})
    hub.models[BART.id] = HubModel(BART.id, BART.told, BART.readme, {**BART.files, "model.safetensors": weights})
    fetch = (
        f"for file in ('README.md', 'config.json', 'model.safetensors'):\n    hf_hub_download({BART.id!r}, file)\nprint('[]')"
    )
    official(hub, fetch)
    (card,) = local(HuggingFaceOptions(engine="local"))
    assert (card.model, card.parameters, card.quantization) == (f"huggingface:{BART.id}", 1024, "BF16")
    assert (card.revision, card.licence, card.file_bytes) == (hub.models[BART.id].sha, "mit", len(weights))
    assert card.file is not None
    assert card.file.startswith(str(home / "huggingface" / "hub"))
