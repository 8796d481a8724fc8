"""How far a retirement is, by what scans read. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct
from msgspec.structs import asdict, replace

from scanner.model import Finding, Identity
from scanner.model.retirement import (
    RetirementFollowed,
    RetirementNext,
    RetirementScream,
    RetirementStarted,
    RetirementState,
    Stage,
)

Seen = tuple[datetime, Identity]
"""The start of the first scan that saw the identity so, and the identity."""

CALLED = "retired_identity_called"
"""The rule about refused calls."""


class RetirementSeen(Struct, frozen=True, kw_only=True):
    """What scans and logs say of an identity that is being retired.

    ``history``: its versions up to a scan that started ``at``, oldest first. ``now``: in that scan; None: it is gone,
    since the scan of ``gone_at``, which is None if the store no longer knows. ``findings``: of any scan, about it.
    ``has_log``: whether a log of it is read; ``covered``: ordinals of days with events that such logs cover.
    """

    at: datetime
    now: Identity | None
    history: Sequence[Seen] = ()
    gone_at: datetime | None = None
    findings: Sequence[Finding] = ()
    has_log: bool = False
    covered: frozenset[int] = frozenset()


def state_of(begun: RetirementStarted, seen: RetirementSeen | None) -> RetirementState:
    """How far a retirement is. ``seen``: None before the first scan after its start."""
    state = RetirementState(
        identity=begun.identity,
        stage=None,
        credential=begun.credential,
        name=begun.name,
        started_at=begun.at,
        by=begun.by,
        wait_days=begun.wait_days,
    )
    if seen is None:
        return state
    calls = (when for finding in seen.findings if (when := last_refused(finding)) is not None)
    heard_at = max((when for when in calls if begun.at <= when), default=None)
    stage, since = _stage(begun, seen, heard_at)
    if stage in ("waited", "deleted"):
        is_heard = seen.has_log and _was_heard(begun, seen, since or seen.at)
    else:
        is_heard = seen.has_log and (stage or "lowered") in begun.heard_in
    return replace(
        state,
        stage=stage,
        stage_since=since,
        heard_at=heard_at,
        is_heard=True if is_heard or heard_at is not None else None,
    )


def _stage(
    begun: RetirementStarted, seen: RetirementSeen, heard_at: datetime | None
) -> tuple[Stage | None, datetime | None]:
    at, now = seen.at, seen.now
    if now is None:
        return "deleted", seen.gone_at
    if _is_gone(begun, now):
        return "deleted", _since(seen.history, at, partial(_is_gone, begun))
    if begun.is_disabled(now):
        since = _since(seen.history, at, begun.is_disabled)
        quiet_since = since if heard_at is None else max(since, heard_at)
        if at - quiet_since >= timedelta(days=begun.wait_days):
            return "waited", quiet_since + timedelta(days=begun.wait_days)
        return "disabled", since
    if begun.credential is None and begun.is_lowered(now):
        return "lowered", _since(seen.history, at, begun.is_lowered)
    return None, None


def _was_heard(begun: RetirementStarted, seen: RetirementSeen, end: datetime) -> bool:
    """Whether logs cover every day on which refused calls are named, and those are as many as the wait."""
    days: set[int] = set()
    ends = (*(since for since, _ in seen.history[1:]), end)
    for (since, one), until in zip(seen.history, ends, strict=False):
        lowered = begun.credential is None and begun.is_lowered(one)
        stage = "disabled" if begun.is_disabled(one) else "lowered" if lowered else None
        if stage in begun.heard_in and not _is_gone(begun, one):
            days.update(range(max(since, begun.at).toordinal() + 1, min(until, end).toordinal()))
    # The first and the last day are covered in part.
    return len(days) >= max(begun.wait_days - 1, 1) and days <= seen.covered


def _is_gone(begun: RetirementStarted, one: Identity) -> bool:
    """Whether what has its key now is another identity, or lacks the credential that is retired."""
    if begun.is_gone(one):
        return True
    is_read = begun.credential is not None and "credentials" not in one.unread
    return is_read and all(held.key != begun.credential for held in one.credentials)


def _since(seen: Sequence[Seen], at: datetime, holds: Callable[[Identity], bool]) -> datetime:
    """The start of the first scan since which it holds without a break."""
    since = at
    for when, one in reversed(seen):
        if not holds(one):
            break
        since = when
    return since


def screams_of(begun: RetirementStarted, findings: Iterable[Finding]) -> tuple[RetirementScream, ...]:
    """Who was refused since the start, the latest first. ``findings``: of any scan, about the identity."""
    found: dict[str, RetirementScream] = {}
    for one in findings:
        at = last_refused(one)
        if at is None or at < begun.at or (one.fingerprint in found and found[one.fingerprint].at >= at):
            continue
        caller, host, events = (one.evidence.get(name) for name in ("caller", "host", "events"))
        found[one.fingerprint] = RetirementScream(
            at=at,
            caller=None if caller is None else str(caller),
            host=None if host is None else str(host),
            events=events if isinstance(events, int) else None,
            fingerprint=one.fingerprint,
        )
    return tuple(sorted(found.values(), key=lambda one: (-one.at.timestamp(), one.fingerprint)))


def followed(begun: RetirementStarted, state: RetirementState, findings: Iterable[Finding]) -> RetirementFollowed:
    """The state with who was refused and what is next."""
    return RetirementFollowed(
        **asdict(state), verdict=begun.verdict, screams=screams_of(begun, findings), next=_next(begun, state)
    )


def _next(begun: RetirementStarted, state: RetirementState) -> RetirementNext:
    planned = {one.stage: one for one in begun.plan}
    undo = planned["lowered"].undo if state.stage == "lowered" and "lowered" in planned else begun.way_back
    way_back = undo if state.stage in _REVERSIBLE or state.heard_at is not None else ()
    stop = f"muster retire --stop {shlex.quote(begun.credential or begun.identity)}"
    if state.stage == "deleted":
        return RetirementNext(stage=None, says=("It is deleted. This takes it off the list:",), commands=(stop,))
    if state.heard_at is not None and state.stage != "waited":
        says = [f"Somebody was refused, last at {state.heard_at:%Y-%m-%d %H:%M}: ask whoever runs the caller."]
        says.append(f"If it is needed, run the way back, and `{stop}`.")
        if state.stage == "disabled":
            says.append(f"If not, go on waiting until {_waits_until(state)}: the wait began anew.")
        return RetirementNext(stage=None, says=tuple(says), way_back=way_back)
    if state.stage == "disabled":
        says = [f"Wait until {_waits_until(state)}.", *(planned["waited"].says if "waited" in planned else ())]
        return RetirementNext(stage="waited", says=tuple(says), way_back=way_back)
    left = [planned[stage] for stage in _AFTER[state.stage] if stage in planned]
    chosen = next((one for one in left if one.commands), next(iter(left), None))
    if chosen is None:
        return RetirementNext(stage=_AFTER[state.stage][0], says=(), way_back=way_back)
    return RetirementNext(stage=chosen.stage, says=chosen.says, commands=chosen.commands, way_back=way_back)


_REVERSIBLE: frozenset[Stage | None] = frozenset({"lowered", "disabled", "waited"})
_AFTER: Mapping[Stage | None, tuple[Stage, ...]] = {
    None: ("lowered", "disabled"),
    "lowered": ("disabled",),
    "waited": ("deleted",),
}
"""The stages among which the next one is the first with commands."""


def _waits_until(state: RetirementState) -> str:
    since = max(filter(None, (state.stage_since, state.heard_at)), default=state.started_at)
    return f"{since + timedelta(days=state.wait_days):%Y-%m-%d %H:%M}"


def last_refused(finding: Finding) -> datetime | None:
    """When somebody was refused last, as a finding about that says; None for any other finding."""
    if finding.rule != CALLED:
        return None
    last = finding.evidence.get("last_at")
    if isinstance(last, str):
        try:
            return datetime.fromisoformat(last)
        except ValueError:
            return None
    return last if isinstance(last, datetime) else None
