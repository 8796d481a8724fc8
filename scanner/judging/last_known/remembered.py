"""What the last scan knew of places where this one may have missed something: it stands until somebody looks again.

Nothing under a gap is gone, mended or new. Pure, like everything between the connectors and the reports.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from scanner.discovery.inventory import Inventory, as_last_known
from scanner.matching.places import Places
from scanner.model import (
    EVERY_SCOPE,
    Assessment,
    Assignment,
    Coverage,
    Earlier,
    Entry,
    EntryAssessment,
    Finding,
    Grant,
    Identity,
    Recreation,
    ScanResult,
    StoredSecret,
    Workload,
)
from scanner.rules.catalog import BY_ID, entry_fingerprints
from scanner.rules.evaluation import still_applies
from scanner.text import counted

_BARE_ID = re.compile(r"(group:)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""What stands in place of a name that could not be read: a role's, a group's, an interface's."""


class Remembered(Struct, frozen=True, kw_only=True):
    """What the last scan knew of places where this one may have missed something.

    ``known``: fingerprints of all its findings that were announced, with the start of the first scan that had each;
    None on a store's first scan: nothing is new.
    ``creators``: by key, unique id and creator of whatever had one, for audit logs forget.
    ``recreations``: by key, how each was made anew, as this scan or an earlier one found it.
    ``gone``: by key that an entry once matched and that is not there now, its provider, scope and unique id.
    """

    assessments: tuple[Assessment, ...] = ()
    secrets: tuple[StoredSecret, ...] = ()
    workloads: tuple[Workload, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    entries: tuple[EntryAssessment, ...] = ()
    findings: tuple[Finding, ...] = ()
    known: Mapping[str, datetime | None] | None = None
    creators: Mapping[str, tuple[str | None, str]] = {}
    recreations: Mapping[str, Recreation] = {}
    gone: Mapping[str, tuple[str, str, str]] = {}


def not_rechecked(
    remembered: Remembered, inventory: Inventory, places: Places, lists: Collection[str] = ()
) -> list[Assessment]:
    """The last verdicts of identities that were not seen, and whose place was not completely read.

    Being named by one of the ``lists`` (names of sources) is not being seen, where a better source looked last time:
    the list knows nothing of its keys and rights.
    """
    seen = {one.key: one.source for one in inventory.identities}
    return [
        msgspec.structs.replace(one, rechecked=False)
        for one in remembered.assessments
        if (one.identity.key not in seen or (seen[one.identity.key] in lists and one.identity.source not in lists))
        and not places.completely_read(one.identity.source, one.identity.scope, one.identity.kind)
    ]


def filled(inventory: Inventory, remembered: Remembered, carried: Sequence[Assessment]) -> Inventory:
    """Facts that a gap kept from us, as the last scan knew them: a key that was not listed is not gone.

    What is ``carried`` stands as it was, whatever a list says of it.
    """
    stands = {one.identity.key for one in carried}
    last = {one.identity.key: one.identity for one in remembered.assessments}
    identities = [
        as_last_known(one, last[one.key]) if one.key in last else one
        for one in _with_creators(inventory.identities, remembered.creators)
        if one.key not in stands
    ]
    return msgspec.structs.replace(inventory, identities=tuple(identities))


def not_listed(told: Inventory, inventory: Inventory) -> frozenset[str]:
    """Keys of the credentials that only the last scan knew. ``told``: the inventory before it was filled."""
    half_told = {one.key: one.credentials for one in told.identities if "credentials" in one.unread}
    known = [one for one in inventory.identities if one.key in half_told]
    listed = {credential.key for credentials in half_told.values() for credential in credentials}
    return frozenset(credential.key for one in known for credential in one.credentials) - listed


def _with_creators(
    identities: Sequence[Identity], creators: Mapping[str, tuple[str | None, str]]
) -> Iterator[Identity]:
    """Who made each, as the first scan that could tell has it; not where it was deleted and made anew."""
    for one in identities:
        unique_id, creator = creators.get(one.key, (None, None))
        is_same = one.created_by is None and creator is not None and one.unique_id == unique_id
        yield msgspec.structs.replace(one, created_by=creator) if is_same else one


def with_unread(inventory: Inventory, remembered: Remembered, places: Places) -> Inventory:
    """The inventory with the things and rights that were known of places which were not read this time."""
    return msgspec.structs.replace(
        inventory,
        secrets=with_unread_secrets(inventory.secrets, remembered.secrets, places),
        workloads=with_unread_workloads(inventory.workloads, remembered.workloads, places),
        assignments=with_unread_assignments(inventory.assignments, remembered.assignments, places),
    )


def with_unread_secrets(
    found: Sequence[StoredSecret], remembered: Sequence[StoredSecret], places: Places
) -> tuple[StoredSecret, ...]:
    """The secrets that were found, and those of places that were not completely read.

    A date that was not told there this time is as it was: a value does not get younger by not being looked at.
    """
    every = {one.key: one for one in remembered if not places.completely_read(one.source, one.scope, "secret")}
    every |= {one.key: _dated(one, every[one.key]) if one.key in every else one for one in found}
    return tuple(every[key] for key in sorted(every))


def _dated(secret: StoredSecret, last: StoredSecret) -> StoredSecret:
    dates = ("created_at", "rotated_at", "last_used_at")
    known = {name: getattr(last, name) for name in dates if getattr(secret, name) is None}
    return msgspec.structs.replace(secret, **known)


def with_unread_workloads(
    found: Sequence[Workload], remembered: Sequence[Workload], places: Places
) -> tuple[Workload, ...]:
    """The workloads that were found, and those of scopes in which anything at all was not read."""
    every = {one.key: one for one in remembered if places.has_gap(one.source, one.scope)}
    every |= {one.key: one for one in found}
    return tuple(every[key] for key in sorted(every))


def with_unread_assignments(
    found: Sequence[Assignment], remembered: Sequence[Assignment], places: Places
) -> tuple[Assignment, ...]:
    """The assignments that were found, and those of scopes that may hide some.

    That the holder of one is gone stands where this time a gap kept from us whether it is, and so does what the right
    amounts to.
    """
    doubtful = {one.key: one for one in remembered if places.has_gap(one.source, one.scope)}
    every = {one.key: one for one in remembered if places.may_hide_rights(one.source, one.scope)}
    for one in found:
        every[one.key] = _as_last_known(one, doubtful[one.key]) if one.key in doubtful else one
    return tuple(every[key] for key in sorted(every))


def _as_last_known(found: Assignment, last: Assignment) -> Assignment:
    """What a gap kept from us of one right. If it is worth the same, only a name was not read: a role's, a group's."""
    is_gone = True if found.gone is None and last.gone else found.gone
    if found.holder.lower() == last.holder.lower():
        same = found.privilege.level == last.privilege.level
        if found.privilege.level == "unknown" and (not same or _BARE_ID.fullmatch(found.grant.name)):
            found = msgspec.structs.replace(last, grant=_named(last.grant, found.grant))
        elif same:
            found = msgspec.structs.replace(found, grant=_named(found.grant, last.grant))
    return msgspec.structs.replace(found, gone=is_gone)


def _named(grant: Grant, other: Grant) -> Grant:
    """The grant with the other's names of what it has a bare id of."""
    words = {name: (getattr(grant, name), getattr(other, name)) for name in ("name", "via", "resource")}
    known = {name: theirs for name, (own, theirs) in words.items() if own and theirs and _BARE_ID.fullmatch(own)}
    return msgspec.structs.replace(grant, **known)


def declares(entry: Entry) -> tuple[object, ...]:
    """What makes an entry the same as before, for its state: its own id, and whom it stands for, where and whether."""
    own_id = entry.id if entry.has_own_id else None
    return own_id, entry.registry, entry.identities, entry.provider, entry.scope, entry.status, entry.expires


def or_as_last_known(
    judged: EntryAssessment, last: EntryAssessment | None, carried: Collection[str]
) -> EntryAssessment:
    """An entry that could not be evaluated keeps what the last scan knew of it, if it says what it said then.

    So does one that stands for nothing now, but stood for an identity that is ``carried`` (keys): it is not gone.
    """
    if last is None or last.state == "not_evaluated":
        return judged
    stands = not judged.identities and any(key in carried for key in last.identities)
    if judged.state != "not_evaluated" and not stands:
        return judged
    if declares(judged.entry) != declares(last.entry):
        return judged
    return msgspec.structs.replace(last, entry=judged.entry, rechecked=False)


def kept_findings(
    found: Sequence[Finding],
    fresh: Sequence[Assessment],
    carried: Sequence[Assessment],
    entries: Sequence[EntryAssessment],
    remembered: Remembered,
    now: datetime,
) -> list[Finding]:
    """The last scan's findings that this one could not look into again: a gap is no reason to call anything mended."""
    half_read = {one.identity.key: one for one in fresh if one.identity.unread}
    kept = {fingerprint for one in carried for fingerprint in one.findings}
    kept |= {fingerprint for one in entries if not one.rechecked for fingerprint in entry_fingerprints(one.entry.id)}
    judged = {finding.fingerprint for finding in found}
    return [
        msgspec.structs.replace(finding, new=False, rechecked=False)
        for finding in remembered.findings
        if finding.fingerprint not in judged
        and (finding.fingerprint in kept or _cannot_tell(finding, half_read.get(finding.identity or ""), now))
    ]


def _cannot_tell(finding: Finding, holder: Assessment | None, now: datetime) -> bool:
    """Whether what would show that it is mended could not be read, and nothing that was read shows it."""
    rule = BY_ID.get(finding.rule)
    if holder is None or rule is None or rule.needs.isdisjoint(holder.identity.unread):
        return False
    return still_applies(finding, holder, now)


def unlisted_places(
    carried: Sequence[Assessment], assignments: Sequence[Assignment], coverage: Sequence[Coverage]
) -> list[str]:
    """Sources that were not scanned and scopes no longer listed: announced, and nothing in them is called gone.

    ``assignments``: those that the last scan knew there.
    """
    listed = {(one.source, one.scope) for one in coverage}
    scanned = {source for source, _ in listed}
    identities = Counter((one.identity.source, one.identity.scope) for one in carried)
    rights = Counter((one.source, one.scope) for one in assignments)
    return [
        f"{f'source {source} no longer lists {scope}' if source in scanned else f'source {source} was not scanned'}: "
        f"{_counted(identities[source, scope], rights[source, scope])} of {scope} shown as last seen"
        for source, scope in sorted(identities.keys() | rights.keys())
        if (source, scope) not in listed and (source, EVERY_SCOPE) not in listed
    ]


def _counted(identities: int, rights: int) -> str:
    told = (counted(identities, "identity", "identities"), counted(rights, "right", "rights"))
    return " and ".join(words for words, number in zip(told, (identities, rights), strict=True) if number)


# --- New findings that are old acquaintances: resolved once, and back again. Pure ---


def unknown_fingerprints(result: ScanResult) -> frozenset[str]:
    """Of those findings that the last scan did not announce."""
    return frozenset(
        one.fingerprint for one in result.findings if one.new or one.held_back or one.acknowledged is not None
    )


def with_earlier(result: ScanResult, earlier: Mapping[str, Earlier]) -> ScanResult:
    """The result with what earlier scans knew of its findings, by fingerprint: since when, and which are reopened."""
    if not earlier:
        return result
    findings = tuple(_known_before(one, earlier.get(one.fingerprint)) for one in result.findings)
    reopened = sum(one.reopened for one in findings)
    return replace(result, findings=findings, summary=replace(result.summary, reopened_findings=reopened))


def _known_before(finding: Finding, earlier: Earlier | None) -> Finding:
    if earlier is None:
        return finding
    came_back = earlier.announced and not earlier.acknowledged
    return replace(finding, first_seen=earlier.first_seen, reopened=finding.new and came_back)
