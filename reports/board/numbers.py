"""The shares on a board: counted subjects, each with true, false or unknown."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from msgspec.structs import replace

from reports.board.records import RESOLVED_WITHIN, Board, Measure, Moment, Resolution, RetiredQuarter, Team
from scanner.model import ROTATED, Assessment, Credential, Entry, ScanResult, Severity, Summary, Upkeep
from scanner.model.summary import unexplained, upkeep

Answer: TypeAlias = bool | None
"""Whether a statement holds; None if unknown."""


def measures(result: ScanResult) -> Iterator[Measure]:
    asked = [assessment for assessment in result.identities if assessment.ownership.state != "not_applicable"]
    held = list(_held(result))
    gaps = sum(section.is_gap for section in result.coverage)
    yield _measure("owned", map(is_owned, asked))
    yield _measure("registered", map(_registered, asked))
    yield _measure("agents_owned", (is_owned(one) for one in asked if one.agent.is_agent))
    yield _measure("rotated", (answer for _, answer in rotations(result)))
    yield _measure("long_lived", (_long_lived(one, result.policy.max_lifetime) for one, _ in held), better="less")
    yield _logged(asked)
    yield _used_services(asked)
    complete = sum(section.status == "complete" for section in result.coverage)
    yield Measure(name="read", count=complete, known=complete + gaps, unknown=0)


def _logged(asked: Sequence[Assessment]) -> Measure:
    """Identities that an audit log covers on at least one day. Without any log there is no share."""
    covered = sum(one.activity is not None and one.activity.covered_days > 0 for one in asked)
    has_log = any(one.activity is not None for one in asked)
    return Measure(name="logged", count=covered, known=len(asked) if has_log else 0, unknown=0)


def _used_services(asked: Sequence[Assessment]) -> Measure:
    """Services, summed over identities that logs cover and whose granted services are known."""
    used = granted = unseen = 0
    for one in asked:
        if one.activity is not None and one.activity.covered_days and one.activity.granted_services is not None:
            used += one.activity.granted_used or 0
            granted += len(one.activity.granted_services)
            unseen += one.activity.granted_unseen
    return Measure(name="used_services", count=used, known=granted - unseen, unknown=unseen)


def _measure(name: str, answers: Iterable[Answer], *, better: Literal["more", "less"] = "more") -> Measure:
    counts = Counter(answers)
    return Measure(
        name=name, count=counts[True], known=counts[True] + counts[False], unknown=counts[None], better=better
    )


def is_owned(assessment: Assessment) -> Answer:
    """Whether the identity is owned; None for an unregistered identity under a gap."""
    if assessment.ownership.state == "unchecked" or assessment.registry.provisional:
        return None
    return assessment.ownership.state == "owned"


def _registered(assessment: Assessment) -> Answer:
    if assessment.registry.state == "unchecked" or assessment.registry.provisional:
        return None
    return assessment.registry.state == "registered"


def _held(result: ScanResult) -> Iterator[tuple[Credential, Assessment]]:
    """Live credentials of identities that the provider does not manage, except federation."""
    now = result.scan.started_at
    for holder in result.identities:
        if holder.identity.managed_by is not None or holder.identity.enabled is False:
            continue
        for credential in holder.identity.credentials:
            expired = credential.expires_at is not None and credential.expires_at <= now
            if credential.enabled is not False and not expired and credential.kind != "federation":
                yield credential, holder


def rotations(result: ScanResult) -> Iterator[tuple[Assessment, Answer]]:
    """Whether credentials were rotated in time, by the limit of the entry or else of the policy."""
    limits = {one.entry.id: one.entry.max_credential_age for one in result.entries}
    unread = {one.entry.id for one in result.entries if one.entry.hides("max_credential_age")}
    for credential, holder in _held(result):
        if credential.kind not in ROTATED:
            continue
        declared = limits.get(holder.registry.entry or "") if holder.registry.state == "registered" else None
        limit = timedelta(days=result.policy.rotation if declared is None else declared)
        created = credential.created_at
        is_known = created is not None and holder.registry.entry not in unread
        yield holder, None if created is None or not is_known else result.scan.started_at - created <= limit


def _long_lived(credential: Credential, limit_days: int) -> Answer:
    if credential.never_expires:
        return True
    if credential.created_at is None or credential.expires_at is None:
        return None
    return credential.expires_at - credential.created_at > timedelta(days=limit_days)


# --- A result as a board's numbers. Pure: ``reports.board`` puts them on a page ---

CRITICAL_OR_HIGH: tuple[Severity, ...] = ("critical", "high")
ORPHAN_RULES = frozenset({"orphaned", "unregistered"})
AGES: Mapping[str, int] = {"under 30 days": 30, "30 to 90 days": 90, "90 days to a year": 365}
"""Age classes, each up to a number of days; older and unknown ages follow."""
OLDER, UNKNOWN_AGE = "over a year", "unknown"


def board(result: ScanResult) -> Board:
    """The numbers of one result and of the scans that led up to it."""
    measured, teams = tuple(measures(result)), _teams(result)
    return Board(
        measures=measured,
        before=tuple(_before(measured, result)),
        exempt=sum(assessment.ownership.state == "not_applicable" for assessment in result.identities),
        beside=_beside(teams, result),
        agents=sum(assessment.agent.is_agent for assessment in result.identities),
        orphans=sum(assessment.ownership.state == "orphaned" for assessment in result.identities),
        unexplained=unexplained(result.identities, result.findings),
        maybe_explained=sum(
            one.acknowledged is None and one.evidence.get("explained", False) is None for one in result.findings
        ),
        orphan_ages=_orphan_ages(result),
        resolution=_resolution(result),
        retired=_retired(result),
        kept=kept(result),
        teams=teams,
        trend=trend(result),
    )


def _before(now: Iterable[Measure], result: ScanResult) -> Iterator[Measure]:
    """The same measures in the previous scan, if known."""
    shares = result.since.shares if result.since else {}
    for one in now:
        if one.name in shares:
            count, known = shares[one.name]
            yield Measure(name=one.name, count=count, known=known, unknown=0, better=one.better)


# --- ages of orphans, time to resolve findings, and what was retired -----------------------


def _orphan_ages(result: ScanResult) -> dict[str, int]:
    """Orphans by age of their finding, since its first scan; unknown without a history."""
    since: dict[str, datetime] = {}
    for finding in result.findings:
        seen = finding.first_seen
        if finding.rule in ORPHAN_RULES and finding.identity and seen:
            since[finding.identity] = min(seen, since.get(finding.identity, seen))
    orphans = (assessment.identity.key for assessment in result.identities if assessment.ownership.state == "orphaned")
    counts = Counter(_age(since.get(key), result.scan.started_at) for key in orphans)
    return {age: counts[age] for age in (*AGES, OLDER, UNKNOWN_AGE)}


def _age(since: datetime | None, now: datetime) -> str:
    if since is None:
        return UNKNOWN_AGE
    days = (now - since) / timedelta(days=1)
    return next((age for age, limit in AGES.items() if days < limit), OLDER)


def _resolution(result: ScanResult) -> Resolution:
    earliest = result.scan.started_at - timedelta(days=RESOLVED_WITHIN)
    ages: Counter[int] = Counter()
    for point in result.trend:
        if point.started_at >= earliest:
            ages.update(point.resolved)
    return Resolution(resolved=ages.total(), median_days=_median(ages))


def _retired(result: ScanResult) -> RetiredQuarter:
    """The retirements of the calendar quarter of the scan, in UTC."""
    today = result.scan.started_at.date()
    since = today.replace(month=today.month - (today.month - 1) % 3, day=1)
    done = [one for one in result.retired if one.stage_since is not None and one.stage_since.date() >= since]
    called = sum(one.heard_at is not None for one in done)
    unharmed = sum(one.heard_at is None and one.is_heard is True for one in done)
    return RetiredQuarter(
        since=since,
        unharmed=unharmed,
        called=called,
        unknown=len(done) - called - unharmed,
        under_way=sum(one.stage != "deleted" for one in result.retirements),
    )


def _median(counts: Counter[int]) -> int | None:
    """The median of values with their frequencies; of an even number the lower middle."""
    middle = (counts.total() + 1) // 2
    reached = 0
    for value in sorted(counts):
        reached += counts[value]
        if reached >= middle > 0:
            return value
    return None


# --- teams and trend ------------------------------------------------------------


def _teams(result: ScanResult) -> tuple[Team, ...]:
    """Teams with the most to do first, including the row without a team."""
    names: dict[str | None, str | None] = {}
    identities, owned, orphaned, overdue, grave, unknown = (Counter[str | None]() for _ in range(6))
    findings = Counter(finding.identity for finding in result.findings if finding.severity in CRITICAL_OR_HIGH)
    late = Counter(holder.identity.key for holder, in_time in rotations(result) if in_time is False)
    entries = {team.casefold() if team else None: (team, its) for team, its in by_team(result).items()}
    history = _history(result)
    for assessment in result.identities:
        if assessment.ownership.state == "not_applicable":
            continue
        team = assessment.ownership.team.casefold() if assessment.ownership.team else None
        names.setdefault(team, assessment.ownership.team)
        identities[team] += 1
        owned[team] += is_owned(assessment) is True
        unknown[team] += is_owned(assessment) is None
        orphaned[team] += assessment.ownership.state == "orphaned"
        overdue[team] += late[assessment.identity.key]
        grave[team] += findings[assessment.identity.key]
    teams = [
        Team(
            name=names.get(team, entries[team][0] if team in entries else None),
            identities=identities[team],
            owned=owned[team],
            orphaned=orphaned[team],
            overdue=overdue[team],
            grave=grave[team],
            unknown=unknown[team],
            upkeep=entries[team][1] if team in entries else Upkeep(),
            history=history(team),
        )
        for team in {**{team: name for team, (name, _) in entries.items()}, **names}
    ]
    return tuple(sorted(teams, key=_most_to_do))


def _history(result: ScanResult) -> Callable[[str | None], tuple[int, ...]]:
    """A function that gives a team's orphans in each scan, by its name in lower case."""
    if result.trends is None:
        return lambda _: ()
    known: dict[str | None, list[tuple[int, ...]]] = {}
    for one in result.trends.teams:
        known.setdefault(one.team.casefold() if one.team else None, []).append(one.numbers["orphaned"])
    none = (0,) * len(result.trends.scans)
    return lambda team: _added([none, *known.get(team, ())])


