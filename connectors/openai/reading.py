"""The sections that the admin key opens: usage, accounts, keys, roles, permissions and federation rules."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from connectors.core.contract import Gone, SectionReading
from connectors.core.reading import ReadSection
from connectors.openai import payloads as p
from connectors.openai import requests as r
from connectors.openai import spec as s
from connectors.openai.identities import Account, Organization, Used
from connectors.vendors.reader import VendorReader
from connectors.vendors.records import latest, moment
from connectors.vendors.sections import Request
from connectors.vendors.trusts import AUDIENCE, OTHER, accepted
from scanner.errors import SourceError
from scanner.model import Trust

_CLAIM: Final = re.compile(r"(?:(?:assertion|claims|token)\.)?([A-Za-z_][\w-]{0,63})", re.ASCII)
"""An expression that is a claim, unchanged."""
_DENIED: Final = "deny_list"


def read_created(reader: VendorReader) -> ReadSection[dict[str, str]]:
    """The creators of keys and service accounts, by id. The newest event counts: the log lists these first."""
    found: dict[str, str] = {}
    with reader.section(s.AUDIT_LOG) as section:
        for event in reader.listed(section, r.CREATED, p.Created):
            thing, by = event.key or event.account, event.actor and event.actor.name
            if thing is not None and thing.id and by:
                found.setdefault(thing.id, by)
    yield reader.done(section)
    return found


def read_usage(reader: VendorReader, days: int) -> ReadSection[dict[str, Used]]:
    """The number of model requests of each key since the start of the span, and the last day."""
    found: defaultdict[str, Used] = defaultdict(Used)
    span = usage_span(datetime.now(UTC), days)
    with reader.section(s.USAGE) as section:
        failures: list[SourceError] = []
        answered = 0
        for request in r.USAGES:
            try:
                for bucket in reader.rows(section, replace(request, params={**request.params, **span}), p.Bucket):
                    _count(found, bucket)
                answered += 1
            except Gone:  # a kind of usage that the organization or server does not have
                section.note(f"usage of {request.path.rpartition('/')[2]} is not offered")
            except SourceError as error:
                failures.append(error)
        for failure in failures:
            section.lost(failure, partial=answered > 0 or bool(found))
    yield reader.done(section)
    return dict(found)


def _count(found: Mapping[str, Used], bucket: p.Bucket) -> None:
    for one in bucket.results:
        if one.api_key_id and one.num_model_requests > 0:
            used = found[one.api_key_id]
            used.requests += one.num_model_requests
            used.last = latest(used.last, moment(bucket.start_time))


def usage_span(now: datetime, days: int) -> dict[str, str]:
    """The parameters for usage of so many days before today, and of today so far: it has no end."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {"start_time": str(int((today - timedelta(days=days)).timestamp()))}


def read_accounts(reader: VendorReader, projects: Sequence[p.Project]) -> ReadSection[dict[str, Account]]:
    """The service accounts of all projects, by id."""
    found: dict[str, Account] = {}
    with reader.section(s.SERVICE_ACCOUNTS) as section:
        read = partial(_of_project, reader, section, r.SERVICE_ACCOUNTS, p.ServiceAccount)
        for project, rows in reader.each(section, "projects", read, projects, _shown):
            for row in rows:
                made = moment(row.created_at)
                found[row.id] = Account(id=row.id, project=project, name=row.name, role=row.role, created_at=made)
        section.found(len(found))
    yield reader.done(section)
    return found


def read_keys(
    reader: VendorReader, projects: Sequence[p.Project]
) -> ReadSection[tuple[tuple[p.Project, p.ProjectKey], ...]]:
    """The keys of all projects."""
    found: dict[str, tuple[p.Project, p.ProjectKey]] = {}
    with reader.section(s.API_KEYS) as section:
        read = partial(_of_project, reader, section, r.KEYS, p.ProjectKey)
        for project, rows in reader.each(section, "projects", read, projects, _shown):
            found.update((row.id, (project, row)) for row in rows)
        section.found(len(found))
    yield reader.done(section)
    return tuple(found.values())


def _of_project(
    reader: VendorReader, section: SectionReading, request: Request, row: Any, project: p.Project
) -> list[Any]:
    return list(reader.rows(section, request, row, project=project.id))


def _shown(project: p.Project) -> str:
    return project.name or project.id


