"""How far a retirement is, by what scans read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from scanner.model import Finding, Identity
from scanner.model.retirement import RetirementStarted, RetirementState, Stage

Seen = tuple[datetime, Identity]
"""The start of the first scan that saw the identity so, and the identity."""

CALLED = "retired_identity_called"
"""The rule about refused calls."""


def state_of(
    begun: RetirementStarted,
    history: Sequence[Seen],
    now: Identity | None,
    *,
    at: datetime,
    findings: Iterable[Finding] = (),
    has_log: bool = False,
) -> RetirementState:
    """The state at a scan that started ``at``. ``history``: earlier versions, oldest first; ``now``: None: it is gone.

    ``findings``: of the scan, about it. ``has_log``: whether a log of it is read.
    """
    heard_at = max(filter(None, map(_heard_at, findings)), default=None)
    stage, since = _stage(begun, history, now, at, heard_at)
    may_hear = has_log and (stage or "lowered") in (*begun.heard_in, *(("waited",) if begun.heard_in else ()))
    return RetirementState(
        identity=begun.identity,
        stage=stage,
        credential=begun.credential,
        name=begun.name,
        started_at=begun.at,
        by=begun.by,
        wait_days=begun.wait_days,
        stage_since=since,
        heard_at=heard_at,
        is_heard=True if may_hear or heard_at is not None else None,
    )


def _stage(
    begun: RetirementStarted, history: Sequence[Seen], now: Identity | None, at: datetime, heard_at: datetime | None
) -> tuple[Stage | None, datetime | None]:
    if begun.is_gone(now) or _is_credential_gone(begun, now):
        return "deleted", at
    assert now is not None  # gone otherwise
    seen = [(since, one) for since, one in history if since <= at]
    if begun.is_disabled(now):
        since = _since(seen, at, begun.is_disabled)
        quiet_since = since if heard_at is None else max(since, heard_at)
        if at - quiet_since >= timedelta(days=begun.wait_days):
            return "waited", quiet_since + timedelta(days=begun.wait_days)
        return "disabled", since
    if begun.credential is None and begun.is_lowered(now):
        return "lowered", _since(seen, at, begun.is_lowered)
    return None, None


def _is_credential_gone(begun: RetirementStarted, now: Identity | None) -> bool:
    if begun.credential is None or now is None or "credentials" in now.unread:
        return False
    return all(one.key != begun.credential for one in now.credentials)


def _since(seen: Sequence[Seen], at: datetime, holds: Callable[[Identity], bool]) -> datetime:
    """The start of the first scan since which it holds without a break."""
    since = at
    for when, one in reversed(seen):
        if not holds(one):
            break
        since = when
    return since


def _heard_at(finding: Finding) -> datetime | None:
    if finding.rule != CALLED:
        return None
    last = finding.evidence.get("last_at")
    if isinstance(last, str):
        try:
            return datetime.fromisoformat(last)
        except ValueError:
            return None
    return last if isinstance(last, datetime) else None
