"""Credentials of an application, from both of its faces: secrets, certificates, trusted issuers (pure).

A SAML signing certificate is written as three credentials of one thumbprint (a private key, a public key, and the
password that opens the private one), and is counted once. Source:
https://learn.microsoft.com/graph/api/serviceprincipal-addtokensigningcertificate
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connectors.azure.client.payloads import moment
from connectors.azure.identities.faces import Faces, known
from connectors.azure.identities.federation import credential_of, trust_of
from connectors.azure.identities.payloads import Application, FederatedCredential, Key, Password, ServicePrincipal
from connectors.azure.usage.record import UseRecord
from connectors.core.contract import own_words
from scanner.model import Credential, CredentialKind, Trust, credential_key

LATEST_YEAR = 2200
"""Portals wrote "never" as 31 December 2299, or as the last day that a date can have."""
SIGNING = "signing"
_SIGN, _SYMMETRIC = "sign", "symmetric"
_THUMBPRINTS = (20, 32)
"""Bytes of a SHA-1 and of a SHA-256 digest."""


def credentials_of(key: str, faces: Faces, use: UseRecord) -> tuple[Credential, ...]:
    """The credentials of both faces, each id once. ``use``: the last use of each, where recorded."""
    found: dict[str, Credential] = {}
    named: tuple[tuple[str, ServicePrincipal | Application | None], ...] = (
        ("application", faces.application),
        ("service principal", faces.principal),
    )
    for name, face in named:
        if face is not None:
            for one in _of_face(key, name, face.key_credentials, face.password_credentials, use):
                found.setdefault(one.key, one)
    return tuple(found[one] for one in sorted(found))


def signs_in(credential: Credential) -> bool:
    """Whether its holder can sign in with it. Entra keeps the private key of a signing certificate."""
    return credential.attributes.get("usage") != SIGNING


def federation_of(
    key: str, tenant: str, rows: Iterable[FederatedCredential]
) -> tuple[tuple[Credential, ...], tuple[Trust, ...]]:
    """Federated credentials, as credentials and as trusts."""
    rows = {row.id: row for row in sorted(rows, key=lambda row: row.id)}.values()
    trusts = dict.fromkeys(trust_of(row.name or row.id, row, tenant) for row in rows)
    return tuple(credential_of(key, row.id, row, name=row.name) for row in rows), tuple(trusts)


def _of_face(
    key: str, face: str, keys: Iterable[Key], passwords: Iterable[Password], use: UseRecord
) -> Iterator[Credential]:
    signing: dict[str, list[Key]] = {one.custom_key_identifier or "": [] for one in keys if _signs(one)}
    opened = {(one.key_id, one.custom_key_identifier) for one in keys if _signs(one)}
    for number, one in enumerate(keys):
        if one.custom_key_identifier in signing:
            signing[one.custom_key_identifier].append(one)
            continue
        kind: CredentialKind = "client_secret" if (one.type or "").lower() == _SYMMETRIC else "certificate"
        facts = {"usage": (one.usage or "").lower() or None, "thumbprint": _thumbprint(one)}
        yield _dated(key, kind, one, (one,), use, face, number, facts)
    for number, group in enumerate(signing.values()):
        public = next((one for one in group if not _signs(one)), group[0])
        facts = {"usage": SIGNING, "thumbprint": _thumbprint(public)}
        yield _dated(key, "certificate", public, group, use, face, number, facts)
    for number, password in enumerate(passwords):
        if (password.key_id, password.custom_key_identifier) not in opened:
            yield _dated(key, "client_secret", password, (password,), use, face, number, {})


def _signs(key: Key) -> bool:
    return (key.usage or "").lower() == _SIGN and key.custom_key_identifier is not None


def _dated(
    key: str,
    kind: CredentialKind,
    row: Key | Password,
    group: Iterable[Key | Password],
    use: UseRecord,
    face: str,
    number: int,
    facts: Mapping[str, Any],
) -> Credential:
    """``group``: the rows of one credential; ``number``: its name if it has no id, which the type allows."""
    expires_at = moment(row.end_date_time)
    id_ = row.key_id or f"without-id-{face.replace(' ', '-')}-{number}"
    name = own_words(row.display_name) if row.display_name else None
    return Credential(
        key=credential_key(key, kind, id_),
        kind=kind,
        id=id_,
        created_at=moment(row.start_date_time),
        expires_at=expires_at,
        never_expires=expires_at is not None and expires_at.year >= LATEST_YEAR,
        last_used_at=use.last(*(one.key_id for one in group)),
        use_tracked_days=use.reach,
        attributes=known({"face": face, "name": name, **facts}),
    )


def _thumbprint(key: Key) -> str | None:
    """In upper-case hex digits, as portals show it; None for any other identifier."""
    try:
        decoded = base64.b64decode(key.custom_key_identifier or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded.hex().upper() if len(decoded) in _THUMBPRINTS else None
