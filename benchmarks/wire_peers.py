"""The peers: the same work, written as each library's own documentation writes it."""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

__all__ = ["PEERS"]

KEY = "sk-benchmark"
PROMPT = "Why does a lighthouse turn its lamp? 灯台はなぜ回るのですか。"
MESSAGES = [{"role": "user", "content": PROMPT}]
Call = Callable[[], Awaitable[str]]


class Modelhub:
    package = "modelhub-core"
    provider = "openai"

    def __init__(self, url: str) -> None:
        from modelhub import Hub

        self._config = {"providers": {self.provider: {**self.address(url), "api_key": KEY}}}
        self._hub = Hub(self._config)
        self._async_hub: Any = None

    @staticmethod
    def address(url: str) -> dict[str, str]:
        return {"base_url": url}

    def call(self) -> str:
        return self._hub.text(f"{self.provider}:answer").generate(PROMPT).text

    def stream(self, model: str) -> Iterator[str]:
        from modelhub import TextDelta

        for event in self._hub.text(f"{self.provider}:{model}").stream(PROMPT):
            if isinstance(event, TextDelta):
                yield event.text

    async def streamed(self, model: str) -> AsyncIterator[str]:
        from modelhub import AsyncHub, TextDelta

        hub = self._async_hub = self._async_hub or AsyncHub(self._config)
        async for event in hub.text(f"{self.provider}:{model}").stream(PROMPT):
            if isinstance(event, TextDelta):
                yield event.text

    def embed(self, model: str, texts: list[str]) -> Any:
        return self._hub.embedding(f"{self.provider}:{model}").embed(texts).array()

    @asynccontextmanager
    async def asynchronous(self) -> AsyncIterator[Call]:
        from modelhub import AsyncHub

        async with AsyncHub(self._config) as hub:
            client = hub.text(f"{self.provider}:answer")

            async def call() -> str:
                return (await client.generate(PROMPT)).text

            yield call


class Router(Modelhub):
    """The same through Hugging Face's router, which speaks the dialect: what asking it costs beyond any other host."""

    package = "modelhub-huggingface"
    provider = "huggingface"

    @staticmethod
    def address(url: str) -> dict[str, str]:
        return {"router_url": url.removesuffix("/v1")}


class Httpx:
    package = "httpx"

    def __init__(self, url: str) -> None:
        import httpx

        self._url = url
        self._headers = {"authorization": f"Bearer {KEY}"}
        self._client = httpx.Client(headers=self._headers, timeout=600)

    def call(self) -> str:
        response = self._client.post(f"{self._url}/chat/completions", json={"model": "answer", "messages": MESSAGES})
        return _said(response.raise_for_status().content)

    def stream(self, model: str) -> Iterator[str]:
        body = {"model": model, "messages": MESSAGES, "stream": True}
        with self._client.stream("POST", f"{self._url}/chat/completions", json=body) as response:
            for line in response.iter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    for choice in json.loads(line[6:])["choices"]:
                        if text := choice["delta"].get("content"):
                            yield text

    def embed(self, model: str, texts: list[str]) -> Any:
        body = {"model": model, "input": texts, "encoding_format": _encoding(model)}
        answer = json.loads(self._client.post(f"{self._url}/embeddings", json=body).raise_for_status().content)
        return _array([row["embedding"] for row in answer["data"]])

    @asynccontextmanager
    async def asynchronous(self) -> AsyncIterator[Call]:
        import httpx

        limits = httpx.Limits(max_connections=1000, max_keepalive_connections=1000)
        async with httpx.AsyncClient(headers=self._headers, timeout=None, limits=limits) as client:

            async def call() -> str:
                body = {"model": "answer", "messages": MESSAGES}
                return _said((await client.post(f"{self._url}/chat/completions", json=body)).raise_for_status().content)

            yield call


class Aiohttp:
    package = "aiohttp"

    def __init__(self, url: str) -> None:
        self._url = url

    @asynccontextmanager
    async def asynchronous(self) -> AsyncIterator[Call]:
        import aiohttp

        headers = {"authorization": f"Bearer {KEY}"}
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1000), headers=headers) as session:

            async def call() -> str:
                body = {"model": "answer", "messages": MESSAGES}
                async with session.post(f"{self._url}/chat/completions", json=body) as response:
                    response.raise_for_status()
                    return _said(await response.read())

            yield call


