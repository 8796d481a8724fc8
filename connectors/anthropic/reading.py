"""The sections of an organization: workspaces, roles, usage, accounts and federation rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias, TypeVar

from msgspec.structs import replace

from connectors.anthropic import payloads as p
from connectors.anthropic import requests as r
from connectors.anthropic import spec as s
from connectors.anthropic.identities import Organization, Used
from connectors.core.contract import Gone, SectionReading
from connectors.core.reading import ReadSection
from connectors.vendors.reader import VendorReader
from connectors.vendors.records import Time, latest, moment
from connectors.vendors.trusts import AUDIENCE, OTHER, accepted
from scanner.errors import SourceError
from scanner.model import Grant, Trust

_REPORT: Final = timedelta(days=30)
"""Maximum days of a usage report."""
_Use: TypeAlias = tuple[str, int, Time]
"""A key or agent, its requests, and the day."""
T = TypeVar("T", p.User, p.ApiKey, p.Workspace)


def _by_id(rows: list[T]) -> dict[str, T]:
    return {one.id: one for one in rows}


def read_workspaces(
    reader: VendorReader,
) -> ReadSection[tuple[dict[str, p.Workspace], dict[str, list[tuple[str, str]]]]]:
    """Read workspaces by id, and each user's workspaces with the role there."""
    workspaces: dict[str, p.Workspace] = {}
    members: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    with reader.section(s.WORKSPACES) as section:
        workspaces = _by_id(reader.listed(section, r.WORKSPACES, p.Workspace))
        for one, rows in reader.each(
            section,
            "workspaces",
            lambda one: list(reader.rows(section, r.MEMBERS, p.Member, workspace=one.id)),
            [one for one in workspaces.values() if one.archived_at is None],
            lambda one: one.name or one.id,
        ):
            for row in rows:
                members[row.user_id].append((one.id, row.workspace_role or ""))
        section.found(len(workspaces))
    yield reader.done(section)
    return workspaces, dict(members)


def read_rbac(reader: VendorReader) -> ReadSection[dict[str, list[tuple[Grant, tuple[str, ...]]]]]:
    """By user, the roles of their groups, each with its actions."""
    found: defaultdict[str, list[tuple[Grant, tuple[str, ...]]]] = defaultdict(list)
    with reader.section(s.RBAC) as section:
        groups = reader.listed(section, r.RBAC_GROUPS, p.Group)
        roles = reader.listed(section, r.RBAC_ROLES, p.Role)
        actions: dict[str, tuple[str, ...]] = {}
        for role, rows in reader.each(
            section,
            "roles",
            lambda one: list(reader.rows(section, r.RBAC_PERMISSIONS, p.Permission, role=one.id)),
            roles,
            lambda one: one.display_name or one.id,
        ):
            actions[role.id] = tuple(sorted({row.action for row in rows}))
        names = {one.id: one.display_name or one.id for one in roles}
        for group, members in reader.each(
            section,
            "groups",
            lambda one: list(reader.rows(section, r.RBAC_MEMBERS, p.GroupMember, group=one.id)),
            [one for one in groups if one.role_ids != ()],
            lambda one: one.name or one.id,
        ):
            if group.role_ids is None:
                section.lost(SourceError(f"the roles of the group {group.name or group.id} could not be given"))
            for role_id in group.role_ids or ():
                grant = Grant(name=names.get(role_id, role_id), via=f"group:{group.name or group.id}")
                for member in members:
                    found[member.user_id].append((grant, actions.get(role_id, ())))
        section.found(len(groups))
    yield reader.done(section)
    return dict(found)


def read_usage(reader: VendorReader, days: int) -> ReadSection[dict[str, Used]]:
    """By id of a key or agent, the number of requests in the last days, and the last day."""
    found: defaultdict[str, Used] = defaultdict(Used)
    with reader.section(s.USAGE) as section:
        spans = list(usage_spans(datetime.now(UTC), days))
        try:
            rows = list(_usage(reader, section, spans))
        except Gone:  # the organization or server does not have the newer report
            rows = list(_report(reader, section, spans))
            section.note("usage of agents is not offered")
        for id_, requests, day in rows:
            used = found[id_]
            used.requests += requests
            used.last = latest(used.last, moment(day))
    yield reader.done(section)
    return dict(found)


def _usage(reader: VendorReader, section: SectionReading, spans: Iterable[Mapping[str, str]]) -> Iterator[_Use]:
    """Raises SourceError."""
    for span in spans:
        for row in reader.rows(section, replace(r.USAGE, params={**r.USAGE.params, **span}), p.Usage):
            requests = row.usage.requests or 0
            if requests or row.usage.total_tokens:
                for id_ in {row.group.api_key_id, row.group.agent_id} - {None}:
                    yield id_ or "", requests, row.starting_at


