"""The kinds of records that the store keeps: their tables, their content, and what moves in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.json import Decoder
from msgspec.structs import replace
from sqlalchemy import Row, Table

from scanner.errors import DamagedRow
from scanner.model import (
    Acknowledged,
    Assessment,
    Assignment,
    Credential,
    EntryAssessment,
    Finding,
    Origin,
    StoredSecret,
    Workload,
    most_severe_first,
    with_doubted_reach,
)
from scanner.store import schema
from scanner.store.bodies import Wording, compact, decode, moment_of, text_of, wording_of
from scanner.store.integrity import HINT
from scanner.text import printable

# ---
# What a kind of record is to the store: what is its content, and what moves from scan to scan without it changing.
#
# Content goes into a version's body and its hash. What moves (when it was last used, whether its place was read this
# time, whether a finding is new, which row of a spreadsheet an entry stands in) goes into a :class:`Sighting`, so
# that an identity that is used every day is not stored anew every day. Both are put together again on loading.

R = TypeVar("R", Assessment, StoredSecret, Workload, Assignment, EntryAssessment, Finding)

Wordings: TypeAlias = Mapping[str, Wording]


class Sighting(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What moves in a record. One with nothing but defaults is not stored.

    ``credentials``: last use of each credential, in the identity's order; empty when none is known.
    ``usage_evidence`` is here because it tells the date of the last use.
    """

    rechecked: bool = True
    new: bool = False
    reopened: bool = False
    last_used_at: datetime | None = None
    observed_at: datetime | None = None
    credentials: tuple[datetime | None, ...] = ()
    usage_last_used_at: datetime | None = None
    usage_evidence: str = ""
    origin: Origin | None = None


class RecordKind(Struct, Generic[R], frozen=True, kw_only=True):
    """One kind of record and its tables.

    ``content`` takes out what ``sighting`` holds, ``restore`` puts it back: ``restore(content(r), sighting(r)) == r``.
    ``moves`` is false where the sighting is empty. Of the content, ``facts`` are the columns between a version's hash
    and its body, ``body`` is what the body holds, and ``load`` makes it out of both again. ``order`` is what the
    records of a scan are sorted by, if they are.
    """

    name: str
    versions: Table
    sightings: Table
    key: Callable[[R], str]
    order: Callable[[R], Any]
    content: Callable[[R], R]
    facts: Callable[[R], tuple[str | None, ...]]
    body: Callable[[R], Struct] = compact
    load: Callable[[Row[Any], Wordings], R]
    moves: Callable[[R], bool] = lambda _: True
    sighting: Callable[[R], Sighting]
    restore: Callable[[R, Sighting], R]


# ---
# The kinds of records that the store keeps, but for findings: each with its tables, content, and what moves in it.

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


# --- How findings are kept: what they say alike stands in their wording, once, and what is asked for in columns ---


class _FindingBody(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A finding without what stands in columns and in its wording."""

    credential: str | None = None
    assignment: str | None = None
    evidence: Mapping[str, Any] = {}
    owner: str | None = None
    acknowledged: Acknowledged | None = None


_finding_bodies = Decoder(_FindingBody)
_HELD_BACK = "yes"
ACKNOWLEDGED = "acknowledged"


def _moves(one: Finding) -> bool:
    return one.new or one.reopened or not one.rechecked


def _finding_facts(one: Finding) -> tuple[str | None, ...]:
    first_seen = None if one.first_seen is None else text_of(one.first_seen)
    wording, unannounced = wording_of(one), _why_unannounced(one)
    return one.rule, one.severity, one.identity, one.entry, wording, unannounced, first_seen


def _why_unannounced(one: Finding) -> str | None:
    if one.held_back:
        return _HELD_BACK
    return None if one.acknowledged is None else ACKNOWLEDGED


def _load_finding(row: Row[Any], wordings: Wordings) -> Finding:
    what = f"finding {row.key}"
    first_seen = None if row.first_seen is None else moment_of(row.first_seen)
    body, wording = decode(_finding_bodies, row.body, what), wordings.get(row.wording)
    if wording is None:
        raise DamagedRow(f"the store's {printable(what)} has lost its wording", hint=HINT)
    return Finding(
        fingerprint=row.key,
        rule=row.rule,
        severity=row.severity,
        identity=row.identity,
        credential=body.credential,
        entry=row.entry,
        assignment=body.assignment,
        title=wording.title,
        evidence=body.evidence,
        remediation=wording.remediation,
        controls=wording.controls,
        owner=body.owner,
        held_back=row.held_back == _HELD_BACK,
        first_seen=first_seen,
        acknowledged=body.acknowledged,
    )


FINDINGS = RecordKind(
    name="finding",
    versions=schema.finding,
    sightings=schema.finding_sighting,
    key=lambda one: one.fingerprint,
    order=most_severe_first,
    content=lambda one: replace(one, new=False, reopened=False, rechecked=True) if _moves(one) else one,
    facts=_finding_facts,
    body=lambda one: _FindingBody(
        credential=one.credential,
        assignment=one.assignment,
        evidence=one.evidence,
        owner=one.owner,
        acknowledged=one.acknowledged,
    ),
    load=_load_finding,
    moves=_moves,
    sighting=lambda one: Sighting(rechecked=one.rechecked, new=one.new, reopened=one.reopened),
    restore=lambda one, seen: replace(one, new=seen.new, reopened=seen.reopened, rechecked=seen.rechecked),
)
