"""The identities of one namespace, from its roles, entities and tokens (pure).

A token belongs to the role that it was issued through, else to its entity; otherwise it is an identity of its own. The
entity that the server creates on a role's first login is merged into that role. No role_id is needed for this:
aliases and tokens have the role's name in their metadata.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from connectors.core.contract import Scope
from connectors.core.reading import unread_facts
from connectors.federation import links_of
from connectors.vault.client.payloads import (
    AuthMount,
    Entity,
    EntityAlias,
    Group,
    KubernetesConfig,
    Token,
    moment,
    simple_strings,
)
from connectors.vault.logins import LoginRole, created_at, parse_token
from connectors.vault.methods import INTERACTIVE_MOUNTS, MACHINE_MOUNTS, METHODS, TOKEN_MOUNTS
from connectors.vault.rights.consequences import consequences_of
from connectors.vault.rights.methods import POLICIES, VaultMethodServer
from connectors.vault.rights.privilege import PolicyBook
from connectors.vault.rights.trusts import trusts_of
from scanner.model import (
    POWERFUL,
    Consequence,
    Credential,
    Grant,
    Identity,
    Link,
    Privilege,
    Signal,
    Way,
    with_administration,
)

_INTERNAL = "internal"
_MADE_BY_SERVER = re.compile(r"entity_[0-9a-f]+(\.\w+)?")


@dataclass(kw_only=True)
class NamespaceFacts:
    """The facts about one namespace. ``half_read``: ids of entities with only name and aliases.

    ``secret_ids_unread``: keys of roles with unread secret-ids. ``engines_unread``, ``entities_unread``,
    ``tokens_unread``: whether these listings are incomplete. ``issuers``: of tokens, by JWT mount, as far as they were
    read.
    """

    book: PolicyBook
    auth_mounts: Mapping[str, AuthMount] = field(default_factory=dict)
    roles: list[LoginRole] = field(default_factory=list)
    issuers: Mapping[str, str | None] = field(default_factory=dict)
    clusters: Mapping[str, KubernetesConfig] = field(default_factory=dict)
    secret_ids: Mapping[str, list[Credential]] = field(default_factory=dict)
    secret_ids_unread: set[str] = field(default_factory=set)
    tokens: list[Token] = field(default_factory=list)
    own_accessor: str | None = None
    entities: list[Entity] = field(default_factory=list)
    half_read: set[str] = field(default_factory=set)
    groups: Mapping[str, Group] = field(default_factory=dict)
    engines_unread: bool = False
    entities_unread: bool = False
    tokens_unread: bool = False


class Joined:
    """Entities and tokens by the role that they belong to.

    ``folded``: roles by the id of the entity that is merged into them. ``half_read_on``: login mounts of entities with
    only name and aliases, whose roles are unknown.
    """

    def __init__(self, found: NamespaceFacts) -> None:
        self._mounts = found.auth_mounts
        self._mount_of = {row.accessor: mount for mount, row in found.auth_mounts.items() if row.accessor}
        self._roles = {(role.mount, role.name): role for role in found.roles}
        self.folded: dict[str, LoginRole] = {}
        self.entities_of: defaultdict[str, list[Entity]] = defaultdict(list)
        self.tokens_of: defaultdict[str, list[Token]] = defaultdict(list)
        self.tokens_by_entity: defaultdict[str, list[Token]] = defaultdict(list)
        self.bare: list[Token] = []
        self.half_read_on = {
            self._mount_of.get(alias.mount_accessor)
            for entity in found.entities
            if entity.id in found.half_read
            for alias in entity.aliases or ()
        }
        for entity in sorted(found.entities, key=lambda entity: entity.name):
            self._place_entity(entity)
        known = {entity.id for entity in found.entities}
        for token in sorted(found.tokens, key=lambda token: token.accessor):
            self._place_token(token, known)

    def login_mount(self, token: Token) -> str | None:
        """The mount through which the token was issued; None if another token created it."""
        mounts = (
            mount
            for mount, row in self._mounts.items()
            if row.type not in TOKEN_MOUNTS and token.path.startswith(f"auth/{mount}/")
        )
        return max(mounts, key=len, default=None)

    def _place_entity(self, entity: Entity) -> None:
        aliases = entity.aliases or []
        roles = [role for alias in aliases if (role := self._role_of_alias(alias)) is not None]
        for role in roles:
            self.entities_of[role.key].append(entity)
        if (
            len(roles) == len(aliases) == 1
            and roles[0].method.login.one_to_one
            and _MADE_BY_SERVER.fullmatch(entity.name)
        ):
            self.folded[entity.id] = roles[0]

    def _place_token(self, token: Token, known_entities: set[str]) -> None:
        role = self._role(self.login_mount(token), token.meta) or self.folded.get(token.entity_id)
        if role is not None:
            self.tokens_of[role.key].append(token)
        elif token.entity_id in known_entities:
            self.tokens_by_entity[token.entity_id].append(token)
        else:
            self.bare.append(token)

    def _role_of_alias(self, alias: EntityAlias) -> LoginRole | None:
        mount = self._mount_of.get(alias.mount_accessor)
        method = METHODS.get(self._mounts[mount].type) if mount else None
        if mount is not None and method is not None and method.login.alias_is_role:
            return self._roles.get((mount, alias.name))
        return self._role(mount, alias.metadata)

    def _role(self, mount: str | None, metadata: Mapping[str, Any] | None) -> LoginRole | None:
        """The role that a login's metadata names, on this mount."""
        method = METHODS.get(self._mounts[mount].type) if mount else None
        if mount is None or method is None:
            return None
        return self._roles.get((mount, str((metadata or {}).get(method.login.field))))


