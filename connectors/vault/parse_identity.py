"""Roles, entities and tokens, joined, to identities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from connectors.base import Scope
from connectors.vault.join import Found, Joined
from connectors.vault.methods import INTERACTIVE_MOUNTS, MACHINE_MOUNTS
from connectors.vault.parse_login import LoginRole
from connectors.vault.parse_token import created_at, parse_token
from connectors.vault.payloads import Entity, EntityAlias, Group, Token, moment
from connectors.vault.texts import simple_strings
from scanner.model import Credential, Grant, Identity, Link, Privilege, Signal


def parse_identities(scope: Scope, found: Found) -> Iterator[Identity]:
    """The namespace's identities: roles, then entities, then tokens that belong to neither, each sorted."""
    builder = _Builder(scope, found)
    yield from (builder.of_role(role) for role in sorted(found.roles, key=lambda role: role.key))
    standing = (entity for entity in found.entities if entity.id not in builder.joined.folded)
    yield from (builder.of_entity(entity) for entity in sorted(standing, key=lambda entity: entity.name))
    yield from (builder.of_token(token) for token in builder.joined.bare)


class _Builder:
    def __init__(self, scope: Scope, found: Found) -> None:
        self._scope = scope
        self._found = found
        self.joined = Joined(found)

    def of_role(self, role: LoginRole) -> Identity:
        entities = self.joined.entities_of[role.key]
        folded = [entity for entity in entities if entity.id in self.joined.folded]
        tokens = self.joined.tokens_of[role.key]
        secret_ids = self._found.secret_ids.get(role.key, [])
        grants = [Grant(name=name, via="direct") for name in role.policies]
        if role.method.one_to_one:
            grants += [
                grant
                for entity in entities
                for grant in self._entity_grants(entity, "entity" if entity in folded else f"entity:{entity.name}")
            ]
        unread = [] if role.is_read else ["its details could not be read"]
        unread += ["the entities could not all be read"] if self._found.entities_unread else []
        grants, privilege = self._permissions(grants, tokens, unread, entities)
        return Identity(
            **self._place(role.key, role.method.kind, role.name),
            aliases=tuple(sorted(entity.id for entity in folded)),
            enabled=not any(entity.disabled for entity in folded),
            last_used_at=_latest([*self._signs_of_life(tokens), *(one.last_used_at for one in secret_ids)]),
            attributes={
                "mount": role.mount,
                "mount_accessor": self._found.auth_mounts[role.mount].accessor,
                "path": f"auth/{role.mount}/{role.method.folder}/{role.name}",
                **role.attributes,
                **self._dangling(grants),
            },
            signals=role.signals,
            credentials=self._credentials(role.key, secret_ids, tokens),
            grants=tuple(grants),
            privilege=privilege,
            links=tuple(
                Link(
                    relation="acts_as",
                    target=self._entity_key(entity),
                    evidence=f"logins through {role.mount} lead to the entity {entity.name}",
                )
                for entity in entities
                if entity not in folded
            ),
        )

    def of_entity(self, entity: Entity) -> Identity:
        key = self._entity_key(entity)
        tokens = self.joined.tokens_by_entity[entity.id]
        groups = self._groups(entity)
        aliases = entity.aliases or []
        unread = ["its details could not be read"] if entity.id in self._found.half_read else []
        grants, privilege = self._permissions(self._entity_grants(entity, "direct"), tokens, unread, [entity])
        return Identity(
            **self._place(key, "entity", entity.name),
            unique_id=entity.id,
            aliases=tuple(sorted({alias.name for alias in aliases if alias.name and alias.mount_type != "approle"})),
            enabled=None if entity.id in self._found.half_read else not entity.disabled,
            created_at=moment(entity.creation_time),
            last_used_at=_latest(self._signs_of_life(tokens)),
            tags=simple_strings(entity.metadata),
            attributes={
                "path": f"identity/entity/id/{entity.id}",
                "groups": [group.name for group in groups],
                "logins": sorted({f"{alias.mount_type} on {alias.mount_path}" for alias in aliases}),
                **self._dangling(grants),
            },
            signals=tuple(_signal(mount_type) for mount_type in _known_mounts(aliases)),
            credentials=self._credentials(key, [], tokens),
            grants=tuple(grants),
            privilege=privilege,
            links=tuple(
                Link(
                    relation="member_of",
                    target=f"vault://{self._scope.id}/identity/group/{group.name}",
                    evidence=f"member of the group {group.name}",
                )
                for group in groups
            ),
        )

    def of_token(self, token: Token) -> Identity:
        key = f"vault://{self._scope.id}/auth/token/accessor/{token.accessor}"
        direct = [Grant(name=name, via="direct") for name in token.policies or ()]
        unread = ["its entity could not be read"] if token.entity_id else []
        grants, privilege = self._permissions(direct, [], unread, [])
        return Identity(
            **self._place(key, "token", token.accessor),
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
                **self._dangling(grants),
            },
            credentials=self._credentials(key, [], [token]),
            grants=tuple(grants),
            privilege=privilege,
        )

    def _place(self, key: str, kind: str, name: str) -> dict[str, Any]:
        scope = self._scope
        return {
            "key": key,
            "provider": scope.spec.name,
            "source": scope.source,
            "scope": scope.id,
            "kind": kind,
            "name": name,
        }

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

    def _permissions(
        self, grants: Iterable[Grant], tokens: Iterable[Token], unread: list[str], entities: Iterable[Entity]
    ) -> tuple[list[Grant], Privilege]:
        """Grants, sorted, and what they amount to.

        A live token keeps the policies it was issued with, whatever has become of its role since.
        """
        book = self._found.book
        named = {grant.name for grant in grants}
        kept = {name for token in tokens for name in token.policies or ()} - named
        everything = {*grants, *(Grant(name=name, via="token") for name in kept)}
        group_ids = {id_ for entity in entities for id_ in _group_ids(entity)}
        blind = [*unread, *(f"group {id_} could not be read" for id_ in group_ids - self._found.groups.keys())]
        if self._found.engines_unread:
            blind.append("the secrets engines could not all be listed")
        judged = [
            Grant(name=grant.name, via=grant.via, admin=book.is_admin(grant.name))
            for grant in sorted(everything, key=lambda grant: (grant.name, grant.via))
        ]
        return judged, book.privilege(named | kept, blind)

    def _dangling(self, grants: Iterable[Grant]) -> dict[str, list[str]]:
        missing = self._found.book.dangling(grant.name for grant in grants)
        return {"dangling_policies": missing} if missing else {}

    def _signs_of_life(self, tokens: Iterable[Token]) -> Iterator[datetime | None]:
        """A login made each of these tokens, and a renewal kept it."""
        for token in tokens:
            yield moment(token.last_renewal)
            if self.joined.login_mount(token) is not None:
                yield created_at(token)


def _group_ids(entity: Entity) -> list[str]:
    return sorted({*(entity.direct_group_ids or ()), *(entity.inherited_group_ids or ())})


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((one for one in moments if one is not None), default=None)


def _known_mounts(aliases: Iterable[EntityAlias]) -> list[str]:
    return sorted({alias.mount_type for alias in aliases} & (INTERACTIVE_MOUNTS | MACHINE_MOUNTS))


def _signal(mount_type: str) -> Signal:
    evidence = f"logs in through {mount_type}"
    if mount_type in INTERACTIVE_MOUNTS:
        return Signal(says="human", sort="provider", evidence=evidence, strength="weak")
    return Signal(says="machine", sort="provider", evidence=evidence)
