"""Service accounts, users and keys as identities (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from connectors.anthropic import payloads as p
from connectors.anthropic import spec as s
from connectors.core.reading import unread_facts
from connectors.federation import links_of
from connectors.vendors.records import Key, VendorOrganization, as_far_as_read, latest, moment
from scanner.model import PRIVILEGES, Consequence, Grant, Identity, Privilege, PrivilegeLevel, Signal, Trust, Way
from scanner.model.attributes import FORMER_MEMBER

ORG_ADMIN = "org:admin"
_ACTIVE = "active"
_LEVELS: Mapping[str, PrivilegeLevel] = {
    # Of the organization.
    "primary_owner": "admin",
    "owner": "admin",
    "admin": "admin",
    "membership_admin": "high",  # invites and removes members; roles are the owners' to change
    # Of a workspace.
    "workspace_admin": "high",
}
"""Roles above normal. Sources: "Admin API", the roles of organization and workspace; "Roles and permissions"."""
_BUILDERS = frozenset({"workspace_admin", "workspace_developer"})
"""Roles that may change agents and keys of a workspace."""
_MANAGES = "permission_"
"""Prefixes of actions that give access to parts of the administration."""


class Used(Struct):
    """The use of a key or an agent."""

    requests: int = 0
    last: datetime | None = None


class Organization(Struct, kw_only=True):
    """The facts about an organization. ``members``: by user, the id and role of each workspace.

    ``roles``: by user, the roles of groups with their actions. ``rules``: by service account, with the scopes that each
    rule grants. ``gaps``: sections that are off or incomplete.
    """

    users: Mapping[str, p.User] = {}
    keys: tuple[p.ApiKey, ...] = ()
    workspaces: Mapping[str, p.Workspace] = {}
    members: Mapping[str, list[tuple[str, str]]] = {}
    roles: Mapping[str, list[tuple[Grant, tuple[str, ...]]]] = {}
    used: Mapping[str, Used] = {}
    usage_days: int | None = None
    accounts: Mapping[str, p.ServiceAccount] = {}
    account_workspaces: Mapping[str, list[tuple[str, str]]] = {}
    rules: Mapping[str, list[tuple[Trust, frozenset[str]]]] = {}
    gaps: frozenset[str] = frozenset()

    def who(self, actor: str | None) -> str | None:
        """The name of an actor: the e-mail address of a user, otherwise the id."""
        user = self.users.get(actor or "")
        return actor if user is None or not user.email else user.email

    def named(self, roles: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Workspaces by name, with the role in each."""
        return [(self.workspace(id_) or id_, role) for id_, role in roles]

    def workspace(self, id_: str | None) -> str | None:
        """A workspace by its name."""
        found = self.workspaces.get(id_ or "")
        return id_ if found is None or not found.name else found.name


def identities(place: VendorOrganization, read: Organization) -> Iterator[Identity]:
    """Service accounts, users who hold keys, and keys that are principals of their own."""
    held: defaultdict[tuple[str, str], list[p.ApiKey]] = defaultdict(list)
    for row in read.keys:
        principal = row.principal or p.Principal()
        if principal.service_account_id:
            held["account", principal.service_account_id].append(row)
        elif principal.user_id:
            held["user", principal.user_id].append(row)
        else:
            yield _of_key(place, read, row)
    named = {id_ for kind, id_ in held if kind == "account"}
    for id_ in sorted({*read.accounts, *named}):
        yield _account(place, read, read.accounts.get(id_) or p.ServiceAccount(id=id_), held["account", id_])
    for id_ in sorted(id_ for kind, id_ in held if kind == "user"):
        yield _user(place, read, read.users.get(id_) or p.User(id=id_), held["user", id_])


def _key(read: Organization, row: p.ApiKey) -> Key:
    used, scope = read.used.get(row.id), row.scope or p.KeyScope(workspace_id=row.workspace_id)
    facts: dict[str, Any] = {"status": row.status, "workspace": read.workspace(scope.workspace_id)}
    creator, user = row.created_by, row.principal.user_id if row.principal else None
    person = user or (creator.id if creator is not None and creator.type == "user" else None)
    if person and s.USERS not in read.gaps and person not in read.users:
        facts[FORMER_MEMBER] = person
    if used is not None:
        facts["requests"] = used.requests
    workspace = read.workspaces.get(scope.workspace_id or "")
    is_archived = workspace is not None and workspace.archived_at is not None
    return Key(
        id=row.id,
        name=row.name or "",
        enabled=None if row.status is None else row.status == _ACTIVE and not is_archived,
        created_at=moment(row.created_at),
        created_by=read.who(creator.id) if creator else None,
        expires_at=moment(row.expires_at),
        never_expires=row.expires_at is None,
        last_used_at=used.last if used else None,
        attributes={name: value for name, value in facts.items() if value is not None},
    )


def _of_key(place: VendorOrganization, read: Organization, row: p.ApiKey) -> Identity:
    key = _key(read, row)
    facts = place.facts(f"api_keys/{row.id}", "api_key", row.id, row.name)
    where = key.attributes.get("workspace") or "the organization"
    return Identity(
        **facts,
        enabled=key.enabled,
        created_at=key.created_at,
        created_by=key.created_by,
        last_used_at=key.last_used_at,
        use_tracked_days=read.usage_days,
        attributes=dict(key.attributes),
        signals=(Signal(says="machine", sort="credential", evidence="an API key that acts as itself"),),
        credentials=(key.of(facts["key"]),),
        grants=(Grant(name="API key", via="direct", resource=where),),
        privilege=Privilege(level="normal", evidence=(f"uses models and agents of {where}",)),
        consequences=_uses_models(f"an API key of {where}"),
        reach=_reach(place, (), [row]),
        unread=unread_facts(use=s.USAGE in read.gaps),
    )


