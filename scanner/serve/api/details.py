"""Single records: identities, findings, scans, and the signed-in person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from reports.json import encoded, entry_record, finding_record, head_of, identity_record
from reports.judged import judged_identities
from reports.phrases import SHORTEST_FINGERPRINT
from scanner.app.acknowledging import FINGERPRINT
from scanner.app.changes import changes_between
from scanner.app.retirements import under_way
from scanner.diff.aspects import eras
from scanner.diff.records import Diff
from scanner.model import Assessment, Finding, ScanResult
from scanner.model.retirement import RetirementFollowed
from scanner.serve.answers import Refusal
from scanner.serve.api.answers import About, Me, OwnerCount, Owners, ScanListed
from scanner.serve.api.lists import index_of, page_of
from scanner.serve.api.operations import OperationCall, Reply
from scanner.serve.api.queries import LONGEST, Cursor, Limit, ScanId, given
from scanner.serve.api.rows import with_facts
from scanner.serve.index.questions import IndexQuestion
from scanner.store.records import Records
from scanner.store.scans import StoredScan
from scanner.store.store import Store

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
NO_SUCH = "there is no such {}, or you may not see it"


class OfScan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scan."""

    scan: ScanId | UnsetType = UNSET


class OfIdentity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parts of an identity to return."""

    scan: ScanId | UnsetType = UNSET
    blast_radius: Annotated[bool, Meta(description="Work out the blast radius in the latest scan; for viewers.")] = (
        False
    )


class Most(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The maximum number of items."""

    limit: Limit = LONGEST


class ScansQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of the scans."""

    limit: Limit = 100
    cursor: Cursor | UnsetType = UNSET


class VisibleIdentity(Struct, frozen=True):
    """An identity that the viewer may see, within its scan, with its entry if the viewer may see that."""

    part: ScanResult

    @property
    def assessment(self) -> Assessment:
        """The identity with its verdicts."""
        return self.part.identities[0]


def me(call: OperationCall) -> Reply:
    """Who is signed in."""
    viewer = call.viewer
    return Reply(
        body=encoded(
            Me(
                person=viewer.person,
                name=viewer.name,
                sees_all=viewer.sees_all,
                is_reviewer=viewer.is_reviewer,
                csrf=call.csrf,
            )
        )
    )


# --- An identity ---


def find_identity(call: OperationCall, records: Records, key: str) -> VisibleIdentity:
    """The identity that has this key. Raises Refusal where there is none that the viewer may see."""
    identities = records.identities([key])
    if not identities:
        raise Refusal(404, NO_SUCH.format("identity"))
    (found,) = identities
    if not call.visible.identities(identities):
        raise Refusal(404, NO_SUCH.format("identity"))
    entries = call.visible.entries(records.entries([found.registry.entry]) if found.registry.entry else ())
    part = replace(
        records.frame,
        identities=identities,
        findings=records.findings(found.findings),
        first_seen=records.first_seen([key]),
        entries=entries,
    )
    return VisibleIdentity(part)


def identity(call: OperationCall) -> Reply:
    """An identity's record with its findings, entry, history and proposed owners."""
    key, store = call.path["key"], call.serving.store
    scan = given(call.query.scan)
    with records_of(call, scan) as records:
        held = find_identity(call, records, key)
    part = with_facts(call.visible, held.part)
    # A count over identities that only some may see.
    asked = call.query.blast_radius and scan is None and call.visible.is_everything
    radius = store.blast_radius(key) if asked else None
    (judged,) = judged_identities(part)
    versions = [(one.since, one.until, one.assessment) for one in store.history(key)]
    about = About(
        history=eras(versions),
        proposals=store.served.proposals(key),
        denials=store.served.denials(key),
        same_entry=same_entry(held),
        retirements=retirements_of(call, key),
    )
    record = identity_record(judged, part.first_seen, radius)
    return Reply(
        body=with_members(
            record,
            finding_records=b"[" + b",".join(map(finding_record, part.findings)) + b"]",
            entry_record=entry_record(part.entries[0]) if part.entries else b"null",
            **{name: encoded(getattr(about, name)) for name in about.__struct_fields__},
            scan=encoded(part.scan.id),
        )
    )


def retirements_of(call: OperationCall, key: str) -> tuple[RetirementFollowed, ...]:
    """The retirements of an identity and of its credentials that are under way in the latest scan."""
    store = call.serving.store
    with store.records(index_of(call, None).scan) as records:
        scan = records.frame.scan
    return call.visible.retirements(under_way(store, scan, key))


def same_entry(held: VisibleIdentity) -> tuple[str, ...]:
    """The keys of the other identities that its entry stands for, as the viewer may see it."""
    own = held.assessment.identity.key
    return tuple(key for entry in held.part.entries for key in entry.identities if key != own)


def activity(call: OperationCall) -> Reply:
    """The activity of an identity in audit logs."""
    with records_of(call, given(call.query.scan)) as records:
        held = find_identity(call, records, call.path["key"])
    part = with_facts(call.visible, held.part)
    return Reply(body=encoded({"key": call.path["key"], "activity": part.identities[0].activity}))


