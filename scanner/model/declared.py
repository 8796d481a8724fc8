"""What the organisation declares: registry entries, people, exemptions, acknowledgements and thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from msgspec import Struct

from scanner.model.terms import EntryStatus, PersonStatus


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

    ``identities``: exact ids, names or globs, never empty: a row without any has its ``name`` here. ``has_own_id``:
    False if the row has no id of its own. ``max_credential_age``: days. ``created``: the day of the registration.
    ``unread``: columns with a cell that cannot be read. Their fact is unknown: an empty value there says nothing.
    """

    id: str
    origin: Origin
    has_own_id: bool = True
    registry: str = ""
    """The name of its registry, if there are several. Entries of two registries that agree are one declaration."""
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
    reviewed_by: str | None = None
    next_review: date | None = None
    expires: date | None = None
    created: date | None = None
    unread: tuple[str, ...] = ()
    extra: Mapping[str, str] = {}
    """Columns that Muster does not know; reports show them."""

    @property
    def unknown_end(self) -> str | None:
        """The unreadable column that hides whether the entry has ended or will; None if that is known."""
        if self.status == "retired":
            return None
        return next((column for column in ("expires", "status") if column in self.unread), None)

    def hides(self, *columns: str) -> bool:
        """Whether a cell of one of these columns could not be read, so that their facts are incomplete."""
        return not frozenset(columns).isdisjoint(self.unread)


def later(day: date, days: int) -> date:
    """Return the date ``days`` later, at most 9999-12-31: lists contain that date, and adding to it would fail."""
    return date.fromordinal(min(day.toordinal() + days, date.max.toordinal()))


LOOKED_AT = ("last_reviewed", "approved_on")
"""Columns with days of reviews: an approval counts as one."""


def review_due(entry: Entry, days: int, today: date, since: date | None = None) -> date | None:
    """Return the day by which an entry must be reviewed; None without a date, or if a cell that decides is unreadable.

    That is its own next review, but at most ``days`` after the last one, or, if it was never reviewed, after ``since``.
    An approval counts as a review. A review date in the future does not, and a next review later than the policy allows
    cannot postpone the first one.
    """
    past = (day for day in (entry.last_reviewed, entry.approved_on) if day is not None and day <= today)
    last = max(past, default=since)
    if entry.hides(*LOOKED_AT):
        # A later review may stand in the unreadable cell; only a next review that has passed is certain.
        return entry.next_review if entry.next_review is not None and entry.next_review < today else None
    if last is not None:
        by_policy = later(last, days)
        return min(entry.next_review or by_policy, by_policy)
    is_postponed = entry.next_review is not None and entry.next_review > later(today, days)
    return None if is_postponed else entry.next_review


class UnreadCells(Struct, frozen=True, kw_only=True, gc=False):
    """The cells of one row that cannot be read, though the row counts. ``why``: the errors, as text."""

    origin: Origin
    columns: tuple[str, ...]
    why: tuple[str, ...]


class UnreadRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of the registry or the roster that cannot be read.

    ``id``: its id, if that cell can be read. ``why``: the errors, as text. ``names``: an entry made of the readable
    cells, to find the identities that the row may declare; None if they name none. ``hides_names``: a cell with names
    cannot be read, so the row may declare any identity. ``was_cut``: the file ends within the row.
    """

    origin: Origin
    id: str | None = None
    why: tuple[str, ...]
    names: Entry | None = None
    hides_names: bool = False
    was_cut: bool = False


AS_SUGGESTED = "as suggested"
"""Written in the owner's column of a list of orphans to accept the suggested owner."""


class Person(Struct, frozen=True, kw_only=True, gc=False):
    """A person or group on the roster. ``members`` of a group: e-mail addresses, ids or aliases; None for a person.

    ``unread``: columns with a cell that cannot be read. Without a readable status or last day, the status is unknown,
    unless it says that the person has left.
    """

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
    unread: tuple[str, ...] = ()

    @property
    def is_group(self) -> bool:
        """Whether this is a group. Its active members are accountable for what it owns."""
        return self.members is not None or "members" in self.unread or self.email.lower().startswith("team:")

    def has_left(self, today: date) -> bool:
        """Whether the last day is over. Without one, the status decides."""
        return self.status == "left" if self.left_on is None else self.left_on < today


class Exemption(Struct, frozen=True, kw_only=True, gc=False):
    """A configured exemption: identities that need no entry. ``until``: the last valid day."""

    match: str
    reason: str
    by: str | None = None
    until: date | None = None

    @property
    def why(self) -> str:
        """The reason, with the person if the exemption names one."""
        return self.reason if self.by is None else f"{self.reason} ({self.by})"


ACKNOWLEDGED_DAYS = 90
"""Days until an acknowledgement ends, by default."""


class Acknowledged(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Why a finding is acknowledged, and by whom. ``until``: the last valid day.

    ``approved_by``: the reviewer who approved what ``by`` had asked for; None if it needed none.
    """

    reason: str
    by: str
    until: date
    approved_by: str | None = None


class Asked(Struct, frozen=True, kw_only=True, gc=False):
    """An acknowledgement that its owner asked for. It waits for a reviewer, and suppresses nothing."""

    reason: str
    by: str
    until: date
    at: datetime


class Acknowledgement(Struct, frozen=True, kw_only=True, gc=False):
    """Acknowledges one finding by its fingerprint (``finding``), or those of a ``rule`` whose subject fits ``match``.

    ``match``: a glob over the key of the identity, credential, entry or assignment, or an identity's exact name.
    ``asked_at``: when it was asked for, if it waits for a reviewer and suppresses nothing.
    """

    origin: Origin
    finding: str | None = None
    rule: str | None = None
    match: str | None = None
    given: Acknowledged
    asked_at: datetime | None = None

    @property
    def asked(self) -> Asked | None:
        """What was asked for; None for an acknowledgement in force."""
        given = self.given
        if self.asked_at is None:
            return None
        return Asked(reason=given.reason, by=given.by, until=given.until, at=self.asked_at)


class OwnershipRule(Struct, frozen=True, kw_only=True, gc=False):
    """A convention: the owner candidate of identities whose key, name or path fits the pattern."""

    match: str
    owner: str
    reason: str | None = None


class Ownership(Struct, frozen=True, kw_only=True):
    """How this organisation finds owners.

    ``tag_keys``: tags that name an owner, each with a score from 0 to 1; None for the built-in ones. ``machines``:
    patterns of names that are not people, in addition to the built-in ones. ``platforms``: the owner candidate of
    a provider or of one of its scopes (``aws``, ``aws:123456789012``).
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