def _account(place: VendorOrganization, read: Organization, row: p.ServiceAccount, rows: list[p.ApiKey]) -> Identity:
    facts = place.facts(f"service_accounts/{row.id}", "service_account", row.id, row.name)
    rules = read.rules.get(row.id, [])
    trusts = tuple(trust for trust, _ in rules)
    own = read.account_workspaces.get(row.id, [])
    workspaces = read.named(own)
    levels = [*_levels(row.organization_role, "the organization"), *_of_workspaces(workspaces)]
    levels += [("admin", f"{trust.evidence}, and gives {ORG_ADMIN}") for trust, scopes in rules if ORG_ADMIN in scopes]
    is_listed = row.id in read.accounts
    no_roles = not is_listed or s.SERVICE_ACCOUNTS in read.gaps
    return Identity(
        **facts,
        **_held(read, facts["key"], rows, use_is_known=not trusts and s.FEDERATION not in read.gaps),
        description=row.description,
        enabled=None if not is_listed else row.archived_at is None,
        created_at=moment(row.created_at),
        created_by=read.who(row.created_by_actor_id),
        attributes={"organization_role": row.organization_role, "workspaces": sorted(name for name, _ in workspaces)},
        signals=(Signal(says="machine", sort="provider", evidence="a service account of Anthropic"),),
        privilege=as_far_as_read(_highest(levels), unread=no_roles),
        grants=_grants(row.organization_role, workspaces),
        consequences=_uses_models("a member of workspaces"),
        reach=_reach(place, own, rows),
        trusts=trusts,
        links=links_of(trusts, "its federation rule accepts"),
        unread=unread_facts(
            credentials=s.API_KEYS in read.gaps,
            permissions=no_roles,
            trusts=s.FEDERATION in read.gaps,
            use=s.USAGE in read.gaps,
        ),
    )


def _user(place: VendorOrganization, read: Organization, row: p.User, rows: list[p.ApiKey]) -> Identity:
    facts = place.facts(f"users/{row.id}", "user", row.id, row.email or row.name)
    own = read.members.get(row.id, [])
    members = read.named(own)
    roles = read.roles.get(row.id, [])
    levels = [*_levels(row.role, "the organization"), *_of_workspaces(members)]
    for grant, actions in roles:
        levels += [("high", f"the role {grant.name} allows {one}") for one in actions if one.startswith(_MANAGES)]
    no_roles = bool(read.gaps & {s.USERS, s.WORKSPACES, s.RBAC})
    aliases = tuple(dict.fromkeys((row.id, *([row.email] if row.email else []))))
    return Identity(
        **{**facts, "aliases": aliases},
        **_held(read, facts["key"], rows, use_is_known=True),
        display_name=row.name,
        attributes={"role": row.role, "email": row.email},
        signals=(Signal(says="human", sort="provider", evidence="a user of the organization"),),
        privilege=as_far_as_read(_highest(levels), unread=no_roles),
        grants=tuple(dict.fromkeys((*_grants(row.role, members), *(grant for grant, _ in roles)))),
        consequences=_uses_models("a member of workspaces"),
        reach=_reach(place, own, rows),
        unread=unread_facts(
            credentials=s.API_KEYS in read.gaps,
            permissions=no_roles,
            use=s.USAGE in read.gaps,
        ),
    )


def _held(read: Organization, key: str, rows: Iterable[p.ApiKey], *, use_is_known: bool) -> dict[str, Any]:
    """The fields that follow from keys. ``use_is_known``: keys are its only credentials."""
    found = {one.key: one for one in (_key(read, row).of(key) for row in rows)}
    return {
        "credentials": tuple(found.values()),
        "last_used_at": latest(*(one.last_used_at for one in found.values())),
        "use_tracked_days": read.usage_days if use_is_known else None,
    }


def _levels(role: str | None, where: str) -> list[tuple[PrivilegeLevel, str]]:
    return [(_LEVELS.get(role, "normal"), f"{role} of {where}")] if role else []


def _of_workspaces(roles: Iterable[tuple[str, str]]) -> list[tuple[PrivilegeLevel, str]]:
    return [one for name, role in roles for one in _levels(role, f"the workspace {name}")]


def _grants(role: str | None, workspaces: Iterable[tuple[str, str]]) -> tuple[Grant, ...]:
    own = [Grant(name=role, via="direct", resource="organization")] if role else []
    return (*own, *(Grant(name=one, via="direct", resource=name) for name, one in workspaces))


def _highest(levels: list[tuple[PrivilegeLevel, str]]) -> Privilege:
    level: PrivilegeLevel = min((one for one, _ in levels), key=PRIVILEGES.index, default="normal")
    reasons = tuple(dict.fromkeys(why for one, why in levels if one == level))
    return Privilege(level=level, evidence=reasons[:5] or ("no role is listed",))


def _reach(place: VendorOrganization, roles: Iterable[tuple[str, str]], keys: Iterable[p.ApiKey]) -> tuple[Way, ...]:
    """Workspaces whose agents it may change, and so act as: by a role, or by a key of the workspace."""
    by_role = {id_: f"{role} may change agents of the workspace" for id_, role in roles if role in _BUILDERS}
    of_keys = ((one.scope.workspace_id if one.scope else one.workspace_id, one) for one in keys)
    by_key = {id_: f"its key {one.name or one.id} may change agents of the workspace" for id_, one in of_keys if id_}
    return tuple(
        Way(kind="take_over", on=(place.key(f"workspaces/{id_}"),), by=by)
        for id_, by in sorted({**by_role, **by_key}.items())
    )


def _uses_models(by: str) -> tuple[Consequence, ...]:
    return (Consequence(kind="invoke_models", actions=("messages",), by=by),)
