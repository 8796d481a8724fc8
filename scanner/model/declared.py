"""What the organisation says: its registry, its people, its exemptions, its thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from scanner.model.terms import (
    EntryStatus,
    PersonStatus,
)


class Origin(Struct, frozen=True, kw_only=True, gc=False):
    """Where an entry or a person was declared; ``row`` is 1-based, headings included."""

    file: str
    sheet: str | None = None
    row: int | None = None

    def __str__(self) -> str:
        place = self.file if self.sheet is None else f"{self.file}[{self.sheet}]"
        return place if self.row is None else f"{place}:{self.row}"


class Entry(Struct, frozen=True, kw_only=True, gc=False):
    """One declared identity (docs/reference/registry.md names the columns). ``id`` falls back to ``file:row``.

    ``identities`` are exact ids, names or globs, never empty: a row without them stands for its ``name``.
    ``has_own_id`` is False where file and row stand in for the id.
    """

    id: str
    origin: Origin
    has_own_id: bool = True
    registry: str = ""
    """The registry that it comes from, where there are several: entries of two that agree are one declaration."""
    name: str | None = None
    kind: str | None = None
    purpose: str | None = None
    identities: tuple[str, ...]
    provider: str | None = None
    scope: str | None = None
    owner: tuple[str, ...] = ()
    technical_owner: tuple[str, ...] = ()
    backup_owner: tuple[str, ...] = ()
    team: str | None = None
    built_by: str | None = None
    status: EntryStatus = "active"
    environment: str | None = None
    systems: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()
    max_credential_age: int | None = None
    blast_radius: str | None = None
    high_consequence: tuple[str, ...] = ()
    human_in_the_loop: bool | None = None
    baseline: str | None = None
    approved_by: str | None = None
    approved_on: date | None = None
    last_reviewed: date | None = None
    next_review: date | None = None
    expires: date | None = None
    extra: Mapping[str, str] = {}
    """Columns we do not know, kept and shown."""


class UnreadRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of the registry that cannot be read and was set aside.

    ``id``: its own id, where that cell can be read. ``why``: what is wrong with the row, in words.
    ``names``: what its readable cells name, and where that lives, as an entry to be matched; None where they name
    nothing. ``hides_names``: a cell that would name something cannot be read, so the row may be about anything.
    """

    origin: Origin
    id: str | None = None
    why: tuple[str, ...]
    names: Entry | None = None
    hides_names: bool = False


AS_SUGGESTED = "as suggested"
"""What is written in place of an owner to take the one that a list of orphans suggests."""


class Person(Struct, frozen=True, kw_only=True, gc=False):
    """Somebody on the roster, or a group of them (``members`` is not None: e-mails, ids or aliases)."""

    email: str
    origin: Origin
    id: str | None = None
    name: str | None = None
    status: PersonStatus = "active"
    left_on: date | None = None
    manager: str | None = None
    team: str | None = None
    aliases: tuple[str, ...] = ()
    members: tuple[str, ...] | None = None

    @property
    def is_group(self) -> bool:
        """Whether this is a team, answered for by its active members."""
        return self.members is not None or self.email.lower().startswith("team:")


class Exemption(Struct, frozen=True, kw_only=True, gc=False):
    """A configured exemption: identities that need no entry, why, by whom, and until when (inclusive)."""

    match: str
    reason: str
    by: str | None = None
    until: date | None = None

    @property
    def why(self) -> str:
        """The reason, with the person where one is named."""
        return self.reason if self.by is None else f"{self.reason} ({self.by})"


class Acknowledged(Struct, frozen=True, kw_only=True, gc=False):
    """Why somebody lets a finding be, who that is, and until when (inclusive)."""

    reason: str
    by: str
    until: date


class Acknowledgement(Struct, frozen=True, kw_only=True, gc=False):
    """Findings that somebody lets be: one by its ``finding`` (fingerprint), or those of a ``rule`` by a ``match``.

    ``match`` is a glob over the key of the identity, credential, entry or assignment, or an identity's exact bare name.
    """

    origin: Origin
    finding: str | None = None
    rule: str | None = None
    match: str | None = None
    given: Acknowledged


class OwnershipRule(Struct, frozen=True, kw_only=True, gc=False):
    """A convention: whom to ask about identities whose key, name or path fits the pattern."""

    match: str
    owner: str
    reason: str | None = None


class Ownership(Struct, frozen=True, kw_only=True):
    """How this organisation tells who owns what. Scores are 0 to 1; None: the built-in ones.

    ``tag_keys``: tags that name somebody, each with how far to trust it. ``machines``: patterns of names that are
    nobody, besides the built-in ones. ``platforms``: whom to ask about what lives in a provider, or in one of its
    scopes (``aws``, ``aws:123456789012``).
    """

    tag_keys: Mapping[str, float] | None = None
    machines: tuple[str, ...] = ()
    platforms: Mapping[str, str] = {}
    rules: tuple[OwnershipRule, ...] = ()


class Policy(Struct, frozen=True, kw_only=True, gc=False):
    """Thresholds in days."""

    dormant_identity: int = 90
    dormant_credential: int = 45
    rotation: int = 90
    max_lifetime: int = 180
    expiry_warning: int = 30
    review_privileged: int = 90
    review: int = 180
    new_identity_grace: int = 7


class ActivityPolicy(Struct, frozen=True, kw_only=True, gc=False):
    """How activity is kept and judged.

    ``baseline_days``: covered days that a day is compared with. ``minimum_days``, ``minimum_events``: covered days and
    events in them below which nothing counts as changed behaviour. ``explained_within_hours``: how long after a change
    of the identity new behaviour is explained by it. ``keep_days``: how long days are kept apart; older ones are merged
    to weeks. ``networks``: names of own networks, by address range. ``truncate_addresses``: keep networks (IPv4 /24,
    IPv6 /48), no addresses.
    """

    baseline_days: int = 28
    minimum_days: int = 14
    minimum_events: int = 50
    explained_within_hours: int = 72
    keep_days: int = 90
    networks: Mapping[str, str] = {}
    truncate_addresses: bool = True
