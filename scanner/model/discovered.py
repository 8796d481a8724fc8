"""What connectors find: identities with what they hold, stored secrets, and how completely each place was read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from scanner.model.reach import REACH_NAMES, Way, reach_in, reach_published
from scanner.model.rights import UNKNOWN_PRIVILEGE, Grant, Privilege, Trust
from scanner.model.terms import (
    GAPS,
    CoverageStatus,
    CredentialKind,
    Fact,
    Relation,
    Rung,
)


class Credential(Struct, frozen=True, kw_only=True, gc=False):
    """What an identity proves itself with: its public id and its dates, never its value.

    ``key`` is unique over all credentials: ``credential_key(identity, kind, id)``.
    ``use_tracked_days`` as on Identity. ``attributes`` holds public facts that rules read, e.g. ``period``.
    """

    key: str
    kind: CredentialKind
    id: str
    enabled: bool | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    never_expires: bool = False
    """The provider says so; ``expires_at`` of None alone only means that we do not know."""
    last_used_at: datetime | None = None
    use_tracked_days: int | None = None
    attributes: Mapping[str, Any] = {}


def credential_key(identity: str, kind: CredentialKind, credential_id: str) -> str:
    """A credential's own key, unique over all identities."""
    return f"{identity}#{kind}:{credential_id}"


class Link(Struct, frozen=True, kw_only=True, gc=False):
    """A typed edge from the identity that carries it to ``target`` (an identity's key, or a thing's)."""

    relation: Relation
    target: str
    evidence: str


class Signal(Struct, frozen=True, kw_only=True, gc=False):
    """One hint at what an identity is. ``sort``: where it comes from, so that two weak ones can differ in kind."""

    says: Literal["human", "machine", "agent"]
    sort: Literal[
        "provider", "credential", "roster", "name", "tag", "path", "description", "permission", "secret", "library"
    ]
    evidence: str
    strength: Literal["strong", "weak", "suggested"] = "strong"


class Identity(Struct, frozen=True, kw_only=True, gc=False):
    """A principal that can act, as one source saw it. ``key`` is its full id with the provider, e.g. an ARN.

    ``scope``: account, subscription, project, cluster or namespace. ``name``: the bare provider name.
    ``enabled``: None counts as enabled. ``managed_by``: why the provider itself answers for it (it is exempt).
    ``use_tracked_days``: how far back the provider's record of use reaches for it; None: it keeps none, or it
    could not be read. ``attributes``: provider facts that have no field of their own, values JSON can hold.
    ``observed_at``: when the provider was looked at, where that was before the scan; use is told up to then.
    """

    key: str
    provider: str
    source: str
    scope: str
    kind: str
    name: str
    display_name: str | None = None
    description: str | None = None
    unique_id: str | None = None
    aliases: tuple[str, ...] = ()
    enabled: bool | None = None
    created_at: datetime | None = None
    created_by: str | None = None
    """Who or what made it, as the provider's records name them; kept from the first scan that could tell."""
    last_used_at: datetime | None = None
    use_tracked_days: int | None = None
    observed_at: datetime | None = None
    environment: str | None = None
    managed_by: str | None = None
    tags: Mapping[str, str] = {}
    attributes: Mapping[str, Any] = {}
    signals: tuple[Signal, ...] = ()
    privilege: Privilege = UNKNOWN_PRIVILEGE
    credentials: tuple[Credential, ...] = ()
    grants: tuple[Grant, ...] = ()
    links: tuple[Link, ...] = ()
    trusts: tuple[Trust, ...] = ()
    reach: tuple[Way, ...] = ()
    """Whom its own policies let it become, if the other side agrees."""
    unread: tuple[Fact, ...] = ()
    """What of it a gap kept from us this time; the last scan's knowledge of just that still stands."""
    sources: tuple[str, ...] = ()
    """Every source that saw it; filled in when they are joined."""

    @property
    def published_attributes(self) -> Mapping[str, Any]:
        """Its attributes as reports show them, ``reach`` among them."""
        return {**self.attributes, **reach_published(self.reach)} if self.reach else self.attributes


def with_typed_reach(identity: Identity) -> Identity:
    """The identity, its ``reach`` filled from attributes that tell it under the published names, which it loses.

    Lists, other people's connectors and stores of earlier versions have it there. Raises ValueError where one has
    another shape: a path that is not understood must not be lost.
    """
    if not identity.attributes or REACH_NAMES.isdisjoint(identity.attributes):
        return identity
    told = tuple(way for way in reach_in(identity.attributes) if way not in identity.reach)
    rest = {name: value for name, value in identity.attributes.items() if name not in REACH_NAMES}
    return replace(identity, attributes=rest, reach=(*identity.reach, *told))


def with_doubted_reach(identity: Identity) -> Identity:
    """As :func:`with_typed_reach`, but what does not fit stays, and counts as permissions that could not be read."""
    try:
        return with_typed_reach(identity)
    except ValueError:
        unread = identity.unread
        return identity if "permissions" in unread else replace(identity, unread=(*unread, "permissions"))


class StoredSecret(Struct, frozen=True, kw_only=True, gc=False):
    """A secret in a secrets manager: that it is there and how old its value is, never the value.

    It is a thing, not a principal: it counts among credentials and has no registry axis.
    ``rotated_at``: when its current value was written.
    """

    key: str
    provider: str
    source: str
    scope: str
    name: str
    created_at: datetime | None = None
    rotated_at: datetime | None = None
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    rotation_enabled: bool | None = None
    tags: Mapping[str, str] = {}
    attributes: Mapping[str, Any] = {}


class Workload(Struct, frozen=True, kw_only=True, gc=False):
    """Something that runs as an identity: a function, a task, a machine, a job. A thing, no principal of its own.

    ``runs_as``: keys of the identities whose permissions it has. ``uses``: keys of stored secrets that it is given.
    ``signals``: hints at what those identities are, from what runs as them.
    """

    key: str
    provider: str
    source: str
    scope: str
    kind: str
    name: str
    runs_as: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    created_at: datetime | None = None
    created_by: str | None = None
    tags: Mapping[str, str] = {}
    attributes: Mapping[str, Any] = {}
    signals: tuple[Signal, ...] = ()


class Coverage(Struct, frozen=True, kw_only=True, gc=False):
    """How completely one section of one scope was read. A *gap* is partial, denied, failed or skipped.

    ``section``: the spec's name, with a qualifier after a colon where one section is read several times.
    ``kinds``: identity kinds (and ``secret``, or ANY_KIND) this section lists; ``rungs``: the rungs its data feed.
    ``feeds``: what it adds to identities of other scopes, so that a gap of it leaves them in doubt everywhere; with
    ``feeds_within``, only those of its own scope, and those who are known to hold something there.
    ``calls``: requests sent, retries included. ``scope`` is ``*`` when even the list of scopes was not readable.
    """

    source: str
    provider: str
    scope: str
    section: str
    status: CoverageStatus
    identities: int = 0
    calls: int = 0
    detail: str | None = None
    permission: str | None = None
    kinds: tuple[str, ...] = ()
    rungs: tuple[Rung, ...] = ()
    feeds: tuple[Fact, ...] = ()
    feeds_within: bool = False

    @property
    def is_gap(self) -> bool:
        """Whether a conclusion that depends on this section would be a guess."""
        return self.status in GAPS
