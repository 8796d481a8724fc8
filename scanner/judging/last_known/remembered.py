"""Uses what the last scan knew of places that this scan may not have read completely.

Behind a gap, nothing is gone, resolved or new. Pure.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from scanner.discovery.inventory import Inventory
from scanner.judging.last_known.facts import as_last_known, is_over, may_be_unread
from scanner.matching.places import Places
from scanner.model import (
    ANY_KIND,
    EVERY_SCOPE,
    EXPOSURE_KIND,
    WHOLE_SCOPE,
    Assessment,
    Assignment,
    ClosedTicket,
    Coverage,
    Credential,
    Earlier,
    Entry,
    EntryAssessment,
    Exposure,
    Finding,
    Grant,
    Identity,
    KnownFinding,
    OwnershipVerdict,
    Recreation,
    ScanResult,
    Severity,
    StoredSecret,
    Workload,
)
from scanner.model.reviews import ReviewOutcome
from scanner.rules.catalog import BY_ID, entry_fingerprints
from scanner.rules.evaluation import still_applies
from scanner.rules.pipelines import is_undecided
from scanner.text import counted

_UNLISTED = "the source no longer lists it"
_BARE_ID = re.compile(r"(group:)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""The placeholder for the name of a role, group or interface that could not be read."""


class Remembered(Struct, frozen=True, kw_only=True):
    """What the last scan knew of places that this scan may not have read completely.

    ``known``: all its announced findings, by fingerprint; None on a store's first scan, when nothing is new.
    ``announced``: fingerprints of what was announced between scans, and when. ``on_trusts``: findings that tokens of
    other sources decide. ``creators``: key, unique id and creator by identity, because audit logs expire.
    ``recreations``: by key, as this scan or an earlier one found them. ``gone``: provider, scope and unique id of keys
    that an entry once matched and that no longer exist. ``closed_tickets``: by people, before this scan started.
    ``reviews``: what the latest access review decided, by key. ``lists``: names of former sources that were lists.
    ``ownership``: verdicts by key, for a roster that is not believed; else empty.
    """

    assessments: tuple[Assessment, ...] = ()
    secrets: tuple[StoredSecret, ...] = ()
    workloads: tuple[Workload, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    entries: tuple[EntryAssessment, ...] = ()
    findings: tuple[Finding, ...] = ()
    on_trusts: tuple[Finding, ...] = ()
    known: Mapping[str, KnownFinding] | None = None
    held_back: Mapping[str, Severity] = {}
    announced: Mapping[str, datetime] = {}
    creators: Mapping[str, tuple[str | None, str]] = {}
    recreations: Mapping[str, Recreation] = {}
    gone: Mapping[str, tuple[str, str, str]] = {}
    closed_tickets: tuple[ClosedTicket, ...] = ()
    reviews: Mapping[str, ReviewOutcome] = {}
    lists: frozenset[str] = frozenset()
    ownership: Mapping[str, OwnershipVerdict] = {}


def not_rechecked(
    remembered: Remembered, inventory: Inventory, places: Places, lists: Collection[str] = ()
) -> list[Assessment]:
    """Return the last verdicts of identities that were not discovered and whose place was not completely read.

    An identity that only one of the ``lists`` (source names) has counts as not discovered, if a better source had it in
    the last scan: a list has neither credentials nor permissions.
    """
    if not remembered.assessments:
        return []
    seen = {identity.key: identity.source for identity in inventory.identities}
    return [
        msgspec.structs.replace(assessment, rechecked=False)
        for assessment in remembered.assessments
        if (
            assessment.identity.key not in seen
            or (seen[assessment.identity.key] in lists and assessment.identity.source not in lists)
        )
        and not places.rechecked(assessment.identity)
    ]


def filled(inventory: Inventory, remembered: Remembered, carried: Sequence[Assessment], now: datetime) -> Inventory:
    """Fill in facts that a gap hides: a key that was not listed is not gone.

    ``carried`` identities stay unchanged, whatever a list says of them. ``now``: the start of the scan.
    """
    if not (remembered.assessments or remembered.creators or carried):
        return inventory
    stands = {one.identity.key for one in carried}
    assigned = frozenset(one.grant for one in remembered.assignments)
    last = {one.identity.key: _without_assigned(one.identity, assigned) for one in remembered.assessments}
    identities = [
        as_last_known(one, last[one.key], now) if one.key in last else one
        for one in _with_creators(inventory.identities, remembered.creators)
        if one.key not in stands
    ]
    return msgspec.structs.replace(inventory, identities=tuple(identities))


def _without_assigned(last: Identity, assigned: Collection[Grant]) -> Identity:
    """Return an identity of the last scan without what assignments gave it: they are carried over by their own gaps.

    If it has no other grants, what these allowed is left out, too.
    """
    own = tuple(grant for grant in last.grants if grant not in assigned)
    if len(own) == len(last.grants):
        return last
    if own:
        return replace(last, grants=own)
    others = tuple(link for link in last.links if link.relation != "can_assume")
    return replace(last, grants=(), links=others, consequences=None, reach=())


def not_listed(before: Inventory, inventory: Inventory) -> frozenset[str]:
    """Return the keys of credentials that only the last scan had. ``before``: the inventory before it was filled in."""
    partly_read = {
        identity.key: identity.credentials for identity in before.identities if "credentials" in identity.unread
    }
    known = [identity for identity in inventory.identities if identity.key in partly_read] if partly_read else []
    listed = {credential.key for credentials in partly_read.values() for credential in credentials}
    return frozenset(credential.key for one in known for credential in one.credentials) - listed


def _with_creators(
    identities: Sequence[Identity], creators: Mapping[str, tuple[str | None, str]]
) -> Iterator[Identity]:
    """Yield the identities with their creators as first read, but for recreated ones."""
    for identity in identities:
        unique_id, creator = creators.get(identity.key, (None, None))
        is_same = identity.created_by is None and creator is not None and identity.unique_id == unique_id
        yield msgspec.structs.replace(identity, created_by=creator) if is_same else identity


def with_unread(inventory: Inventory, remembered: Remembered, places: Places) -> Inventory:
    """Return the inventory with the secrets, workloads, assignments and exposures of places that were not read."""
    return msgspec.structs.replace(
        inventory,
        secrets=with_unread_secrets(inventory.secrets, remembered.secrets, places),
        workloads=with_unread_workloads(inventory.workloads, remembered.workloads, places),
        assignments=with_unread_assignments(inventory.assignments, remembered.assignments, places),
        exposures=with_unread_exposures(inventory.exposures, remembered.exposures, places),
    )


def with_unread_secrets(
    found: Sequence[StoredSecret], remembered: Sequence[StoredSecret], places: Places
) -> tuple[StoredSecret, ...]:
    """Return the secrets, with those of places that were not completely read.

    A date that was not read is the last known one: unread values do not become younger.
    """
    every = {one.key: one for one in remembered if not places.rechecked(one)}
    every |= {one.key: _dated(one, every[one.key]) if one.key in every else one for one in found}
    return tuple(every[key] for key in sorted(every))


def _dated(secret: StoredSecret, last: StoredSecret) -> StoredSecret:
    dates = ("created_at", "rotated_at", "last_used_at")
    known = {name: getattr(last, name) for name in dates if getattr(secret, name) is None}
    return msgspec.structs.replace(secret, **known)


def with_unread_workloads(
    found: Sequence[Workload], remembered: Sequence[Workload], places: Places
) -> tuple[Workload, ...]:
    """Return the workloads, with those of scopes that may hide some."""
    every = {one.key: one for one in remembered if places.may_hide("workload", one.source, one.scope)}
    every |= {one.key: one for one in found}
    return tuple(every[key] for key in sorted(every))


def with_unread_exposures(
    found: Sequence[Exposure], remembered: Sequence[Exposure], places: Places
) -> tuple[Exposure, ...]:
    """Return the exposures, with those of places that were not completely read: an unread report fixes no leak."""
    every = {one.key: one for one in remembered if not places.completely_read(one.source, one.scope, EXPOSURE_KIND)}
    every |= {one.key: one for one in found}
    return tuple(every[key] for key in sorted(every))


def with_unread_assignments(
    found: Sequence[Assignment], remembered: Sequence[Assignment], places: Places
) -> tuple[Assignment, ...]:
    """Return the assignments, with those of scopes that may hide some.

    If a gap hides whether the holder still exists, or the privilege of the right, the last known facts count.
    """
    uncertain = {one.key: one for one in remembered if places.has_gap(one.source, one.scope)}
    every = {one.key: one for one in remembered if places.may_hide("assignment", one.source, one.scope)}
    for one in found:
        every[one.key] = _as_last_known(one, uncertain[one.key]) if one.key in uncertain else one
    return tuple(every[key] for key in sorted(every))


def _as_last_known(found: Assignment, last: Assignment) -> Assignment:
    """Return an assignment with last known facts. If its privilege is the same, only a name was not read."""
    is_gone = True if found.gone is None and last.gone else found.gone
    if found.holder.lower() == last.holder.lower():
        same = found.privilege.level == last.privilege.level
        if found.privilege.level == "unknown" and (not same or _BARE_ID.fullmatch(found.grant.name)):
            found = msgspec.structs.replace(last, grant=_named(last.grant, found.grant))
        elif same:
            found = msgspec.structs.replace(found, grant=_named(found.grant, last.grant))
    return msgspec.structs.replace(found, gone=is_gone)


def _named(grant: Grant, other: Grant) -> Grant:
    """Return the grant with last known names in place of ids."""
    words = {name: (getattr(grant, name), getattr(other, name)) for name in ("name", "via", "resource")}
    known = {name: theirs for name, (own, theirs) in words.items() if own and theirs and _BARE_ID.fullmatch(own)}
    return msgspec.structs.replace(grant, **known)


def declares(entry: Entry) -> tuple[object, ...]:
    """Return the facts that decide an entry's state: its own id, and the identities, place and status it declares."""
    return *places(entry), entry.status, entry.expires


def places(entry: Entry) -> tuple[object, ...]:
    """Return what an entry declares, whatever its status."""
    own_id = entry.id if entry.has_own_id else None
    return own_id, entry.registry, entry.identities, entry.provider, entry.scope


def or_as_last_known(
    judged: EntryAssessment, last: EntryAssessment | None, carried: Collection[str]
) -> EntryAssessment:
    """Return the last known state of an entry that could not be evaluated and has not changed.

    The same applies to an entry that matches nothing now, but matched a ``carried`` identity (keys): it is not gone.
    """
    if last is None or last.state == "not_evaluated":
        return judged
    is_carried = not judged.identities and any(key in carried for key in last.identities)
    if judged.state != "not_evaluated" and not is_carried:
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
    undecided: Collection[str] = (),
) -> list[Finding]:
    """Return the last scan's findings that could not be checked again: a gap resolves nothing.

    ``undecided``: fingerprints of those that unreadable lists leave open.
    """
    partly_read = {one.identity.key: one for one in fresh if one.identity.unread}
    kept = {fingerprint for one in carried for fingerprint in one.findings} | {*undecided}
    kept |= {
        fingerprint for entry in entries if not entry.rechecked for fingerprint in entry_fingerprints(entry.entry.id)
    }
    wanted = {finding.identity for finding in remembered.on_trusts}
    trusting = {one.identity.key: one for one in fresh if one.identity.key in wanted} if wanted else {}
    kept |= {
        finding.fingerprint
        for finding in remembered.on_trusts
        if (one := trusting.get(finding.identity or "")) is not None and is_undecided(finding, one)
    }
    judged = {finding.fingerprint for finding in found}
    over = {
        credential.key
        for one in remembered.assessments
        if one.identity.key in partly_read
        for credential in one.identity.credentials
        if is_over(credential, now) or _is_deleted(credential, partly_read[one.identity.key].identity)
    }
    known = {finding.fingerprint: finding for finding in (*remembered.findings, *remembered.on_trusts)}
    return [
        msgspec.structs.replace(finding, new=False, was=None, cause=None, by_setup=False, rechecked=False)
        for finding in known.values()
        if finding.fingerprint not in judged
        and finding.credential not in over
        and (finding.fingerprint in kept or _cannot_be_resolved(finding, partly_read.get(finding.identity or ""), now))
    ]


