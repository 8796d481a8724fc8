"""Credentials of an account of Active Directory: its password, keys and certificates, with their dates. Pure.

None of them is read: a password's dates, a key's id and date, a certificate's serial number and end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from connectors.core.reading import in_utc
from connectors.ldap.client.messages import text
from connectors.ldap.values import NEVER, LdapFacts, Uac, filetime
from scanner.model import Credential, CredentialKind, credential_key

KEYS, MAPPED, CERTIFICATES = "msDS-KeyCredentialLink", "altSecurityIdentities", "userCertificate"
EXPIRY_TIME = "msDS-UserPasswordExpiryTimeComputed"
INTERVAL = "msDS-ManagedPasswordInterval"
_KEY_ID, _KEY_USAGE, _DEVICE, _CREATED = 1, 4, 6, 9
_USAGES = {0: "administrator", 1: "sign-in", 2: "FIDO", 3: "FIDO"}
_VERSION_BYTES, _ENTRY_HEAD = 4, 3
_MOST_DIGITS = 8
"""Of a length in ``B:length:hex:DN``."""
_MOST_LISTED = 50
"""The most keys, mapped certificates or certificates of an account that are listed, each."""


def password(key: str, facts: LdapFacts, uac: int | None, *, managed: bool, enabled: bool | None) -> Credential:
    """The password of an account. ``managed``: the domain sets it, as of a managed service account or a computer."""
    set_at = facts.filetime("pwdLastSet")
    expires_at, never = None, False
    if managed:
        days = facts.number(INTERVAL)
        expires_at = set_at + timedelta(days=days) if set_at and days and 0 < days < NEVER_DAYS else None
    else:
        ends = facts.number(EXPIRY_TIME)
        never = ends == NEVER or bool(uac is not None and uac & Uac.NEVER_EXPIRES)
        expires_at = None if never else filetime(ends)
    ends_with = facts.filetime("accountExpires")
    if ends_with is not None and (expires_at is None or ends_with < expires_at):
        expires_at, never = ends_with, False
    attributes: dict[str, Any] = {"managed": True} if managed else {}
    if uac is not None and uac & Uac.NO_PASSWORD_NEEDED and not managed:
        attributes["may_be_empty"] = True
    if facts.number("pwdLastSet") == 0:
        attributes["must_change"] = True
    id_ = facts.text("sAMAccountName") or "password"
    return Credential(
        key=credential_key(key, "password", id_),
        kind="password",
        id=id_,
        enabled=enabled,
        created_at=set_at,
        expires_at=expires_at,
        never_expires=never,
        attributes=attributes,
    )


NEVER_DAYS = 100_000
"""More days than any interval has."""


def keys(key: str, facts: LdapFacts, *, enabled: bool | None) -> Iterator[Credential]:
    """Its key credentials, mapped certificates, and certificates of its own."""
    made = (*_key_credentials(key, facts, enabled), *_mapped(key, facts, enabled), *_certificates(key, facts, enabled))
    yield from {one.key: one for one in made}.values()


def _key_credentials(key: str, facts: LdapFacts, enabled: bool | None) -> Iterator[Credential]:
    for value in list(facts.each(KEYS))[:_MOST_LISTED]:
        found = key_credential(value)
        if found is not None:
            id_, created_at, attributes = found
            yield Credential(
                key=credential_key(key, "service_specific", id_),
                kind="service_specific",
                id=id_,
                enabled=enabled,
                created_at=created_at,
                never_expires=True,
                attributes={"type": "key credential", **attributes},
            )


def key_credential(value: bytes) -> tuple[str, datetime | None, dict[str, Any]] | None:
    """Id, creation and further facts of a key credential, of the form ``B:length:hex:DN`` (MS-ADTS, 2.2.20).

    None for what has another form. The key itself is public, and is not kept.
    """
    kind, _, rest = text(value).partition(":")
    length, _, rest = rest.partition(":")
    try:
        blob = bytes.fromhex(rest[: int(length)]) if kind.upper() == "B" and len(length) <= _MOST_DIGITS else b""
    except ValueError:
        return None
    entries: dict[int, bytes] = {}
    at = _VERSION_BYTES
    while at + _ENTRY_HEAD <= len(blob):
        size = int.from_bytes(blob[at : at + 2], "little")
        if at + _ENTRY_HEAD + size > len(blob):
            break
        entries[blob[at + 2]] = blob[at + _ENTRY_HEAD : at + _ENTRY_HEAD + size]
        at += _ENTRY_HEAD + size
    if not blob or not entries:
        return None
    id_ = entries[_KEY_ID].hex() if _KEY_ID in entries else hashlib.sha256(blob).hexdigest()
    attributes: dict[str, Any] = {}
    if usage := entries.get(_KEY_USAGE):
        attributes["usage"] = _USAGES.get(usage[0], str(usage[0]))
    if _DEVICE in entries and any(entries[_DEVICE]):
        attributes["of_device"] = True
    return id_, filetime(int.from_bytes(entries.get(_CREATED, b"")[:8], "little")), attributes


def _mapped(key: str, facts: LdapFacts, enabled: bool | None) -> Iterator[Credential]:
    """Certificates, or names of another realm, that sign in as the account."""
    for mapping in facts.texts(MAPPED)[:_MOST_LISTED]:
        kind: CredentialKind = "federation" if mapping.lower().startswith("kerberos:") else "certificate"
        yield Credential(
            key=credential_key(key, kind, mapping),
            kind=kind,
            id=mapping,
            enabled=enabled,
            attributes={"type": "mapped in altSecurityIdentities"},
        )


def _certificates(key: str, facts: LdapFacts, enabled: bool | None) -> Iterator[Credential]:
    from cryptography import x509

    for value in list(facts.each(CERTIFICATES))[:_MOST_LISTED]:
        try:
            certificate = x509.load_der_x509_certificate(value)
            id_ = f"{certificate.serial_number:x}"
            created_at, expires_at = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        except ValueError:
            id_, created_at, expires_at = hashlib.sha256(value).hexdigest(), None, None
        yield Credential(
            key=credential_key(key, "certificate", id_),
            kind="certificate",
            id=id_,
            enabled=enabled,
            created_at=in_utc(created_at),
            expires_at=in_utc(expires_at),
        )
