"""Secrets, certificates and trusted issuers of both faces, each once, and never a value."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from connectors.azure.identities.credentials import credentials_of, federation_of, signs_in
from connectors.azure.identities.payloads import FederatedCredential
from connectors.azure.usage.record import Sign, UseRecord
from scanner.demo.fakes.azure.tenant import guid
from scanner.model import Credential
from tests.connectors.azure.identities.made import TENANT, both

KEY = "azure://t/applications/c"
THUMBPRINT = base64.b64encode(bytes(range(20))).decode()
OTHER = base64.b64encode(bytes(range(1, 21))).decode()
SECRET = {"keyId": guid("secret"), "displayName": "ci", "hint": "s3c", "secretText": "s3cret-value"}


def _key(name: str, **facts: Any) -> dict[str, Any]:
    usual = {"keyId": guid(name), "type": "AsymmetricX509Cert", "usage": "Verify", "customKeyIdentifier": THUMBPRINT}
    return {**usual, **facts}


def _kinds(credentials: tuple[Credential, ...]) -> list[tuple[str, str]]:
    return sorted((one.kind, one.id) for one in credentials)


SIGNING = {
    "keyCredentials": [
        _key("private", usage="Sign", type="X509CertAndPassword"),
        _key("public"),
    ],
    "passwordCredentials": [{"keyId": guid("private"), "customKeyIdentifier": THUMBPRINT}],
}


@pytest.mark.parametrize(
    ("principal", "application", "expected"),
    [
        ({}, {}, []),
        ({}, {"passwordCredentials": [SECRET]}, [("client_secret", "secret")]),
        ({"passwordCredentials": [SECRET]}, None, [("client_secret", "secret")]),
        ({"passwordCredentials": [SECRET]}, {"passwordCredentials": [SECRET]}, [("client_secret", "secret")]),
        (
            {"keyCredentials": [_key("a")]},
            {"keyCredentials": [_key("b")]},
            [("certificate", "a"), ("certificate", "b")],
        ),
        ({"keyCredentials": [_key("a", type="Symmetric")]}, None, [("client_secret", "a")]),
        (SIGNING, {}, [("certificate", "public")]),
        ({**SIGNING, "keyCredentials": SIGNING["keyCredentials"][::-1]}, {}, [("certificate", "public")]),
        ({**SIGNING, "keyCredentials": SIGNING["keyCredentials"][:1]}, {}, [("certificate", "private")]),
        # A password that opens no private key is one like any other, whatever it calls itself.
        (
            {**SIGNING, "passwordCredentials": [{"keyId": guid("hidden"), "customKeyIdentifier": THUMBPRINT}]},
            None,
            [("certificate", "public"), ("client_secret", "hidden")],
        ),
        # Two certificates without a private half here are two.
        ({"keyCredentials": [_key("a"), _key("b")]}, None, [("certificate", "a"), ("certificate", "b")]),
        (
            {"keyCredentials": [*SIGNING["keyCredentials"], _key("c", customKeyIdentifier=OTHER)]},
            None,
            [("certificate", "c"), ("certificate", "public")],
        ),
    ],
)  # fmt: skip
def test_each_credential_is_counted_once(
    principal: dict[str, Any] | None, application: dict[str, Any] | None, expected: list[tuple[str, str]]
) -> None:
    """Whichever face has it; a signing certificate is written as three and is one."""
    credentials = credentials_of(KEY, both(principal, application), UseRecord())

    assert _kinds(credentials) == sorted((kind, guid(name)) for kind, name in expected)
    assert len({one.key for one in credentials}) == len(credentials)


def test_of_a_secret_no_letter_is_kept() -> None:
    """Neither its value nor the first three characters, which Entra shows as a hint."""
    credentials = credentials_of(KEY, both({}, {"passwordCredentials": [SECRET]}), UseRecord())

    text = msgspec.json.encode(credentials).decode()
    assert "s3c" not in text
    assert "ci" in text


@pytest.mark.parametrize(
    ("end", "expires", "never"),
    [
        ("2027-01-02T03:04:05.1234567Z", datetime(2027, 1, 2, 3, 4, 5, 123456, tzinfo=UTC), False),
        ("2027-01-02T03:04:05-8:00", datetime(2027, 1, 2, 11, 4, 5, tzinfo=UTC), False),
        ("2299-12-31T00:00:00Z", datetime(2299, 12, 31, tzinfo=UTC), True),
        (None, None, False),
        ("soon", None, False),
        ("9999-12-31T23:59:59-08:00", None, False),
        (7, None, False),
    ],
)
def test_dates_are_read_however_they_are_written(end: object, expires: datetime | None, *, never: bool) -> None:
    """What is no date is not known; the portal's "never" is far in the future."""
    (credential,) = credentials_of(
        KEY, both({}, {"passwordCredentials": [{**SECRET, "endDateTime": end}]}), UseRecord()
    )

    assert (credential.expires_at, credential.never_expires) == (expires, never)


@pytest.mark.parametrize(
    ("identifier", "thumbprint"),
    [
        (THUMBPRINT, bytes(range(20)).hex().upper()),
        (base64.b64encode(bytes(32)).decode(), "00" * 32),
        (base64.b64encode(b"my key").decode(), None),
        ("not base64!", None),
        (None, None),
    ],
)
def test_a_thumbprint_is_reported_where_there_is_one(identifier: str | None, thumbprint: str | None) -> None:
    """The identifier may be anything that someone put there."""
    faces = both({"keyCredentials": [_key("a", customKeyIdentifier=identifier)]})

    (credential,) = credentials_of(KEY, faces, UseRecord())

    assert credential.attributes.get("thumbprint") == thumbprint


def test_credentials_without_an_id_are_distinguished() -> None:
    """The type allows it, so two of them must not become one."""
    faces = both({"passwordCredentials": [{}, {}]}, {"passwordCredentials": [{"keyId": None}]})

    assert len(credentials_of(KEY, faces, UseRecord())) == 3


def test_a_signing_certificate_was_used_when_either_half_was() -> None:
    """And no one can sign in with it."""
    at = datetime(2026, 3, 1, tzinfo=UTC)
    use = UseRecord(uses={guid("private"): Sign(at=at)}, reach=90)

    (credential,) = credentials_of(KEY, both(SIGNING), use)

    assert (credential.last_used_at, credential.use_tracked_days) == (at, 90)
    assert not signs_in(credential)


def _federated(**facts: Any) -> FederatedCredential:
    usual = {"id": guid("f"), "name": "gh", "issuer": "https://issuer.example", "subject": "repo:acme/shop"}
    return msgspec.convert({**usual, **facts}, FederatedCredential)


def test_a_trusted_issuer_is_a_credential_and_a_trust() -> None:
    """With the subject that it must vouch for."""
    row = _federated()

    (credential,), (trust,) = federation_of(KEY, TENANT, [row, row])

    assert (credential.kind, credential.id, credential.attributes) == (
        "federation",
        row.id,
        {"name": "gh", "issuer": "https://issuer.example", "subject": "repo:acme/shop", "audiences": []},
    )
    assert credential.never_expires
    assert (trust.kind, trust.issuer, trust.subject) == ("federated", row.issuer, row.subject)
    assert (trust.restriction, trust.external) == ("exact", True)
