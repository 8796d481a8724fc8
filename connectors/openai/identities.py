"""Service accounts, users and keys as identities (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
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
    latest,
    lone_key,
    moment,
    person,
)
from connectors.core.reading import shown, unread_facts
from connectors.federation import links_of
from connectors.openai import payloads as p
from connectors.openai.rights import OF_A_PROJECT, rights_of
from scanner.model import Identity, Privilege, Signal, Trust, Way
from scanner.model.attributes import FORMER_MEMBER

KEPT_DAYS = 365
"""OpenAI keeps a key's last use without an end that it names; a year is what is relied on."""


class OpenAiAccount(Struct, frozen=True, kw_only=True):
    """A service account, as its project or one of its keys names it."""

    id: str
    project: p.Project
    name: str | None = None
    role: str | None = None
    created_at: datetime | None = None


class OpenAiOrganization(Struct, kw_only=True):
    """An organization. ``created``: the creator of a key or account, by its id; ``roles``: by the id of their holder.

    ``allowed``: models and tools of projects, by their id. ``gaps``: sections that were not read in full.
    """

    created: Mapping[str, str] = {}
    used: Mapping[str, Used] = {}
    users: Mapping[str, Member] = {}
    accounts: Mapping[str, OpenAiAccount] = {}
    keys: tuple[tuple[p.Project, p.ProjectKey], ...] = ()
    admin_keys: tuple[p.AdminKey, ...] = ()
    roles: Mapping[str, list[tuple[p.Role, str]]] = {}
    allowed: Mapping[str, Mapping[str, Any]] = {}
    trusts: Mapping[str, list[Trust]] = {}
    gaps: frozenset[str] = frozenset()

    @property
    def holders(self) -> dict[str, Member]:
        """The users who hold a key, by id, as far as they are known."""
        found: dict[str, Member] = {}
        for _, row in self.keys:
            user = row.owner.user if row.owner else None
            if user is not None and user.id:
                found[user.id] = self.users.get(user.id) or Member(id=user.id, name=user.name, email=user.email)
        for key in self.admin_keys:
            owner = key.owner
            if owner is not None and owner.id and owner.id not in found and owner.type != "service_account":
                found[owner.id] = self.users.get(owner.id) or Member(id=owner.id, name=owner.name)
        return found

    @property
    def all_accounts(self) -> dict[str, OpenAiAccount]:
        """The listed ones, and those that only keys name."""
        found = dict(self.accounts)
        for project, row in self.keys:
            named = row.owner.service_account if row.owner else None
            if named is not None and named.id and named.id not in found:
                found[named.id] = OpenAiAccount(
                    id=named.id, project=project, name=named.name, role=named.role, created_at=moment(named.created_at)
                )
        return found


def identities(place: VendorOrganization, read: OpenAiOrganization) -> Iterator[Identity]:
    """Service accounts, users who hold keys, and keys that no one is said to own."""
    accounts, holders = read.all_accounts, read.holders
    held: defaultdict[str, list[Key]] = defaultdict(list)
    admins: defaultdict[str, list[str]] = defaultdict(list)
    for project, row in read.keys:
        named = None if row.owner is None else row.owner.service_account or row.owner.user
        held[(named and named.id) or ""].append(_key(read, row, project))
    for admin_key in read.admin_keys:
        owner = admin_key.owner.id if admin_key.owner else None
        owner = owner if owner in accounts or owner in holders else None
        held[owner or ""].append(_key(read, admin_key, None))
        admins[owner or admin_key.id].append(f"the admin key {shown(admin_key)}")
    for id_, found in sorted(accounts.items()):
        yield _account(place, read, found, held.pop(id_, []), admins[id_])
    for id_, user in sorted(holders.items()):
        yield _user(place, read, user, held.pop(id_, []), admins[id_])
    unknown = Privilege(level="unknown", evidence=("the API does not name the owner of the key",))
    for key in (key for keys in held.values() for key in keys):
        privilege = rights_of((), owns=admins[key.id]).privilege
        rights = Rights(privilege=privilege if privilege.level == "admin" else unknown, reach=_reach(place, (key,)))
        yield lone_key(place, key, "an API key without an owner", rights, use_tracked_days=KEPT_DAYS)


