"""How each kind of record is kept: what is its content, and what moves from scan to scan without it changing.

Content goes into a version's body and its hash. What moves (when it was last used, whether its place was read this
time, whether a finding is new, which row of a spreadsheet an entry stands in) goes into a :class:`Sighting`, so that
an identity that is used every day is not stored anew every day. Both are put together again on loading.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.json import Decoder
from msgspec.structs import replace
from sqlalchemy import Table

from scanner.history import schema
from scanner.model import Assessment, Credential, EntryAssessment, Finding, Origin, StoredSecret

R = TypeVar("R", Assessment, StoredSecret, EntryAssessment, Finding)

_NO_ORIGIN = Origin(file="")


class Sighting(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What moves in a record. One with nothing but defaults is not stored.

    ``credentials``: last use of each credential, in the identity's order; empty when none is known.
    ``usage_evidence`` is here because it tells the date of the last use.
    """

    rechecked: bool = True
    new: bool = False
    last_used_at: datetime | None = None
    credentials: tuple[datetime | None, ...] = ()
    usage_last_used_at: datetime | None = None
    usage_evidence: str = ""
    origin: Origin | None = None


class RecordKind(Struct, Generic[R], frozen=True, kw_only=True):
    """One kind of record and its tables.

    ``content`` takes out what ``sighting`` holds, ``restore`` puts it back:
    ``restore(content(r), sighting(r)) == r``. ``facts`` are the columns between a version's hash and its body.
    """

    name: str
    body: Decoder[R]
    versions: Table
    sightings: Table
    key: Callable[[R], str]
    facts: Callable[[R], tuple[str | None, ...]]
    content: Callable[[R], R]
    sighting: Callable[[R], Sighting]
    restore: Callable[[R, Sighting], R]


# --- identities ---------------------------------------------------------------


def _identity_facts(one: Assessment) -> tuple[str | None, ...]:
    subject = one.identity
    return (
        subject.provider,
        subject.source,
        subject.scope,
        subject.kind,
        one.registry.state,
        one.ownership.state,
        one.usage.state,
        one.privilege.level,
    )


def _identity_content(one: Assessment) -> Assessment:
    return _restore_identity(one, Sighting(credentials=(None,) * len(one.identity.credentials)))


def _identity_sighting(one: Assessment) -> Sighting:
    used = tuple(credential.last_used_at for credential in one.identity.credentials)
    return Sighting(
        rechecked=one.rechecked,
        last_used_at=one.identity.last_used_at,
        credentials=used if any(used) else (),
        usage_last_used_at=one.usage.last_used_at,
        usage_evidence=one.usage.evidence,
    )


def _restore_identity(one: Assessment, seen: Sighting) -> Assessment:
    credentials = one.identity.credentials
    if seen.credentials:
        pairs = zip(credentials, seen.credentials, strict=True)
        credentials = tuple(_used_at(credential, moment) for credential, moment in pairs)
    return replace(
        one,
        identity=replace(one.identity, last_used_at=seen.last_used_at, credentials=credentials),
        usage=replace(one.usage, last_used_at=seen.usage_last_used_at, evidence=seen.usage_evidence),
        rechecked=seen.rechecked,
    )


def _used_at(credential: Credential, moment: datetime | None) -> Credential:
    return credential if credential.last_used_at == moment else replace(credential, last_used_at=moment)


IDENTITIES = RecordKind(
    name="identity",
    body=Decoder(Assessment),
    versions=schema.identity,
    sightings=schema.identity_sighting,
    key=lambda one: one.identity.key,
    facts=_identity_facts,
    content=_identity_content,
    sighting=_identity_sighting,
    restore=_restore_identity,
)

# --- secrets, entries, findings -----------------------------------------------

SECRETS = RecordKind(
    name="secret",
    body=Decoder(StoredSecret),
    versions=schema.secret,
    sightings=schema.secret_sighting,
    key=lambda one: one.key,
    facts=lambda one: (one.provider, one.source, one.scope),
    content=lambda one: replace(one, last_used_at=None),
    sighting=lambda one: Sighting(last_used_at=one.last_used_at),
    restore=lambda one, seen: replace(one, last_used_at=seen.last_used_at),
)

ENTRIES = RecordKind(
    name="entry",
    body=Decoder(EntryAssessment),
    versions=schema.entry,
    sightings=schema.entry_sighting,
    key=lambda one: one.entry.id,
    facts=lambda one: (one.state,),
    content=lambda one: replace(one, entry=replace(one.entry, origin=_NO_ORIGIN), rechecked=True),
    sighting=lambda one: Sighting(rechecked=one.rechecked, origin=one.entry.origin),
    restore=lambda one, seen: replace(
        one, entry=replace(one.entry, origin=seen.origin or _NO_ORIGIN), rechecked=seen.rechecked
    ),
)

FINDINGS = RecordKind(
    name="finding",
    body=Decoder(Finding),
    versions=schema.finding,
    sightings=schema.finding_sighting,
    key=lambda one: one.fingerprint,
    facts=lambda one: (one.rule, one.severity, one.identity, one.entry),
    content=lambda one: replace(one, new=False, rechecked=True),
    sighting=lambda one: Sighting(rechecked=one.rechecked, new=one.new),
    restore=lambda one, seen: replace(one, new=seen.new, rechecked=seen.rechecked),
)
