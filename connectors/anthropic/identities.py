"""Service accounts, users and keys as identities (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from connectors.ai_vendors.records import (
    Key,
    Member,
    Rights,
    Used,
    VendorOrganization,
    account,
    highest,
    lone_key,
    moment,
    person,
)
from connectors.anthropic import payloads as p
from connectors.core.reading import shown, unread_facts
from connectors.federation import links_of
from scanner.model import Consequence, Grant, Identity, Privilege, PrivilegeLevel, Signal, Trust, Way
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


class Organization(Struct, kw_only=True):
    """The facts about an organization. ``members``: by user, the id and role of each workspace.

    ``roles``: by user, the roles of groups with their actions. ``rules``: by service account, with the scopes that each
    rule grants. ``gaps``: sections that are off or incomplete.
    """

    users: Mapping[str, Member] = {}
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
        yield _user(place, read, read.users.get(id_) or Member(id=id_), held["user", id_])


def _key(read: Organization, row: p.ApiKey) -> Key:
    used, scope = read.used.get(row.id), row.scope or p.KeyScope(workspace_id=row.workspace_id)
    facts: dict[str, Any] = {"status": row.status, "workspace": read.workspace(scope.workspace_id)}
    creator, user = row.created_by, row.principal.user_id if row.principal else None
    person = user or (creator.id if creator is not None and creator.type == "user" else None)
    if person and "users" not in read.gaps and person not in read.users:
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
    where = key.attributes.get("workspace") or "the organization"
    rights = Rights(
        privilege=Privilege(level="normal", evidence=(f"uses models and agents of {where}",)),
        grants=(Grant(name="API key", via="direct", resource=where),),
        consequences=_uses_models(f"an API key of {where}"),
        reach=_reach(place, (), [row]),
    )
    return lone_key(
        place,
        key,
        "an API key that acts as itself",
        rights,
        use_tracked_days=read.usage_days,
        unread=unread_facts(use="usage" in read.gaps),
    )


def _account(place: VendorOrganization, read: Organization, row: p.ServiceAccount, rows: list[p.ApiKey]) -> Identity:
    rules = read.rules.get(row.id, [])
    trusts = tuple(trust for trust, _ in rules)
    own = read.account_workspaces.get(row.id, [])
    workspaces = [(read.workspace(id_) or id_, role) for id_, role in own]
    admin: list[tuple[PrivilegeLevel, str]]
    admin = [("admin", f"{trust.evidence}, and gives {ORG_ADMIN}") for trust, scopes in rules if ORG_ADMIN in scopes]
    is_listed = row.id in read.accounts
    return account(
        place,
        "service_account",
        (row.id, row.name),
        [_key(read, key) for key in rows],
        _rights(row.organization_role, workspaces, admin, _reach(place, own, rows)),
        use_tracked_days=None if trusts or "federation" in read.gaps else read.usage_days,
        description=row.description,
        enabled=None if not is_listed else row.archived_at is None,
        created_at=moment(row.created_at),
        created_by=read.who(row.created_by_actor_id),
        attributes={"organization_role": row.organization_role, "workspaces": sorted(name for name, _ in workspaces)},
        signals=(Signal(says="machine", sort="provider", evidence="a service account of Anthropic"),),
        trusts=trusts,
        links=links_of(trusts, "its federation rule accepts"),
        unread=unread_facts(
            credentials="api_keys" in read.gaps,
            permissions=not is_listed or "service_accounts" in read.gaps,
            trusts="federation" in read.gaps,
            use="usage" in read.gaps,
        ),
    )


def _user(place: VendorOrganization, read: Organization, row: Member, rows: list[p.ApiKey]) -> Identity:
    own = read.members.get(row.id, [])
    workspaces = [(read.workspace(id_) or id_, role) for id_, role in own]
    roles = read.roles.get(row.id, [])
    high: list[tuple[PrivilegeLevel, str]]
    high = [
        ("high", f"the role {grant.name} allows {action}")
        for grant, actions in roles
        for action in actions
        if action.startswith(_MANAGES)
    ]
    rights = _rights(row.role, workspaces, high, _reach(place, own, rows))
    return person(
        place,
        row,
        [_key(read, key) for key in rows],
        replace(rights, grants=tuple(dict.fromkeys((*rights.grants, *(grant for grant, _ in roles))))),
        use_tracked_days=read.usage_days,
        unread=unread_facts(
            credentials="api_keys" in read.gaps,
            permissions=bool(read.gaps & {"users", "workspaces", "rbac"}),
            use="usage" in read.gaps,
        ),
    )


def _rights(
    role: str | None,
    workspaces: Sequence[tuple[str, str]],
    more: Iterable[tuple[PrivilegeLevel, str]],
    reach: tuple[Way, ...],
) -> Rights:
    """The rights by a role in the organization and roles in workspaces. ``more``: further levels and their reasons."""
    places = [(role or "", "organization", "the organization")]
    places += [(here, name, f"the workspace {name}") for name, here in workspaces]
    levels = [(_LEVELS.get(held, "normal"), f"{held} of {where}") for held, _, where in places if held]
    return Rights(
        privilege=highest([*levels, *more]),
        grants=tuple(
            Grant(name=held, via="direct", resource=where) for at, (held, where, _) in enumerate(places) if held or at
        ),
        consequences=_uses_models("a member of workspaces"),
        reach=reach,
    )


def _reach(place: VendorOrganization, roles: Iterable[tuple[str, str]], keys: Iterable[p.ApiKey]) -> tuple[Way, ...]:
    """Workspaces whose agents it may change, and so act as: by a role, or by a key of the workspace."""
    by_role = {id_: f"{role} may change agents of the workspace" for id_, role in roles if role in _BUILDERS}
    of_keys = ((one.scope.workspace_id if one.scope else one.workspace_id, one) for one in keys)
    by_key = {id_: f"its key {shown(one)} may change agents of the workspace" for id_, one in of_keys if id_}
    return tuple(
        Way(kind="take_over", on=(place.key(f"workspaces/{id_}"),), by=by)
        for id_, by in sorted({**by_role, **by_key}.items())
    )


def _uses_models(by: str) -> tuple[Consequence, ...]:
    return (Consequence(kind="invoke_models", actions=("messages",), by=by),)