# --- Identities from roles, entities and tokens ---


def parse_identities(scope: Scope, found: NamespaceFacts) -> Iterator[Identity]:
    """The namespace's identities: roles, then entities, then tokens that belong to neither, each group sorted."""
    builder = _Builder(scope, found)
    standing = (entity for entity in found.entities if entity.id not in builder.joined.folded)
    made = [
        *(builder.of_role(role) for role in sorted(found.roles, key=lambda role: role.key)),
        *(builder.of_entity(entity) for entity in sorted(standing, key=lambda entity: entity.name)),
        *(builder.of_token(token) for token in builder.joined.bare),
    ]
    yield from _with_rewritten(made, builder.book)


def _with_rewritten(identities: Sequence[Identity], book: PolicyBook) -> Iterator[Identity]:
    """Add to each identity whom it makes an admin by rewriting a policy that they hold, and it does not."""
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for identity in identities:
        for name in dict.fromkeys(grant.name for grant in identity.grants):
            holders[name].append(identity.key)
    made: dict[str, Way] = {}
    for identity in identities:
        written: tuple[str, ...] = ()
        if identity.privilege.level not in POWERFUL:
            written = book.policies_written((grant.name for grant in identity.grants), holders.keys())
        for name in written:
            if name not in made:
                by = f"rewriting the policy {name}: update on {POLICIES[0]}{name}"
                made[name] = Way(kind="make_admin", on=tuple(holders[name]), by=by)
        yield replace(identity, reach=(*identity.reach, *(made[name] for name in written))) if written else identity


class _Permissions(Struct, frozen=True, kw_only=True):
    """Sorted grants, and the ``fields`` of their identity: these, their privilege, consequences and ways.

    ``is_whole``: nothing that could add to them is unread.
    """

    grants: tuple[Grant, ...]
    fields: Mapping[str, Any]
    is_whole: bool


