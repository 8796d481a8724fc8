"""The sections that the admin key opens: usage, accounts, keys, roles, permissions and federation rules."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final

from msgspec.structs import replace

from connectors.ai_vendors.reader import VendorReader
from connectors.ai_vendors.records import Member, Used, moment
from connectors.ai_vendors.trusts import AUDIENCE, OTHER, accepted
from connectors.core.contract import Gone
from connectors.core.reading import ReadSection, shown
from connectors.openai import payloads as p
from connectors.openai.identities import OpenAiAccount, OpenAiOrganization
from connectors.openai.spec import TABLE
from scanner.errors import SourceError
from scanner.model import Trust

_ID: Final[Callable[[p.Project], str]] = attrgetter("id")
_CLAIM: Final = re.compile(r"(?:(?:assertion|claims|token)\.)?([A-Za-z_][\w-]{0,63})", re.ASCII)
"""An expression that is a claim, unchanged."""


def read_created(reader: VendorReader) -> ReadSection[dict[str, str]]:
    """The creators of keys and service accounts, by id. The newest event counts: the log lists these first."""
    found: dict[str, str] = {}
    with reader.section("audit_log") as section:
        for event in reader.listed(section, "created", p.Created):
            thing, by = event.key or event.account, event.actor and event.actor.name
            if thing is not None and thing.id and by:
                found.setdefault(thing.id, by)
    yield reader.done(section)
    return found


def read_usage(reader: VendorReader, span: Mapping[str, str]) -> ReadSection[dict[str, Used]]:
    """The number of model requests of each key since the start of the span, and the last day."""
    found: defaultdict[str, Used] = defaultdict(Used)
    with reader.section("usage") as section:
        failures: list[SourceError] = []
        answered = 0
        for name, request in TABLE.requests["usage"].items():
            spanned = replace(request, params={**request.params, **span})
            try:
                for bucket in reader.apis["token"][""].rows(spanned, p.Bucket, section):
                    for usage in bucket.results:
                        if usage.api_key_id and usage.num_model_requests > 0:
                            found[usage.api_key_id].add(usage.num_model_requests, bucket.start_time)
                answered += 1
            except Gone:  # a kind of usage that the organization or server does not have
                section.note(f"usage of {name} is not offered")
            except SourceError as error:
                failures.append(error)
        for failure in failures:
            section.lost(failure, partial=answered > 0 or bool(found))
    yield reader.done(section)
    return dict(found)


def read_accounts(reader: VendorReader, projects: Sequence[p.Project]) -> ReadSection[dict[str, OpenAiAccount]]:
    """The service accounts of all projects, by id."""
    found: dict[str, OpenAiAccount] = {}
    with reader.section("service_accounts") as section:
        for project, rows in reader.each_listed(
            section, "projects", projects, "service_accounts", p.ServiceAccount, part=_ID, project=_ID
        ):
            for row in rows:
                made = moment(row.created_at)
                found[row.id] = OpenAiAccount(id=row.id, project=project, name=row.name, role=row.role, created_at=made)
        section.found(len(found))
    yield reader.done(section)
    return found


def read_keys(
    reader: VendorReader, projects: Sequence[p.Project]
) -> ReadSection[tuple[tuple[p.Project, p.ProjectKey], ...]]:
    """The keys of all projects."""
    found: dict[str, tuple[p.Project, p.ProjectKey]] = {}
    with reader.section("api_keys") as section:
        for project, rows in reader.each_listed(
            section, "projects", projects, "api_keys", p.ProjectKey, part=_ID, project=_ID
        ):
            found.update((row.id, (project, row)) for row in rows)
        section.found(len(found))
    yield reader.done(section)
    return tuple(found.values())


def read_roles(reader: VendorReader, read: OpenAiOrganization) -> ReadSection[dict[str, list[tuple[p.Role, str]]]]:
    """The roles of users with a key and of service accounts, by id, each with its origin."""
    found: defaultdict[str, list[tuple[p.Role, str]]] = defaultdict(list)
    with reader.section("roles") as section:

        def of_group(group: p.NamedRow) -> tuple[list[p.Role], list[p.NamedRow]]:
            roles = list(reader.rows(section, "group_roles", p.Role, group=group.id))
            return roles, list(reader.rows(section, "group_users", p.NamedRow, group=group.id)) if roles else []

        groups = reader.listed(section, "groups", p.NamedRow)
        for group, (roles, members) in reader.each(section, "groups", of_group, groups, shown):
            for member in members:
                found[member.id] += [(role, f"group:{shown(group)}") for role in roles]
        holders = [p.NamedRow(id=id_) for id_ in sorted(read.holders)]
        for user, roles in reader.each_listed(
            section, "users", holders, "user_roles", p.Role, user=lambda user: user.id
        ):
            found[user.id] += [(role, "direct") for role in roles]
        for account, roles in reader.each_listed(
            section,
            "service accounts",
            sorted(read.all_accounts.values(), key=lambda account: account.id),
            "account_roles",
            p.Role,
            project=lambda account: account.project.id,
            user=lambda account: account.id,
        ):
            found[account.id] += [(role, "direct") for role in roles]
        section.found(len(found))
    yield reader.done(section)
    return dict(found)


def read_permissions(reader: VendorReader, projects: Sequence[p.Project]) -> ReadSection[dict[str, Mapping[str, Any]]]:
    """Hosted tools and models of projects in use, by the project's id, as attributes."""
    found: dict[str, Mapping[str, Any]] = {}
    api = reader.apis["token"][""]

    def of_project(project: p.Project) -> Mapping[str, Any]:
        tools = api.one(TABLE.request["tools"], dict[str, p.Switch | p.NoSwitch], project=project.id)
        on = sorted(tool for tool, switch in tools.items() if isinstance(switch, p.Switch) and switch.enabled)
        try:
            models = api.one(TABLE.request["models"], p.ModelPolicy, project=project.id)
        except Gone:  # without a policy, every model is allowed
            return {"hosted_tools": on}
        listed = "models_denied" if models.mode == "deny_list" else "models_allowed"
        return {"hosted_tools": on, listed: sorted(models.model_ids)}

    with reader.section("project_permissions") as section:
        in_use = [project for project in projects if not project.is_archived]
        for project, allowed in reader.each(section, "projects", of_project, in_use, shown):
            found[project.id] = allowed
        section.found(len(found))
    yield reader.done(section)
    return found


