"""What a source may say, and what is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.gcp.client.errors import NoCredentials
from connectors.gcp.client.session import credentials_of
from connectors.gcp.settings import GcpSettings
from scanner.redaction.redact import SecretRef

GOOD: tuple[dict[str, Any], ...] = (
    {},
    {"organization": "123456789012"},
    {"projects": "acme-prod"},
    {"projects": ["acme-prod", "example.com:legacy-1"]},
    {"access_token": {"env": "TOKEN"}, "quota_project": "acme-prod"},
    {"impersonate": "muster@acme-prod.iam.gserviceaccount.com"},
    {"endpoint_url": "http://127.0.0.1:8080", "grpc_endpoint": "127.0.0.1:9090"},
    {"endpoints": {"iam": "https://iam.example.com"}},
    {"resources": "all"},
    {"resources": ["usual", "recommender", "iam.oauth_clients"]},
)
BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"organisation": "1"}, "organisation"),
    ({"organization": "example.com"}, "organization's number"),
    ({"folders": "folders/1"}, "folder's number"),
    ({"projects": "Acme Prod"}, "project's id"),
    ({"projects": "../x"}, "project's id"),
    ({"quota_project": "a/b"}, "project's id"),
    ({"impersonate": "ada@example.com"}, "service account's e-mail"),
    ({"locations": "eu/west"}, "a location"),
    ({"endpoint_url": "http://example.com"}, "plain http"),
    ({"endpoints": {"iam": "ftp://x"}}, "address"),
    ({"endpoints": {"gmail": "https://x.example.com"}}, "gmail"),
    ({"grpc_endpoint": "https://iam"}, "host:port"),
    ({"resources": "nonsense"}, "is not a resource"),
    ({"max_attempts": 0}, "max_attempts"),
    ({"workers": 0}, "workers"),
    ({"timeout": 0}, "timeout"),
    ({"credentials_file": "a.json", "access_token": {"env": "T"}}, "either"),
)
FILES = (
    ("", "not a JSON file"),
    ("[]", "not a JSON file"),
    ("{}", "not a supported type of credentials"),
    ('{"type": "service_account"}', "no usable credentials"),
    ('{"type": "external_account"}', "no usable credentials"),
    (
        '{"type": "external_account", "credential_source": {"executable": {"command": "/bin/x"}}}',
        "not a supported type",
    ),
)


@pytest.mark.parametrize("facts", GOOD, ids=str)
def test_good_settings_are_taken(facts: dict[str, Any]) -> None:
    """As they come from the configuration."""
    assert isinstance(msgspec.convert(facts, GcpSettings), GcpSettings)


@pytest.mark.parametrize(("facts", "words"), BAD, ids=str)
def test_bad_settings_are_refused(facts: dict[str, Any], words: str) -> None:
    """With words that say what would be right."""
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert(facts, GcpSettings, dec_hook=lambda kind, value: kind(value))


@pytest.mark.parametrize(("content", "words"), FILES)
def test_files_without_usable_credentials_are_reported(tmp_path: Path, content: str, words: str) -> None:
    """Never by a traceback, and no file makes us run a command."""
    path = tmp_path / "credentials.json"
    path.write_text(content)

    with pytest.raises(NoCredentials, match=words):
        credentials_of(GcpSettings(credentials_file=path))


def test_a_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    """By the kind of failure."""
    with pytest.raises(NoCredentials, match="FileNotFoundError"):
        credentials_of(GcpSettings(credentials_file=tmp_path / "none.json"))


@pytest.mark.parametrize("where", [SecretRef(env="MUSTER_NO_SUCH_TOKEN"), SecretRef(file="no/such/file")], ids=str)
def test_a_token_that_is_not_there_is_want_of_credentials(where: SecretRef) -> None:
    """So that a scan ends there, and does not say it of each section."""
    with pytest.raises(NoCredentials, match=str(where)):
        credentials_of(GcpSettings(access_token=where))


def test_optional_sections_are_off_unless_asked_for() -> None:
    """The usual ones are always on."""
    assert "recommender.insights" not in GcpSettings().sections
    assert "recommender.insights" in GcpSettings(resources="recommender").sections
    assert "iam.service_accounts" in GcpSettings(resources="recommender").sections
