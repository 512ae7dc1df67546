"""Where an endpoint is, and who gets the caller's token: Hugging Face's own hosts, and whoever the options name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from modelhub_huggingface.endpoints.address import address, is_here, is_hosted
from modelhub_huggingface.endpoints.server import server
from modelhub_huggingface.options import HuggingFaceOptions

from modelhub.plugin import AnswerError, ConfigError, Plain

HOSTED = "https://x1.us-east-1.aws.endpoints.huggingface.cloud"


@pytest.fixture
def logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str | None], None]:
    """Someone whose token is in ``HF_TOKEN``, or nobody."""

    def be(token: str | None) -> None:
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_DISABLE_IMPLICIT_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        if token is not None:
            monkeypatch.setenv("HF_TOKEN", token)

    return be


@pytest.mark.parametrize(
    ("url", "root", "v1"),
    [
        (HOSTED, HOSTED, f"{HOSTED}/v1"),
        (f"{HOSTED}/", HOSTED, f"{HOSTED}/v1"),
        (f"{HOSTED}/v1", HOSTED, f"{HOSTED}/v1"),
        (f"{HOSTED}/v1/", HOSTED, f"{HOSTED}/v1"),
        (f"{HOSTED}/v1/chat/completions", HOSTED, f"{HOSTED}/v1"),
        (f"{HOSTED}/generate_stream", HOSTED, f"{HOSTED}/v1"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://gpu/models/org/tiny/v1", "http://gpu/models/org/tiny", "http://gpu/models/org/tiny/v1"),
        ("http://gpu/openai/v3", "http://gpu/openai", "http://gpu/openai/v3"),
        ("  http://gpu  ", "http://gpu", "http://gpu/v1"),
    ],
)
def test_the_address_is_as_its_page_shows_it_with_or_without_v1(url: str, root: str, v1: str) -> None:
    assert address(HuggingFaceOptions(base_url=url)) == (root, v1)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (None, "write [providers.huggingface] base_url"),
        ("", "write [providers.huggingface] base_url"),
        ("x1.endpoints.huggingface.cloud", "must begin with http"),
        ("https://", "name a host"),
        ("https://host/?key=hf_secret", "no \\? and no #"),
    ],
)
def test_an_address_that_is_none_is_said_with_its_place(url: str | None, told: str) -> None:
    with pytest.raises(ConfigError, match=told.replace("[", "\\[").replace("]", "\\]")) as wrong:
        address(HuggingFaceOptions(base_url=url))
    assert "hf_secret" not in str(wrong.value)


def headers(url: str, **options: Any) -> dict[str, str]:
    """What is sent there, revealed."""
    sent = server(HuggingFaceOptions(base_url=url, **options), "openai").headers
    return {name: value if isinstance(value, str) else value.reveal() for name, value in sent.items()}


def test_hugging_faces_own_hosts_get_this_machines_token(logged_in: Callable[[str | None], None]) -> None:
    url = "https://api-inference.huggingface.co/models/x"
    logged_in("hf_own")
    assert headers(url) == {"authorization": "Bearer hf_own"}
    assert headers(url, api_key=Plain("hf_given")) == {"authorization": "Bearer hf_given"}
    logged_in(None)
    assert headers(url) == {}, "a public endpoint is asked without one"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000",
        "http://localhost:8000/v1",
        "https://gpu.example.com",
        "https://evilhuggingface.co",
        "https://huggingface.cloud.example.com",
        "https://user:pass@example.com/huggingface.co",
        "http://api-inference.huggingface.co/models/x",
        HOSTED,
        "https://somebody-app.hf.space",
    ],
)
def test_nobody_else_gets_it_unless_the_options_say_so(logged_in: Callable[[str | None], None], url: str) -> None:
    """Neither a server at home, nor one whose name only looks like it, nor one that is not spoken to in secret.

    Nor a Space or a dedicated endpoint: whose code runs there, the address does not tell.
    """
    logged_in("hf_own")
    assert "hf_own" not in str(headers(url))
    assert headers(url, api_key=Plain("hf_given"))["authorization"] == "Bearer hf_given"


def test_a_token_is_shown_nowhere(logged_in: Callable[[str | None], None]) -> None:
    logged_in("hf_own")
    url = "https://api-inference.huggingface.co/models/x"
    site = server(HuggingFaceOptions(base_url=url, headers={"x-api-key": "hf_other"}), "openai")
    assert "hf_own" not in f"{site!r} {site.post('chat/completions', 'm', {})!r}"
    assert not isinstance(site.headers["x-api-key"], str), "a header that is a key by its name is a secret"


def test_what_leads_away_from_the_host_is_not_followed() -> None:
    with pytest.raises(AnswerError, match="leads away"):
        server(HuggingFaceOptions(base_url=HOSTED), "openai").get("https://example.com/v1/models")


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:1", True),
        ("http://localhost", True),
        ("http://[::1]:8", True),
        (HOSTED, False),
        ("http://10.0.0.1", False),
    ],
)
def test_the_card_says_where_data_goes(url: str, here: bool) -> None:
    from modelhub_huggingface.endpoints.cards import card

    site = server(HuggingFaceOptions(base_url=url), "openai")
    shown = card(site, "org/tiny", "text")
    assert is_here(url) is here
    assert (shown.local, shown.open_weights) == (here, True)
    assert shown.data == ("this machine" if here else url.split("/")[2])
    assert shown.url == "https://huggingface.co/org/tiny"
    assert card(site, "/models/tiny", "text").url is None


def test_only_an_encrypted_host_is_one_of_hugging_faces() -> None:
    assert is_hosted("https://api-inference.huggingface.co/models/x")
    assert not is_hosted("http://api-inference.huggingface.co/models/x")