def with_members(record: bytes, **members: bytes) -> bytes:
    """The JSON object with further members, which are JSON already."""
    return record[:-1] + b"".join(b"," + encoded(name) + b":" + value for name, value in members.items()) + b"}"


def records_of(call: OperationCall, scan: str | None) -> Any:
    """The records of the scan. Raises Refusal for an unknown one."""
    if scan is not None and not call.serving.store.has_scan(scan):
        raise Refusal(404, "there is no such scan", field="scan", hint="/api/v1/scans lists them")
    return call.serving.store.records(scan)


# --- A finding ---


def find_finding(call: OperationCall, digits: str) -> Finding:
    """The finding of the latest scan with these first digits. Raises Refusal where there is none, or several."""
    wanted = digits.lower()
    if len(wanted) < SHORTEST_FINGERPRINT or not FINGERPRINT.fullmatch(wanted):
        raise Refusal(404, NO_SUCH.format("finding"), hint=f"give {SHORTEST_FINGERPRINT} digits or more")
    found = call.visible.findings(tuple(call.serving.store.memory.findings_beginning(wanted)))
    if not found:
        raise Refusal(404, NO_SUCH.format("finding"))
    if len(found) > 1:
        known = ", ".join(one.fingerprint for one in found[:10])
        raise Refusal(409, f"several findings begin with {wanted}", field="fingerprint", hint=f"there are: {known}")
    return found[0]


def finding_body(call: OperationCall, found: Finding) -> bytes:
    """The finding's record, with later acknowledgements."""
    with call.serving.store.records() as records:
        identities = records.identities([found.identity] if found.identity else [])
        part = replace(records.frame, findings=(found,), identities=identities)
    (now,) = with_facts(call.visible, part).findings
    return finding_record(now)


def finding(call: OperationCall) -> Reply:
    """A finding's record."""
    return Reply(body=finding_body(call, find_finding(call, call.path["fingerprint"])))


# --- Scans ---


class DiffQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of changes."""

    limit: Limit = 100
    cursor: Annotated[str, Meta(pattern="^[0-9]{1,9}$", description="`next` of the answer before.")] | UnsetType = UNSET


@lru_cache(maxsize=2)
def _between(store: Store, old: str, new: str) -> Diff:
    return changes_between(store, old, new)


def _scan_named(text: str, kept: Sequence[StoredScan]) -> StoredScan:
    """The scan with that id, the last one up to the end of that day, or the latest. Raises Refusal."""
    for one in kept:
        if one.id == text:
            return one
    fits = [one for one in kept if text == "latest" or (_DAY.fullmatch(text) and f"{one.started_at:%Y-%m-%d}" <= text)]
    if not fits:
        raise Refusal(404, "there is no such scan", hint="/api/v1/scans lists them")
    return fits[-1]


def diff(call: OperationCall) -> Reply:
    """What changed between two scans, the most important changes first."""
    call.visible.require_everything()
    store = call.serving.store
    kept = store.scans()
    old, new = (_scan_named(call.path[name], kept) for name in ("old", "new"))
    if kept.index(old) > kept.index(new):
        raise Refusal(400, "the first scan is later than the second", field="old", hint="name the older one first")
    changes = _between(store, old.id, new.id).changes
    start = int(given(call.query.cursor) or 0)
    shown = changes[start : start + call.query.limit]
    end = start + len(shown)
    more = str(end) if end < len(changes) else None
    return Reply(body=page_of(map(encoded, shown), total=len(changes), next=more))


def scans(call: OperationCall) -> Reply:
    """The scans in the store, newest first."""
    every = call.serving.store.newest_scans()
    start, after = 0, given(call.query.cursor)
    if after is not None:
        start = next((place for place, (scan, _) in enumerate(every, start=1) if scan.id == after), 0)
        if not start:
            raise Refusal(400, "the cursor is none of an earlier answer", field="cursor", hint="begin without one")
    shown = every[start : start + call.query.limit]
    latest = call.serving.catalog.latest()
    items = [
        ScanListed(
            id=scan.id,
            started_at=scan.started_at,
            finished_at=scan.finished_at,
            version=scan.version,
            counts=scan.counts if call.visible.is_everything else None,
            changes=tally if call.visible.is_everything else None,
            forgot=scan.forgot if call.visible.is_everything else None,
            indexed=latest is not None and latest.scan == scan.id,
        )
        for scan, tally in shown
    ]
    more = start + len(shown) < len(every)
    return Reply(body=page_of(map(encoded, items), total=len(every), next=shown[-1][0].id if more else None))


def scan(call: OperationCall) -> Reply:
    """A scan without its records: inputs, summary, policy and notices, as in ``muster.scan/1``."""
    call.visible.require_everything()
    with records_of(call, call.path["id"]) as records:
        return Reply(body=encoded(head_of(records.frame)))


# --- Owners ---


def owners(call: OperationCall) -> Reply:
    """Owners and teams with the number of their identities."""
    index = index_of(call, None)
    counts = index.counts(call.visible.question(index, IndexQuestion(list="identities")), most=call.query.limit)
    named = {
        facet: tuple(
            OwnerCount(name=None if value is None else str(value), identities=number) for value, number in counts[facet]
        )
        for facet in ("owner", "team")
    }
    return Reply(body=encoded(Owners(owners=named["owner"], teams=named["team"])))
