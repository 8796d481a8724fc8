"""Service accounts, users and keys as identities (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from connectors.core.reading import unread_facts
from connectors.federation import links_of
from connectors.openai import payloads as p
from connectors.openai import spec as s
from connectors.openai.rights import OF_A_PROJECT, rights_of
from connectors.vendors.records import Key, VendorOrganization, as_far_as_read, latest, moment
from scanner.model import Identity, Privilege, Signal, Trust, Way
from scanner.model.attributes import FORMER_MEMBER

KEPT_DAYS = 365
"""OpenAI keeps a key's last use without an end that it names; a year is what is relied on."""
_OWNER = "owner"


class Used(Struct):
    """The usage of a key."""

    requests: int = 0
    last: datetime | None = None


class Account(Struct, frozen=True, kw_only=True):
    """A service account, as its project or one of its keys names it."""

    id: str
    project: p.Project
    name: str | None = None
    role: str | None = None
    created_at: datetime | None = None


class Organization(Struct, kw_only=True):
    """An organization. ``created``: the creator of a key or account, by its id; ``roles``: by the id of their holder.

    ``allowed``: models and tools of projects, by their id. ``gaps``: sections that were not read in full.
    """

    created: Mapping[str, str] = {}
    used: Mapping[str, Used] = {}
    users: Mapping[str, p.User] = {}
    accounts: Mapping[str, Account] = {}
    keys: tuple[tuple[p.Project, p.ProjectKey], ...] = ()
    admin_keys: tuple[p.AdminKey, ...] = ()
    roles: Mapping[str, list[tuple[p.Role, str]]] = {}
    allowed: Mapping[str, Mapping[str, Any]] = {}
    trusts: Mapping[str, list[Trust]] = {}
    gaps: frozenset[str] = frozenset()

    @property
    def holders(self) -> dict[str, p.User]:
        """The users who hold a key, by id, as far as they are known."""
        found: dict[str, p.User] = {}
        for _, row in self.keys:
            user = row.owner.user if row.owner else None
            if user is not None and user.id:
                found[user.id] = self.users.get(user.id) or p.User(id=user.id, name=user.name, email=user.email)
        for one in self.admin_keys:
            owner = one.owner
            if owner is not None and owner.id and owner.id not in found and owner.type != "service_account":
                found[owner.id] = self.users.get(owner.id) or p.User(id=owner.id, name=owner.name)
        return found

    @property
    def all_accounts(self) -> dict[str, Account]:
        """The listed ones, and those that only keys name."""
        found = dict(self.accounts)
        for project, row in self.keys:
            named = row.owner.service_account if row.owner else None
            if named is not None and named.id and named.id not in found:
                found[named.id] = Account(
                    id=named.id, project=project, name=named.name, role=named.role, created_at=moment(named.created_at)
                )
        return found


def identities(place: VendorOrganization, read: Organization) -> Iterator[Identity]:
    """Service accounts, users who hold keys, and keys that no one is said to own."""
    accounts, holders = read.all_accounts, read.holders
    held: defaultdict[str, list[Key]] = defaultdict(list)
    admins: defaultdict[str, list[str]] = defaultdict(list)
    for project, row in read.keys:
        held[_owner_of(row) or ""].append(_key(read, row, project))
    for one in read.admin_keys:
        owner = one.owner.id if one.owner else None
        owner = owner if owner in accounts or owner in holders else None
        held[owner or ""].append(_key(read, one, None))
        admins[owner or one.id].append(f"the admin key {one.name or one.id}")
    for id_, account in sorted(accounts.items()):
        yield _account(place, read, account, held.pop(id_, []), admins[id_])
    for id_, user in sorted(holders.items()):
        yield _user(place, read, user, held.pop(id_, []), admins[id_])
    yield from (_ownerless(place, key, admins[key.id]) for keys in held.values() for key in keys)


def _owner_of(row: p.ProjectKey) -> str | None:
    owner = row.owner
    named = None if owner is None else owner.service_account or owner.user
    return None if named is None else named.id


