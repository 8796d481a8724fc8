"""Compares the blast radius that entries declare in exact words with the real one. Pure.

Both cells are read item by item. Other items are left to people, and a cell without exact words declares nothing that
can be compared: a guess could allow what was never meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Literal, TypeAlias

from msgspec import Struct

from scanner.access.blast_radius.words import listed
from scanner.matching.keys import fold
from scanner.model import CONSEQUENCES, BlastRadius, ConsequenceKind, Count, Entry
from scanner.text import counted, either

Counted: TypeAlias = Literal["identities", "secrets", "scopes"]

_NAMES: Mapping[Counted, tuple[str, str]] = {
    "identities": ("identity", "identities"),
    "secrets": ("secret", "secrets"),
    "scopes": ("scope", "scopes"),
}
NOTHING = "nothing of high consequence"
_ALSO: Mapping[ConsequenceKind, tuple[str, ...]] = {
    "administer": ("administer", "admin", "everything", "do everything", "any action"),
    "change_rights": ("change rights", "change permissions"),
    "read_secrets": ("secrets",),
    "read_data": ("data",),
    "send": ("send", "send email", "send emails", "send mail"),
    "delete": ("delete", "delete data", "destroy"),
    "pay": ("pay", "payments", "spend"),
    "invoke_models": ("call models",),
    "share": ("share",),
    "hide_traces": ("delete logs", "disable logging"),
}
"""Common words for each kind, besides its id and title, in lower case."""
_KINDS: Mapping[str, ConsequenceKind] = {
    text: kind
    for kind, title in CONSEQUENCES.items()
    for text in (title, kind, kind.replace("_", " "), *_ALSO.get(kind, ()))
}
_NOTHING = frozenset({NOTHING, "nothing", "none"})
_NUMBER = re.compile(
    r"(?:at most |up to )?(?P<number>\d{1,3}(?:,\d{3})+|\d{1,9}) (?:other |stored )?"
    r"(?:(?P<identities>identit(?:y|ies))|(?P<secrets>secrets?)|(?P<scopes>scopes?))"
)
_BETWEEN = re.compile(r"[;\n]|,(?!\d{3}\b)")


class Statement(Struct, frozen=True, kw_only=True):
    """What an entry declares. ``kinds``: None if it names none; empty if it declares that there are none."""

    kinds: frozenset[ConsequenceKind] | None = None
    most: Mapping[Counted, int] = {}

    def __bool__(self) -> bool:
        return self.kinds is not None or bool(self.most)


class Beyond(Struct, frozen=True):
    """What was declared, and what is beyond it, as text."""

    declared: str
    found: str


def declared_by(entry: Entry) -> Statement:
    """Return what the entry's cells declare in exact words."""
    if entry.hides("blast_radius", "high_consequence"):
        return _declared(("",))
    return _declared((entry.blast_radius or "", *entry.high_consequence))


@lru_cache(maxsize=4096)
def _declared(texts: tuple[str, ...]) -> Statement:
    kinds: set[ConsequenceKind] = set()
    says_nothing = False
    most: dict[Counted, int] = {}
    for item in _items(texts):
        says_nothing |= item in _NOTHING
        if kind := _KINDS.get(item):
            kinds.add(kind)
        if number := _NUMBER.fullmatch(item):
            of = next(name for name in _NAMES if number[name])
            most[of] = int(number["number"].replace(",", ""))
    return Statement(kinds=frozenset(kinds) if kinds or says_nothing else None, most=most)


def _items(texts: tuple[str, ...]) -> Iterator[str]:
    for text in texts:
        for item in _BETWEEN.split(text):
            yield " ".join(fold(item).strip().rstrip(".").split())


def beyond(statement: Statement, radius: BlastRadius) -> Beyond | None:
    """Return what is within reach beyond the statement; None if nothing is, or an admin is declared."""
    kinds = statement.kinds
    if kinds is not None and "administer" in kinds:
        return None
    declared: list[str] = []
    found: list[str] = []
    if kinds is not None and (more := [kind for kind in radius.kinds if kind not in kinds]):
        declared.append(listed([CONSEQUENCES[kind] for kind in CONSEQUENCES if kind in kinds] or [NOTHING]))
        found += (_title(kind, radius) for kind in more)
    for name, most in statement.most.items():
        count: Count = getattr(radius, name)
        if count.number > most:
            declared.append(counted(most, *_NAMES[name]))
            found.append(f"{count} {either(count.number, *_NAMES[name])}")
    return Beyond("; ".join(declared), listed(found)) if found else None


def _title(kind: ConsequenceKind, radius: BlastRadius) -> str:
    if kind == "administer" and radius.administers:
        return f"do everything in {listed(radius.administers, radius.administered)}"
    return CONSEQUENCES[kind]


def drafted(radius: BlastRadius) -> Mapping[str, str | tuple[str, ...]]:
    """Return the cells of an entry that declares exactly this, as far as it is known."""
    titles = tuple(CONSEQUENCES[kind] for kind in radius.kinds)
    if "administer" in radius.kinds:
        return {"blast_radius": CONSEQUENCES["administer"], "high_consequence": (CONSEQUENCES["administer"],)}
    none = () if radius.unknown else (NOTHING,)
    counts = ((names, getattr(radius, name)) for name, names in _NAMES.items())
    numbers = (counted(count.number, *names) for names, count in counts if not count.at_least)
    worst = "; ".join((*(titles or none), *numbers))
    return {
        **({"blast_radius": worst} if worst else {}),
        **({"high_consequence": titles} if titles else {}),
    }
