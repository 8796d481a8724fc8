"""The page's tables about identities: one of identities, one of verdicts, and one for each type of record in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reports import agents
from reports.blast_radius import PublishedRadius, RadiusOf, published, radii_of
from reports.html.ages import age
from reports.html.packing import LONGEST_TEXT, Columns, Row, column, minutes, pairs_by_name, table, text, texts
from reports.judged import Judged
from reports.phrases import agent_text, joined, next_step
from reports.views import is_agent
from scanner.access.attack_paths import conditional_steps
from scanner.model import (
    CONSEQUENCES,
    AgentExposure,
    BlastRadius,
    Consequence,
    Credential,
    Drift,
    Grant,
    Link,
    MatchCandidate,
    OwnerCandidate,
    ScanResult,
    Signal,
    Trust,
)
from scanner.model.activity import Activity, ServiceUse


def _named(row: Judged) -> bool:
    """Whether the key ends in the name, which then is stored once, to save much of the file's size."""
    return 0 < len(row.identity.name) <= LONGEST_TEXT and row.identity.key.endswith(row.identity.name)


IDENTITIES: Columns[Judged] = {
    "stem": lambda r: text(r.identity.key.removesuffix(r.identity.name) if _named(r) else r.identity.key),
    "named": _named,
    "name": lambda r: text(r.identity.name),
    "display_name": lambda r: text(r.identity.display_name),
    "provider": lambda r: text(r.identity.provider),
    "source": lambda r: text(r.identity.source),
    "scope": lambda r: text(r.identity.scope),
    "kind": lambda r: text(r.identity.kind),
    "registry": lambda r: r.verdicts.registry.state,
    "provisional": lambda r: r.verdicts.registry.provisional,
    "ownership": lambda r: r.verdicts.ownership.state,
    "reason": lambda r: r.verdicts.ownership.reason,
    "owner": lambda r: text(r.verdicts.ownership.owner),
    "team": lambda r: text(r.verdicts.ownership.team),
    "is_leaving": lambda r: bool(r.verdicts.ownership.leaving),
    "usage": lambda r: r.verdicts.usage.state,
    "privilege": lambda r: r.verdicts.privilege.level,
    "severity": lambda r: r.severity,
    "agent": lambda r: agent_text(r.verdicts.agent),
    "nature": lambda r: r.verdicts.nature.verdict,
    "abandoned": lambda r: r.verdicts.abandoned,
    "rechecked": lambda r: r.verdicts.rechecked,
}

VERDICTS: Columns[Judged] = {
    "description": lambda r: text(r.identity.description),
    "unique_id": lambda r: text(r.identity.unique_id),
    "environment": lambda r: text(r.identity.environment),
    "managed_by": lambda r: text(r.identity.managed_by),
    "sources": lambda r: texts(r.identity.sources or (r.identity.source,)),
    "enabled": lambda r: r.identity.enabled,
    "created": lambda r: minutes(r.identity.created_at),
    "created_by": lambda r: text(r.identity.created_by),
    "last_used": lambda r: minutes(r.verdicts.usage.last_used_at or r.identity.last_used_at),
    "entry": lambda r: text(r.verdicts.registry.entry),
    "rung": lambda r: r.verdicts.registry.rung,
    "registry_evidence": lambda r: text(r.verdicts.registry.evidence),
    "agreeing": lambda r: texts(r.verdicts.registry.agreeing),
    "contradictions": lambda r: texts(r.verdicts.registry.contradictions),
    "ownership_evidence": lambda r: text(r.verdicts.ownership.evidence),
    "goal": lambda r: text(r.verdicts.privilege.goal),
    "usage_evidence": lambda r: text(r.verdicts.usage.evidence),
    "backup_only": lambda r: r.verdicts.ownership.backup_only,
    "leaving": lambda r: texts(r.verdicts.ownership.leaving),
    "next_step": lambda r: text(next_step(r)),
}


