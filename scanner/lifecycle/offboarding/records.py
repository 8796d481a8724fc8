"""What a handover is: everything that one person leaves behind, a record for each thing."""

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
"""What somebody can be to an identity, the gravest first.

``only_one_left``: of all who are named as owner or backup owner, nobody else still answers.
``mentioned``: a text names them beside other things, or may mean them.
``last_active_member``: of a group that is named, nobody else stays active.
"""


class HandoverItem(Struct, frozen=True, kw_only=True, gc=False):
    """One identity, or one entry that stands for none (``identity`` is None), and what is to become of it.

    ``entries``: those that name the person, otherwise those that stand for the identity. ``evidence``: where each role
    was found. ``privilege`` and ``usage``: None where no identity was found.
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
    """Who else answers for it when they are gone."""
    urgent: bool | None = None
    """Nobody else answers for it; None: that cannot be told."""
    successor: str | None = None
    successor_evidence: str | None = None
    next_step: str
    caveat: str | None = None
    """What is not known of it, or will not last."""


class Handover(Struct, frozen=True, kw_only=True, gc=False):
    """All that a person leaves behind, the gravest first. ``notices``: what to know before relying on it."""

    person: Person
    items: tuple[HandoverItem, ...] = ()
    notices: tuple[str, ...] = ()