def _key(read: Organization, row: p.ProjectKey | p.AdminKey, project: p.Project | None) -> Key:
    used = read.used.get(row.id)
    facts: dict[str, Any] = {"type": "admin" if project is None else "project"}
    if project is not None:
        facts |= {"project": project.name or project.id, "project_id": project.id}
    if isinstance(row, p.ProjectKey):
        facts["owner_project_access"] = row.owner_project_access
        user = row.owner.user if row.owner else None
        if user is not None and user.id and read.users and s.USERS not in read.gaps and user.id not in read.users:
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
    place: VendorOrganization, read: Organization, account: Account, keys: list[Key], admin: list[str]
) -> Identity:
    facts = place.facts(f"service_accounts/{account.id}", "service_account", account.id, account.name)
    project, trusts = account.project, tuple(read.trusts.get(account.id, ()))
    shown = project.name or project.id
    rights = rights_of(read.roles.get(account.id, ()), project=shown, project_role=account.role, owns=admin)
    no_roles = s.ROLES in read.gaps
    return Identity(
        **facts,
        **_held(read, facts["key"], keys, use_is_known=not trusts and s.FEDERATION not in read.gaps),
        enabled=False if project.is_archived else None,
        created_at=account.created_at,
        created_by=read.created.get(account.id),
        attributes={
            "project": shown,
            "project_id": project.id,
            "role": account.role,
            **read.allowed.get(project.id, {}),
        },
        signals=(Signal(says="machine", sort="provider", evidence="a service account of OpenAI"),),
        privilege=as_far_as_read(rights.privilege, unread=no_roles),
        grants=rights.grants,
        consequences=rights.consequences,
        reach=_reach(place, keys, account),
        trusts=trusts,
        links=links_of(trusts, "its federation rule accepts"),
        unread=unread_facts(
            credentials=bool(read.gaps & {s.API_KEYS, s.ADMIN_KEYS}),
            permissions=no_roles,
            trusts=s.FEDERATION in read.gaps,
            use=s.API_KEYS in read.gaps,
        ),
    )


def _user(place: VendorOrganization, read: Organization, user: p.User, keys: list[Key], admin: list[str]) -> Identity:
    facts = place.facts(f"users/{user.id}", "user", user.id, user.email or user.name)
    owner = ("owner of the organization",) if user.role == _OWNER else ()
    rights = rights_of(read.roles.get(user.id, ()), owns=(*owner, *admin))
    no_roles = bool(read.gaps & {s.ROLES, s.USERS})
    aliases = tuple(dict.fromkeys((user.id, *([user.email] if user.email else []))))
    return Identity(
        **{**facts, "aliases": aliases},
        **_held(read, facts["key"], keys, use_is_known=True),
        display_name=user.name,
        attributes={"role": user.role, "email": user.email},
        signals=(
            Signal(
                says="machine" if user.is_service_account else "human",
                sort="provider",
                evidence="a user of the organization",
            ),
        ),
        privilege=as_far_as_read(rights.privilege, unread=no_roles),
        grants=rights.grants,
        consequences=rights.consequences,
        reach=_reach(place, keys),
        unread=unread_facts(
            credentials=bool(read.gaps & {s.API_KEYS, s.ADMIN_KEYS}),
            permissions=no_roles,
        ),
    )


def _ownerless(place: VendorOrganization, key: Key, admin: Iterable[str]) -> Identity:
    facts = place.facts(f"api_keys/{key.id}", "api_key", key.id, key.name)
    rights = rights_of((), owns=tuple(admin))
    unknown = Privilege(level="unknown", evidence=("the API does not name the owner of the key",))
    return Identity(
        **facts,
        enabled=key.enabled,
        created_at=key.created_at,
        created_by=key.created_by,
        last_used_at=key.last_used_at,
        use_tracked_days=KEPT_DAYS,
        attributes=dict(key.attributes),
        signals=(Signal(says="machine", sort="credential", evidence="an API key without an owner"),),
        credentials=(key.of(facts["key"]),),
        privilege=rights.privilege if rights.privilege.level == "admin" else unknown,
        reach=_reach(place, (key,)),
    )


def _reach(place: VendorOrganization, keys: Iterable[Key], account: Account | None = None) -> tuple[Way, ...]:
    """Projects with agents that it may change, and so become, unless its key is restricted, which is not listed."""
    by = {
        one.attributes["project_id"]: f"its key {one.name or one.id}" for one in keys if "project_id" in one.attributes
    }
    if account is not None and account.role in OF_A_PROJECT:
        by.setdefault(account.project.id, f"{account.role} of the project")
    return tuple(
        Way(
            kind="take_over",
            on=(place.key(f"projects/{id_}"),),
            by=f"{how} may change agents, unless it is restricted",
            conditional=True,
        )
        for id_, how in sorted(by.items())
    )


def _held(read: Organization, key: str, keys: Iterable[Key], *, use_is_known: bool) -> dict[str, Any]:
    """The fields that follow from keys. ``use_is_known``: it acts by keys alone."""
    found = {one.key: one for one in (each.of(key) for each in keys)}
    return {
        "credentials": tuple(found.values()),
        "last_used_at": latest(*(one.last_used_at for one in found.values())),
        "use_tracked_days": KEPT_DAYS if use_is_known and s.API_KEYS not in read.gaps else None,
    }