def verdicts_with(first_seen: Mapping[str, datetime]) -> Columns[Judged]:
    """Verdict columns, and since when each identity is known, by key."""
    return {**VERDICTS, "first_seen": lambda r: minutes(first_seen.get(r.identity.key))}


ALIASES: Columns[str] = {"alias": text}

FACTS: Columns[tuple[str | None, str | None]] = {"name": lambda fact: fact[0], "value": lambda fact: fact[1]}

TEXTS: Columns[str] = {"text": text}

SIGNALS: Columns[Signal] = {
    "says": lambda signal: signal.says,
    "sort": lambda signal: signal.sort,
    "strength": lambda signal: signal.strength,
    "evidence": lambda signal: text(signal.evidence),
}

EXPOSURES: Columns[tuple[str, AgentExposure]] = {
    "sentence": lambda named: text(agents.exposed(*named)),
    "input": lambda named: text(named[1].input),
    "opened_by": lambda named: named[1].opened_by,
    "reach": lambda named: text(named[1].reach),
    "way_out": lambda named: text(named[1].way_out),
    "gate": lambda named: text(named[1].gate),
    "cut": lambda named: text(f"{named[1].cut}, which {agents.ended(named[1])}"),
    "cut_in": lambda named: named[1].cut_in,
}
"""Of the agent of a name."""

MATCH_CANDIDATES: Columns[MatchCandidate] = {
    "who": lambda candidate: text(candidate.entry),
    "score": lambda candidate: round(candidate.score, 2),
    "evidence": lambda candidate: text(candidate.evidence),
}

OWNER_CANDIDATES: Columns[OwnerCandidate] = {
    "who": lambda candidate: text(candidate.person),
    "score": lambda candidate: round(candidate.score, 2),
    "evidence": lambda candidate: text(candidate.evidence),
}

REACH: Columns[PublishedRadius] = {
    "sentence": lambda radius: text(radius.sentence),
    "identities": lambda radius: str(radius.identities),
    "secrets": lambda radius: str(radius.secrets),
    "scopes": lambda radius: str(radius.scopes),
    "unknown": lambda radius: texts(radius.unknown),
}

CONSEQUENCE: Columns[Consequence] = {
    "title": lambda one: CONSEQUENCES[one.kind],
    "actions": lambda one: text(", ".join(one.actions)),
    "by": lambda one: text(one.by),
    "where": lambda one: text(one.scope),
    "narrow": lambda one: one.narrow,
    "conditional": lambda one: one.conditional,
}
"""``where``: empty for the identity's own scope."""

DRIFT: Columns[Drift] = {
    "aspect": lambda drift: drift.aspect,
    "declared": lambda drift: text(drift.declared),
    "found": lambda drift: text(drift.found),
}

_CREDENTIALS: Columns[Credential] = {
    "kind": lambda credential: credential.kind,
    "id": lambda credential: text(credential.id),
    "enabled": lambda credential: credential.enabled,
    "created": lambda credential: minutes(credential.created_at),
    "expires": lambda credential: minutes(credential.expires_at),
    "never_expires": lambda credential: credential.never_expires,
    "last_used": lambda credential: minutes(credential.last_used_at),
    "facts": lambda credential: pairs_by_name(credential.attributes),
}


def credentials_by(now: datetime) -> Columns[Credential]:
    """Columns of credentials, with ages at that time."""
    return {
        "age": lambda credential: age(credential.created_at, now),
        **_CREDENTIALS,
    }


GRANTS: Columns[Grant] = {
    "name": lambda grant: text(grant.name),
    "via": lambda grant: text(grant.via),
    "resource": lambda grant: text(grant.resource),
    "admin": lambda grant: grant.admin,
}

TRUSTS: Columns[Trust] = {
    "principal": lambda trust: text(trust.principal),
    "kind": lambda trust: trust.kind,
    "external": lambda trust: trust.external,
    "restriction": lambda trust: trust.restriction,
    "evidence": lambda trust: text(trust.evidence),
}


