"""The sections of an organization: workspaces, roles, usage, accounts and federation rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from msgspec.structs import replace

from connectors.ai_vendors.api import Api
from connectors.ai_vendors.reader import VendorReader
from connectors.ai_vendors.records import Member, Time, Used
from connectors.ai_vendors.trusts import AUDIENCE, OTHER, accepted
from connectors.anthropic import payloads as p
from connectors.anthropic.identities import Organization
from connectors.anthropic.spec import TABLE
from connectors.core.contract import Gone, SectionReading
from connectors.core.reading import ReadSection, shown
from scanner.errors import SourceError
from scanner.model import Grant, Trust

_REPORT: Final = timedelta(days=30)
"""Maximum days of a usage report."""
_Use: TypeAlias = tuple[str, int, Time]
"""A key or agent, its requests, and the day."""


def read_workspaces(
    reader: VendorReader,
) -> ReadSection[tuple[dict[str, p.Workspace], dict[str, list[tuple[str, str]]]]]:
    """Read workspaces by id, and each user's workspaces with the role there."""
    workspaces: dict[str, p.Workspace] = {}
    members: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    with reader.section("workspaces") as section:
        workspaces = {row.id: row for row in reader.listed(section, "workspaces", p.Workspace)}
        in_use = [workspace for workspace in workspaces.values() if workspace.archived_at is None]
        for workspace, rows in reader.each_listed(
            section, "workspaces", in_use, "members", p.Membership, workspace=lambda workspace: workspace.id
        ):
            for row in rows:
                members[row.user_id].append((workspace.id, row.workspace_role or ""))
        section.found(len(workspaces))
    yield reader.done(section)
    return workspaces, dict(members)


def read_rbac(reader: VendorReader) -> ReadSection[dict[str, list[tuple[Grant, tuple[str, ...]]]]]:
    """By user, the roles of their groups, each with its actions."""
    found: defaultdict[str, list[tuple[Grant, tuple[str, ...]]]] = defaultdict(list)
    with reader.section("rbac") as section:
        groups = reader.listed(section, "groups", p.Group)
        roles = reader.listed(section, "roles", p.Role)
        actions = {
            role.id: tuple(sorted({row.action for row in rows}))
            for role, rows in reader.each_listed(
                section, "roles", roles, "role_permissions", p.Permission, role=lambda role: role.id
            )
        }
        names = {role.id: shown(role) for role in roles}
        with_roles = [group for group in groups if group.role_ids != ()]
        for group, members in reader.each_listed(
            section, "groups", with_roles, "group_members", p.Membership, group=lambda group: group.id
        ):
            if group.role_ids is None:
                section.lost(SourceError(f"the roles of the group {shown(group)} could not be given"))
            for role_id in group.role_ids or ():
                grant = Grant(name=names.get(role_id, role_id), via=f"group:{shown(group)}")
                for member in members:
                    found[member.user_id].append((grant, actions.get(role_id, ())))
        section.found(len(groups))
    yield reader.done(section)
    return dict(found)


def read_usage(reader: VendorReader, days: int) -> ReadSection[dict[str, Used]]:
    """By id of a key or agent, the number of requests in the last days, and the last day."""
    found: defaultdict[str, Used] = defaultdict(Used)
    with reader.section("usage") as section:
        spans, api = list(usage_spans(datetime.now(UTC), days)), reader.apis["token"][""]
        try:
            rows = list(_usage(api, section, spans))
        except Gone:  # the organization or server does not have the newer report
            rows = list(_report(api, section, spans))
            section.note("usage of agents is not offered")
        for id_, requests, day in rows:
            found[id_].add(requests, day)
    yield reader.done(section)
    return dict(found)


def _usage(api: Api, section: SectionReading, spans: Iterable[Mapping[str, str]]) -> Iterator[_Use]:
    """Raises SourceError."""
    request = TABLE.request["usage"]
    for span in spans:
        for row in api.rows(replace(request, params={**request.params, **span}), p.Usage, section):
            requests = row.usage.requests or 0
            if requests or row.usage.total_tokens:
                for id_ in {row.group.api_key_id, row.group.agent_id} - {None}:
                    yield id_ or "", requests, row.starting_at


def _report(api: Api, section: SectionReading, spans: Iterable[Mapping[str, str]]) -> Iterator[_Use]:
    """Raises SourceError."""
    request = TABLE.request["report"]
    for span in spans:
        for day in api.rows(replace(request, params={**request.params, **span}), p.ReportBucket, section):
            for usage in day.results:
                if usage.api_key_id and (usage.output_tokens or usage.uncached_input_tokens):
                    yield usage.api_key_id, 0, day.starting_at


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
    api = reader.apis["org_token"].get("")
    if api is None:
        yield reader.off("service_accounts")
        return
    with reader.section("service_accounts") as section:
        accounts = reader.listed(section, "service_accounts", p.ServiceAccount, api=api)
        read.accounts = {account.id: account for account in accounts}
        in_use = [account for account in accounts if account.archived_at is None]
        read.account_workspaces = {
            account.id: [(row.workspace_id, row.workspace_role or "") for row in rows]
            for account, rows in reader.each_listed(
                section,
                "service accounts",
                in_use,
                "account_workspaces",
                p.AccountWorkspace,
                account=lambda account: account.id,
                api=lambda _: api,
            )
        }
        section.found(len(read.accounts))
    yield reader.done(section)


def read_rules(reader: VendorReader) -> ReadSection[dict[str, list[tuple[Trust, frozenset[str]]]]]:
    """Read the trusts of service accounts, by id, each with the scopes that tokens are exchanged for."""
    found: defaultdict[str, list[tuple[Trust, frozenset[str]]]] = defaultdict(list)
    api = reader.apis["org_token"].get("")
    if api is None:
        yield reader.off("federation")
        return {}
    with reader.section("federation") as section:
        issuers = {issuer.id: issuer for issuer in reader.listed(section, "issuers", p.Issuer, api=api)}
        for rule in reader.listed(section, "rules", p.Rule, api=api):
            issuer = issuers.get(rule.issuer_id)
            if rule.archived_at is not None or not rule.target.service_account_id:
                continue
            if issuer is None:
                section.malformed(shown(rule), "its issuer is not listed")
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
    return accepted(issuer.issuer_url, matched, f"the federation rule {shown(rule)}")


def read_all(reader: VendorReader, usage_days: int) -> ReadSection[Organization]:
    """Read everything that takes the admin key or the organization's token."""
    read = Organization()
    users = yield from reader.read_listed("users", "users", Member)
    read.users = {user.id: user for user in users}
    keys = yield from reader.read_listed("api_keys", "api_keys", p.ApiKey)
    read.keys = tuple({key.id: key for key in keys}.values())
    read.workspaces, read.members = yield from read_workspaces(reader)
    read.roles = yield from read_rbac(reader)
    read.used = yield from read_usage(reader, usage_days)
    yield from read_accounts(reader, read)
    read.rules = yield from read_rules(reader)
    read.usage_days = None if "usage" in reader.gaps else usage_days
    read.gaps = frozenset(reader.gaps)
    return read
