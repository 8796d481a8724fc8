"""What a scan brings that the last one did not have: what is worse and why, who appeared, and what the setup caused.

A new version of Muster, a changed policy or an added source changes findings although nothing in the estate did. Which
ones is found by judging the same inventory again as the last scan would have: with its policy, and without the added
sources. That takes a second judging, on such nights alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import asdict, replace

from scanner.diff.causes import ON_LEVELS, cause_of, severity_before
from scanner.discovery.inventory import Inventory
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared
from scanner.model import SEVERITY_RANK, Assessment, Finding, Policy, ScanInfo, ScanResult, most_severe_first
from scanner.notify.planning import Arrivals
from scanner.rules.evaluation import ON_UNDECLARED
from scanner.store.memory import Memory
from scanner.store.scans import Setup
from scanner.text import few

Again: TypeAlias = Callable[[Inventory, Declared, ScanInfo], ScanResult]
"""Judges another inventory or other declarations as this scan did."""

_COMPARED = 10_000_000
"""Maximum of changed identities times findings that are looked through after an upgrade."""
_NAMED = 5
"""Maximum number of added sources that a cause names."""


class Judged(Struct, frozen=True, kw_only=True):
    """A judged scan, what it was judged from, and how to judge again."""

    result: ScanResult
    inventory: Inventory
    declared: Declared
    remembered: Remembered
    again: Again


def with_news(memory: Memory, judged: Judged) -> tuple[ScanResult, Arrivals]:
    """Return the result with what its findings were before and why they changed, and the identities that appeared.

    On a store's first scan, nothing is new and nobody has appeared.
    """
    last = memory.setup()
    if last is None:
        return judged.result, Arrivals()
    setup = _setup_of(memory, judged, last)
    findings = _with_causes(memory, judged.result, setup.alone)
    appeared = tuple(_appeared(memory, judged))
    summary = replace(
        judged.result.summary,
        new_findings=sum(one.new for one in findings),
        worsened=sum(one.worsened for one in findings),
        appeared=len(appeared),
    )
    result = replace(judged.result, findings=tuple(sorted(findings, key=most_severe_first)), summary=summary)
    of_added = [one for one in appeared if setup.added and setup.added.issuperset(one.identity.sources)]
    arrivals = Arrivals(
        identities=tuple(one for one in appeared if one not in of_added), by_setup=tuple(of_added), setup=setup.words
    )
    return result, arrivals


# --- Worse, and why ---


def _with_causes(memory: Memory, result: ScanResult, alone: Mapping[str, str]) -> list[Finding]:
    """Return the findings; what has worsened with its cause. ``alone``: causes by fingerprint, of the setup alone."""
    moved = [one for one in result.findings if one.worsened or (one.new and one.rule in ON_LEVELS)]
    keys = {one.identity for one in moved if one.identity is not None}
    was = {one.identity.key: one for one in memory.assessments_of(keys)}
    now = {one.identity.key: one for one in result.identities if one.identity.key in keys} if keys else {}
    before = {one.fingerprint: one for one in memory.findings({one.fingerprint for one in moved})}
    told: list[Finding] = []
    for finding in result.findings:
        one = finding
        key = one.identity or ""
        if one.new and (real := severity_before(one, was.get(key))) is not None:
            one = replace(one, new=False, was=real)
        if one.worsened:
            one = replace(one, cause=cause_of(before.get(one.fingerprint), one, was.get(key), now.get(key)))
        if one.fingerprint in alone:
            one = replace(one, cause=alone[one.fingerprint], by_setup=True)
        told.append(one)
    return told


# --- Appeared ---


def _appeared(memory: Memory, judged: Judged) -> Iterator[Assessment]:
    """Identities without an entry that no scan has seen, also under another key with the same unique id.

    One that was acknowledged in advance is expected.
    """
    unknown = {one.identity for one in judged.result.findings if one.new or one.held_back}
    unknown -= {one.identity for one in judged.result.findings if one.acknowledged and one.rule in ON_UNDECLARED}
    maybe = {
        one.identity.key: one
        for one in judged.result.identities
        if one.rechecked and one.registry.state == "unregistered" and one.identity.key in unknown
    }
    unseen = memory.unseen(maybe.keys())
    issued = {(one.provider, one.scope, one.unique_id) for key in unseen if (one := maybe[key].identity).unique_id}
    known = memory.issued(issued)
    for key in sorted(unseen):
        arrived = maybe[key]
        if (arrived.identity.provider, arrived.identity.scope, arrived.identity.unique_id) not in known:
            yield arrived


# --- The setup: version, policy and sources ---


class _Setup(Struct, frozen=True, kw_only=True):
    """What changed in the setup. ``added``: names of sources; ``alone``: what it alone caused, by fingerprint."""

    words: tuple[str, ...] = ()
    added: frozenset[str] = frozenset()
    alone: Mapping[str, str] = {}


def _setup_of(memory: Memory, judged: Judged, last: Setup) -> _Setup:
    result = judged.result
    read = {one.source for one in judged.inventory.coverage} - last.sources
    added = frozenset(read - memory.sources_of_scans(read))
    policy = last.policy or judged.declared.policy
    chosen = tuple(_policy_changes(policy, judged.declared.policy))
    upgraded = last.version not in (None, result.scan.version)
    words = list(chosen)
    if added:
        verb = "source was added" if len(added) == 1 else "sources were added"
        words.append(f"{verb}: {few(sorted(added), _NAMED, ', ')}")
    versions = f"Muster {last.version} -> {result.scan.version}"
    moved = [one for one in result.findings if one.new or one.worsened]
    alone: dict[str, str] = {}
    if moved and words:
        before = judged.again(_without(judged.inventory, added), replace(judged.declared, policy=policy), result.scan)
        anyway = {one.fingerprint for one in before.findings if one.new or one.worsened}
        alone |= {one.fingerprint: "; ".join(words) for one in moved if one.fingerprint not in anyway}
    if moved and upgraded:
        rest = [one for one in moved if one.fingerprint not in alone]
        alone |= dict.fromkeys(_by_version(memory, judged, last, rest), versions)
    return _Setup(words=(*([versions] if upgraded else []), *words), added=added, alone=alone)


def _policy_changes(before: Policy, now: Policy) -> Iterator[str]:
    old = asdict(before)
    for name, limit in asdict(now).items():
        if limit != old[name]:
            yield f"policy {name}: {old[name]} -> {limit}"


def _without(inventory: Inventory, sources: Collection[str]) -> Inventory:
    """The inventory without what only these sources have."""
    if not sources:
        return inventory
    return Inventory(
        identities=tuple(one for one in inventory.identities if not frozenset(sources).issuperset(one.sources)),
        secrets=tuple(one for one in inventory.secrets if one.source not in sources),
        workloads=tuple(one for one in inventory.workloads if one.source not in sources),
        assignments=tuple(one for one in inventory.assignments if one.source not in sources),
        exposures=tuple(one for one in inventory.exposures if one.source not in sources),
        coverage=tuple(one for one in inventory.coverage if one.source not in sources),
    )


def _by_version(memory: Memory, judged: Judged, last: Setup, moved: Sequence[Finding]) -> Iterator[str]:
    """Yield fingerprints of findings that only another version of Muster can have caused.

    Their identity is as it was, so are those that its evidence names, and it would have had the finding at the time of
    the last scan.
    """
    about = {one.identity for one in moved} - {None}
    if not about:
        return
    now = {one.identity.key: one for one in judged.result.identities}
    same = {key for one in memory.assessments(lambda *_: True) if _is_same(one, now.get(key := one.identity.key))}
    changed = [key for key, one in now.items() if one.rechecked and key not in same]
    if len(changed) * len(moved) > _COMPARED:
        return
    then = judged.again(judged.inventory, judged.declared, replace(judged.result.scan, started_at=last.started_at))
    rank = {one.fingerprint: SEVERITY_RANK[one.severity] for one in then.findings}
    for finding in moved:
        by_then = rank.get(finding.fingerprint)
        if finding.identity not in same or by_then is None or by_then > SEVERITY_RANK[finding.severity]:
            continue
        reasons = "\n".join(now[finding.identity or ""].privilege.evidence)
        if not any(key in reasons for key in changed):
            yield finding.fingerprint


def _is_same(before: Assessment, now: Assessment | None) -> bool:
    return now is not None and _facts(before) == _facts(now)


def _facts(one: Assessment) -> tuple[object, ...]:
    """What the provider and the lists say of an identity, without what Muster makes of it."""
    identity = one.identity
    keys = tuple((held.key, held.enabled, held.created_at, held.expires_at) for held in identity.credentials)
    verdicts = one.registry.state, one.registry.entry, one.ownership.state, one.ownership.owner
    return (
        identity.unique_id, identity.enabled, identity.created_at, identity.aliases, identity.tags, identity.grants,
        identity.trusts, keys, *verdicts,
    )  # fmt: skip
