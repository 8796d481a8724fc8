"""What people decide in Muster, as the log of decisions keeps it: who, when, what, about which record.

See docs/reference/decisions.md for the log, and scanner/store/chain.py for its canonical form.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

DecisionKind: TypeAlias = Literal[
    "acknowledged",
    "asked",
    "approved",
    "withdrew_acknowledgement",
    "proposed_owner",
    "denied_owner",
    "withdrew_owner",
    "adopted",
    "marked_reviewed",
    "review_opened",
    "review_decided",
    "review_reassigned",
    "review_closed",
    "retirement_started",
    "retirement_stopped",
    "accepted_drop",
    "forgot",
    "pruned",
    "repaired",
    "imported",
]
DECISION_KINDS: tuple[DecisionKind, ...] = get_args(DecisionKind)

KnownBy: TypeAlias = Literal["sign_in", "proxy", "token", "option", "workbook", "os_user", "config", "stated"]
"""How the person is known: signed in to the served page with OpenID Connect, named by a trusted proxy, named by
``muster serve --as``, by ``--by``, by the workbook's reviewer, or only as the user of the operating system. ``config``:
no person, the configuration did it. ``stated``: an older record states it."""


class Actor(Struct, frozen=True, kw_only=True, gc=False):
    """Who decides. ``person``: e-mail or name; None if only the user of the operating system is known."""

    person: str | None = None
    known_by: KnownBy
    os_user: str | None = None


class Act(Struct, frozen=True, kw_only=True, gc=False):
    """A decision to be logged.

    ``about``: what it is about, such as ``finding``, ``identity``, ``entry``, ``review``, each with its key.
    ``before``, ``after``: the value in a few words. ``row``: the stored row that has it in full, as table and key.
    """

    what: DecisionKind
    actor: Actor
    at: datetime
    about: Mapping[str, str] = {}
    before: str | None = None
    after: str | None = None
    reason: str | None = None
    row: str | None = None
    row_sha256: str | None = None


class LoggedDecision(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A record of the log. ``n``: its number, from 1. ``previous``: the hash of the record before it.

    ``stated_at``: of an imported record, the time that the older record states.
    """

    v: int
    n: int
    previous: str
    at: str
    what: str
    known_by: str
    by: str | None = None
    os_user: str | None = None
    about: Mapping[str, str] = {}
    before: str | None = None
    after: str | None = None
    reason: str | None = None
    row: str | None = None
    row_sha256: str | None = None
    stated_at: str | None = None


class DecisionHead(Struct, frozen=True, kw_only=True, gc=False):
    """The length of the log, and the SHA-256 of its last record; of an empty log, 64 zeros."""

    count: int
    head: str

    def __str__(self) -> str:
        return f"decisions: {self.count}, head {self.head}"