class _Builder:
    def __init__(self, scope: Scope, found: NamespaceFacts) -> None:
        self._scope = scope
        self._found = found
        self._identity = partial(Identity, provider=scope.spec.name, source=scope.source, scope=scope.id)
        self.joined = Joined(found)
        self.book = found.book.on(self._server())
        self._allowed: dict[frozenset[str], tuple[Consequence, ...]] = {}
        self._has_stray_tokens = any(token.entity_id for token in self.joined.bare) or any(
            self.joined.tokens_by_entity.get(id_) for id_ in found.half_read
        )
        """Whether there are tokens of unread entities, which might be merged into a role."""

    def of_role(self, role: LoginRole) -> Identity:
        entities = self.joined.entities_of[role.key]
        folded = [entity for entity in entities if entity.id in self.joined.folded]
        tokens = self.joined.tokens_of[role.key]
        secret_ids = self._found.secret_ids.get(role.key, [])
        logins_unread = self._found.tokens_unread or role.key in self._found.secret_ids_unread
        grants = [Grant(name=name, via="direct") for name in role.policies]
        blind = [] if role.is_read else ["its details could not be read"]
        if role.method.login.one_to_one:  # elsewhere each workload has an entity, and policies, of its own
            grants += [
                grant
                for entity in entities
                for grant in self._entity_grants(entity, "entity" if entity in folded else f"entity:{entity.name}")
            ]
            blind += self._blind_to_groups(entities)
            if self._found.entities_unread or role.mount in self.joined.half_read_on:
                blind.append("the entities could not all be read")
                logins_unread |= self._has_stray_tokens
        path = f"auth/{role.mount}/{role.method.login.folder}/{role.name}"
        own = [path, f"{path}/policies", *(_entity_paths(entities) if role.method.login.one_to_one else ())]
        held = self._permissions(grants, tokens, blind, own=own)
        trusts = trusts_of(role, self._found.issuers, self._found.clusters)
        return self._identity(
            key=role.key,
            kind=role.method.kind,
            name=role.name,
            aliases=tuple(sorted(entity.id for entity in folded)),
            enabled=not any(entity.disabled for entity in folded),
            last_used_at=_latest([*self._signs_of_life(tokens), *(one.last_used_at for one in secret_ids)]),
            attributes={
                "mount": role.mount,
                "mount_accessor": self._found.auth_mounts[role.mount].accessor,
                "path": path,
                **role.attributes,
                **self._dangling(held.grants),
            },
            signals=role.signals,
            credentials=self._credentials(role.key, secret_ids, tokens),
            **held.fields,
            links=(
                *(
                    Link(
                        relation="acts_as",
                        target=self._entity_key(entity),
                        evidence=f"logins through {role.mount} lead to the entity {entity.name}",
                    )
                    for entity in entities
                    if entity not in folded
                ),
                *links_of(trusts or (), "it accepts tokens of"),
            ),
            trusts=trusts or (),
            unread=unread_facts(
                credentials=logins_unread, permissions=not held.is_whole, trusts=trusts is None, use=logins_unread
            ),
        )

    def of_entity(self, entity: Entity) -> Identity:
        key = self._entity_key(entity)
        tokens = self.joined.tokens_by_entity[entity.id]
        groups = self._groups(entity)
        aliases = entity.aliases or []
        is_half_read = entity.id in self._found.half_read
        blind = ["its details could not be read"] if is_half_read else self._blind_to_groups([entity])
        held = self._permissions(self._entity_grants(entity, "direct"), tokens, blind, own=_entity_paths([entity]))
        return self._identity(
            key=key,
            kind="entity",
            name=entity.name,
            unique_id=entity.id,
            aliases=tuple(sorted({alias.name for alias in aliases if alias.name and alias.mount_type != "approle"})),
            enabled=None if is_half_read else not entity.disabled,
            created_at=moment(entity.creation_time),
            last_used_at=_latest(self._signs_of_life(tokens)),
            tags=simple_strings(entity.metadata),
            attributes={
                "path": f"identity/entity/id/{entity.id}",
                "groups": [group.name for group in groups],
                "logins": sorted({f"{alias.mount_type} on {alias.mount_path}" for alias in aliases}),
                **self._dangling(held.grants),
            },
            signals=tuple(
                _signal(mount_type)
                for mount_type in sorted(
                    {alias.mount_type for alias in aliases} & (INTERACTIVE_MOUNTS | MACHINE_MOUNTS)
                )
            ),
            credentials=self._credentials(key, [], tokens),
            **held.fields,
            links=tuple(
                Link(
                    relation="member_of",
                    target=f"vault://{self._scope.id}/identity/group/{group.name}",
                    evidence=f"member of the group {group.name}",
                )
                for group in groups
            ),
            unread=unread_facts(
                credentials=self._found.tokens_unread,
                permissions=not held.is_whole,
                tags=is_half_read,
                use=self._found.tokens_unread,
            ),
        )

    def of_token(self, token: Token) -> Identity:
        key = f"vault://{self._scope.id}/auth/token/accessor/{token.accessor}"
        direct = [Grant(name=name, via="direct") for name in token.policies or ()]
        blind = ["its entity could not be read"] if token.entity_id else []
        own = [f"identity/entity/id/{token.entity_id}"] if token.entity_id else []
        held = self._permissions(direct, [], blind, own=own, has_entity=bool(token.entity_id))
        return self._identity(
            key=key,
            kind="token",
            name=token.accessor,
            display_name=token.display_name or None,
            unique_id=token.accessor,
            enabled=True,
            created_at=created_at(token),
            last_used_at=_latest(self._signs_of_life([token])),
            tags=simple_strings(token.meta),
            attributes={
                "mount": "token",
                "path": token.path,
                **({"own_token": True} if token.accessor == self._found.own_accessor else {}),
                **self._dangling(held.grants),
            },
            credentials=self._credentials(key, [], [token]),
            **held.fields,
            unread=unread_facts(permissions=not held.is_whole),
        )

    def _server(self) -> VaultMethodServer:
        folded = self.joined.folded
        return VaultMethodServer(
            mounts={mount.rstrip("/"): row.type for mount, row in self._found.auth_mounts.items()},
            groups=frozenset(group.id for group in self._found.groups.values() if group.type == _INTERNAL),
            entities={
                one.id: folded[one.id].key if one.id in folded else self._entity_key(one)
                for one in self._found.entities
            },
            prefix=f"vault://{self._scope.id}/",
        )

    def _entity_key(self, entity: Entity) -> str:
        return f"vault://{self._scope.id}/identity/entity/{entity.name}"

    def _credentials(
        self, key: str, secret_ids: Iterable[Credential], tokens: Iterable[Token]
    ) -> tuple[Credential, ...]:
        own = self._found.own_accessor
        parsed = [parse_token(key, token, is_own=token.accessor == own) for token in tokens]
        return tuple(sorted([*secret_ids, *parsed], key=lambda one: one.key))

    def _entity_grants(self, entity: Entity, via: str) -> list[Grant]:
        direct = [Grant(name=name, via=via) for name in entity.policies or ()]
        groups = self._groups(entity)
        return direct + [
            Grant(name=name, via=f"group:{group.name}") for group in groups for name in group.policies or ()
        ]

    def _groups(self, entity: Entity) -> list[Group]:
        known = (self._found.groups.get(id_) for id_ in _group_ids(entity))
        return sorted((group for group in known if group is not None), key=lambda group: group.name)

    def _blind_to_groups(self, entities: Iterable[Entity]) -> list[str]:
        group_ids = {id_ for entity in entities for id_ in _group_ids(entity)}
        return [f"group {id_} could not be read" for id_ in sorted(group_ids - self._found.groups.keys())]

    def _permissions(
        self,
        grants: Iterable[Grant],
        tokens: Iterable[Token],
        blind: Iterable[str],
        *,
        own: Collection[str],
        has_entity: bool = True,
    ) -> _Permissions:
        """The permissions of these grants. ``blind``: reasons why further grants may be unknown.

        A live token keeps the policies that it was issued with, even if its role changes. ``own``, ``has_entity``: see
        ``PolicyBook.privilege``.
        """
        book = self.book
        named = {grant.name for grant in grants}
        kept = {name for token in tokens for name in token.policies or ()} - named
        everything = {*grants, *(Grant(name=name, via="token") for name in kept)}
        unread = [*blind, *(["the secrets engines could not all be listed"] if self._found.engines_unread else [])]
        privilege = book.privilege(named | kept, unread, has_entity=has_entity, own=own)
        given = tuple(
            Grant(name=grant.name, via=grant.via, admin=book.is_admin(grant.name))
            for grant in sorted(everything, key=lambda grant: (grant.name, grant.via))
        )
        fields = {
            "grants": given,
            "privilege": privilege,
            "consequences": self._consequences(frozenset(named | kept), privilege),
            "reach": () if privilege.level in POWERFUL else book.ways(named | kept),
        }
        return _Permissions(grants=given, fields=fields, is_whole=not (unread or book.unread(named | kept)))

    def _consequences(self, names: frozenset[str], privilege: Privilege) -> tuple[Consequence, ...]:
        """The consequences of a set of policies, computed once for equal sets."""
        if names not in self._allowed:
            book = self.book
            found = consequences_of(book.rules(names), book.secret_paths, f"vault://{self._scope.id}/")
            self._allowed[names] = tuple(found)
        return with_administration(privilege, self._allowed[names])

    def _dangling(self, grants: Iterable[Grant]) -> dict[str, list[str]]:
        missing = self.book.dangling(grant.name for grant in grants)
        return {"dangling_policies": missing} if missing else {}

    def _signs_of_life(self, tokens: Iterable[Token]) -> Iterator[datetime | None]:
        """The renewals of tokens, and the issue of tokens from logins, as times."""
        for token in tokens:
            yield moment(token.last_renewal)
            if self.joined.login_mount(token) is not None:
                yield created_at(token)


def _entity_paths(entities: Iterable[Entity]) -> list[str]:
    return [f"identity/entity/{name}" for one in entities for name in (f"id/{one.id}", f"name/{one.name}")]


def _group_ids(entity: Entity) -> list[str]:
    return sorted({*(entity.direct_group_ids or ()), *(entity.inherited_group_ids or ())})


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((one for one in moments if one is not None), default=None)


def _signal(mount_type: str) -> Signal:
    evidence = f"logs in through {mount_type}"
    if mount_type in INTERACTIVE_MOUNTS:
        return Signal(says="human", sort="provider", evidence=evidence, strength="weak")
    return Signal(says="machine", sort="provider", evidence=evidence)
