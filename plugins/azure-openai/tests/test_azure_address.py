"""AT-I1: an endpoint in any spelling leads to the expected URL, or to an error that prints the line to write."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from modelhub_azure_openai.address import Address, api_version, read_endpoint, resource_url
from modelhub_azure_openai.options import AzureOptions
from modelhub_azure_openai.site import AzureSite, azure_site

from modelhub.errors import ConfigError
from modelhub.plugin import Plain

OWN = "https://my-res.openai.azure.com"
COGNITIVE = "https://my-res.cognitiveservices.azure.com"
FOUNDRY = "https://my-res.services.ai.azure.com"
GATEWAY = "https://gateway.contoso.example/team-a"
REGION = "https://japaneast.api.cognitive.microsoft.com"

SPELLINGS = {
    "https://my-res.openai.azure.com": (OWN, None),
    "https://My-Res.openai.azure.com/": (OWN, None),
    "my-res.openai.azure.com": (OWN, None),
    "https://my-res.openai.azure.com/openai": (OWN, None),
    "https://my-res.openai.azure.com/openai/v1/": (OWN, "v1"),
    "https://my-res.openai.azure.com/openai/v1/?api-version=preview": (OWN, "preview"),
    "https://my-res.openai.azure.com/v1": (OWN, "v1"),
    "https://my-res.openai.azure.com/openai/deployments/prod%20gpt": (OWN, None),
    "https://my-res.openai.azure.com/openai/deployments/x/chat/completions?api-version=2024-10-21": (OWN, "2024-10-21"),
    "https://my-res.openai.azure.com/openai/responses?api-version=2025-04-01-preview": (OWN, "2025-04-01-preview"),
    "https://my-res.cognitiveservices.azure.com/openai/deployments/x/audio/speech?api-version=2025-03-01-preview": (
        COGNITIVE,
        "2025-03-01-preview",
    ),
    "https://my-res.services.ai.azure.com/": (FOUNDRY, None),
    "https://my-res.services.ai.azure.com/api/projects/my-project": (FOUNDRY, None),
    "https://my-res.services.ai.azure.com/openai/v1/chat/completions": (FOUNDRY, "v1"),
    "https://japaneast.api.cognitive.microsoft.com/": (REGION, None),
    "https://gateway.contoso.example/team-a/openai/deployments/x/embeddings": (GATEWAY, None),
    "https://gateway.contoso.example/team-a": (GATEWAY, None),
}
NO_ADDRESSES = {
    "my-res": 'resource = "my-res"',
    "https://my-res.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview": f'endpoint = "{FOUNDRY}"',
    "https://my-res.openai.azure.com/docs": f'endpoint = "{OWN}"',
    "https://my-res.openai.azure.com/openai/chat": f'endpoint = "{OWN}"',
    "http://my-res.openai.azure.com": f'endpoint = "{OWN}"',
    "https://gateway.contoso.example/team-a?subscription-key=0123456789": f'endpoint = "{GATEWAY}"',
    "https://my-res.openai.azure.com?api-version=2024-10": "api_version = ",
    "https://portal.azure.com/#@t/resource/subscriptions/1/providers/Microsoft.CognitiveServices/accounts/my-res/overview": (
        'resource = "my-res"'
    ),
    "https://ai.azure.com/resource/overview?wsid=%2Fsubscriptions%2Faccounts%2Fmy-res%2Fprojects%2Fp": 'resource = "my-res"',
    "https://oai.azure.com/": 'endpoint = "https://my-resource.openai.azure.com"',
    "ftp://my-res.openai.azure.com": 'endpoint = "https://my-resource.openai.azure.com"',
    "https://user:secret@my-res.openai.azure.com": 'endpoint = "https://my-resource.openai.azure.com"',
    "https://<my-resource>.openai.azure.com": 'endpoint = "https://my-resource.openai.azure.com"',
    "https://[my-res": 'endpoint = "https://my-resource.openai.azure.com"',
    "私のリソース": 'endpoint = "https://my-resource.openai.azure.com"',
}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith(("AZURE_", "OPENAI_", "IDENTITY_"))]:
        monkeypatch.delenv(name)
    return


def site(**options: object) -> AzureSite:
    return azure_site(AzureOptions(api_key=Plain("a-key"), **options))  # type: ignore[arg-type]


def url(of: AzureSite, operation: str, model: str = "my gpt/4o") -> str:
    return of.post(operation, model, {"model": model}).url


@pytest.mark.parametrize("version", ["2024-10-21", "v1", None])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_leads_to_the_chat_of_the_resource(spelling: str, version: str | None) -> None:
    """AT-I1"""
    root, told = SPELLINGS[spelling]
    asked = version or told or "v1"
    expected = {
        "v1": f"{root}/openai/v1/chat/completions",
        "preview": f"{root}/openai/v1/chat/completions?api-version=preview",
    }.get(asked, f"{root}/openai/deployments/my%20gpt%2F4o/chat/completions?api-version={asked}")
    assert url(site(endpoint=spelling, api_version=version), "chat/completions") == expected


@pytest.mark.parametrize("version", ["2024-10-21", "v1", None])
@pytest.mark.parametrize("spelling", NO_ADDRESSES)
def test_what_is_no_address_of_a_resource_prints_the_line_to_write(spelling: str, version: str | None) -> None:
    """AT-I1"""
    with pytest.raises(ValueError, match="write") as caught:
        AzureOptions(endpoint=spelling, api_version=version)
    assert NO_ADDRESSES[spelling] in str(caught.value)
    assert "0123456789" not in str(caught.value)
    assert "secret" not in str(caught.value)


DATED, PREVIEW = "?api-version=2024-10-21", "?api-version=2025-04-01-preview"
OPERATIONS = {
    ("chat/completions", None): "/openai/v1/chat/completions",
    ("embeddings", None): "/openai/v1/embeddings",
    ("responses", None): "/openai/v1/responses",
    ("audio/speech", None): f"/openai/deployments/x/audio/speech{PREVIEW}",
    ("audio/transcriptions", None): f"/openai/deployments/x/audio/transcriptions{PREVIEW}",
    ("images/generations", None): f"/openai/deployments/x/images/generations{PREVIEW}",
    ("images/edits", None): f"/openai/deployments/x/images/edits{PREVIEW}",
    ("images/generations:submit", None): "/openai/images/generations:submit?api-version=2023-06-01-preview",
    ("embeddings", "2024-10-21"): f"/openai/deployments/x/embeddings{DATED}",
    ("audio/translations", "2024-10-21"): f"/openai/deployments/x/audio/translations{DATED}",
    ("responses", "2025-04-01-preview"): f"/openai/responses{PREVIEW}",
    ("files", "2024-10-21"): f"/openai/files{DATED}",
    ("chat/completions", "v1"): "/openai/v1/chat/completions",
    ("chat/completions", "latest"): "/openai/v1/chat/completions",
    ("chat/completions", "preview"): "/openai/v1/chat/completions?api-version=preview",
    ("audio/speech", "v1"): "/openai/v1/audio/speech?api-version=preview",
    ("images/generations", "v1"): "/openai/v1/images/generations?api-version=preview",
}


@pytest.mark.parametrize(("operation", "version"), OPERATIONS)
def test_each_operation_goes_to_the_surface_that_has_it(operation: str, version: str | None) -> None:
    assert url(site(resource="my-res", api_version=version), operation, "x") == OWN + OPERATIONS[operation, version]


def test_what_is_asked_after_belongs_to_the_resource_and_to_no_deployment() -> None:
    bound = site(endpoint=f"{OWN}/openai/deployments/x", api_version="2024-10-21")
    assert bound.get("models").url == f"{OWN}/openai/models{DATED}"
    job = f"{OWN}/openai/operations/images/job-1?api-version=2023-06-01-preview"
    assert bound.get(job).url == job


@pytest.mark.parametrize("elsewhere", ["https://evil.example/openai/operations/1", "http://my-res.openai.azure.com/openai"])
def test_a_key_is_carried_to_no_other_host(elsewhere: str) -> None:
    """AT-H5"""
    with pytest.raises(Exception, match="leads away"):
        site(resource="my-res").get(elsewhere)


def test_the_environment_names_the_resource_where_nothing_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://env-res.openai.azure.com/")
    monkeypatch.setenv("OPENAI_API_VERSION", "2024-06-01")
    assert (
        url(site(), "embeddings", "x")
        == "https://env-res.openai.azure.com/openai/deployments/x/embeddings?api-version=2024-06-01"
    )
    assert url(site(resource="my-res", api_version="v1"), "embeddings") == f"{OWN}/openai/v1/embeddings"
    assert url(site(endpoint=f"{OWN}/openai/v1"), "embeddings") == f"{OWN}/openai/v1/embeddings"


def test_no_resource_at_all_prints_the_line_to_write() -> None:
    with pytest.raises(ConfigError, match='resource = "my-resource", or set AZURE_OPENAI_ENDPOINT'):
        site()


def test_a_wrong_endpoint_in_the_environment_prints_the_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "my-res")
    with pytest.raises(ConfigError, match=r'providers\.azure-openai: .*resource = "my-res"'):
        site()


@pytest.mark.parametrize("name", ["https://my-res.openai.azure.com/openai/", "my-res.openai.azure.com"])
def test_an_address_in_the_place_of_a_name_is_told_where_it_belongs(name: str) -> None:
    with pytest.raises(ValueError, match=r'endpoint = "https://my-res\.openai\.azure\.com"'):
        resource_url(name)


@pytest.mark.parametrize("version", ["2024", "2024-10-21-beta", "v2", "2024-10-21 "])
def test_an_api_version_is_dated_or_v1(version: str) -> None:
    if version.strip() == "2024-10-21":
        assert api_version(version) == "2024-10-21"
        return
    with pytest.raises(ValueError, match='write api_version = "v1"'):
        api_version(version)


def test_a_deployment_pasted_with_the_endpoint_is_remembered() -> None:
    assert read_endpoint(f"{OWN}/openai/deployments/prod%20gpt").deployment == "prod gpt"
    assert Address(OWN, "2024-10-21").of("embeddings", "日本/語").startswith(f"{OWN}/openai/deployments/%E6%97%A5%E6%9C%AC%2F")
