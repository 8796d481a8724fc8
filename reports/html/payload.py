"""The page's data as blocks of tables: one block for each part that is opened separately.

Rows of other tables refer to an identity by its position among the identities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import asdict

from reports.base import Screen
from reports.board.numbers import trend
from reports.exposed import ExposedRow, exposed_rows
from reports.html.ages import age, ages, written
from reports.html.identities import Whole, identity_blocks, whole
from reports.html.packing import LONGEST_TEXT, Columns, minutes, pairs, pairs_by_name, table, text, texts
from reports.judged import Judged, judged_identities, most_urgent_first
from reports.phrases import ACKNOWLEDGE, ORPHANED_MEANS, acknowledged_text, asked_text, fingerprint_digits
from reports.states import STATES
from reports.summary import Digest
from scanner.model import Change, Coverage, Entry, EntryAssessment, Finding, ScanResult, StoredSecret
from scanner.rules.wording import explained, facts_of, plain

COVERAGE: Columns[Coverage] = {
    "source": lambda section: text(section.source),
    "provider": lambda section: text(section.provider),
    "scope": lambda section: text(section.scope),
    "section": lambda section: text(section.section),
    "status": lambda section: section.status,
    "gap": lambda section: section.is_gap,
    "identities": lambda section: section.identities,
    "calls": lambda section: section.calls,
    "detail": lambda section: text(section.detail),
    "permission": lambda section: text(section.permission),
    "kinds": lambda section: texts(section.kinds),
}

_SECRETS: Columns[StoredSecret] = {
    "key": lambda secret: text(secret.key),
    "name": lambda secret: text(secret.name),
    "provider": lambda secret: text(secret.provider),
    "source": lambda secret: text(secret.source),
    "scope": lambda secret: text(secret.scope),
    "created": lambda secret: minutes(secret.created_at),
    "rotated": lambda secret: minutes(secret.rotated_at),
    "expires": lambda secret: minutes(secret.expires_at),
    "last_used": lambda secret: minutes(secret.last_used_at),
    "rotation": lambda secret: secret.rotation_enabled,
    "tags": lambda secret: pairs_by_name(secret.tags),
    "facts": lambda secret: pairs_by_name(secret.attributes),
}

EXPOSED: Columns[ExposedRow] = {
    "key": lambda row: text(row.key),
    "rank": lambda row: row.rank,
    "id": lambda row: text(row.key_id),
    "identity": lambda row: text(row.identity),
    "name": lambda row: text(row.name),
    "owner": lambda row: text(row.owner),
    "last_used": lambda row: minutes(row.last_used_at),
    "place": lambda row: text(row.place),
    "state": lambda row: row.state,
    "privilege": lambda row: row.privilege,
    "verified": lambda row: row.verified,
    "public": lambda row: row.public,
    "priority": lambda row: str(row.priority),
    "commit": lambda row: text(row.commit),
    "committer": lambda row: text(row.committer),
    "exposed": lambda row: minutes(row.exposed_at),
    "provider": lambda row: text(row.provider),
    "scope": lambda row: text(row.scope),
    "source": lambda row: text(row.source),
    "reading": lambda row: text(row.reading),
}

_ENTRY_FACTS = (
    "purpose", "technical_owner", "backup_owner", "team", "built_by", "environment", "systems", "permissions",
    "credentials", "max_credential_age", "blast_radius", "high_consequence", "human_in_the_loop", "baseline",
    "approved_by", "approved_on", "last_reviewed", "reviewed_by", "next_review", "expires",
)  # fmt: skip
"""Optional fields of an entry that are shown if filled in, besides those with a column."""


def blocks(result: ScanResult, screen: Screen | None = None) -> dict[str, Any]:
    """The page's data by block name. Pure: the same result gives the same blocks in the same order."""
    top = overview(result, screen)
    digits = None if len(result.findings) <= IN_FULL else top["digits"]
    return {"overview": top, **table_blocks(result, whole(result), digits)}


IN_FULL = 10_000
"""Up to this many findings have full fingerprints in the page; with more, they would be two thirds of its size."""


