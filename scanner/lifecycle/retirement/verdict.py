"""Whether an identity can be switched off: ``safe``, ``in_use`` or ``unknown``, with the reasons. Pure.

``safe`` is a strong word. It takes a record of every kind of use on every day of the window without any, nothing that
could start it again, and no gap of its place. Anything less is ``unknown``, with the shortest way to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache

from msgspec import Struct
from msgspec.structs import replace

from scanner.catalog import read_table
from scanner.judging.usage import judge_usage
from scanner.matching.keys import provider_key
from scanner.model import Assessment, Coverage, Credential, Identity
from scanner.model.coverage import EVERY_SCOPE
from scanner.model.retirement import Dependent, RetireVerdict, UseCoverage
from scanner.text import counted, few

_DAY = timedelta(days=1)
_FRESH = timedelta(days=1)
"""A reading that is older says nothing of the days since."""
_NAMED = 5


class LogDays(Struct, frozen=True, kw_only=True):
    """One log of an identity's place. ``conclusive``: it records every use of such an identity.

    ``covered``: ordinals of completely read days with events; ``silent``: of those without any, which a removed day
    looks like; ``gaps``: of others, why.
    """

    log: str
    conclusive: bool
    covered: frozenset[int]
    silent: frozenset[int] = frozenset()
    gaps: Mapping[int, str] = {}


class Evidence(Struct, frozen=True, kw_only=True):
    """What is known of one identity's use.

    ``used_at``: the last successful use in a log; ``refused_at``: the last try within the window. ``read_at``: when the
    scan read it. ``coverage``: of the scan.
    """

    judged: Assessment
    credential: Credential | None = None
    logs: tuple[LogDays, ...] = ()
    used_at: datetime | None = None
    refused_at: datetime | None = None
    dependents: tuple[Dependent, ...] = ()
    coverage: Sequence[Coverage] = ()
    read_at: datetime
    now: datetime
    window_days: int


class Judgement(Struct, frozen=True, kw_only=True):
    """A verdict: see ``RetirementAnswer``."""

    verdict: RetireVerdict
    because: tuple[str, ...]
    coverage: tuple[UseCoverage, ...]
    unread: tuple[str, ...]
    to_know: tuple[str, ...]


class _Advice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What tells of use where nothing that is read does. ``turn_on``: a sentence with ``{days}`` and ``{until}``."""

    turn_on: str


@cache
def _advice() -> Mapping[str, _Advice]:
    return read_table("scanner.lifecycle.retirement", "advice.toml", dict[str, _Advice])


def judge(given: Evidence) -> Judgement:
    """The verdict on an identity, or on one credential of it."""
    start = given.now - given.window_days * _DAY
    used = _uses(given, start)
    coverage = tuple(_coverage(given, start))
    starting = [one for one in given.dependents if one.starts]
    unread, gaps = tuple(_unread(given)), tuple(_gaps(given))
    if used:
        return Judgement(verdict="in_use", because=used, coverage=coverage, unread=(*gaps, *unread), to_know=())
    doubts: list[str] = []
    to_know: list[str] = []
    for one in (*gaps, *unread):
        doubts.append(f"not read: {one}")
        to_know.append(f"Read {one}, and scan again.")
    if not any(one.whole for one in coverage):
        doubts += [f"{one.use}: {one.detail}" for one in coverage]
        to_know += [one.to_know for one in coverage if one.to_know is not None]
    if starting:
        names = few([one.what for one in starting], _NAMED)
        doubts.append(
            f"{counted(len(starting), 'thing is', 'things are')} bound to it and could start it again: {names}"
        )
        to_know.append(f"Move or remove what is bound to it: {names}.")
    if given.refused_at is not None:
        doubts.append(f"a call was refused on {given.refused_at:%Y-%m-%d %H:%M}: somebody still tries")
        to_know.append("Find who calls: the callers and hosts are named here.")
    to_know = list(dict.fromkeys(to_know))
    if doubts:
        return Judgement(
            verdict="unknown", because=tuple(doubts), coverage=coverage, unread=(*gaps, *unread), to_know=tuple(to_know)
        )
    whole = [one for one in coverage if one.whole]
    because = tuple(f"none by {one.use}: {one.detail}" for one in whole)
    return Judgement(
        verdict="safe",
        because=(*because, "nothing that was read is bound to it"),
        coverage=coverage,
        unread=(),
        to_know=(),
    )