def _without_repeats(trusts: Sequence[Trust]) -> tuple[Trust, ...]:
    """Without duplicates on the page: of one statement, one trust for each subject."""
    return tuple(dict.fromkeys(replace(trust, issuer=None, subject=None) for trust in trusts))


VALUES_SHOWN = 30
"""Maximum number of services, actions of a service, networks and the like for one identity."""


def few(values: Sequence[str]) -> tuple[str | int | None, ...]:
    """The first values, and as a last item the number of the others."""
    more = len(values) - VALUES_SHOWN
    return (*texts(values[:VALUES_SHOWN]), more) if more > 0 else texts(values)


def _day(moment: date | None) -> int | None:
    """Days since 1970."""
    return None if moment is None else moment.toordinal() - date(1970, 1, 1).toordinal()


_ZERO, _MOST = ord("0"), 9_000

ACTIVITY: Columns[Activity] = {
    "from": lambda activity: _day(activity.covered_from),
    "to": lambda activity: _day(activity.covered_to),
    "days": lambda activity: activity.covered_days,
    "first": lambda activity: minutes(activity.first_event_at),
    "last": lambda activity: minutes(activity.last_event_at),
    "events": lambda activity: activity.events,
    "denied": lambda activity: activity.denied,
    "services": lambda activity: len(activity.services),
    "assumers": lambda activity: len(activity.assumed_by),
    "networks": lambda activity: few(activity.networks),
    "clients": lambda activity: few(activity.clients),
    "regions": lambda activity: few(activity.regions),
    "tools": lambda activity: few(activity.tools),
    "hours": lambda activity: "".join(chr(_ZERO + min(days, _MOST)) for days in activity.hours),
    "unused": lambda activity: text(activity.use_of_grants),
}
"""``hours``: days with activity in each of the 24 hours, as characters from ``0`` on; empty without
events.
"""

SERVICES: Columns[ServiceUse] = {
    "service": lambda used: text(used.service),
    "actions": lambda used: few(used.actions),
    "events": lambda used: used.events,
    "first": lambda used: _day(used.first_at.date()),
    "last": lambda used: _day(used.last_at.date()),
}


def assumers_in(row_of: Mapping[str, int]) -> Columns[str]:
    """Callers that assumed it: the row of an identity, or a text for others."""
    return {"who": lambda key: row_of.get(key, text(key))}


def agents_with(declared: Mapping[str | None, bool]) -> Columns[Judged]:
    """Columns of an agent besides those of an identity. ``declared``: see ``persons_declared``."""
    return {
        "exposure": lambda row: row.verdicts.agent.exposure,
        "runs_as": lambda row: text(agents.acts_as(row.identity, agents.short)),
        "tools": lambda row: text(joined(agents.tools(row.identity))),
        "servers": lambda row: text(joined(agents.servers(row.identity))),
        "keys": lambda row: len(row.identity.credentials),
        "sponsor": lambda row: text(joined(agents.sponsors(row.identity))),
        "person": lambda row: agents.has_person_in_loop(row.identity, declared.get(row.verdicts.registry.entry)),
    }


def links_to(row_of: Mapping[str, int]) -> Columns[Link]:
    """Columns of links. A target is the row of an identity, or a text for others."""
    return {
        "relation": lambda link: link.relation,
        "target": lambda link: row_of.get(link.target, text(link.target)),
        "evidence": lambda link: text(link.evidence),
    }


def _conditional(result: ScanResult) -> Mapping[str, Sequence[Link]]:
    """Conditional edges of each identity, by key; links have the certain ones."""
    found: defaultdict[str, list[Link]] = defaultdict(list)
    for step in conditional_steps(result):
        found[step.source].append(Link(relation="can_assume", target=step.target, evidence=step.evidence))
    return found


