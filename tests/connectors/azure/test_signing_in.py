"""Which credential of the SDK's a source's settings ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trustme

from connectors.azure.client.session import credential
from connectors.azure.settings import AzureSettings
from scanner.errors import SourceError
from scanner.redaction.redact import SecretRef

ID = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"client_secret": SecretRef(env="A_SECRET")}, "ClientSecretCredential"),
        ({"certificate_file": Path("c.pem")}, "CertificateCredential"),
        ({"managed_identity": True}, "ManagedIdentityCredential"),
        ({"managed_identity": ID}, "ManagedIdentityCredential"),
        ({}, "DefaultAzureCredential"),
    ],
)
def test_each_way_of_signing_in_has_its_credential(
    facts: dict[str, Any], kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Making one asks no one."""
    monkeypatch.setenv("A_SECRET", "not-a-real-one")
    monkeypatch.chdir(tmp_path)
    made = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert("a.example", key_type=trustme.KeyType.RSA)
    made.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "c.pem"))

    assert type(credential(AzureSettings(tenant_id=ID, client_id=ID, **facts))).__name__ == kind


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"client_secret": SecretRef(env="NO_SUCH_SECRET")}, "NO_SUCH_SECRET is not set"),
        ({"certificate_file": Path("nowhere.pem")}, "certificate_file"),
        ({"certificate_file": Path("empty.pem")}, "certificate_file"),
    ],
)
def test_what_is_not_there_is_reported(
    facts: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As a failure of the source, not as a traceback."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.pem").touch()

    with pytest.raises(SourceError, match=words):
        credential(AzureSettings(tenant_id=ID, client_id=ID, **facts))