def _added(rows: Iterable[Sequence[int]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*rows, strict=True)))


def total(teams: Iterable[Team]) -> Team:
    """The sum of these teams, without a name."""
    counts = ("identities", "owned", "orphaned", "overdue", "grave", "unknown")
    listed = list(teams)
    whole = {count: sum(getattr(team, count) for team in listed) for count in counts}
    history = _added(team.history for team in listed) if all(team.history for team in listed) else ()
    return Team(name=None, upkeep=summed(team.upkeep for team in listed), history=history, **whole)


def _beside(teams: Iterable[Team], result: ScanResult) -> Team:
    """Numbers that the measures and findings count, but no team's row."""
    known = total(teams)
    late = sum(in_time is False for _, in_time in rotations(result))
    grave = sum(finding.severity in CRITICAL_OR_HIGH for finding in result.findings)
    return replace(total(()), overdue=late - known.overdue, grave=grave - known.grave)


def _most_to_do(team: Team) -> tuple[int, int, int, str]:
    return -team.grave, -team.orphaned, -team.identities, team.name or ""


def trend(result: ScanResult) -> tuple[Moment, ...]:
    """Earlier scans by their time, even if a clock went backwards between two."""
    points = sorted(result.trend, key=lambda point: point.started_at)
    return tuple(_moment(point.started_at, point.counts) for point in points)