def _is_deleted(last: Credential, identity: Identity) -> bool:
    """Return whether a credential is gone though others of its holder could not be listed."""
    return (
        "credentials" in identity.unread
        and not may_be_unread(last, identity)
        and all(one.key != last.key for one in identity.credentials)
    )


def _cannot_be_resolved(finding: Finding, holder: Assessment | None, now: datetime) -> bool:
    """Return whether the facts that would resolve a finding could not be read."""
    rule = BY_ID.get(finding.rule)
    if holder is None or rule is None or rule.needs.isdisjoint(holder.identity.unread):
        return False
    return still_applies(finding, holder, now)


def unlisted_places(
    carried: Sequence[Assessment],
    assignments: Sequence[Assignment],
    exposures: Sequence[Exposure],
    coverage: Sequence[Coverage],
) -> list[str]:
    """Return notices about sources that were not scanned and scopes that are no longer listed; nothing in them is gone.

    ``assignments``, ``exposures``: the last known ones there.
    """
    listed = {
        (section.source, section.scope)
        for section in coverage
        if not (section.section == WHOLE_SCOPE and (section.detail or "").startswith(_UNLISTED))
    }
    scanned = {source for source, _ in listed}
    identities = Counter((one.identity.source, one.identity.scope) for one in carried)
    rights = Counter((assignment.source, assignment.scope) for assignment in assignments)
    leaks = Counter((exposure.source, exposure.scope) for exposure in exposures)
    return [
        f"{f'source {source} no longer lists {scope}' if source in scanned else f'source {source} was not scanned'}: "
        f"{_counted(*(seen[source, scope] for seen in (identities, rights, leaks)))} of {scope} shown as last seen"
        for source, scope in sorted(identities.keys() | rights.keys() | leaks.keys())
        if (source, scope) not in listed and (source, EVERY_SCOPE) not in listed
    ]