def _report(reader: VendorReader, section: SectionReading, spans: Iterable[Mapping[str, str]]) -> Iterator[_Use]:
    """Raises SourceError."""
    for span in spans:
        for day in reader.rows(section, replace(r.REPORT, params={**r.REPORT.params, **span}), p.ReportBucket):
            for one in day.results:
                if one.api_key_id and (one.output_tokens or one.uncached_input_tokens):
                    yield one.api_key_id, 0, day.starting_at


def usage_spans(now: datetime, days: int) -> Iterator[dict[str, str]]:
    """The days before today and the hours of today, in spans that fit in one report."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    begins = hour.replace(hour=0) - timedelta(days=days)
    while begins < hour:
        ends = min(begins + _REPORT, hour)
        yield {"starting_at": f"{begins:%Y-%m-%dT%H:%M:%SZ}", "ending_at": f"{ends:%Y-%m-%dT%H:%M:%SZ}"}
        begins = ends


def read_accounts(reader: VendorReader, read: Organization) -> ReadSection[None]:
    """Service accounts with the workspaces that they are members of."""
    api = next(iter(reader.opened(s.ORG_TOKEN).values()), None)
    if api is None:
        yield reader.off(s.SERVICE_ACCOUNTS)
        return
    workspaces: dict[str, list[tuple[str, str]]] = {}
    with reader.section(s.SERVICE_ACCOUNTS) as section:
        accounts = reader.listed(section, r.SERVICE_ACCOUNTS, p.ServiceAccount, api)
        read.accounts = {one.id: one for one in accounts}
        for account, rows in reader.each(
            section,
            "service accounts",
            lambda one: list(reader.rows(section, r.ACCOUNT_WORKSPACES, p.AccountWorkspace, api, account=one.id)),
            [one for one in accounts if one.archived_at is None],
            lambda one: one.name or one.id,
        ):
            workspaces[account.id] = [(row.workspace_id, row.workspace_role or "") for row in rows]
        section.found(len(read.accounts))
    read.account_workspaces = workspaces
    yield reader.done(section)


def read_rules(reader: VendorReader) -> ReadSection[dict[str, list[tuple[Trust, frozenset[str]]]]]:
    """Read the trusts of service accounts, by id, each with the scopes that tokens are exchanged for."""
    found: defaultdict[str, list[tuple[Trust, frozenset[str]]]] = defaultdict(list)
    api = next(iter(reader.opened(s.ORG_TOKEN).values()), None)
    if api is None:
        yield reader.off(s.FEDERATION)
        return {}
    with reader.section(s.FEDERATION) as section:
        issuers = {one.id: one for one in reader.listed(section, r.ISSUERS, p.Issuer, api)}
        for rule in reader.listed(section, r.RULES, p.Rule, api):
            issuer = issuers.get(rule.issuer_id)
            if rule.archived_at is not None or not rule.target.service_account_id:
                continue
            if issuer is None:
                section.malformed(rule.name or rule.id, "its issuer is not listed")
            elif issuer.archived_at is None:
                scopes = frozenset(rule.oauth_scope.split())
                found[rule.target.service_account_id].append((trust_of(issuer, rule), scopes))
                section.found()
    yield reader.done(section)
    return dict(found)


def trust_of(issuer: p.Issuer, rule: p.Rule) -> Trust:
    """The trust of a rule. A subject that ends with ``*`` is a prefix; others must match exactly."""
    match = rule.match
    given: list[tuple[str, str | None]] = [
        *sorted((match.claims or {}).items()),
        ("sub", match.subject_prefix),
        (AUDIENCE, match.audience),
        (OTHER, match.condition),
    ]
    matched: Mapping[str, str] = {name: value for name, value in given if value}
    return accepted(issuer.issuer_url, matched, f"the federation rule {rule.name or rule.id}")


def read_all(reader: VendorReader, *, usage_days: int) -> ReadSection[Organization]:
    """Read everything that takes the admin key or the organization's token."""
    read = Organization()
    read.users = _by_id((yield from reader.section_of(s.USERS, r.USERS, p.User)))
    read.keys = tuple(_by_id((yield from reader.section_of(s.API_KEYS, r.API_KEYS, p.ApiKey))).values())
    read.workspaces, read.members = yield from read_workspaces(reader)
    read.roles = yield from read_rbac(reader)
    read.used = yield from read_usage(reader, usage_days)
    yield from read_accounts(reader, read)
    read.rules = yield from read_rules(reader)
    read.usage_days = None if s.USAGE in reader.gaps else usage_days
    read.gaps = frozenset(reader.gaps)
    return read
