"""Starts and stops retirements, and says how far they are, as scans saw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from scanner.app.acting import by_command, os_user
from scanner.lifecycle.retirement.stages import CALLED, RetirementSeen, followed, last_refused, state_of
from scanner.matching.keys import provider_key
from scanner.model import EVERY_SCOPE, Assessment, Finding, Identity, ScanInfo, ScanResult
from scanner.model.activity import LogPast
from scanner.model.retirement import (
    Plan,
    RetirementAnswer,
    RetirementFollowed,
    RetirementStarted,
    RetirementState,
    RetirementStopped,
    grants_of,
)
from scanner.store.history import IdentityVersion
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


def days_with_events(log: LogPast, identity: Identity) -> frozenset[int]:
    """Ordinals of completely read days of a log in the place of an identity on which it has any event."""
    none: frozenset[int] = frozenset()
    return none.union(
        *(
            (log.covered.get(scope, none) - log.silent.get(scope, none)).difference(log.gaps.get(scope, ()))
            for scope in (identity.scope, EVERY_SCOPE)
        )
    )


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
    """A stored scan with the retirements of its time, as it saw them: those under way, and those that were done."""
    end = result.scan.finished_at
    begun = [(one, stopped) for one, stopped in store.retirements.periods() if one.at <= end]
    if not begun:
        return result
    reading = _Reading(store, result.scan, [one for one, _ in begun])
    states = [(reading.state(one), stopped) for one, stopped in begun]
    states.sort(key=lambda each: (each[0].identity, each[0].credential or ""))
    return replace(
        result,
        retirements=tuple(state for state, stopped in states if stopped is None),
        retired=tuple(state for state, stopped in states if _is_done(state, stopped)),
    )


def _is_done(state: RetirementState, stopped: datetime | None) -> bool:
    """Whether the identity was deleted while its retirement was under way."""
    if state.stage != "deleted":
        return False
    return stopped is None or (state.stage_since is not None and state.stage_since <= stopped)


def under_way(store: Store, scan: ScanInfo, identity: str | None = None) -> tuple[RetirementFollowed, ...]:
    """The retirements under way as a stored scan saw them; of those that began since, no scan has seen a stage.

    ``identity``: those of one identity and of its credentials.
    """
    every = store.retirements.under_way().values()
    chosen = (one for one in every if identity in (None, one.identity))
    begun = sorted(chosen, key=lambda one: (one.identity, one.credential or ""))
    reading = _Reading(store, scan, begun)
    return tuple(reading.followed(one) for one in begun)


class _Reading:
    """What the store knows of identities that are being retired, up to one scan."""

    def __init__(self, store: Store, scan: ScanInfo, begun: Sequence[RetirementStarted]) -> None:
        self._scan = scan
        keys = sorted({one.identity for one in begun})
        self._versions: dict[str, list[IdentityVersion]] = {key: [] for key in keys}
        for key, version in store.versions(keys):
            if version.since <= scan.started_at:
                self._versions[key].append(version)
        self._findings: dict[str, list[Finding]] = {key: [] for key in keys}
        for finding in store.retirements.findings(CALLED, keys):
            if (when := last_refused(finding)) is not None and when <= scan.finished_at:
                self._findings[finding.identity or ""].append(finding)
        self._logs = store.activity.logs() if keys else {}

    def state(self, begun: RetirementStarted) -> RetirementState:
        """How far it is. What was heard after the scan counts in no earlier one."""
        if begun.at > self._scan.finished_at:
            return state_of(begun, None)
        versions, at = self._versions[begun.identity], self._scan.started_at
        last = versions[-1] if versions else None
        is_there = last is not None and (last.until is None or last.until > at)
        identity = None if last is None else last.assessment.identity
        logs = [] if identity is None else [log for log in self._logs.values() if is_log_of(log, identity)]
        return state_of(
            begun,
            RetirementSeen(
                at=at,
                now=identity if is_there else None,
                history=[(one.since, one.assessment.identity) for one in versions],
                gone_at=None if last is None or is_there else last.until,
                findings=self._findings[begun.identity],
                has_log=bool(logs),
                covered=frozenset().union(*(days_with_events(log, identity) for log in logs if identity)),
            ),
        )

    def followed(self, begun: RetirementStarted) -> RetirementFollowed:
        """The state with what is next."""
        return followed(begun, self.state(begun), self._findings[begun.identity])


def retiring(store: Store) -> Mapping[str, RetirementStarted]:
    """The retirements under way by identity, for judging activity; one of the whole identity counts first."""
    found: dict[str, RetirementStarted] = {}
    for one in store.retirements.under_way().values():
        if one.credential is None or one.identity not in found:
            found[one.identity] = one
    return found