class Openai:
    package = "openai"

    def __init__(self, url: str) -> None:
        import openai

        self._url = url
        self._client = openai.OpenAI(base_url=url, api_key=KEY)

    def call(self) -> str:
        return self._client.chat.completions.create(model="answer", messages=MESSAGES).choices[0].message.content

    def stream(self, model: str) -> Iterator[str]:
        for chunk in self._client.chat.completions.create(model=model, messages=MESSAGES, stream=True):
            yield from _texts(chunk)

    def embed(self, model: str, texts: list[str]) -> Any:
        answer = self._client.embeddings.create(model=model, input=texts)
        return _array([row.embedding for row in answer.data])

    @asynccontextmanager
    async def asynchronous(self) -> AsyncIterator[Call]:
        import openai

        async with openai.AsyncOpenAI(base_url=self._url, api_key=KEY, timeout=600) as client:

            async def call() -> str:
                return (await client.chat.completions.create(model="answer", messages=MESSAGES)).choices[0].message.content

            yield call


class Litellm:
    package = "litellm"

    def __init__(self, url: str) -> None:
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        import litellm

        litellm.suppress_debug_info = True
        logging.getLogger("LiteLLM").setLevel(logging.ERROR)
        self._ways = {"api_base": url, "api_key": KEY}
        self._litellm = litellm

    def call(self) -> str:
        return self._litellm.completion("openai/answer", messages=MESSAGES, **self._ways).choices[0].message.content

    def stream(self, model: str) -> Iterator[str]:
        for chunk in self._litellm.completion(f"openai/{model}", messages=MESSAGES, stream=True, **self._ways):
            yield from _texts(chunk)

    def embed(self, model: str, texts: list[str]) -> Any:
        answer = self._litellm.embedding(f"openai/{model}", input=texts, **self._ways)
        return _array([row["embedding"] for row in answer.data])

    @asynccontextmanager
    async def asynchronous(self) -> AsyncIterator[Call]:
        async def call() -> str:
            answer = await self._litellm.acompletion("openai/answer", messages=MESSAGES, timeout=600, **self._ways)
            return answer.choices[0].message.content

        yield call


class AnyLlm:
    package = "any-llm-sdk"

    def __init__(self, url: str) -> None:
        from any_llm import AnyLLM

        self._url = url
        self._client = AnyLLM.create("openai", api_key=KEY, api_base=url)

    def call(self) -> str:
        return self._client.completion("answer", MESSAGES).choices[0].message.content

    def stream(self, model: str) -> Iterator[str]:
        for chunk in self._client.completion(model, MESSAGES, stream=True):
            yield from _texts(chunk)

    def embed(self, model: str, texts: list[str]) -> Any:
        answer = self._client._embedding(model, texts)  # noqa: SLF001  # its public function makes a client a call
        return _array([row.embedding for row in answer.data])

    @asynccontextmanager
    async def asynchronous(self) -> AsyncIterator[Call]:
        async def call() -> str:
            return (await self._client.acompletion("answer", MESSAGES)).choices[0].message.content

        yield call


def _said(body: bytes) -> str:
    text: str = json.loads(body)["choices"][0]["message"]["content"]
    return text


def _texts(chunk: Any) -> list[str]:
    return [choice.delta.content for choice in chunk.choices if choice.delta.content]


def _array(rows: list[Any]) -> Any:
    """Vectors as they came, base64 or numbers, as one array."""
    import numpy as np

    if isinstance(rows[0], str):
        return np.stack([np.frombuffer(base64.b64decode(row), dtype="<f4") for row in rows])
    return np.array(rows, dtype=np.float32)


def _encoding(model: str) -> str:
    return "base64" if model.startswith("base64") else "float"


PEERS: dict[str, Any] = {
    "modelhub": Modelhub,
    "router": Router,
    "httpx": Httpx,
    "aiohttp": Aiohttp,
    "openai": Openai,
    "litellm": Litellm,
    "any-llm": AnyLlm,
}
