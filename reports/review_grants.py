"""The grants of a reviewed identity and their use, in words: for the workbook, the tables and the served page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from msgspec import Struct, UnsetType

from scanner.model.reviews import GrantUse, ReviewFacts
from scanner.text import counted, few, printable

_LINES = 20
"""Grants in a cell: more lines are higher than a screen."""
_NAMED = 6
"""Actions in a line."""
_EARLIER = "unknown: this review was opened before the use of grants was recorded"


class GrantRow(Struct, frozen=True, kw_only=True, gc=False):
    """A grant in words. ``allows`` may be empty: that is unknown. ``on``: where it is granted, and through what."""

    grant: str
    allows: str = ""
    on: str = ""
    used: str = _EARLIER
    last_used: str = "unknown"


def grant_rows(facts: ReviewFacts) -> list[GrantRow]:
    """The grants of an identity in words, in the order of its facts."""
    if isinstance(facts.granted, UnsetType):
        return [GrantRow(grant=printable(name)) for name in facts.grants]
    return [
        GrantRow(
            grant=printable(one.name), allows=_allows(one), on=_on(one), used=_used(one), last_used=_last_used(one)
        )
        for one in facts.granted
    ]


def granted(facts: ReviewFacts) -> str | None:
    """A line for each grant with what it allows; None: no grant is known."""
    return _lines(facts, lambda row, _: row.grant + (f": {row.allows}" if row.allows else "") + row.on)


def granted_used(facts: ReviewFacts) -> str | None:
    """A line for each grant with what of it was used."""
    return _lines(facts, lambda row, name: f"{name}: {row.used}")


def granted_last_used(facts: ReviewFacts) -> str | None:
    """A line for each grant with its last use."""
    return _lines(facts, lambda row, name: f"{name}: {row.last_used}")


def _lines(facts: ReviewFacts, line: Callable[[GrantRow, str], str]) -> str | None:
    """``line`` takes a grant, and its name, with where it is granted if another one has that name, too."""
    rows = grant_rows(facts)
    counts = Counter(row.grant for row in rows)
    lines = [line(row, row.grant + (row.on if counts[row.grant] > 1 else "")) for row in rows[:_LINES]]
    if (more := len(rows) - _LINES) > 0:
        lines.append(f"and {counted(more, 'other grant', 'other grants')}, in the JSON of the review")
    return "\n".join(lines) or None


def _on(one: GrantUse) -> str:
    through = "" if one.via in ("direct", "inline") else f" ({printable(one.via)})"
    return through + ("" if one.resource in (None, "*") else f" on {printable(one.resource or '')}")


def _allows(one: GrantUse) -> str:
    if one.allows is None:
        return "full administration" if one.admin else ""
    if "*" in one.allows:
        return "everything"
    separator = "; " if any("," in text for text in one.allows) else ", "
    return few([printable(text) for text in one.allows], _NAMED, separator) or "nothing that other policies leave"


def _used(one: GrantUse) -> str:
    if one.used is None:
        return f"unknown: {one.unknown}"
    used = few([printable(text) for text in one.used], _NAMED) or "nothing"
    return f"{used}; perhaps more: {one.unknown}" if one.unknown else used


def _last_used(one: GrantUse) -> str:
    if one.last_used is not None:
        return f"{one.last_used}"
    if one.used is None or one.used:
        return "unknown"
    since = "never" if one.since is None else f"not since {one.since}"
    return since if one.days is None else f"{since} ({counted(one.days, 'day', 'days')} read)"