# --- Use ---


def _uses(given: Evidence, start: datetime) -> tuple[str, ...]:
    """What shows that it was used in the window; of a disabled one, also who is refused."""
    identity, found = given.judged.identity, []
    holders: Iterable[Credential] = identity.credentials if given.credential is None else (given.credential,)
    if given.credential is None and identity.last_used_at is not None and identity.last_used_at >= start:
        found.append(f"last used {identity.last_used_at:%Y-%m-%d %H:%M}, by the record of {identity.source}")
    found += [
        f"its {one.kind.replace('_', ' ')} {one.id} was used {one.last_used_at:%Y-%m-%d %H:%M}"
        for one in holders
        if one.last_used_at is not None and one.last_used_at >= start
    ]
    if given.used_at is not None and given.used_at >= start:
        found.append(f"last used {given.used_at:%Y-%m-%d %H:%M}, by {_names(given.logs)}")
    if identity.enabled is False and given.refused_at is not None and given.refused_at >= start:
        found.append(f"it is disabled, and was refused {given.refused_at:%Y-%m-%d %H:%M}, by {_names(given.logs)}")
    return tuple(found)


def _names(logs: Sequence[LogDays]) -> str:
    return f"log {', '.join(one.log for one in logs)}" if logs else "its log"


# --- Coverage ---


def _coverage(given: Evidence, start: datetime) -> Iterator[UseCoverage]:
    yield _by_record(given, start)
    conclusive = [one for one in given.logs if one.conclusive]
    if given.credential is None and conclusive:
        yield _by_logs(given, conclusive, start)
    else:
        names = ", ".join(one.log for one in given.logs)
        detail = f"{names} does not record every use of a {_kind(given)}" if names else "no log of it is read"
        yield UseCoverage(
            use="calls in audit logs", source=names or "no log", whole=False, detail=detail, to_know=_turn_on(given)
        )


def _by_record(given: Evidence, start: datetime) -> UseCoverage:
    """The provider's own record of the last use."""
    identity = given.judged.identity
    held = given.credential
    told = identity if held is None else _as_alone(identity, held)
    # A disabled one is judged as if it were not: the question is whether somebody still calls.
    usage = judge_usage(replace(told, enabled=None), window_days=given.window_days, now=given.read_at)
    looked_at = min(identity.observed_at or given.read_at, given.read_at)
    use, source = "the provider's record of the last use", f"source {identity.source}"
    if usage.state not in ("dormant", "never_used"):
        return UseCoverage(use=use, source=source, whole=False, detail=usage.evidence, to_know=_wait(given, told))
    if given.now - looked_at > _FRESH:
        detail = f"{usage.evidence}, as read on {looked_at:%Y-%m-%d}"
        return UseCoverage(
            use=use, source=source, whole=False, detail=detail, to_know="Scan again: the reading is old."
        )
    detail = f"{usage.evidence}; recorded since {start:%Y-%m-%d}, read on {looked_at:%Y-%m-%d %H:%M}"
    return UseCoverage(use=use, source=source, whole=True, detail=detail)


def _as_alone(identity: Identity, held: Credential) -> Identity:
    """The identity as if it had this credential alone, for judging the credential's use."""
    return replace(
        identity,
        credentials=(),
        created_at=held.created_at or identity.created_at,
        last_used_at=held.last_used_at,
        use_tracked_days=held.use_tracked_days,
    )


def _wait(given: Evidence, told: Identity) -> str | None:
    """Until when to wait, if waiting alone tells."""
    tracked = told.use_tracked_days
    if tracked is None:
        return None
    created = told.created_at
    if created is not None and created > given.now - given.window_days * _DAY:
        return f"Wait until {(created + given.window_days * _DAY):%Y-%m-%d}: it exists since {created:%Y-%m-%d} only."
    if tracked < given.window_days:
        days = counted(tracked, "day", "days")
        return f"Ask with `--window {tracked}`: the provider keeps its record for {days} only."
    return None