def _moment(at: datetime, counts: Summary) -> Moment:
    return Moment(
        at=at,
        owned=_share(counts.owned, (counts.owned, counts.orphaned)),
        registered=_share(counts.registered, (counts.registered, counts.unregistered, counts.ambiguous)),
        orphaned=counts.orphaned,
        unregistered=counts.unregistered,
        worsened=counts.worsened,
        acknowledged=counts.acknowledged,
        grave=sum(counts.findings.get(severity, 0) for severity in CRITICAL_OR_HIGH),
        unexplained=counts.unexplained_findings,
        kept=shares(counts.upkeep),
    )


def _share(part: int, parts: Sequence[int]) -> float | None:
    return part / sum(parts) if sum(parts) else None


# --- The upkeep of the registry: completeness of its entries, and reviews in time ---

KEPT = ("owner", "purpose", "review", "blast_radius")
"""The facts that are counted for each entry."""


def kept(result: ScanResult) -> tuple[Measure, ...]:
    """A measure for each fact; without entries there is no share."""
    now = _of(result, (one.entry for one in result.entries))
    return tuple(Measure(name=name, count=getattr(now, name), known=now.entries, unknown=0) for name in KEPT)


def shares(counts: Upkeep | None) -> dict[str, float | None]:
    """The shares of one scan, 0 to 1; None where it had no entries, or did not count them."""
    return {
        name: getattr(counts, name) / counts.entries if counts is not None and counts.entries else None for name in KEPT
    }


def mean(counts: Upkeep) -> float | None:
    """The mean of the shares, 0 to 1; None without entries."""
    return sum(getattr(counts, name) for name in KEPT) / (len(KEPT) * counts.entries) if counts.entries else None


def by_team(result: ScanResult) -> Mapping[str | None, Upkeep]:
    """Upkeep by team, in its first spelling; an entry without a team counts for the team of its identities."""
    theirs = {one.identity.key: one.ownership.team for one in result.identities}
    names: dict[str | None, str | None] = {}
    entries: dict[str | None, list[Entry]] = defaultdict(list)
    for declared in result.entries:
        of_identities = (theirs.get(key) for key in declared.identities)
        team = declared.entry.team or next(filter(None, of_identities), None)
        folded = team.casefold() if team else None
        names.setdefault(folded, team)
        entries[folded].append(declared.entry)
    return {names[folded]: _of(result, its) for folded, its in entries.items()}


def summed(parts: Iterable[Upkeep]) -> Upkeep:
    """The sum of all."""
    listed = list(parts)
    return Upkeep(**{name: sum(getattr(one, name) for one in listed) for name in Upkeep.__struct_fields__})


def _of(result: ScanResult, entries: Iterable[Entry]) -> Upkeep:
    return upkeep(entries, result.policy, result.scan.started_at.date())
