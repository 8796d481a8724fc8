"""What changed between two scans, as rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct

from scanner.model.terms import Severity

Aspect: TypeAlias = Literal[
    "unique_id", "privilege", "permissions", "links", "trust", "credentials", "agent", "nature", "registry",
    "ownership", "owner", "environment", "enabled", "usage", "state", "name",
]  # fmt: skip
"""What changed. ``state``: of a registry entry. ``name``: a renamed identity has another key."""

ChangeName: TypeAlias = Literal[
    "joined",
    "moved",
    "replaced",
    "left",
    "returned",
    "not_rechecked",
    "forgotten",
    "new",
    "reopened",
    "worsened",
    "resolved",
]
"""Findings are ``new``, ``reopened``, ``worsened``, ``resolved`` or ``forgotten``. Entries have ``joined``, ``moved``
or ``left``. Identities can have any of the first seven."""

Subject: TypeAlias = Literal["identity", "finding", "entry"]


class Change(Struct, frozen=True, kw_only=True, gc=False):
    """One change of one subject.

    ``key``: the identity's key, the finding's fingerprint or the entry's id. ``name``: the display name; a finding's
    title. ``identity``: the key of the identity that a finding is about. ``ask``: the owner, or for an orphaned
    identity the best owner candidate. ``before`` and ``after`` of a worsened finding are its severities.

    ``appeared``: it was seen for the first time, without an entry. ``became_admin``: it is an admin and was none.
    ``cause``: of a worsened finding, the facts that changed; of an identity, the change of another one that caused it.
    """

    subject: Subject
    change: ChangeName
    key: str
    name: str
    provider: str | None = None
    source: str | None = None
    scope: str | None = None
    kind: str | None = None
    aspect: Aspect | None = None
    before: str | None = None
    after: str | None = None
    reach_grew: bool = False
    severity: Severity | None = None
    rule: str | None = None
    identity: str | None = None
    ask: str | None = None
    next_step: str | None = None
    caveat: str | None = None
    appeared: bool = False
    became_admin: bool = False
    cause: str | None = None


class Since(Struct, frozen=True, kw_only=True, gc=False):
    """What changed since the previous scan, which ``scan`` and ``started_at`` name.

    ``changes``: the first of ``total`` rows, most important first. ``shares``: by name of a board measure, its count
    and its total in the previous scan; empty without a board.
    """

    scan: str
    started_at: datetime
    changes: tuple[Change, ...] = ()
    total: int = 0
    shares: Mapping[str, tuple[int, int]] = {}
