"""Starts and stops retirements, and says how far they are, as scans saw them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from scanner.app.acting import by_command, os_user
from scanner.lifecycle.retirement.stages import CALLED, state_of
from scanner.matching.keys import provider_key
from scanner.model import EVERY_SCOPE, Assessment, Identity, ScanResult
from scanner.model.activity import LogPast
from scanner.model.retirement import (
    Plan,
    RetirementAnswer,
    RetirementStarted,
    RetirementState,
    RetirementStopped,
    grants_of,
)
from scanner.store.store import Store


def is_of_source(log: LogPast, identity: Identity) -> bool:
    """Whether a log is of the provider of an identity, and of a source that read it if the log names one."""
    if provider_key(log.provider) != provider_key(identity.provider):
        return False
    return log.source is None or log.source == identity.source or log.source in identity.sources


def is_log_of(log: LogPast, identity: Identity) -> bool:
    """Whether a log is of the place of an identity, by its days."""
    scopes = (identity.scope, EVERY_SCOPE)
    return is_of_source(log, identity) and any(scope in log.covered or scope in log.gaps for scope in scopes)


def start(
    store: Store, told: RetirementAnswer, plan: Plan, judged: Assessment, *, by: str | None, wait_days: int
) -> None:
    """Record that a retirement begins. Raises UsageError if one is under way."""
    identity = judged.identity
    record = RetirementStarted(
        identity=identity.key,
        name=told.name,
        unique_id=identity.unique_id,
        credential=told.credential,
        at=datetime.now(UTC).replace(microsecond=0),
        by=by or os_user(),
        wait_days=wait_days,
        verdict=told.verdict,
        switch=plan.switch,
        grants=tuple(sorted(grants_of(identity))),
        plan=plan.stages,
        heard_in=plan.heard_in,
    )
    store.retirements.start(record, by_command(by))


def stop(store: Store, begun: RetirementStarted, by: str | None) -> None:
    """Record that a retirement ends, for the identity stays."""
    record = RetirementStopped(
        identity=begun.identity,
        credential=begun.credential,
        at=datetime.now(UTC).replace(microsecond=0),
        by=by or os_user(),
    )
    store.retirements.stop(record, by_command(by))


def with_retirements(store: Store, result: ScanResult) -> ScanResult:
    """A stored scan with the retirements that were under way when it started, as it saw them."""
    begun = [one for one in store.retirements.under_way().values() if one.at <= result.scan.finished_at]
    return replace(result, retirements=tuple(_states(store, result, begun))) if begun else result


def under_way(store: Store, result: ScanResult) -> tuple[RetirementState, ...]:
    """The retirements as a stored scan saw them, and those that began since, of which no scan has seen a stage."""
    unseen = tuple(
        RetirementState(
            identity=one.identity,
            stage=None,
            credential=one.credential,
            name=one.name,
            started_at=one.at,
            by=one.by,
            wait_days=one.wait_days,
        )
        for one in store.retirements.under_way().values()
        if one.at > result.scan.finished_at
    )
    return (*with_retirements(store, result).retirements, *unseen)


def _states(store: Store, result: ScanResult, begun: Sequence[RetirementStarted]) -> Iterator[RetirementState]:
    keys = sorted({one.identity for one in begun})
    with store.records(result.scan.id) as records:
        now = {one.identity.key: one for one in records.identities(keys)}
        fingerprints = [name for one in now.values() for name in one.findings]
        findings = [one for one in records.findings(fingerprints) if one.rule == CALLED]
    history: dict[str, list[tuple[datetime, Identity]]] = {}
    for key, version in store.versions(keys):
        history.setdefault(key, []).append((version.since, version.assessment.identity))
    logs = store.activity.logs()
    for one in sorted(begun, key=lambda each: (each.identity, each.credential or "")):
        judged = now.get(one.identity)
        yield state_of(
            one,
            history.get(one.identity, ()),
            None if judged is None else judged.identity,
            at=result.scan.started_at,
            findings=[finding for finding in findings if finding.identity == one.identity],
            has_log=judged is not None and any(is_log_of(log, judged.identity) for log in logs.values()),
        )


def retiring(store: Store) -> Mapping[str, RetirementStarted]:
    """The retirements under way by identity, for judging activity; one of the whole identity counts first."""
    found: dict[str, RetirementStarted] = {}
    for one in store.retirements.under_way().values():
        if one.credential is None or one.identity not in found:
            found[one.identity] = one
    return found