def read_roles(reader: VendorReader, read: Organization) -> ReadSection[dict[str, list[tuple[p.Role, str]]]]:
    """The roles of users with a key and of service accounts, by id, each with its origin."""
    found: defaultdict[str, list[tuple[p.Role, str]]] = defaultdict(list)
    with reader.section(s.ROLES) as section:
        groups = reader.listed(section, r.GROUPS, p.Group)

        def of_group(group: p.Group) -> tuple[list[p.Role], list[p.GroupMember]]:
            roles = list(reader.rows(section, r.GROUP_ROLES, p.Role, group=group.id))
            return roles, list(reader.rows(section, r.GROUP_USERS, p.GroupMember, group=group.id)) if roles else []

        for group, (roles, members) in reader.each(section, "groups", of_group, groups, lambda one: one.name or one.id):
            for member in members:
                found[member.id] += [(role, f"group:{group.name or group.id}") for role in roles]
        for id_, roles in reader.each(
            section,
            "users",
            lambda id_: list(reader.rows(section, r.USER_ROLES, p.Role, user=id_)),
            sorted(read.holders),
            str,
        ):
            found[id_] += [(role, "direct") for role in roles]
        for account, roles in reader.each(
            section,
            "service accounts",
            lambda one: list(reader.rows(section, r.ACCOUNT_ROLES, p.Role, project=one.project.id, user=one.id)),
            sorted(read.all_accounts.values(), key=lambda one: one.id),
            lambda one: one.name or one.id,
        ):
            found[account.id] += [(role, "direct") for role in roles]
        section.found(len(found))
    yield reader.done(section)
    return dict(found)


def read_permissions(reader: VendorReader, projects: Iterable[p.Project]) -> ReadSection[dict[str, Mapping[str, Any]]]:
    """Hosted tools and models of projects in use, by the project's id, as attributes."""
    found: dict[str, Mapping[str, Any]] = {}

    def of_project(project: p.Project) -> Mapping[str, Any]:
        tools = reader.api.one(r.TOOLS, dict[str, p.Switch | p.NoSwitch], project=project.id)
        on = sorted(tool for tool, one in tools.items() if isinstance(one, p.Switch) and one.enabled)
        try:
            models = reader.api.one(r.MODELS, p.ModelPolicy, project=project.id)
        except Gone:  # without a policy, every model is allowed
            return {"hosted_tools": on}
        return {
            "hosted_tools": on,
            "models_denied" if models.mode == _DENIED else "models_allowed": sorted(models.model_ids),
        }

    with reader.section(s.PERMISSIONS) as section:
        in_use = [one for one in projects if not one.is_archived]
        for project, allowed in reader.each(section, "projects", of_project, in_use, _shown):
            found[project.id] = allowed
        section.found(len(found))
    yield reader.done(section)
    return found


def read_rules(reader: VendorReader) -> ReadSection[dict[str, list[Trust]]]:
    """The trusts of service accounts, by the account's id."""
    found: defaultdict[str, list[Trust]] = defaultdict(list)
    with reader.section(s.FEDERATION) as section:
        providers = [one for one in reader.listed(section, r.PROVIDERS, p.Provider) if one.enabled]
        for provider, rules in reader.each(
            section,
            "providers",
            lambda one: list(reader.rows(section, r.RULES, p.Rule, provider=one.id)),
            providers,
            lambda one: one.name or one.id,
        ):
            for rule in rules:
                if rule.enabled:
                    found[rule.service_account_id].append(trust_of(provider, rule))
                    section.found()
    yield reader.done(section)
    return dict(found)


def trust_of(provider: p.Provider, rule: p.Rule) -> Trust:
    """The trust of a rule. An attribute is the claim of that name, unless the provider maps it from another claim."""
    made = {one.attribute: one.expression for one in provider.attribute_transformations or ()}
    matched: dict[str, str] = {AUDIENCE: provider.audience} if provider.audience else {}
    others: list[str] = []
    for attribute, value in sorted(rule.attribute_matchers.items()):
        wanted = str(value).lower() if isinstance(value, bool) else str(value)
        claim = _CLAIM.fullmatch(made.get(attribute, attribute).strip())
        if claim is None:
            others.append(f"{made.get(attribute, attribute)} is {wanted}")
        else:
            matched[claim[1]] = wanted
    if others:
        matched[OTHER] = " and ".join(others)
    scopes = rule.permissions.scopes
    limited = f", for {', '.join(sorted(scopes))} only," if rule.permissions.type == "restricted" else ""
    return accepted(provider.issuer, matched, f"the federation rule {rule.name or rule.id}{limited}")


def read_all(reader: VendorReader, projects: Sequence[p.Project], *, usage_days: int) -> ReadSection[Organization]:
    """Read all sections of the admin key."""
    read = Organization()
    read.created = yield from read_created(reader)
    read.used = yield from read_usage(reader, usage_days)
    users = yield from reader.section_of(s.USERS, r.USERS, p.User)
    read.users = {one.id: one for one in users}
    read.accounts = yield from read_accounts(reader, projects)
    read.keys = yield from read_keys(reader, projects)
    admin_keys = yield from reader.section_of(s.ADMIN_KEYS, r.ADMIN_KEYS, p.AdminKey)
    read.admin_keys = tuple({one.id: one for one in admin_keys}.values())
    read.roles = yield from read_roles(reader, read)
    read.allowed = yield from read_permissions(reader, projects)
    read.trusts = yield from read_rules(reader)
    read.gaps = frozenset(reader.gaps)
    return read
