"""Texts and columns of a handover."""

from __future__ import annotations

from typing import TypeAlias

from reports.phrases import credential_text, joined, words
from reports.tables import Column
from scanner.lifecycle.offboarding.records import Handover, HandoverItem
from scanner.model import Person, ScanInfo
from scanner.text import counted


def headline(handover: Handover) -> str:
    """The headline: the leaver, the last day, and the number of items."""
    items = handover.items
    if not items:
        return f"Nothing was found that {_who(handover.person)} leaves behind."
    entries = sum(item.identity is None for item in items)
    parts = (
        (len(items) - entries, "identity", "identities"),
        (entries, "entry without a match", "entries without a match"),
    )
    what = " and ".join(counted(*part) for part in parts if part[0])
    urgent = sum(item.urgent is True for item in items)
    alone = f"; {urgent:,} of these without another owner" if urgent else ""
    return f"{_who(handover.person)} leaves behind {what}{alone}."


def called(person: Person) -> str:
    """A person's e-mail, with the name if it is known."""
    return f"{person.email} ({person.name})" if person.name else person.email


def _who(person: Person) -> str:
    return f"{called(person)}, last day {person.left_on}," if person.left_on else called(person)


def as_of(scan: ScanInfo) -> str:
    """The day of the scan."""
    return f"As of the scan of {scan.started_at:%Y-%m-%d}."


def roles_text(item: HandoverItem) -> str | None:
    """The person's roles, most critical first."""
    return joined(map(words, item.roles))


def held_text(item: HandoverItem) -> str | None:
    """Public ids and dates."""
    return joined(map(credential_text, item.credentials))


def place_text(item: HandoverItem) -> str | None:
    """The place of an item, as far as it is known."""
    return " ".join(filter(None, (item.provider, item.scope))) or None


_Item: TypeAlias = Column[HandoverItem]

_FIRST: tuple[_Item, ...] = (
    Column("urgent", lambda r: r.urgent, "No other owner; empty: unknown.", 8, "bool"),
    Column("name", lambda r: r.name, "The provider's bare name; of an entry, the identity it declares.", 28),
)
_LAST: tuple[_Item, ...] = (
    Column("successor", lambda r: r.successor, "Who could take over.", 26),
    Column("successor_evidence", lambda r: r.successor_evidence, "Why this one.", 40),
    Column("next_step", lambda r: r.next_step, "What to do first.", 60),
    Column("caveat", lambda r: r.caveat, "What is unknown or will change soon.", 40),
)
COLUMNS: tuple[_Item, ...] = (
    *_FIRST,
    Column("provider", lambda r: r.provider, "The system it lives in.", 10),
    Column("scope", lambda r: r.scope, "Account, project, cluster or namespace."),
    Column("kind", lambda r: r.kind, "The provider's kind of identity.", 12),
    Column("identity", lambda r: r.identity, "Its key; empty: an entry without a match.", 52),
    Column("entries", lambda r: joined(r.entries), "The registry entries to change.", 20),
    Column("roles", roles_text, "The person's roles, most critical first.", 24),
    Column("evidence", lambda r: joined(r.evidence), "Where the role is recorded.", 44),
    Column("privilege", lambda r: r.privilege, "What it could do.", 12, axis="privilege"),
    Column("usage_state", lambda r: r.usage, "Whether it is used.", 12, axis="usage"),
    Column("last_used_at", lambda r: r.last_used_at, "Last use known, UTC.", 19, "datetime"),
    Column("credentials", held_text, "Public ids and dates, no values.", 44),
    Column("answering", lambda r: joined(r.answering), "Other owners.", 26),
    *_LAST,
    Column("worst", lambda r: r.worst, "The worst that could be done with it.", 44),
)
SHORT_COLUMNS: tuple[_Item, ...] = (
    *_FIRST,
    Column("where", place_text, ""),
    Column("roles", roles_text, ""),
    Column("privilege", lambda r: r.privilege, ""),
    Column("use", lambda r: words(r.usage or ""), ""),
    *_LAST,
)