def _key(read: OpenAiOrganization, row: p.ProjectKey | p.AdminKey, project: p.Project | None) -> Key:
    used = read.used.get(row.id)
    facts: dict[str, Any] = {"type": "admin" if project is None else "project"}
    if project is not None:
        facts |= {"project": shown(project), "project_id": project.id}
    if isinstance(row, p.ProjectKey):
        facts["owner_project_access"] = row.owner_project_access
        user = row.owner.user if row.owner else None
        if user is not None and user.id and read.users and "users" not in read.gaps and user.id not in read.users:
            facts[FORMER_MEMBER] = user.email or user.id
    if used is not None:
        facts["model_requests"] = used.requests
    return Key(
        id=row.id,
        name=row.name or "",
        enabled=False if project is not None and project.is_archived else None,
        created_at=moment(row.created_at),
        created_by=read.created.get(row.id),
        expires_at=moment(row.expires_at),
        never_expires=row.expires_at is None,
        last_used_at=latest(moment(row.last_used_at), used.last if used else None),
        attributes=facts,
    )


def _account(
    place: VendorOrganization, read: OpenAiOrganization, row: OpenAiAccount, keys: list[Key], admin: list[str]
) -> Identity:
    project, trusts = row.project, tuple(read.trusts.get(row.id, ()))
    rights = rights_of(read.roles.get(row.id, ()), project=shown(project), project_role=row.role, owns=admin)
    acts_by_keys = not trusts and not read.gaps & {"workload_identity", "api_keys"}
    return account(
        place,
        "service_account",
        (row.id, row.name),
        keys,
        replace(rights, reach=_reach(place, keys, row)),
        use_tracked_days=KEPT_DAYS if acts_by_keys else None,
        enabled=False if project.is_archived else None,
        created_at=row.created_at,
        created_by=read.created.get(row.id),
        attributes={
            "project": shown(project),
            "project_id": project.id,
            "role": row.role,
            **read.allowed.get(project.id, {}),
        },
        signals=(Signal(says="machine", sort="provider", evidence="a service account of OpenAI"),),
        trusts=trusts,
        links=links_of(trusts, "its federation rule accepts"),
        unread=unread_facts(
            credentials=bool(read.gaps & {"api_keys", "admin_api_keys"}),
            permissions="roles" in read.gaps,
            trusts="workload_identity" in read.gaps,
            use="api_keys" in read.gaps,
        ),
    )


def _user(
    place: VendorOrganization, read: OpenAiOrganization, user: Member, keys: list[Key], admin: list[str]
) -> Identity:
    owner = ("owner of the organization",) if user.role == "owner" else ()
    rights = rights_of(read.roles.get(user.id, ()), owns=(*owner, *admin))
    return person(
        place,
        user,
        keys,
        replace(rights, reach=_reach(place, keys)),
        use_tracked_days=None if "api_keys" in read.gaps else KEPT_DAYS,
        unread=unread_facts(
            credentials=bool(read.gaps & {"api_keys", "admin_api_keys"}),
            permissions=bool(read.gaps & {"roles", "users"}),
        ),
    )


def _reach(place: VendorOrganization, keys: Iterable[Key], row: OpenAiAccount | None = None) -> tuple[Way, ...]:
    """Projects with agents that it may change, and so become, unless its key is restricted, which is not listed."""
    by = {key.attributes["project_id"]: f"its key {shown(key)}" for key in keys if "project_id" in key.attributes}
    if row is not None and row.role in OF_A_PROJECT:
        by.setdefault(row.project.id, f"{row.role} of the project")
    return tuple(
        Way(
            kind="take_over",
            on=(place.key(f"projects/{id_}"),),
            by=f"{how} may change agents, unless it is restricted",
            conditional=True,
        )
        for id_, how in sorted(by.items())
    )
