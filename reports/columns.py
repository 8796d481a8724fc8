"""The columns of the spreadsheet formats: one table for each view.

Scripts rely on names of columns: append new ones, and never rename one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from reports import agents
from reports import phrases as say
from reports.agents import AgentRow
from reports.base import View
from reports.exposed import ExposedRow, exposed_rows
from reports.judged import Judged, judged_identities, work_list
from reports.tables import (
    Column,
    CredentialRow,
    FindingRow,
    Table,
    credential_rows,
    finding_rows,
)
from scanner.model import AS_SUGGESTED, Coverage, EntryAssessment, EntryStatus
from scanner.model.activity import Activity
from scanner.rules.wording import explained, facts_of

_IDENTITY: tuple[Column[Judged], ...] = (
    Column("key", lambda r: r.identity.key, "The identity's full id with its provider.", 52, folded=True),
    Column("provider", lambda r: r.identity.provider, "The system it lives in.", 10, frozen=True),
    Column("scope", lambda r: r.identity.scope, "Account, project, cluster or namespace.", frozen=True),
    Column("kind", lambda r: r.identity.kind, "The provider's kind of identity.", 12, folded=True),
    Column("name", lambda r: r.identity.name, "The provider's bare name.", 28, frozen=True),
)

_VERDICTS: tuple[Column[Judged], ...] = (
    Column(
        "registry_state",
        lambda r: r.verdicts.registry.state,
        "Whether a registry entry matches.",
        axis="registry",
        folded=True,
    ),
    Column(
        "ownership_state",
        lambda r: r.verdicts.ownership.state,
        "Whether it has an active owner.",
        axis="ownership",
        folded=True,
    ),
    Column("ownership_reason", lambda r: r.verdicts.ownership.reason, "Why it is orphaned.", 18, folded=True),
    Column("current_owner", lambda r: r.verdicts.ownership.owner, "The owner its entry names.", 26, folded=True),
    Column(
        "owner_candidates",
        lambda r: say.owner_candidates_text(r.verdicts.ownership),
        "Likely owners, with the reason.",
        34,
        title="Owner candidates (likeliest first)",
    ),
    Column("usage_state", lambda r: r.verdicts.usage.state, "Whether it is used.", 12, axis="usage", folded=True),
    Column(
        "last_used_at", lambda r: r.verdicts.usage.last_used_at, "Last use known, UTC.", 19, "datetime", folded=True
    ),
    Column("created_at", lambda r: r.identity.created_at, "UTC.", 19, "datetime", folded=True),
    Column("privilege", lambda r: r.verdicts.privilege.level, "What it could do.", 12, axis="privilege", folded=True),
    Column(
        "agent",
        lambda r: say.agent_text(r.verdicts.agent),
        "AI agent: yes, no, suggested (a weak signal).",
        10,
        folded=True,
    ),
    Column(
        "credentials", lambda r: say.credentials_text(r.identity), "Public ids and dates, no values.", 44, folded=True
    ),
    Column("severity", lambda r: r.severity, "Highest severity of its findings.", 10, axis="severity", folded=True),
    Column("findings", lambda r: say.rules_text(r.findings), "Rules, highest severity first.", 36, folded=True),
    Column("next_step", say.next_step, "What to do first.", 44),
)

_FILL_IN: tuple[Column[Judged], ...] = (
    Column(
        "id",
        lambda r: r.verdicts.registry.entry or r.verdicts.registry.proposed,
        "Fill in. The entry to update; empty: a new one.",
        12,
        fill_in=True,
        title="Id (of its entry)",
    ),
    Column(
        "owner",
        lambda _: None,
        f"Fill in. The owner: e-mail or roster id, or '{AS_SUGGESTED}'.",
        26,
        fill_in=True,
        people=True,
        title="Owner (accountable person)",
    ),
    Column("technical_owner", lambda _: None, "Fill in. Technical contact.", 26, fill_in=True, people=True),
    Column("backup_owner", lambda _: None, "Fill in. Backup owner.", 26, fill_in=True, people=True),
    Column("purpose", lambda _: None, "Fill in. What it is for.", 40, fill_in=True),
    Column(
        "environment",
        lambda _: None,
        "Fill in. One of these, or your own word.",
        fill_in=True,
        choices=("prod", "staging", "dev", "test"),
        others=True,
    ),
    Column(
        "status",
        lambda _: None,
        "Fill in. Empty counts as active.",
        fill_in=True,
        choices=get_args(EntryStatus),
    ),
    Column("expires", lambda _: None, "Fill in. The last day it may live.", 12, "date", fill_in=True),
)

_CAVEATS: tuple[Column[Judged], ...] = (
    Column(
        "provisional",
        lambda r: r.verdicts.registry.provisional,
        "A gap hides possible matches.",
        12,
        "bool",
        folded=True,
    ),
    Column("rechecked", lambda r: r.verdicts.rechecked, "Its place was read this time.", 12, "bool", folded=True),
)

_SUGGESTED = Column[Judged](
    "suggested_owner",
    lambda r: say.suggested_owner(r.verdicts),
    f"Only a suggestion. To take it, write '{AS_SUGGESTED}' under owner.",
    26,
    suggestion=True,
    title="Suggested owner (not applied automatically)",
)

_INVENTORY: tuple[Column[Judged], ...] = (
    Column("sources", lambda r: say.joined(r.identity.sources or (r.identity.source,)), "Sources that reported it."),
    Column("display_name", lambda r: r.identity.display_name, "Display name.", 28),
    Column("description", lambda r: r.identity.description, "As the provider reports it.", 40),
    Column("unique_id", lambda r: r.identity.unique_id, "The provider's immutable id.", 24),
    Column("aliases", lambda r: say.joined(r.identity.aliases), "Other ids.", 28),
    Column("tags", lambda r: say.tags_text(r.identity.tags), "As the provider reports them.", 40),
    Column("enabled", lambda r: r.identity.enabled, "Empty: unknown, and counted as enabled.", 10, "bool"),
    Column("environment", lambda r: r.identity.environment, "prod, staging, dev, test …", 12),
    Column("nature", lambda r: r.verdicts.nature.verdict, "Human or not.", 12),
    Column("entry", lambda r: r.verdicts.registry.entry, "The entry it is matched to.", 20),
    Column("rung", lambda r: r.verdicts.registry.rung, "How it was matched.", 12),
    Column("registry_evidence", lambda r: r.verdicts.registry.evidence, "Why that state.", 40),
    Column("ownership_evidence", lambda r: r.verdicts.ownership.evidence, "Why that state.", 40),
    Column("usage_evidence", lambda r: r.verdicts.usage.evidence, "Why that state.", 40),
    Column("privilege_evidence", lambda r: say.joined(r.verdicts.privilege.evidence), "Why that level.", 40),
)

_ACTIVITY: tuple[Column[Judged], ...] = (
    Column("events", lambda r: _activity(r, lambda one: one.events), "By audit logs; empty: no log.", 10, "int"),
    Column(
        "services_used",
        lambda r: _activity(r, _services_used),
        "By audit logs; of the granted ones, where these are known.",
        10,
        "int",
    ),
    Column(
        "services_granted",
        lambda r: _activity(r, lambda one: None if one.granted_services is None else len(one.granted_services)),
        "Empty: its permissions are unknown, or name no services.",
        10,
        "int",
    ),
    Column(
        "covered_days", lambda r: _activity(r, lambda one: one.covered_days), "Days that its logs cover.", 10, "int"
    ),
)


def _activity(row: Judged, of: Callable[[Activity], int | None]) -> int | None:
    return None if row.verdicts.activity is None else of(row.verdicts.activity)


def _services_used(activity: Activity) -> int:
    return len(activity.used_services) if activity.granted_used is None else activity.granted_used


_AGENTS: tuple[Column[AgentRow], ...] = (
    Column("key", lambda r: r.identity.key, "The agent's full id with its provider.", 52),
    Column("provider", lambda r: r.identity.provider, "The platform that it is made on.", 10, frozen=True),
    Column("scope", lambda r: r.identity.scope, "Account, project, workspace, cluster.", frozen=True),
    Column("kind", lambda r: r.identity.kind, "The provider's kind of identity.", 16),
    Column("name", lambda r: r.identity.name, "The provider's bare name.", 28, frozen=True),
    Column("runs_as", lambda r: agents.acts_as(r.identity), "What it acts as, or why unknown; empty: itself.", 52),
    Column("privilege", lambda r: r.judged.verdicts.privilege.level, "What it could do.", 12, axis="privilege"),
    Column("may_do", lambda r: agents.may_do(r.identity), "High-consequence actions of its own.", 34),
    Column("blast_radius", agents.worst, "The worst that is within its reach.", 60),
    Column("did", lambda r: agents.did(r.judged.verdicts.activity), "By audit logs; empty: no log.", 44),
    Column("usage_state", lambda r: r.judged.verdicts.usage.state, "Whether it is used.", 12, axis="usage"),
    Column("last_used_at", lambda r: r.judged.verdicts.usage.last_used_at, "Last use known, UTC.", 19, "datetime"),
    Column("model", lambda r: agents.model(r.identity), "The model it calls.", 24),
    Column("tools", lambda r: say.joined(agents.tools(r.identity)), "Tools it may use.", 34),
    Column(
        "exposure",
        lambda r: agents.exposure(r.judged.verdicts.agent),
        "Whether others could make it hand out data or act: exposed, none, or unknown with the reasons.",
        24,
    ),
    Column(
        "exposed_by",
        lambda r: say.joined(agents.exposed(r.identity.name, one) for one in r.judged.verdicts.agent.exposures),
        "What others could make it do, and the change that ends most of it.",
        60,
    ),
    Column(
        "acts_for",
        lambda r: r.judged.verdicts.agent.acts_for,
        "For whom it acts, by audit logs: people, itself, its maker, or unknown.",
        12,
    ),
    Column("mcp_servers", lambda r: say.joined(agents.servers(r.identity)), "MCP servers, with their hosts.", 34),
    Column("schedule", lambda r: agents.schedule(r.identity), "When it runs by itself.", 18),
    Column("credentials", lambda r: say.credentials_text(r.identity), "Public ids and dates, no values.", 44),
    Column("sponsor", lambda r: say.joined(agents.sponsors(r.identity)), "Accountable, as its provider says.", 26),
    Column(
        "human_in_the_loop",
        lambda r: agents.has_person_in_loop(r.identity, r.person_declared),
        "As declared, else as its provider is set.",
        12,
        "bool",
    ),
    Column("registry_state", lambda r: r.judged.verdicts.registry.state, "Whether an entry matches.", axis="registry"),
    Column("entry", lambda r: r.judged.verdicts.registry.entry, "The entry it is matched to.", 20),
    Column(
        "ownership_state", lambda r: r.judged.verdicts.ownership.state, "Whether it has an owner.", axis="ownership"
    ),
    Column("current_owner", lambda r: r.judged.verdicts.ownership.owner, "The owner its entry names.", 26),
    Column(
        "owner_candidates",
        lambda r: say.owner_candidates_text(r.judged.verdicts.ownership),
        "Likely owners, with the reason.",
        34,
    ),
    Column("severity", lambda r: r.judged.severity, "Highest severity of its findings.", 10, axis="severity"),
    Column("findings", lambda r: say.rules_text(r.judged.findings), "Rules, highest severity first.", 36),
    Column("next_step", lambda r: say.next_step(r.judged), "What to do first.", 44),
    Column(
        "agent_evidence",
        lambda r: say.joined(one.evidence for one in r.judged.verdicts.agent.signals),
        "Why it counts as an AI agent.",
        44,
    ),
    Column(
        "provisional", lambda r: r.judged.verdicts.registry.provisional, "A gap hides possible matches.", 12, "bool"
    ),
    Column("rechecked", lambda r: r.judged.verdicts.rechecked, "Its place was read this time.", 12, "bool"),
)

_FINDINGS: tuple[Column[FindingRow], ...] = (
    Column("severity", lambda r: r.finding.severity, "From critical to info.", 10, axis="severity"),
    Column("rule", lambda r: r.finding.rule, "'muster rules' explains each.", 24),
    Column("title", lambda r: r.finding.title, "Title of the finding.", 44),
    Column("identity", lambda r: r.finding.identity, "The key of the identity it is about.", 52),
    Column("provider", lambda r: r.identity.provider if r.identity else None, "The system the identity lives in.", 10),
    Column("scope", lambda r: r.identity.scope if r.identity else None, "Account, project, cluster or namespace."),
    Column("name", lambda r: r.identity.name if r.identity else None, "The provider's bare name.", 28),
    Column("credential", lambda r: r.finding.credential, "The key of the credential it is about.", 40),
    Column("entry", lambda r: r.finding.entry, "The registry entry it is about.", 20),
    Column("evidence", lambda r: say.facts_text(facts_of(r.finding)), "The facts behind it.", 60),
    Column("remediation", lambda r: r.finding.remediation, "What to do.", 60),
    Column("owner", lambda r: r.finding.owner, "Owner; for an orphaned identity, the most likely owner.", 26),
    Column("controls", lambda r: say.joined(r.finding.controls), "Controls that it is evidence for.", 36),
    Column("new", lambda r: r.finding.new, "The previous scan did not have it.", 10, "bool"),
    Column("rechecked", lambda r: r.finding.rechecked, "Its place was read this time.", 12, "bool"),
    Column("fingerprint", lambda r: r.finding.fingerprint, "Stable across scans.", 34),
    Column("acknowledged", lambda r: say.acknowledged_text(r.finding), "Who acknowledged it, why, and until when.", 40),
    Column("first_seen", lambda r: r.finding.first_seen, "Start of the first scan that had it, UTC.", 19, "datetime"),
    Column("status", lambda r: r.finding.status, "New, open, or reopened (resolved, then back).", 10),
    Column("assignment", lambda r: r.finding.assignment, "The key of the assignment it is about.", 40),
    Column(
        "explained",
        lambda r: explained(r.finding),
        "Whether a known change explains that day; empty: not about a day.",
        12,
        axis="explained",
    ),
    Column("was", lambda r: r.finding.was, "Its lower severity in the last scan, if it has worsened.", 10),
    Column("cause", lambda r: r.finding.cause, "Why it has worsened, or what in the setup alone caused it.", 40),
    Column("next_step", lambda r: r.next_step, "What to do first about it.", 60),
    Column(
        "asked",
        lambda r: say.asked_text(r.finding),
        "Who asked to acknowledge it, why, and until when: it waits for a reviewer.",
        40,
    ),
    Column("state", lambda r: r.finding.state, "What people do about it, or that it has worsened.", 14, axis="finding"),
)

_REGISTRY: tuple[Column[EntryAssessment], ...] = (
    Column("id", lambda r: r.entry.id, "The entry's id; file and row where it has none.", 20),
    Column("state", lambda r: r.state, "State of the entry.", 18, axis="entry"),
    Column("name", lambda r: r.entry.name, "As declared.", 28),
    Column("kind", lambda r: r.entry.kind, "As declared.", 14),
    Column("purpose", lambda r: r.entry.purpose, "As declared.", 40),
    Column("identities", lambda r: say.joined(r.entry.identities), "Identities it declares.", 52),
    Column("matched", lambda r: say.joined(r.identities), "Keys of the identities matched to it.", 52),
    Column("provider", lambda r: r.entry.provider, "As declared.", 10),
    Column("scope", lambda r: r.entry.scope, "As declared."),
    Column("owner", lambda r: say.joined(r.entry.owner), "As declared.", 26),
    Column("technical_owner", lambda r: say.joined(r.entry.technical_owner), "As declared.", 26),
    Column("backup_owner", lambda r: say.joined(r.entry.backup_owner), "As declared.", 26),
    Column("team", lambda r: r.entry.team, "As declared.", 20),
    Column("status", lambda r: r.entry.status, "As declared; empty there counts as active.", 12),
    Column("environment", lambda r: r.entry.environment, "As declared.", 12),
    Column("last_reviewed", lambda r: r.entry.last_reviewed, "As declared.", 14, "date"),
    Column("next_review", lambda r: r.entry.next_review, "As declared.", 14, "date"),
    Column("expires", lambda r: r.entry.expires, "As declared.", 14, "date"),
    Column("evidence", lambda r: r.evidence, "Why that state.", 44),
    Column("declared_in", lambda r: str(r.entry.origin), "File and row.", 28),
    Column("rechecked", lambda r: r.rechecked, "The place where it would be was read.", 12, "bool"),
)

_CREDENTIALS: tuple[Column[CredentialRow], ...] = (
    Column("kind", lambda r: r.kind, "What it is; 'secret' is one kept in a secrets manager."),
    Column("id", lambda r: r.id, "Its public id, never its value.", 32),
    Column("identity", lambda r: r.identity, "The key of the identity that holds it.", 52),
    Column("provider", lambda r: r.provider, "The system it lives in.", 10),
    Column("scope", lambda r: r.scope, "Account, project, cluster or namespace."),
    Column("name", lambda r: r.name, "The holder's bare name.", 28),
    Column("owner", lambda r: r.owner, "Owner of the holder.", 26),
    Column("enabled", lambda r: r.enabled, "Empty: unknown.", 10, "bool"),
    Column("created_at", lambda r: r.created_at, "UTC.", 19, "datetime"),
    Column("rotated_at", lambda r: r.rotated_at, "When a stored value was last written, UTC.", 19, "datetime"),
    Column("expires_at", lambda r: r.expires_at, "UTC; empty: unknown, unless it never expires.", 19, "datetime"),
    Column("never_expires", lambda r: r.never_expires, "The provider says so.", 14, "bool"),
    Column("last_used_at", lambda r: r.last_used_at, "Last use known, UTC.", 19, "datetime"),
    Column("key", lambda r: r.key, "Unique over all credentials and secrets.", 52),
)

_EXPOSED: tuple[Column[ExposedRow], ...] = (
    Column("rank", lambda r: r.rank, "1 is the key to rotate first.", 8, "int", frozen=True),
    Column("key_id", lambda r: r.key_id, "The key's public id, or a hash of it, never its value.", 32, frozen=True),
    Column("name", lambda r: r.name, "The bare name of the identity that it opens.", 28, frozen=True),
    Column("owner", lambda r: r.owner, "Owner of the identity.", 26),
    Column(
        "last_used_at", lambda r: r.last_used_at, "Last use known of the key, else the identity, UTC.", 19, "datetime"
    ),
    Column("place", lambda r: r.place, "Where it was found; of several, the latest.", 44),
    Column("state", lambda r: r.state, "Whether it works, by its provider's list of keys.", 16),
    Column("privilege", lambda r: r.privilege, "What the identity could do.", 12, axis="privilege"),
    Column("verified", lambda r: r.verified, "Whether the scanner signed in with it; empty: not tried.", 10, "bool"),
    Column("public", lambda r: r.public, "Whether anyone can read the place; empty: unknown.", 10, "bool"),
    Column(
        "priority", lambda r: r.priority, "1 (first) to 5 (last), by privilege, state, verified, public.", 10, "int"
    ),
    Column("places", lambda r: r.places, "How many places it was found in.", 8, "int"),
    Column("commit", lambda r: r.commit, "The commit of that place.", 20),
    Column("committer", lambda r: r.committer, "Who committed it: a candidate for an owner, no owner.", 26),
    Column("exposed_at", lambda r: r.exposed_at, "The first commit or alert, UTC.", 19, "datetime"),
    Column("identity", lambda r: r.identity, "The key of the identity; empty: none that was read.", 52),
    Column("provider", lambda r: r.provider, "What the key opens.", 10),
    Column("scope", lambda r: r.scope, "Account, project, cluster or namespace."),
    Column("source", lambda r: r.source, "The source with the report.", 16),
    Column("link", lambda r: r.link, "The alert or the file.", 44),
    Column("key", lambda r: r.key, "The credential's key, where it is known.", 52),
)

_COVERAGE: tuple[Column[Coverage], ...] = (
    Column("source", lambda r: r.source, "The configured source.", 16),
    Column("provider", lambda r: r.provider, "The system it reads.", 10),
    Column("scope", lambda r: r.scope, "'*': even the list of scopes was not readable."),
    Column("section", lambda r: r.section, "One listing inside the scope.", 28),
    Column("status", lambda r: r.status, "How completely it was read.", 12, axis="coverage"),
    Column("gap", lambda r: r.is_gap, "Conclusions that depend on it are incomplete.", 8, "bool"),
    Column("identities", lambda r: r.identities, "What was found.", 12, "int"),
    Column("calls", lambda r: r.calls, "Requests sent.", 8, "int"),
    Column("permission", lambda r: r.permission, "What was missing.", 36),
    Column("detail", lambda r: r.detail, "What went wrong.", 60),
)


_WORK_LIST = (*_IDENTITY, *_VERDICTS, *_FILL_IN, *_CAVEATS, _SUGGESTED)

TABLES: Mapping[View, Table[Any]] = {
    "orphans": Table("Orphans", lambda result: work_list(result, "orphans"), _WORK_LIST),
    "unregistered": Table("Unregistered", lambda result: work_list(result, "unregistered"), _WORK_LIST),
    "agents": Table("Agents", agents.agent_rows, _AGENTS),
    "findings": Table("Findings", finding_rows, _FINDINGS),
    "inventory": Table("Inventory", judged_identities, (*_IDENTITY, *_VERDICTS, *_INVENTORY, *_CAVEATS, *_ACTIVITY)),
    "registry": Table("Registry", lambda result: iter(result.entries), _REGISTRY),
    "credentials": Table("Credentials", credential_rows, _CREDENTIALS),
    "exposed": Table("Exposed", exposed_rows, _EXPOSED),
    "coverage": Table("Coverage", lambda result: iter(result.coverage), _COVERAGE),
}
"""Tables by view, in the order of a workbook's sheets; ``all`` is all of them."""
