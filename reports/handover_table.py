"""What a handover says: its sentences, and its columns as data."""

from __future__ import annotations

from typing import TypeAlias

from reports.phrases import credential_text, joined, words
from reports.tables import Column
from scanner.lifecycle.offboarding.records import Handover, HandoverItem
from scanner.model import Person, ScanInfo
from scanner.text import counted


def headline(handover: Handover) -> str:
    """Who goes when, and how much there is to do."""
    items = handover.items
    if not items:
        return f"Nothing was found that {_who(handover.person)} leaves behind."
    entries = sum(item.identity is None for item in items)
    parts = (
        (len(items) - entries, "identity", "identities"),
        (entries, "entry that stands for nothing found", "entries that stand for nothing found"),
    )
    things = " and ".join(counted(*part) for part in parts if part[0])
    urgent = sum(item.urgent is True for item in items)
    alone = f", and nobody else answers for {urgent:,} of these" if urgent else ""
    return f"{_who(handover.person)} leaves behind {things}{alone}."


def called(person: Person) -> str:
    """Somebody by e-mail, and name where that is known."""
    return f"{person.email} ({person.name})" if person.name else person.email


def _who(person: Person) -> str:
    return f"{called(person)}, last day {person.left_on}," if person.left_on else called(person)


def as_of(scan: ScanInfo) -> str:
    """How old the answers are."""
    return f"As of the scan of {scan.started_at:%Y-%m-%d}."


def roles_text(item: HandoverItem) -> str | None:
    """What the person is to it, the gravest first."""
    return joined(map(words, item.roles))


def held_text(item: HandoverItem) -> str | None:
    """Public ids and dates."""
    return joined(map(credential_text, item.credentials))


def place_text(item: HandoverItem) -> str | None:
    """Where it lives, as far as that is known."""
    return " ".join(filter(None, (item.provider, item.scope))) or None


_Item: TypeAlias = Column[HandoverItem]

_FIRST: tuple[_Item, ...] = (
    Column("urgent", lambda r: r.urgent, "Nobody else answers for it; empty: that cannot be told.", 8, "bool"),
    Column("name", lambda r: r.name, "The provider's bare name; of an entry, what it stands for.", 28),
)
_LAST: tuple[_Item, ...] = (
    Column("successor", lambda r: r.successor, "Who could take over.", 26),
    Column("successor_evidence", lambda r: r.successor_evidence, "Why this one.", 40),
    Column("next_step", lambda r: r.next_step, "What to do first.", 60),
    Column("caveat", lambda r: r.caveat, "What is not known of it, or will not last.", 40),
)
COLUMNS: tuple[_Item, ...] = (
    *_FIRST,
    Column("provider", lambda r: r.provider, "The system it lives in.", 10),
    Column("scope", lambda r: r.scope, "Account, project, cluster or namespace."),
    Column("kind", lambda r: r.kind, "The provider's kind of identity.", 12),
    Column("identity", lambda r: r.identity, "Its key; empty: an entry that stands for nothing found.", 52),
    Column("entries", lambda r: joined(r.entries), "The registry entries to change.", 20),
    Column("roles", roles_text, "What the person is to it, the gravest first.", 24),
    Column("evidence", lambda r: joined(r.evidence), "Where that is said.", 44),
    Column("privilege", lambda r: r.privilege, "What it could do.", 12, axis="privilege"),
    Column("usage_state", lambda r: r.usage, "Whether it is used.", 12, axis="usage"),
    Column("last_used_at", lambda r: r.last_used_at, "Last use known, UTC.", 19, "datetime"),
    Column("credentials", held_text, "Public ids and dates, no values.", 44),
    Column("answering", lambda r: joined(r.answering), "Who else answers for it.", 26),
    *_LAST,
)
SHORT_COLUMNS: tuple[_Item, ...] = (
    *_FIRST,
    Column("where", place_text, ""),
    Column("roles", roles_text, ""),
    Column("privilege", lambda r: r.privilege, ""),
    Column("use", lambda r: words(r.usage or ""), ""),
    *_LAST,
)
