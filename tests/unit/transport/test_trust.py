"""Which certificates are trusted."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from modelhub.errors import ConfigError
from modelhub.route import Route
from modelhub.transport.trust import tls_context


def test_verification_is_on() -> None:
    context = tls_context(Route())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_somebody_is_trusted_even_where_the_machine_has_no_certificates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "none.pem").write_text("", encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert tls_context(Route()).cert_store_stats()["x509_ca"] > 0


def test_a_bundle_that_is_missing_or_no_bundle_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.pem"):
        tls_context(Route(str(tmp_path / "nowhere.pem")))
    (tmp_path / "text.pem").write_text("こんにちは", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"text\.pem"):
        tls_context(Route(str(tmp_path / "text.pem")))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "env.pem"))
    with pytest.raises(ConfigError, match=r"env\.pem"):
        tls_context(Route())


def test_the_environment_is_part_of_the_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = tls_context(Route())
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert tls_context(Route()) is not before