def gaps_of_unlisted(
    carried: Sequence[Assessment],
    assignments: Sequence[Assignment],
    coverage: Sequence[Coverage],
    lists: Collection[str] = (),
) -> Iterator[Coverage]:
    """Yield a gap for each scope that a scanned source no longer lists and something is shown of as last seen.

    ``assignments``: the last known ones. ``lists``: sources that are files, whose own gap says why a scope is missing.
    """
    listed = {(section.source, section.scope) for section in coverage}
    providers = {section.source: section.provider for section in coverage}
    shown = {(one.identity.source, one.identity.scope) for one in carried}
    shown |= {(one.source, one.scope) for one in assignments}
    for source, scope in sorted(shown - listed):
        if source in providers and source not in lists and (source, EVERY_SCOPE) not in listed:
            command = f"muster history forget {shlex.quote(source)} --scope {shlex.quote(scope)}"
            yield Coverage(
                source=source,
                provider=providers[source],
                scope=scope,
                section=WHOLE_SCOPE,
                status="skipped",
                detail=f"{_UNLISTED}: if it no longer exists, `{command}` removes what is shown of it as last seen",
                kinds=(ANY_KIND,),
            )


def _counted(*numbers: int) -> str:
    words = (("identity", "identities"), ("right", "rights"), ("leaked key", "leaked keys"))
    return " and ".join(counted(number, *called) for number, called in zip(numbers, words, strict=True) if number)


# --- Findings that an earlier scan had before they were resolved. Pure ---


def unknown_fingerprints(result: ScanResult) -> frozenset[str]:
    """Return the fingerprints that the last scan did not announce."""
    return frozenset(
        finding.fingerprint
        for finding in result.findings
        if finding.new or finding.worsened or finding.held_back or finding.acknowledged is not None
    )


def with_earlier(result: ScanResult, earlier: Mapping[str, Earlier]) -> ScanResult:
    """Return the result with the history of its findings (by fingerprint): first seen, and whether reopened."""
    if not earlier:
        return result
    findings = tuple(_known_before(finding, earlier.get(finding.fingerprint)) for finding in result.findings)
    reopened = sum(finding.reopened for finding in findings)
    return replace(result, findings=findings, summary=replace(result.summary, reopened_findings=reopened))


def _known_before(finding: Finding, earlier: Earlier | None) -> Finding:
    if earlier is None:
        return finding
    came_back = earlier.announced and not earlier.acknowledged
    return replace(finding, first_seen=earlier.first_seen, reopened=finding.new and came_back)
