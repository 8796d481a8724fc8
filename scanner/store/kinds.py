"""The kinds of records in the store: their tables, their content, and their sightings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType, defstruct, field
from msgspec.json import Decoder
from msgspec.structs import asdict, replace
from sqlalchemy import Connection, Row, Table

from scanner.errors import DamagedRow
from scanner.model import (
    UNKNOWN_PRIVILEGE,
    UNREGISTERED,
    Acknowledged,
    AgentVerdict,
    Assessment,
    Assignment,
    EntryAssessment,
    Exposure,
    Finding,
    Identity,
    NatureVerdict,
    Origin,
    Policy,
    RegistryVerdict,
    Severity,
    StoredSecret,
    UsageVerdict,
    Workload,
    last_used_on,
    most_severe_first,
)
from scanner.model.attributes import ALLOWED_ACTIONS
from scanner.store import schema
from scanner.store.bodies import Wording, compact, decode, moment_of, part_of, text_of, wording_of, wordings
from scanner.store.integrity import HINT
from scanner.store.policies import Policies, apart, hash_of
from scanner.text import printable

# --- What of a record is content, and what changes from scan to scan without the record changing ---

R = TypeVar("R", Assessment, StoredSecret, Workload, Assignment, Exposure, EntryAssessment, Finding)


class Shared:
    """What records share, read when it is first needed: the wordings of findings, and what policies allow."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.policies = Policies(connection)

    @cached_property
    def wordings(self) -> Mapping[str, Wording]:
        """By hash."""
        return wordings(self._connection)