def read_rules(reader: VendorReader) -> ReadSection[dict[str, list[Trust]]]:
    """The trusts of service accounts, by the account's id."""
    found: defaultdict[str, list[Trust]] = defaultdict(list)
    with reader.section("workload_identity") as section:
        enabled = [provider for provider in reader.listed(section, "providers", p.Provider) if provider.enabled]
        for provider, rules in reader.each_listed(
            section, "providers", enabled, "rules", p.Rule, provider=lambda provider: provider.id
        ):
            for rule in rules:
                if rule.enabled:
                    found[rule.service_account_id].append(trust_of(provider, rule))
                    section.found()
    yield reader.done(section)
    return dict(found)


def trust_of(provider: p.Provider, rule: p.Rule) -> Trust:
    """The trust of a rule. An attribute is the claim of that name, unless the provider maps it from another claim."""
    made = {mapped.attribute: mapped.expression for mapped in provider.attribute_transformations or ()}
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
    return accepted(provider.issuer, matched, f"the federation rule {shown(rule)}{limited}")


def read_all(
    reader: VendorReader, projects: Sequence[p.Project], span: Callable[[datetime], Mapping[str, str]]
) -> ReadSection[OpenAiOrganization]:
    """Read all sections of the admin key. ``span``: the parameters for usage until now."""
    read = OpenAiOrganization()
    read.created = yield from read_created(reader)
    read.used = yield from read_usage(reader, span(datetime.now(UTC)))
    users = yield from reader.read_listed("users", "users", Member)
    read.users = {user.id: user for user in users}
    read.accounts = yield from read_accounts(reader, projects)
    read.keys = yield from read_keys(reader, projects)
    admin_keys = yield from reader.read_listed("admin_api_keys", "admin_api_keys", p.AdminKey)
    read.admin_keys = tuple({key.id: key for key in admin_keys}.values())
    read.roles = yield from read_roles(reader, read)
    read.allowed = yield from read_permissions(reader, projects)
    read.trusts = yield from read_rules(reader)
    read.gaps = frozenset(reader.gaps)
    return read