def table_blocks(result: ScanResult, known: Whole, digits: int | None = None) -> dict[str, dict[str, Any]]:
    """The tables by block name. ``known``: facts that a part of a scan cannot compute.

    ``digits``: of a fingerprint to keep; None: all.
    """
    rows = most_urgent_first(judged_identities(result))
    row_of = {row.identity.key: position for position, row in enumerate(rows)}
    now = result.scan.started_at
    return {
        "coverage": {"coverage": table(COVERAGE, sorted(result.coverage, key=lambda section: not section.is_gap))},
        **identity_blocks(result, rows, row_of, known),
        "exposed": {"exposed": table(EXPOSED, list(exposed_rows(result)))},
        "secrets": {"secrets": table(secrets_by(now), result.secrets)},
        "findings": {"findings": _findings(result, rows, row_of, digits)},
        "entries": {"entries": table(entries_matched(row_of), result.entries)},
        "changes": {"changes": table(CHANGES, result.since.changes if result.since else ())},
    }


def secrets_by(now: datetime) -> Columns[StoredSecret]:
    """Columns of stored secrets, with ages at that time."""
    return {"age": lambda secret: age(written(secret), now), **_SECRETS}


def overview(result: ScanResult, screen: Screen | None = None) -> dict[str, Any]:
    """The part above the tables: scan, headline, counts and thresholds.

    It includes the states, so that the page colours and explains them like every other format.
    """
    digest = Digest(result)
    return {
        "scan": {
            "id": text(result.scan.id),
            "started": minutes(result.scan.started_at),
            "finished": minutes(result.scan.finished_at),
            "version": text(result.scan.version),
            **({} if (head := result.summary.decisions) is None or not head.count else {"decisions": str(head)}),
        },
        "headline": digest.headline,
        "caveats": digest.caveats,
        "limited": {number: text(gaps) for number, gaps in digest.limited.items()},
        "states": STATES,
        "registry_given": registry_given(result),
        "orphaned_means": ORPHANED_MEANS,
        "summary": result.summary,
        "policy": result.policy,
        "ages": ages(result),
        "trend": [{**asdict(moment), "at": minutes(moment.at)} for moment in trend(result)],
        "notices": texts(result.notices),
        "digits": fingerprint_digits(result.findings),
        "acknowledge": (screen or Screen()).command(f" {ACKNOWLEDGE}"),
        "since": _since(result),
    }


def _since(result: ScanResult) -> dict[str, Any] | None:
    """The scan that changes are counted from; None without a previous scan."""
    since = result.since
    if since is None:
        return None
    return {"scan": text(since.scan), "at": minutes(since.started_at), "left_out": since.total - len(since.changes)}


CHANGES: Columns[Change] = {
    "subject": lambda row: row.subject,
    "change": lambda row: row.change,
    "key": lambda row: text(row.key),
    "name": lambda row: text(row.name),
    "provider": lambda row: text(row.provider),
    "source": lambda row: text(row.source),
    "scope": lambda row: text(row.scope),
    "kind": lambda row: text(row.kind),
    "aspect": lambda row: row.aspect,
    "before": lambda row: text(row.before),
    "after": lambda row: text(row.after),
    "reach_grew": lambda row: row.reach_grew,
    "identity": lambda row: text(row.identity),
    "ask": lambda row: text(row.ask),
    "next_step": lambda row: text(row.next_step),
    "caveat": lambda row: text(row.caveat),
    "appeared": lambda row: row.appeared,
    "became_admin": lambda row: row.became_admin,
    "cause": lambda row: text(row.cause),
}


def registry_given(result: ScanResult) -> bool:
    """Whether there was a registry; without one the registry and ownership axes stay ``unchecked``."""
    return bool(result.entries) or all(judged.registry.state != "unchecked" for judged in result.identities)


def _findings(
    result: ScanResult, rows: Sequence[Judged], row_of: Mapping[str, int], digits: int | None
) -> dict[str, Any]:
    listed_by = {finding.fingerprint: row for row, judged in enumerate(rows) for finding in judged.findings}

    def row(finding: Finding) -> int | None:
        return row_of.get(finding.identity or "", listed_by.get(finding.fingerprint))

    columns = {**findings_on(row), "fingerprint": lambda finding: text(finding.fingerprint[:digits])}
    return table(columns, result.findings)


