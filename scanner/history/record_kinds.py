"""The kinds of records that the store keeps, but for findings: each with its tables, content, and what moves in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.json import Decoder
from msgspec.structs import replace
from sqlalchemy import Row

from scanner.history import schema
from scanner.history.bodies import decode
from scanner.history.records import R, RecordKind, Sighting, Wordings
from scanner.model import (
    Assessment,
    Assignment,
    Credential,
    EntryAssessment,
    Origin,
    StoredSecret,
    Workload,
    with_doubted_reach,
)

_UNSEEN = Sighting()
_NO_ORIGIN = Origin(file="")


def _loader(name: str, decoder: Decoder[R]) -> Callable[[Row[Any], Wordings], R]:
    """Loads records whose body holds all of them."""
    return lambda row, _: decode(decoder, row.body, f"{name} {row.key}")


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
        subject.unique_id,
        subject.created_by,
    )


def _identity_content(one: Assessment) -> Assessment:
    credentials = one.identity.credentials
    return _restore_identity(one, Sighting(credentials=(None,) * len(credentials)) if credentials else _UNSEEN)


def _identity_sighting(one: Assessment) -> Sighting:
    used = tuple(credential.last_used_at for credential in one.identity.credentials)
    return Sighting(
        rechecked=one.rechecked,
        last_used_at=one.identity.last_used_at,
        observed_at=one.identity.observed_at,
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
        identity=replace(
            one.identity, last_used_at=seen.last_used_at, observed_at=seen.observed_at, credentials=credentials
        ),
        usage=replace(one.usage, last_used_at=seen.usage_last_used_at, evidence=seen.usage_evidence),
        rechecked=seen.rechecked,
    )


_assessments = Decoder(Assessment)


def _load_identity(row: Row[Any], _: Wordings) -> Assessment:
    """The body's assessment; earlier versions kept an identity's reach among its attributes."""
    one = decode(_assessments, row.body, f"identity {row.key}")
    identity = with_doubted_reach(one.identity)
    return one if identity is one.identity else replace(one, identity=identity)


def _used_at(credential: Credential, moment: datetime | None) -> Credential:
    return credential if credential.last_used_at == moment else replace(credential, last_used_at=moment)


IDENTITIES = RecordKind(
    name="identity",
    versions=schema.identity,
    sightings=schema.identity_sighting,
    key=lambda one: one.identity.key,
    order=lambda one: one.identity.key,
    content=_identity_content,
    facts=_identity_facts,
    load=_load_identity,
    sighting=_identity_sighting,
    restore=_restore_identity,
)

# --- secrets, workloads, assignments and entries ---------------------------------------------

SECRETS = RecordKind(
    name="secret",
    versions=schema.secret,
    sightings=schema.secret_sighting,
    key=lambda one: one.key,
    order=lambda one: one.key,
    content=lambda one: replace(one, last_used_at=None),
    facts=lambda one: (one.provider, one.source, one.scope),
    load=_loader("secret", Decoder(StoredSecret)),
    moves=lambda one: one.last_used_at is not None,
    sighting=lambda one: Sighting(last_used_at=one.last_used_at),
    restore=lambda one, seen: replace(one, last_used_at=seen.last_used_at),
)

WORKLOADS = RecordKind(
    name="workload",
    versions=schema.workload,
    sightings=schema.workload_sighting,
    key=lambda one: one.key,
    order=lambda one: one.key,
    content=lambda one: one,
    facts=lambda one: (one.provider, one.source, one.scope, one.kind),
    load=_loader("workload", Decoder(Workload)),
    moves=lambda _: False,
    sighting=lambda _: _UNSEEN,
    restore=lambda one, _: one,
)

ASSIGNMENTS = RecordKind(
    name="assignment",
    versions=schema.assignment,
    sightings=schema.assignment_sighting,
    key=lambda one: one.key,
    order=lambda one: one.key,
    content=lambda one: one,
    facts=lambda one: (one.provider, one.source, one.scope),
    load=_loader("assignment", Decoder(Assignment)),
    moves=lambda _: False,
    sighting=lambda _: _UNSEEN,
    restore=lambda one, _: one,
)

ENTRIES = RecordKind(
    name="entry",
    versions=schema.entry,
    sightings=schema.entry_sighting,
    key=lambda one: one.entry.id,
    order=lambda one: one.entry.id,
    content=lambda one: replace(one, entry=replace(one.entry, origin=_NO_ORIGIN), rechecked=True),
    facts=lambda one: (one.state,),
    load=_loader("entry", Decoder(EntryAssessment)),
    sighting=lambda one: Sighting(rechecked=one.rechecked, origin=one.entry.origin),
    restore=lambda one, seen: replace(
        one, entry=replace(one.entry, origin=seen.origin or _NO_ORIGIN), rechecked=seen.rechecked
    ),
)
