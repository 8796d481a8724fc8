"""What both vendors' identities have in common: their organization, keys, rights, accounts and users (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from connectors.core.contract import Scope
from scanner.model import (
    PRIVILEGES,
    Consequence,
    Credential,
    Fact,
    Grant,
    Identity,
    Privilege,
    PrivilegeLevel,
    Signal,
    Way,
    credential_key,
)

REASONS = 5
"""Maximum number of reasons for a privilege, and of actions of a consequence."""
Time: TypeAlias = str | int | float | None
"""A time in a row: seconds since 1970, or RFC 3339."""


def moment(when: Time) -> datetime | None:
    """The time in UTC; None if it is missing or invalid."""
    try:
        if isinstance(when, str):
            found = msgspec.convert(when, datetime, strict=False)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        return None if when is None or when <= 0 else datetime.fromtimestamp(when, UTC)
    except (msgspec.ValidationError, ValueError, OverflowError, OSError):
        return None


def latest(*times: datetime | None) -> datetime | None:
    """The latest known time."""
    return max((time for time in times if time is not None), default=None)


def host_of(url: str | None) -> str | None:
    """Only the host of an address: path and query may contain a token."""
    try:
        parts = urlsplit(url or "")
        return None if parts.hostname is None else parts.hostname.lower()
    except ValueError:
        return None


class VendorOrganization(Struct, frozen=True):
    """An organization and its scope, which all of its records have in common."""

    scope: Scope

    def key(self, below: str) -> str:
        """The key of a record. ``below``: kind and id."""
        return f"{self.scope.spec.name}:{below}"

    def facts(self, kind: str, id_: str, name: str | None) -> dict[str, Any]:
        """The fields that all identities have in common."""
        shown = (name or "").strip() or id_
        return {**self.of(f"{kind}s/{id_}", shown), "kind": kind, "unique_id": id_, "aliases": (id_,)}

    def of(self, below: str, name: str) -> dict[str, Any]:
        """The fields that all records have in common."""
        scope = self.scope
        return {
            "key": self.key(below),
            "provider": scope.spec.name,
            "source": scope.source,
            "scope": scope.id,
            "name": name,
        }


class Used(Struct):
    """The usage of a key or an agent."""

    requests: int = 0
    last: datetime | None = None

    def add(self, requests: int, day: Time) -> None:
        """Count the requests of a day."""
        self.requests += requests
        self.last = latest(self.last, moment(day))


class Key(Struct, frozen=True, kw_only=True):
    """An API key as both vendors list it. ``last_used_at``: in listings, usage reports and audit logs."""

    id: str
    name: str = ""
    enabled: bool | None = None
    created_at: datetime | None = None
    created_by: str | None = None
    expires_at: datetime | None = None
    never_expires: bool = False
    last_used_at: datetime | None = None
    attributes: Mapping[str, Any] = {}

    def of(self, identity: str) -> Credential:
        """The key as a credential of an identity."""
        by = {"created_by": self.created_by} if self.created_by else {}
        named = {"name": self.name} if self.name else {}
        return Credential(
            key=credential_key(identity, "api_key", self.id),
            kind="api_key",
            id=self.id,
            enabled=self.enabled,
            created_at=self.created_at,
            expires_at=self.expires_at,
            never_expires=self.never_expires,
            last_used_at=self.last_used_at,
            attributes={**named, **by, **self.attributes},
        )


class Rights(Struct, frozen=True, kw_only=True):
    """The rights of an identity. ``consequences``: None if unknown. ``reach``: whom it can become."""

    privilege: Privilege
    grants: tuple[Grant, ...] = ()
    consequences: tuple[Consequence, ...] | None = None
    reach: tuple[Way, ...] = ()


def highest(levels: list[tuple[PrivilegeLevel, str]]) -> Privilege:
    """The highest of these levels, with its reasons."""
    level: PrivilegeLevel = min((level for level, _ in levels), key=PRIVILEGES.index, default="normal")
    reasons = tuple(dict.fromkeys(why for each, why in levels if each == level))
    return Privilege(level=level, evidence=reasons[:REASONS] or ("no role is listed",))


def account(
    place: VendorOrganization, kind: str, named: tuple[str, str | None], keys: Iterable[Key], rights: Rights,
    **more: Any,
) -> Identity:  # fmt: skip
    """A service account or user. ``named``: its id and name. ``more``: further fields, among them ``unread``.

    A privilege that would be normal is unknown if not all rights were read.
    """
    facts, privilege = place.facts(kind, *named), rights.privilege
    unread: tuple[Fact, ...] = more.get("unread", ())
    if "permissions" in unread and privilege.level == "normal":
        privilege = Privilege(level="unknown", evidence=("not all of its roles were read",))
    held = {credential.key: credential for credential in (key.of(facts["key"]) for key in keys)}
    return Identity(
        **{
            **facts,
            "credentials": tuple(held.values()),
            "last_used_at": latest(*(credential.last_used_at for credential in held.values())),
            "privilege": privilege,
            "grants": rights.grants,
            "consequences": rights.consequences,
            "reach": rights.reach,
            **more,
        }
    )


class Member(Struct, frozen=True, kw_only=True):
    """A member of the organization, as both vendors list users."""

    id: str
    name: str | None = None
    email: str | None = None
    role: str | None = None
    is_service_account: bool | None = None


def person(place: VendorOrganization, user: Member, keys: Iterable[Key], rights: Rights, **more: Any) -> Identity:
    """A user. ``more``: see ``account``."""
    return account(
        place,
        "user",
        (user.id, user.email or user.name),
        keys,
        rights,
        aliases=tuple(dict.fromkeys((user.id, *([user.email] if user.email else [])))),
        display_name=user.name,
        attributes={"role": user.role, "email": user.email},
        signals=(
            Signal(
                says="machine" if user.is_service_account else "human",
                sort="provider",
                evidence="a user of the organization",
            ),
        ),
        **more,
    )


def lone_key(place: VendorOrganization, key: Key, evidence: str, rights: Rights, **more: Any) -> Identity:
    """A key that belongs to no account or user. ``evidence``: that it is a machine's. ``more``: further fields."""
    facts = place.facts("api_key", key.id, key.name)
    return Identity(
        **facts,
        enabled=key.enabled,
        created_at=key.created_at,
        created_by=key.created_by,
        last_used_at=key.last_used_at,
        attributes=dict(key.attributes),
        signals=(Signal(says="machine", sort="credential", evidence=evidence),),
        credentials=(key.of(facts["key"]),),
        privilege=rights.privilege,
        grants=rights.grants,
        consequences=rights.consequences,
        reach=rights.reach,
        **more,
    )
