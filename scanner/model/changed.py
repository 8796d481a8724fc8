"""What changed from one scan to the next, as rows that people and programs act on."""

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
"""What of something is another than before; ``state`` is a registry entry's, ``name`` is told by keys."""

ChangeName: TypeAlias = Literal[
    "joined", "moved", "replaced", "left", "returned", "not_rechecked", "forgotten", "new", "reopened", "resolved"
]
"""The last three are said of findings, and ``forgotten`` of these and identities; the others of identities and
(``joined``, ``moved``, ``left``) of entries."""

Subject: TypeAlias = Literal["identity", "finding", "entry"]


class Change(Struct, frozen=True, kw_only=True, gc=False):
    """A row of the feed: one change of one thing.

    ``key``: the identity's key, the finding's fingerprint or the entry's id. ``name``: what people call it; a
    finding's is its title. ``identity``: of a finding, the key of whom it is about. ``ask``: who answers for it or,
    where nobody does, the likeliest person to ask.
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


class Since(Struct, frozen=True, kw_only=True, gc=False):
    """What changed since the scan before, which ``scan`` and ``started_at`` name.

    ``changes``: the first of ``total`` rows, what matters most first. ``shares``: by a board measure's name, its count
    and what it is out of in the scan before; empty where no board was asked for.
    """

    scan: str
    started_at: datetime
    changes: tuple[Change, ...] = ()
    total: int = 0
    shares: Mapping[str, tuple[int, int]] = {}