def _by_logs(given: Evidence, logs: Sequence[LogDays], start: datetime) -> UseCoverage:
    """Logs that record every use: each of them has to cover every day, for each may be of another node."""
    first, end = start.date().toordinal(), given.now.date().toordinal()
    names = ", ".join(one.log for one in logs)
    missing = sorted({day for one in logs for day in range(first, end) if day not in one.covered})
    if not missing:
        created = given.judged.identity.created_at
        if created is not None and created > start:
            detail = f"it exists since {created:%Y-%m-%d} only, inside the window"
            to_know = f"Wait until {(created + given.window_days * _DAY):%Y-%m-%d}."
            return UseCoverage(
                use="calls in audit logs", source=f"log {names}", whole=False, detail=detail, to_know=to_know
            )
        days = counted(given.window_days, "covered day", "covered days")
        return UseCoverage(
            use="calls in audit logs", source=f"log {names}", whole=True, detail=f"{days} of {names}, each read in full"
        )
    silent = [day for day in missing if all(day in one.silent for one in logs if day not in one.covered)]
    unread = sorted(set(missing).difference(silent))
    details, ways = [], []
    if unread:
        details.append(f"{counted(len(unread), 'day is', 'days are')} not covered by {names}: {_shown(unread)}")
        ways.append(_until_covered(given, logs, unread))
    if silent:
        details.append(
            f"{counted(len(silent), 'day has', 'days have')} no event of anybody in {names}: {_shown(silent)}; "
            "either nothing was called, or lines are missing"
        )
        ways.append(_until_heard(given, names, silent))
    return UseCoverage(
        use="calls in audit logs", source=f"log {names}", whole=False, detail="; ".join(details),
        to_know=" ".join(ways),
    )  # fmt: skip


def _shown(days: Sequence[int]) -> str:
    return few([str(date.fromordinal(day)) for day in days], _NAMED)


def _until_heard(given: Evidence, names: str, silent: Sequence[int]) -> str:
    """A file cannot tell a quiet day from a removed one: only days with events can."""
    free = date.fromordinal(silent[-1]) + (given.window_days + 1) * _DAY
    since = given.now.date().toordinal() - silent[-1] - 1
    shorter = f", or ask with `--window {since}`" if since > 0 else ""
    return (
        f"Compare these days with another copy of {names}{shorter}. Scan every night: each scan leaves events in the "
        f"log, so that {free} tells."
    )


def _until_covered(given: Evidence, logs: Sequence[LogDays], missing: Sequence[int]) -> str:
    """Read the days that a log has, or wait until the window holds none that is missing."""
    lost = sorted(day for day in missing if any(day in one.gaps for one in logs))
    free = date.fromordinal(missing[-1]) + (given.window_days + 1) * _DAY
    names = ", ".join(one.log for one in logs)
    if lost and len(lost) == len(missing):
        days = few([str(date.fromordinal(day)) for day in lost], _NAMED)
        return f"Read the days {days} of {names} again, or wait until {free}."
    first = date.fromordinal(missing[0])
    return f"Read {names} from {first} on (`muster activity {logs[0].log} --since {first}`), or wait until {free}."


def _kind(given: Evidence) -> str:
    held = given.credential
    return (given.judged.identity.kind if held is None else held.kind).replace("_", " ")


def _turn_on(given: Evidence) -> str:
    table = _advice()
    advice = table.get(provider_key(given.judged.identity.provider) or "", table["any"])
    return advice.turn_on.format(days=given.window_days, until=(given.now + given.window_days * _DAY).date())


# --- What was not read ---


def _unread(given: Evidence) -> Iterator[str]:
    """Facts of the identity itself that this scan could not read."""
    judged = given.judged
    if not judged.rechecked:
        yield "the identity itself: the last scan shows it as last known"
    for fact in judged.identity.unread:
        if fact in ("credentials", "trusts"):
            yield f"its {fact}"


def _gaps(given: Evidence) -> Iterator[str]:
    """Sections of its source that could hide something that is bound to it."""
    identity = given.judged.identity
    sources = {*identity.sources, identity.source}
    for one in given.coverage:
        if not one.is_gap or one.source not in sources or one.section.partition(":")[0] == "activity":
            continue
        is_own = one.scope in (identity.scope, EVERY_SCOPE)
        if is_own or "workload" in one.records or "secret" in one.kinds:
            needs = f" (needs {one.permission})" if one.permission else ""
            yield f"{one.section} of {'every scope' if one.scope == EVERY_SCOPE else one.scope}, {one.status}{needs}"
