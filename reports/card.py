"""The details of one identity for a terminal: verdicts with evidence, credentials, grants and history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from reports import agents
from reports.base import Screen
from reports.diff_table import difference_text
from reports.judged import findings_by_fingerprint, joined_with_findings
from reports.phrases import (
    ACKNOWLEDGE,
    acknowledged_text,
    agent_text,
    asked_text,
    credential_text,
    drift_text,
    facts_text,
    fingerprint_digits,
    next_step,
    tags_text,
)
from reports.terminal_page import TerminalPage
from scanner.access.blast_radius.words import rows, sentence
from scanner.diff.records import Era
from scanner.model import Assessment, BlastRadius, Finding, Identity, OwnershipVerdict, ScanResult, Signal
from scanner.model.activity import Activity, ServiceUse
from scanner.rules.wording import facts_of, words
from scanner.text import counted


def identity_card(
    judged: Assessment,
    result: ScanResult,
    history: Sequence[Era] = (),
    screen: Screen | None = None,
    radius: BlastRadius | None = None,
) -> str:
    """Everything known about one identity, as text. ``history``: oldest first. ``radius``: with its evidence."""
    found = joined_with_findings(judged, findings_by_fingerprint(result))
    page = TerminalPage(screen or Screen())
    digits = fingerprint_digits(found.findings)
    page.line(judged.identity.key, "bold")
    for label, texts in (
        ("identity", _identity(judged, result.first_seen.get(judged.identity.key))),
        ("nature", [words(judged.nature.verdict), *_signals(judged.nature.signals)]),
        ("agent", [agent_text(judged.agent), *_signals(judged.agent.signals)]),
        ("tools", map(agents.tool_text, judged.agent.tools or ())),
        ("exposed", _exposed(judged)),
        ("acts for", [judged.agent.acts_for] if judged.agent.acts_for else []),
        ("registry", _registry(judged)),
        ("ownership", _ownership(judged)),
        ("drift", [drift_text(one) for one in judged.drift]),
        ("not compared", list(judged.not_compared)),
        ("usage", [words(judged.usage.state), judged.usage.evidence]),
        ("activity", _activity(judged.activity)),
        ("privilege", [judged.privilege.level, *judged.privilege.evidence]),
        ("reach", _reach(radius)),
        ("holds", [credential_text(credential) for credential in judged.identity.credentials]),
        ("grants", [_grant(grant.name, grant.via, grant.resource, grant.admin) for grant in judged.identity.grants]),
        ("consumers", _consumers(judged, result)),
        ("links", [f"{link.relation} {link.target} ({link.evidence})" for link in judged.identity.links]),
        (
            "trusts",
            dict.fromkeys(f"{trust.kind} {trust.principal}: {trust.evidence}" for trust in judged.identity.trusts),
        ),
        ("findings", [_finding(finding, digits) for finding in found.findings]),
        ("next step", [next_step(found)]),
        ("history", [_era(one) for one in history]),
    ):
        lines = [text for text in texts if text]
        if lines:
            page.item(label, lines, first="")
    if open_ones := [finding for finding in found.findings if finding.acknowledged is None]:
        page.line()
        suppress = f"muster acknowledge {open_ones[0].fingerprint[:digits]} {ACKNOWLEDGE}"
        page.hint("Suppress a finding by the start of its fingerprint", suppress)
    return page.text


def _exposed(judged: Assessment) -> list[str]:
    """What others could make an agent do, as sentences; else whether anything could."""
    found = judged.agent.exposures
    name = judged.identity.shown_name
    return [agents.exposed(name, one) for one in found] or [agents.exposure(judged.agent)]


def _reach(radius: BlastRadius | None) -> list[str]:
    """The blast radius: one sentence, then what is within reach, each with its evidence."""
    return [] if radius is None else [sentence(radius), *(f"{what}: {evidence}" for what, evidence in rows(radius))]


def _identity(judged: Assessment, first_seen: datetime | None) -> list[str | None]:
    one = judged.identity
    return [
        f"{one.kind} {one.name} in {one.provider} {one.scope}" + ("" if one.enabled is not False else ", disabled"),
        one.display_name,
        one.description,
        _created(one),
        f"first seen {first_seen:%Y-%m-%d}" if first_seen else None,
        f"seen by {', '.join(one.sources)}" if one.sources else None,
        "" if judged.rechecked else "not re-checked by this scan: its scope could not be read; shown as last seen",
        (tags := tags_text(one.tags)) and f"tags: {tags}",
    ]


def _activity(activity: Activity | None) -> list[str]:
    """The activity in audit logs: coverage, services used, times, origins, and who assumed it."""
    if activity is None:
        return []
    span = "no day is covered by its logs"
    if activity.covered_from is not None:
        days = counted(activity.covered_days, "covered day", "covered days")
        span = f"{days} from {activity.covered_from} to {activity.covered_to}"
    return [
        f"{counted(activity.events, 'event', 'events')}, {activity.denied} of them denied; {span}",
        _first_and_last(activity),
        activity.use_of_grants or "",
        *map(_service, activity.services[:SERVICES_SHOWN]),
        f"and {counted(more, 'more service', 'more services')}"
        if (more := len(activity.services) - SERVICES_SHOWN) > 0
        else "",
        f"hours {hours_text(activity.hours)} (00 to 23 UTC)" if activity.hours else "",
        *(
            f"{label} {shortened(values)}"
            for label, values in (
                ("networks", activity.networks),
                ("clients", activity.clients),
                ("regions", activity.regions),
                ("tools", activity.tools),
                ("became by", activity.assumed_by),
                ("on behalf of", activity.on_behalf_of),
            )
            if values
        ),
    ]


SERVICES_SHOWN = 12
_VALUES_SHOWN = 6
_BARS = " ▁▂▃▄▅▆▇█"


def _first_and_last(activity: Activity) -> str:
    if activity.first_event_at is None or activity.last_event_at is None:
        return ""
    return f"first event {activity.first_event_at:%Y-%m-%d %H:%M}, last event {activity.last_event_at:%Y-%m-%d %H:%M}"


def _service(used: ServiceUse) -> str:
    actions = shortened(used.actions) if used.actions else "nothing succeeded"
    events = counted(used.events, "event", "events")
    return f"{used.service}: {actions} ({events}, {used.first_at:%Y-%m-%d} to {used.last_at:%Y-%m-%d})"


def hours_text(hours: Sequence[int]) -> str:
    """The number of days with activity by hour, as a row of 24 bars."""
    most = max(hours, default=0) or 1
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in hours)


def shortened(values: Sequence[str]) -> str:
    """The first few items, and the number of the others."""
    more = len(values) - _VALUES_SHOWN
    return ", ".join((*values[:_VALUES_SHOWN], *((f"and {more:,} more",) if more > 0 else ())))


def _consumers(judged: Assessment, result: ScanResult) -> list[str]:
    """Workloads that run as it; agents, which are identities themselves, by key."""
    of_key = {workload.key: workload for workload in result.workloads}
    known = ((key, of_key.get(key)) for key in judged.consumers)
    return [key if one is None else f"{words(one.kind)} {one.name} ({key})" for key, one in known]


def _created(identity: Identity) -> str | None:
    day = f"created {identity.created_at:%Y-%m-%d}" if identity.created_at else None
    if identity.created_by is None:
        return day
    return f"{day or 'created'} by {identity.created_by}"


def _registry(judged: Assessment) -> list[str | None]:
    verdict = judged.registry
    state = f"{verdict.state}, provisional: a gap hides possible matches" if verdict.provisional else verdict.state
    by = f"entry {verdict.entry} by {verdict.rung}" if verdict.entry else None
    return [
        state,
        by,
        verdict.evidence,
        verdict.look_alike.evidence if verdict.look_alike else None,
        f"declared the same by {', '.join(verdict.agreeing)}" if verdict.agreeing else None,
        f"declared differently by {', '.join(verdict.contradictions)}" if verdict.contradictions else None,
        *(f"candidate {candidate.entry}: {candidate.evidence}" for candidate in verdict.candidates),
    ]


def _ownership(judged: Assessment) -> list[str | None]:
    verdict = judged.ownership
    return [
        verdict.state + (f": {words(verdict.reason)}" if verdict.reason else ""),
        verdict.owner and f"owner {verdict.owner}",
        verdict.evidence,
        _leaving(verdict),
        *(f"ask {candidate.person}: {candidate.evidence}" for candidate in verdict.candidates),
    ]


def _leaving(verdict: OwnershipVerdict) -> str | None:
    """Owners who are about to leave."""
    if not verdict.leaving:
        return None
    return f"about to leave{f' ({verdict.last_day})' if verdict.last_day else ''}: {', '.join(verdict.leaving)}"


def _signals(signals: Iterable[Signal]) -> list[str]:
    return [f"{signal.says} ({signal.sort}, {signal.strength}): {signal.evidence}" for signal in signals]


def _grant(name: str, via: str, resource: str | None, admin: bool) -> str:
    on = f" on {resource}" if resource else ""
    return f"{name} via {via}{on}" + (" [admin]" if admin else "")


def _finding(finding: Finding, digits: int) -> str:
    since = f" since {finding.first_seen:%Y-%m-%d}" if finding.first_seen else ""
    status = "" if finding.status == "open" else f", {finding.status}"
    facts = facts_text(facts_of(finding))
    title = f"{finding.title}: {facts}" if facts else finding.title
    line = f"{finding.fingerprint[:digits]} [{finding.severity}{status}]{since} {title}"
    acknowledged = acknowledged_text(finding)
    line = f"{line} (acknowledged: {acknowledged})" if acknowledged else line
    asked = asked_text(finding)
    return f"{line} (asked for, waits for a reviewer: {asked})" if asked else line


def _era(era: Era) -> str:
    """The period with its differences from the one before; for the first, its verdicts."""
    changes = [difference_text(each.aspect, each.before, each.after) for each in era.differences]
    gone = [f"came back{'' if changes else ' as it was'}"] if era.was_gone else []
    lines = [*gone, *changes] or [", ".join(map(words, era.states)) or "details that affect no verdict"]
    return f"{era.since:%Y-%m-%d} to {f'{era.until:%Y-%m-%d}' if era.until else 'now'}: {'; '.join(lines)}"