def findings_on(row: Callable[[Finding], int | None]) -> Columns[Finding]:
    """``identity`` is a row, or a key that is not in the page, or None."""

    def identity(finding: Finding) -> int | str | None:
        at = row(finding)
        return text(finding.identity or finding.assignment) if at is None else at

    return {
        "fingerprint": lambda finding: text(finding.fingerprint),
        "severity": lambda finding: finding.severity,
        "title": lambda finding: text(finding.title),
        "rule": lambda finding: text(finding.rule),
        "identity": identity,
        "credential": lambda finding: text(_credential(finding)),
        "entry": lambda finding: text(finding.entry),
        "owner": lambda finding: text(finding.owner),
        "status": lambda finding: finding.status,
        "state": lambda finding: finding.state,
        "first_seen": lambda finding: minutes(finding.first_seen),
        "rechecked": lambda finding: finding.rechecked,
        "acknowledged": lambda finding: text(acknowledged_text(finding)),
        "asked": lambda finding: text(asked_text(finding)),
        "remediation": lambda finding: text(finding.remediation),
        "controls": lambda finding: texts(finding.controls),
        "evidence": lambda finding: pairs(_more_evidence(finding)),
        "explained": explained,
        "explained_by": lambda finding: text(
            finding.evidence.get("explained_by") and plain(finding.evidence["explained_by"])
        ),
        "events": lambda finding: (
            texts(map(plain, finding.evidence.get("event_ids") or ())) if explained(finding) else ()
        ),
    }


_OF_A_DAY = frozenset({"explained", "explained_by", "event_ids"})
"""Facts of a finding about a day that have a column."""


def _credential(finding: Finding) -> str:
    """Its kind and id, without its identity."""
    return (finding.credential or "").rpartition("#")[2]


def _more_evidence(finding: Finding) -> Mapping[str, Any]:
    """The rest of the evidence; repeating the credential would take a third of the page."""
    evidence = facts_of(finding)
    if explained(finding):
        return {name: value for name, value in evidence.items() if name not in _OF_A_DAY}
    if f"{evidence.get('kind')}:{evidence.get('id')}" != _credential(finding):
        return evidence
    return {name: value for name, value in evidence.items() if name not in ("kind", "id")}


def entries_matched(row_of: Mapping[str, int]) -> Columns[EntryAssessment]:
    """``matched`` holds the rows of the identities that match the entry."""
    return {
        "id": lambda judged: text(judged.entry.id),
        "name": lambda judged: text(judged.entry.name),
        "kind": lambda judged: text(judged.entry.kind),
        "state": lambda judged: judged.state,
        "status": lambda judged: judged.entry.status,
        "owner": lambda judged: text(", ".join(judged.entry.owner)),
        "provider": lambda judged: text(judged.entry.provider),
        "scope": lambda judged: text(judged.entry.scope),
        "declared": lambda judged: texts(judged.entry.identities),
        "matched": lambda judged: tuple(row_of[key] for key in judged.identities if key in row_of),
        "origin": lambda judged: text(str(judged.entry.origin)),
        "evidence": lambda judged: text(judged.evidence),
        "perhaps": lambda judged: tuple(
            (
                row_of.get(candidate.identity, text(candidate.identity)),
                round(candidate.score, 2),
                text(candidate.evidence),
            )
            for candidate in judged.candidates
        ),
        "rechecked": lambda judged: judged.rechecked,
        "facts": lambda judged: pairs(_facts(judged.entry)),
    }


def _facts(entry: Entry) -> dict[str, Any]:
    declared = {name.replace("_", " "): getattr(entry, name) for name in _ENTRY_FACTS}
    known = {name: value for name, value in declared.items() if value not in (None, ())}
    return {**known, **dict(sorted(entry.extra.items()))}


def texts_cut(result: ScanResult) -> int:
    """The number of identities with a name, key or description that is too long to be shown in full."""
    shown = ((judged.identity.name, judged.identity.key, judged.identity.description) for judged in result.identities)
    return sum(any(len(value or "") > LONGEST_TEXT for value in values) for values in shown)