class Sighting(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The part of a record that changes without its content changing. A sighting with only defaults is not stored.

    ``credentials``: last use of each credential, in the identity's order; empty if none is known. ``usage_evidence`` is
    here because it contains the date of the last use. Both fields of usage are unset in the usual case: they follow
    from the identity's last use.
    """

    rechecked: bool = True
    new: bool = False
    reopened: bool = False
    was: Severity | None = None
    cause: str | None = None
    by_setup: bool = False
    last_used_at: datetime | None = None
    observed_at: datetime | None = None
    credentials: tuple[datetime | None, ...] = ()
    usage_last_used_at: datetime | UnsetType | None = UNSET
    usage_evidence: str | UnsetType = UNSET
    origin: Origin | None = None


class RecordKind(Struct, Generic[R], frozen=True, kw_only=True):
    """One kind of record and its tables.

    ``content`` removes what ``sighting`` holds, and ``restore`` adds it again: ``restore(content(r), sighting(r)) ==
    r``. ``moves`` is false if the sighting is empty. ``facts`` are the columns between a version's hash and its body;
    ``body`` is what the body holds; ``load`` builds the content from both. ``order`` is the sort key of the records in
    a scan, if they are sorted.
    """

    name: str
    versions: Table
    sightings: Table
    key: Callable[[R], str]
    order: Callable[[R], Any]
    content: Callable[[R], R]
    facts: Callable[[R], tuple[str | None, ...]]
    body: Callable[[R], Struct] = compact
    load: Callable[[Row[Any], Shared], R]
    moves: Callable[[R], bool] = lambda _: True
    sighting: Callable[[R], Sighting]
    restore: Callable[[R, Sighting], R]


# --- The kinds, except findings ---

_UNSEEN = Sighting()
_NO_ORIGIN = Origin(file="")


def _loader(name: str, decoder: Decoder[R]) -> Callable[[Row[Any], Shared], R]:
    """Loads records whose body holds every field."""
    return lambda row, _: decode(decoder, row.body, f"{name} {row.key}")


# --- Identities: common values are left out ---


def _identity_facts(assessment: Assessment) -> tuple[str | None, ...]:
    subject = assessment.identity
    return (
        subject.provider,
        subject.source,
        subject.scope,
        subject.kind,
        assessment.registry.state,
        assessment.ownership.state,
        assessment.usage.state,
        assessment.privilege.level,
        subject.unique_id,
        subject.created_by,
    )


def _identity_content(assessment: Assessment) -> Assessment:
    """The identity without its sighting and without activity.

    Activity is stored by day in activity/; deviations are in findings.
    """
    if assessment.activity is not None or assessment.deviations:
        assessment = replace(assessment, activity=None, deviations=())
    credentials = assessment.identity.credentials
    return _restore_identity(assessment, Sighting(credentials=(None,) * len(credentials)) if credentials else _UNSEEN)


def _identity_sighting(assessment: Assessment) -> Sighting:
    identity, usage = assessment.identity, assessment.usage
    used = tuple(credential.last_used_at for credential in identity.credentials)
    return Sighting(
        rechecked=assessment.rechecked,
        last_used_at=identity.last_used_at,
        observed_at=identity.observed_at,
        credentials=used if any(used) else (),
        usage_last_used_at=UNSET if usage.last_used_at == identity.last_used_at else usage.last_used_at,
        usage_evidence=UNSET if usage.evidence == _usual_evidence(usage.last_used_at) else usage.evidence,
    )


def _usual_evidence(used: datetime | None) -> str:
    return "" if used is None else last_used_on(used.date())


def _restore_identity(assessment: Assessment, seen: Sighting) -> Assessment:
    credentials = assessment.identity.credentials
    if seen.credentials:
        pairs = zip(credentials, seen.credentials, strict=True)
        credentials = tuple(
            credential if credential.last_used_at == moment else replace(credential, last_used_at=moment)
            for credential, moment in pairs
        )
    used = seen.last_used_at if seen.usage_last_used_at is UNSET else seen.usage_last_used_at
    evidence = _usual_evidence(used) if seen.usage_evidence is UNSET else seen.usage_evidence
    return replace(
        assessment,
        identity=replace(
            assessment.identity, last_used_at=seen.last_used_at, observed_at=seen.observed_at, credentials=credentials
        ),
        usage=replace(assessment.usage, last_used_at=used, evidence=evidence),
        rechecked=seen.rechecked,
    )


class _IdentityBody(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An identity without its columns, and its verdicts, as compact records. Common values are unset."""

    identity: Any
    nature: Any
    agent: Any
    registry: Any
    ownership: Any
    usage: Any
    privilege: Any
    drift: Any
    not_compared: Any
    consumers: Any
    findings: Any
    allowed: Any
    """By policy, the hash of the list that is stored apart."""


_NATURE, _AGENT, _REGISTRY = NatureVerdict(), AgentVerdict(), RegistryVerdict(state="unregistered")
_USAGE = UsageVerdict(state="unknown", window_days=Policy().dormant_identity, evidence="")
_LEFT_OUT = ("nature", "agent", "registry", "ownership", "usage", "privilege", "identity.sources")


def _identity_body(assessment: Assessment) -> Struct:
    identity = assessment.identity
    lists = apart(identity)
    body = compact(replace(identity, attributes=_without(identity.attributes, lists)) if lists else identity)
    body.privilege = _unless(UNKNOWN_PRIVILEGE, identity.privilege)
    # A list, because an empty tuple is the default and would be left out, too.
    body.sources = UNSET if identity.sources == (identity.source,) else list(identity.sources)
    return _IdentityBody(
        identity=body,
        nature=_unless(_NATURE, assessment.nature),
        agent=_unless(_AGENT, assessment.agent),
        registry=_unless(_REGISTRY, assessment.registry),
        ownership=_unless(UNREGISTERED, assessment.ownership),
        usage=UNSET if assessment.usage.window_days == _USAGE.window_days else compact(assessment.usage),
        privilege=_unless(identity.privilege, assessment.privilege),
        drift=tuple(map(compact, assessment.drift)) or UNSET,
        not_compared=assessment.not_compared or UNSET,
        consumers=assessment.consumers or UNSET,
        findings=assessment.findings or UNSET,
        allowed={name: hash_of(patterns) for name, patterns in lists.items()} or UNSET,
    )


def _without(attributes: Mapping[str, Any], lists: Mapping[str, Any]) -> dict[str, Any]:
    left = {name: texts for name, texts in attributes[ALLOWED_ACTIONS].items() if name not in lists}
    return {**attributes, ALLOWED_ACTIONS: left}


def _unless(usual: Struct, verdict: Struct) -> Any:
    return UNSET if verdict == usual else compact(verdict)


_identity_bodies: Decoder[Any] = Decoder(
    defstruct(
        "Body",
        [("allowed", dict[str, str], field(default_factory=dict))],
        bases=(part_of(Assessment, *_LEFT_OUT),),
        kw_only=True,
        frozen=True,
        gc=False,
    )
)


def _load_identity(row: Row[Any], shared: Shared) -> Assessment:
    body = decode(_identity_bodies, row.body, f"identity {row.key}")
    facts = asdict(body.identity)
    if body.allowed:
        lists = {name: shared.policies.patterns(its_hash) for name, its_hash in body.allowed.items()}
        left = facts["attributes"].get(ALLOWED_ACTIONS)
        allowed = dict(sorted({**(left if isinstance(left, Mapping) else {}), **lists}.items()))
        facts["attributes"] = {**facts["attributes"], ALLOWED_ACTIONS: allowed}
    facts["sources"] = (row.source,) if facts["sources"] is None else facts["sources"]
    identity = Identity(
        key=row.key,
        provider=row.provider,
        source=row.source,
        scope=row.scope,
        kind=row.kind,
        unique_id=row.unique_id,
        created_by=row.created_by,
        **facts,
    )
    return Assessment(
        identity=identity,
        nature=body.nature or _NATURE,
        agent=body.agent or _AGENT,
        registry=body.registry or _REGISTRY,
        ownership=body.ownership or UNREGISTERED,
        usage=UsageVerdict(state=row.usage_state, window_days=(body.usage or _USAGE).window_days, evidence=""),
        privilege=body.privilege or identity.privilege,
        drift=body.drift,
        not_compared=body.not_compared,
        consumers=body.consumers,
        findings=body.findings,
    )


IDENTITIES = RecordKind(
    name="identity",
    versions=schema.identity,
    sightings=schema.identity_sighting,
    key=lambda assessment: assessment.identity.key,
    order=lambda assessment: assessment.identity.key,
    content=_identity_content,
    facts=_identity_facts,
    body=_identity_body,
    load=_load_identity,
    sighting=_identity_sighting,
    restore=_restore_identity,
)

# --- Secrets, workloads, assignments, exposures and entries ---

SECRETS = RecordKind(
    name="secret",
    versions=schema.secret,
    sightings=schema.secret_sighting,
    key=lambda secret: secret.key,
    order=lambda secret: secret.key,
    content=lambda secret: replace(secret, last_used_at=None),
    facts=lambda secret: (secret.provider, secret.source, secret.scope),
    load=_loader("secret", Decoder(StoredSecret)),
    moves=lambda secret: secret.last_used_at is not None,
    sighting=lambda secret: Sighting(last_used_at=secret.last_used_at),
    restore=lambda secret, seen: replace(secret, last_used_at=seen.last_used_at),
)

_Unmoving = TypeVar("_Unmoving", Workload, Assignment, Exposure)


def _unmoving(
    name: str,
    versions: Table,
    sightings: Table,
    decoder: Decoder[_Unmoving],
    facts: Callable[[_Unmoving], tuple[str | None, ...]],
) -> RecordKind[_Unmoving]:
    """A kind of records that are all content."""
    return RecordKind(
        name=name,
        versions=versions,
        sightings=sightings,
        key=lambda record: record.key,
        order=lambda record: record.key,
        content=lambda record: record,
        facts=facts,
        load=_loader(name, decoder),
        moves=lambda _: False,
        sighting=lambda _: _UNSEEN,
        restore=lambda record, _: record,
    )


WORKLOADS = _unmoving(
    "workload",
    schema.workload,
    schema.workload_sighting,
    Decoder(Workload),
    lambda workload: (workload.provider, workload.source, workload.scope, workload.kind),
)
ASSIGNMENTS = _unmoving(
    "assignment",
    schema.assignment,
    schema.assignment_sighting,
    Decoder(Assignment),
    lambda assignment: (assignment.provider, assignment.source, assignment.scope),
)
EXPOSURES = _unmoving(
    "exposure",
    schema.exposure,
    schema.exposure_sighting,
    Decoder(Exposure),
    lambda exposure: (exposure.provider, exposure.source, exposure.scope),
)

ENTRIES = RecordKind(
    name="entry",
    versions=schema.entry,
    sightings=schema.entry_sighting,
    key=lambda declared: declared.entry.id,
    order=lambda declared: declared.entry.id,
    content=lambda declared: replace(declared, entry=replace(declared.entry, origin=_NO_ORIGIN), rechecked=True),
    facts=lambda declared: (declared.state,),
    load=_loader("entry", Decoder(EntryAssessment)),
    sighting=lambda declared: Sighting(rechecked=declared.rechecked, origin=declared.entry.origin),
    restore=lambda declared, seen: replace(
        declared, entry=replace(declared.entry, origin=seen.origin or _NO_ORIGIN), rechecked=seen.rechecked
    ),
)


# --- Findings: the text that many share is in their wording, and fields that queries use are in columns ---


class _FindingBody(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A finding without its columns and its wording."""

    credential: str | None = None
    assignment: str | None = None
    evidence: Mapping[str, Any] = {}
    owner: str | None = None
    acknowledged: Acknowledged | None = None


_finding_bodies = Decoder(_FindingBody)
HELD_BACK = "yes"
ACKNOWLEDGED = "acknowledged"


def _moves(finding: Finding) -> bool:
    plain = not (finding.new or finding.reopened or finding.was or finding.by_setup) and finding.cause is None
    return not (plain and finding.rechecked)


def _restored(finding: Finding, seen: Sighting) -> Finding:
    return replace(
        finding,
        new=seen.new,
        reopened=seen.reopened,
        rechecked=seen.rechecked,
        was=seen.was,
        cause=seen.cause,
        by_setup=seen.by_setup,
    )


def _finding_facts(finding: Finding) -> tuple[str | None, ...]:
    first_seen = None if finding.first_seen is None else text_of(finding.first_seen)
    wording, unannounced = wording_of(finding), _why_unannounced(finding)
    return finding.rule, finding.severity, finding.identity, finding.entry, wording, unannounced, first_seen


def _why_unannounced(finding: Finding) -> str | None:
    if finding.held_back:
        return HELD_BACK
    return None if finding.acknowledged is None else ACKNOWLEDGED


def _load_finding(row: Row[Any], shared: Shared) -> Finding:
    what = f"finding {row.key}"
    first_seen = None if row.first_seen is None else moment_of(row.first_seen)
    body, wording = decode(_finding_bodies, row.body, what), shared.wordings.get(row.wording)
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
        held_back=row.held_back == HELD_BACK,
        first_seen=first_seen,
        acknowledged=body.acknowledged,
    )


FINDINGS = RecordKind(
    name="finding",
    versions=schema.finding,
    sightings=schema.finding_sighting,
    key=lambda finding: finding.fingerprint,
    order=most_severe_first,
    content=lambda finding: _restored(finding, _UNSEEN) if _moves(finding) else finding,
    facts=_finding_facts,
    body=lambda finding: _FindingBody(
        credential=finding.credential,
        assignment=finding.assignment,
        evidence=finding.evidence,
        owner=finding.owner,
        acknowledged=finding.acknowledged,
    ),
    load=_load_finding,
    moves=_moves,
    sighting=lambda finding: Sighting(
        rechecked=finding.rechecked,
        new=finding.new,
        reopened=finding.reopened,
        was=finding.was,
        cause=finding.cause,
        by_setup=finding.by_setup,
    ),
    restore=_restored,
)
