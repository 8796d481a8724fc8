"""Records of a handover: what a leaver owns, one item for each identity or entry."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from scanner.model import Credential, Person, PrivilegeLevel, UsageState

Role: TypeAlias = Literal[
    "own_account", "only_one_left", "last_active_member", "owner", "backup_owner", "technical_owner", "built_by",
    "created", "approved", "tagged", "mentioned",
]  # fmt: skip
ROLES: tuple[Role, ...] = get_args(Role)
"""The roles of a leaver, the most important first.

``only_one_left``: the last active person among the owners and backup owners.
``mentioned``: a text names the leaver among other words, or may mean them.
``last_active_member``: the last active member of a group that is named.
"""


class HandoverItem(Struct, frozen=True, kw_only=True, gc=False):
    """One identity, or one registry entry without an identity (``identity`` is None), with its next step.

    ``entries``: entries that name the leaver, else the entries of the identity. ``evidence``: where each role was
    found. ``privilege`` and ``usage``: None if there is no identity.
    """

    identity: str | None = None
    entries: tuple[str, ...] = ()
    provider: str | None = None
    scope: str | None = None
    kind: str | None = None
    name: str | None = None
    roles: tuple[Role, ...]
    evidence: tuple[str, ...]
    privilege: PrivilegeLevel | None = None
    usage: UsageState | None = None
    last_used_at: datetime | None = None
    credentials: tuple[Credential, ...] = ()
    answering: tuple[str, ...] = ()
    """Active owners, or backup owners, after the leaver's last day."""
    urgent: bool | None = None
    """Whether no active owner remains; None: unknown."""
    successor: str | None = None
    successor_evidence: str | None = None
    next_step: str
    caveat: str | None = None
    """What is unknown, or will change soon."""
    worst: str | None = None
    """The blast radius: what the leaver, or anyone who has one of its credentials, could do with it."""


class Handover(Struct, frozen=True, kw_only=True, gc=False):
    """All items of a leaver, most privileged first. ``notices``: limits of this handover."""

    person: Person
    items: tuple[HandoverItem, ...] = ()
    notices: tuple[str, ...] = ()
