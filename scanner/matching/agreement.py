"""Whether two registries declare the same of an identity: where both say something, and it is not the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

from scanner.matching.declared import Declared
from scanner.matching.environments import environments
from scanner.matching.keys import fold
from scanner.model import Entry

Who: TypeAlias = Callable[[str], Collection[str]]
"""Everybody whom a text means: a person, or a group with its members. Two texts that share one do not disagree."""

_SAID: Mapping[str, Callable[[Declared], Hashable | None]] = {
    "status": lambda one: one.standing,
    "kind": lambda one: None if one.entry.kind in (None, "other") else fold(one.entry.kind or ""),
    "expires": lambda one: one.entry.expires,
}
_LISTS = ("identities", "owner", "technical_owner", "backup_owner", "systems", "permissions", "credentials")
_CELLS = ("team", "environment", "max_credential_age")


def as_written(text: str) -> Collection[str]:
    """Whom a text means where no roster tells: nobody but whoever is written the same way."""
    return (fold(text.strip()),)


def differences(one: Declared, other: Declared, who: Who = as_written) -> tuple[str, ...]:
    """The columns in which the two contradict each other, sorted; an empty cell contradicts nothing.

    ``status`` is whether they count in full: an entry that has expired differs from one that is active. Provider and
    scope are not asked about: two entries that stand for one identity cannot name different ones.
    """
    differing = [
        column
        for column, said in _SAID.items()
        if (mine := said(one)) is not None and (theirs := said(other)) is not None and mine != theirs
    ]
    if _disjoint(_owners(one.entry, who), _owners(other.entry, who)):
        differing.append("owner")
    if _disjoint(environments(one.entry.environment), environments(other.entry.environment)):
        differing.append("environment")
    return tuple(sorted(differing))


def united(entry: Entry, agreeing: Iterable[Entry]) -> Entry:
    """The entry with what agreeing ones add to it: their lists joined to its own, its empty cells filled."""
    for other in agreeing:
        facts: dict[str, Any] = {name: (*getattr(entry, name), *getattr(other, name)) for name in _LISTS}
        facts = {name: tuple(dict.fromkeys(every)) for name, every in facts.items()}
        facts |= {name: getattr(other, name) for name in _CELLS if getattr(entry, name) is None}
        entry = msgspec.structs.replace(entry, **facts)
    return entry


def _owners(entry: Entry, who: Who) -> frozenset[str]:
    return frozenset(person for text in entry.owner for person in who(text))


def _disjoint(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether both say something and have nothing in common."""
    return bool(one) and bool(other) and one.isdisjoint(other)