class Whole(Struct, frozen=True, kw_only=True):
    """Facts of identities that need the whole scan, by key. ``conditional``: conditional edges."""

    radius_of: RadiusOf
    conditional: Mapping[str, Sequence[Link]]


def whole(result: ScanResult) -> Whole:
    """These facts, computed from the result."""
    return Whole(radius_of=radii_of(result), conditional=_conditional(result))


def _radius(radius: BlastRadius | None) -> Iterable[PublishedRadius]:
    return () if radius is None else (published(radius),)


def identity_blocks(
    result: ScanResult, rows: Sequence[Judged], row_of: Mapping[str, int], known: Whole
) -> dict[str, dict[str, Any]]:
    """The blocks: cells of the list, text for its filter, records in identities, and details."""
    now = result.scan.started_at
    declared = agents.persons_declared(judged.entry for judged in result.entries)

    def held(columns: Columns[Row], of: Callable[[Judged], Iterable[Row]]) -> dict[str, Any]:
        return _table_of_parts(columns, [(position, part) for position, row in enumerate(rows) for part in of(row)])

    return {
        "identities": {"identities": table(IDENTITIES, rows)},
        "search": {
            "aliases": held(ALIASES, lambda r: r.identity.aliases),
            "tags": held(FACTS, lambda r: pairs_by_name(r.identity.tags)),
        },
        "agents": {"agents": held(agents_with(declared), lambda r: (r,) if is_agent(r.verdicts) else ())},
        "credentials": {"credentials": held(credentials_by(now), lambda r: r.identity.credentials)},
        "details": {
            "verdicts": table(verdicts_with(result.first_seen), rows),
            "privilege": held(TEXTS, lambda r: r.verdicts.privilege.evidence),
            "nature": held(SIGNALS, lambda r: r.verdicts.nature.signals),
            "agent": held(SIGNALS, lambda r: r.verdicts.agent.signals),
            "exposures": held(
                EXPOSURES, lambda r: ((r.identity.shown_name, each) for each in r.verdicts.agent.exposures)
            ),
            "matches": held(MATCH_CANDIDATES, lambda r: r.verdicts.registry.candidates),
            "owners": held(OWNER_CANDIDATES, lambda r: r.verdicts.ownership.candidates),
            "reach": held(REACH, lambda r: _radius(known.radius_of(r.identity.key))),
            "consequences": held(CONSEQUENCE, lambda r: r.identity.consequences or ()),
            "drift": held(DRIFT, lambda r: r.verdicts.drift),
            "not_compared": held(TEXTS, lambda r: r.verdicts.not_compared),
            "grants": held(GRANTS, lambda r: r.identity.grants),
            "consumers": held(TEXTS, lambda r: r.verdicts.consumers),
            "links": held(links_to(row_of), lambda r: r.identity.links),
            "conditional": held(links_to(row_of), lambda r: known.conditional.get(r.identity.key, ())),
            "trusts": held(TRUSTS, lambda r: _without_repeats(r.identity.trusts)),
            "attributes": held(FACTS, lambda r: pairs_by_name(r.identity.published_attributes)),
        },
        "activity": {
            "activity": held(ACTIVITY, lambda r: filter(None, (r.verdicts.activity,))),
            "services": held(SERVICES, lambda r: _of(r).services[:VALUES_SHOWN]),
            "assumers": held(assumers_in(row_of), lambda r: _of(r).assumed_by[:VALUES_SHOWN]),
        },
    }


_NO_ACTIVITY = Activity(covered_from=None, covered_to=None, covered_days=0)


def _of(row: Judged) -> Activity:
    return row.verdicts.activity or _NO_ACTIVITY


def _table_of_parts(columns: Columns[Row], parts: Sequence[tuple[int, Row]]) -> dict[str, Any]:
    packed = table(columns, [part for _, part in parts])
    packed["columns"]["identity"] = column([position for position, _ in parts])
    return packed
