"""Finds out what belongs together in one namespace: which role an entity or a token comes from.

A token belongs to the role it was logged in with, else to its entity, else it is an identity of its own. The entity
that the server makes by itself on a role's first login is that role under another name, and is folded into it. A
role_id is not needed for any of it: aliases and tokens carry the role's name in their metadata.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.vault.methods import METHODS, TOKEN_MOUNTS
from connectors.vault.parse_login import LoginRole
from connectors.vault.payloads import AuthMount, Entity, EntityAlias, Group, Token
from connectors.vault.privilege import PolicyBook
from scanner.model import Credential

_MADE_BY_SERVER = re.compile(r"entity_[0-9a-f]+(\.\w+)?")


@dataclass(kw_only=True)
class Found:
    """One namespace's answers. ``half_read``: ids of entities of which only name and aliases are known.

    ``secret_ids_unread``: keys of roles of which some secret-ids could not be read. ``engines_unread``,
    ``entities_unread``, ``tokens_unread``: these listings are incomplete.
    """

    book: PolicyBook
    auth_mounts: Mapping[str, AuthMount] = field(default_factory=dict)
    roles: list[LoginRole] = field(default_factory=list)
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
    """Who is whose. ``folded``: roles by the id of the entity that is nothing but them.

    ``half_read_on``: mounts through which entities log in whose role nobody knows.
    """

    def __init__(self, found: Found) -> None:
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
        """The mount whose login made the token; None for one that another token made."""
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
        if len(roles) == len(aliases) == 1 and roles[0].method.one_to_one and _MADE_BY_SERVER.fullmatch(entity.name):
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
        if mount is not None and method is not None and method.alias_is_role:
            return self._roles.get((mount, alias.name))
        return self._role(mount, alias.metadata)

    def _role(self, mount: str | None, metadata: Mapping[str, Any] | None) -> LoginRole | None:
        """The role of a mount that the metadata of a login names."""
        method = METHODS.get(self._mounts[mount].type) if mount else None
        if mount is None or method is None:
            return None
        return self._roles.get((mount, str((metadata or {}).get(method.login_field))))
