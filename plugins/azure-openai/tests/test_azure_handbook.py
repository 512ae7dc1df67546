"""The foundation's example application runs against a resource by configuration alone: English, Japanese, keys and tokens."""

from __future__ import annotations

import base64
import json
import math
import os
import re
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from zlib import crc32

import pytest

from modelhub.testing.server import FaultServer, Received, Reply

APPLICATION = Path(__file__).parents[3] / "examples" / "handbook" / "app.py"
KEY = "a-key-of-the-resource"
SAFE = {"hate": {"filtered": False, "severity": "safe"}}
PASSAGE = re.compile(r"^\[(\d+)\] .*, lines? .*\n((?:(?!\n\[\d+\] |\nQuestion:\n).|\n)*)", re.MULTILINE)


@pytest.fixture
def resource() -> Iterator[FaultServer]:
    """A resource with two deployments, and the issuer of its tokens."""
    with FaultServer() as server:
        server.on("/openai/v1/chat/completions", guarded(chat))
        server.on("/openai/v1/embeddings", guarded(embeddings))
        server.on("/contoso/oauth2/v2.0/token", issue)
        yield server


def guarded(serve: Any) -> Any:
    """Whoever has neither the key nor the token is sent away."""

    def answer(asked: Received) -> Reply:
        given = (asked.headers.get("api-key"), asked.headers.get("authorization"))
        known = given in ((KEY, None), (None, "Bearer a-token"))
        return serve(asked.json()) if known else Reply(401, json={"error": {"code": "401", "message": "Access denied."}})

    return answer


def issue(asked: Received) -> Reply:
    form = parse_qs(asked.body.decode())
    known = form["client_secret"] == ["a-client-secret"] and form["scope"] == ["https://cognitiveservices.azure.com/.default"]
    return (
        Reply(json={"access_token": "a-token", "expires_in": 3600}) if known else Reply(401, json={"error": "invalid_client"})
    )


def embeddings(asked: dict[str, Any]) -> Reply:
    assert (asked["model"], asked["encoding_format"]) == ("text-embedding-3-small", "base64")
    data = [{"object": "embedding", "index": place, "embedding": vector(text)} for place, text in enumerate(asked["input"])]
    used = sum(map(len, asked["input"]))
    return Reply(
        json={"object": "list", "data": data, "model": asked["model"], "usage": {"prompt_tokens": used, "total_tokens": used}}
    )


def vector(text: str) -> str:
    """Pairs of characters, hashed: texts with the same words are near each other, in any language."""
    places = Counter(crc32(pair.encode()) % 1536 for pair in pairs(text).elements())
    length = math.sqrt(sum(count * count for count in places.values())) or 1.0
    return base64.b64encode(struct.pack("<1536f", *(places[place] / length for place in range(1536)))).decode()


def pairs(text: str) -> Counter[str]:
    small = re.sub(r"\s+", " ", text.lower())
    return Counter(a + b for a, b in pairwise(small) if a.strip() and b.strip())


def chat(asked: dict[str, Any]) -> Reply:
    """The sentence that shares most with the question, word for word, and the number of its passage."""
    assert asked["model"] == "gpt-4o"
    content = asked["messages"][-1]["content"]
    told = content if isinstance(content, str) else "".join(part["text"] for part in content)
    before, _, question = told.rpartition("Question:\n")
    wanted = pairs(question)
    sentences = [
        (sum((pairs(sentence) & wanted).values()) / math.sqrt(len(sentence) + 20), sentence.strip(), number)
        for number, passage in PASSAGE.findall(before)
        for sentence in re.split(r"(?<=[.。])\s*", passage)
        if sentence.strip()
    ]
    _, sentence, number = max(sentences)
    message = {"role": "assistant", "content": f"{sentence} [{number}]"}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "content_filter_results": SAFE}
    used = {"prompt_tokens": len(before), "completion_tokens": len(sentence), "total_tokens": len(before) + len(sentence)}
    prompt = [{"prompt_index": 0, "content_filter_results": SAFE}]
    said = {"id": "c1", "model": "gpt-4o-2024-11-20", "prompt_filter_results": prompt, "choices": [choice], "usage": used}
    return Reply(json=said, headers={"apim-request-id": "1"})


def run(home: Path, **variables: str) -> list[dict[str, Any]]:
    """What the application answers to its own two questions, as it stands there."""
    foreign = ("AZURE_", "OPENAI_", "IDENTITY_", "MODELHUB_", "XDG_", "HOME", "USERPROFILE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    done = subprocess.run(
        [sys.executable, str(APPLICATION), "--json"],
        env={**environment, "HOME": str(home), "PYTHONUTF8": "1", "MODELHUB_PROFILE": "azure", **variables},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def answered_in_both_languages(answers: list[dict[str, Any]]) -> None:
    english, japanese = answers
    assert "working directory" in english["text"]
    assert any("docs/explanation/configuration.md:" in source for source in english["citations"])
    assert "手元の計算機で動くモデルを選びます" in japanese["text"]
    assert any("choosing-a-model.ja.md:" in source for source in japanese["citations"])
    assert {answer["model"] for answer in answers} == {"gpt-4o-2024-11-20"}
    assert all(answer["input_tokens"] > 100 for answer in answers)


def test_the_example_application_runs_against_a_resource_by_configuration_alone(resource: FaultServer, tmp_path: Path) -> None:
    answers = run(tmp_path, AZURE_OPENAI_ENDPOINT=resource.url, AZURE_OPENAI_API_KEY=KEY)
    answered_in_both_languages(answers)
    assert [request.path for request in resource.requests].count("/openai/v1/chat/completions") == 2
    assert all(request.headers["api-key"] == KEY for request in resource.requests)


def test_the_same_with_a_token_that_the_users_own_file_asks_for(resource: FaultServer, tmp_path: Path) -> None:
    own = tmp_path / ".config" / "modelhub" / "modelhub.toml"
    own.parent.mkdir(parents=True)
    settings = (
        f'tenant = "contoso", client_id = "an-app", client_secret = {{ env = "APP_SECRET" }}, authority = "{resource.url}"'
    )
    pasted = f"{resource.url}/openai/deployments/gpt-4o/chat/completions"
    own.write_text(f'[providers.azure-openai]\nendpoint = "{pasted}"\nentra = {{ {settings} }}\n', encoding="utf-8")
    answered_in_both_languages(run(tmp_path, APP_SECRET="a-client-secret"))
    assert [request.path for request in resource.requests].count("/contoso/oauth2/v2.0/token") == 1
    assert all("api-key" not in request.headers for request in resource.requests)
