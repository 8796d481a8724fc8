"""Privileges from assignments: the highest level of several, and what unread scopes hide. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import TypeAlias

from msgspec.structs import replace

from scanner.access.trusts import Keys
from scanner.matching.keys import as_compared
from scanner.model import EVERY_SCOPE, POWERFUL, PRIVILEGES, Assignment, Coverage, Edge, Identity, Privilege
from scanner.text import counted

MOST_EVIDENCE = 20
"""How many reasons the evidence of a level names; the grants list all."""


def gravest(privileges: Iterable[Privilege]) -> Privilege:
    """Return the highest level of one or more privileges, with the reasons of all that have it, each once.

    Those of the first that has it are never cut, so that doing it again changes nothing.
    """
    privileges = tuple(privileges)
    level = min((one.level for one in privileges), key=PRIVILEGES.index)
    told = [one.evidence for one in privileges if one.level == level]
    most = max(MOST_EVIDENCE, len(told[0]))
    return Privilege(level=level, evidence=tuple(dict.fromkeys(chain.from_iterable(told)))[:most])


# --- Rights that are told elsewhere, joined with whoever holds them: grants, privilege, whom one can become. Pure ---
#
# A place that gives rights (a subscription, a project) names their holders by id alone, and these may have been found
# in another. So this is decided when everything has been read.

Held: TypeAlias = Mapping[str, Sequence[Assignment]]
"""By identity key: its assignments by their key."""

_NOTHING: Held = MappingProxyType({})

MOST_GAPS = 3
"""How many unread scopes the evidence names; the rest are counted."""


def held_by(identities: Iterable[Identity], assignments: Iterable[Assignment]) -> Held:
    """Whose each right is: the identity's that goes by that key, else unique id, else alias, with the same provider.

    Ids are compared as the provider compares them. Where several go by one id, each may be meant and has the right.
    A holder that is gone holds nothing.
    """
    given: defaultdict[tuple[str, str], list[Assignment]] = defaultdict(list)
    for one in assignments:
        if one.holder and one.gone is not True:
            given[one.provider, as_compared(one.holder, one.provider)].append(one)
    if not given:
        return {}
    called: defaultdict[tuple[str, str], tuple[list[str], ...]] = defaultdict(lambda: ([], [], []))
    for identity in identities:
        for rung, ids in enumerate(((identity.key,), (identity.unique_id or "",), identity.aliases)):
            for text in ids:
                if (name := (identity.provider, as_compared(text, identity.provider))) in given:
                    called[name][rung].append(identity.key)
    held: defaultdict[str, dict[str, Assignment]] = defaultdict(dict)
    for name, rungs in called.items():
        for key in next(filter(None, rungs)):
            held[key] |= {one.key: one for one in given[name]}
    return {key: [rights[each] for each in sorted(rights)] for key, rights in held.items()}


def with_assignments(identities: Sequence[Identity], held: Held) -> tuple[Identity, ...]:
    """Return the identities with the grants of their assignments and the resulting privilege."""
    if not held:
        return tuple(identities)
    return tuple(replace(one, **_rights(one, held[one.key])) if one.key in held else one for one in identities)


def by_right(identities: Iterable[Identity], held: Held) -> Iterator[Edge]:
    """Return the edges that assignments allow, certain and conditional. Admins get none: they need none."""
    identities = tuple(identities) if held else ()
    able = [
        (one, right)
        for one in identities
        if one.privilege.level != "admin"
        for right in held.get(one.key, ())
        if right.becomes
    ]
    keys = {
        provider: Keys(provider, (one.key for one in identities if one.provider == provider))
        for provider in {one.provider for one, _ in able}
    }
    for one, right in able:
        evidence = f"{_words(right)}{', under a condition' if right.conditional else ''}"
        for pattern in right.becomes:
            for target in keys[one.provider].named(pattern):
                if target != one.key:
                    yield Edge(one.key, target, evidence, right.conditional)


def with_doubt(
    identities: Sequence[Identity], coverage: Iterable[Coverage], held: Held = _NOTHING
) -> tuple[Identity, ...]:
    """The identities, of unknown privilege where nothing grave is known and a place that may give rights was not read.

    Such a place gives them to any identity of its source; or, where it says so, to those of its own scope and those
    who by ``held`` have other rights there.
    """
    if not (doubts := _Doubts(coverage, held)):
        return tuple(identities)
    return tuple(
        replace(one, privilege=doubt)
        if one.privilege.level == "normal" and (doubt := doubts.of(one)) is not None
        else one
        for one in identities
    )


def doubt_notices(identities: Iterable[Identity], coverage: Iterable[Coverage], held: Held = _NOTHING) -> list[str]:
    """For each source whose rights could not all be read, once: why, and of how many identities it leaves in doubt."""
    if not (doubts := _Doubts(coverage, held)):
        return []
    unknown = (one for one in identities if one.privilege.level == "unknown")
    left = Counter(doubts.source_of(one) for one in unknown if one.privilege == doubts.of(one))
    return [
        f"source {source}: the privilege of {counted(number, 'identity', 'identities')} is unknown, "
        f"for they may hold more: {'; '.join(doubts.told(source))}"
        for source in doubts.sources
        if (number := left[source])
    ]


class _Doubts:
    """Unread scopes that may hide assignments, by source and by the scope of the identities concerned."""

    def __init__(self, coverage: Iterable[Coverage], held: Held) -> None:
        self._held = held
        self._gaps: defaultdict[str, dict[str | None, list[str]]] = defaultdict(dict)
        for one in coverage:
            if one.is_gap and "permissions" in one.feeds:
                scope = one.scope if one.feeds_within else None
                told = self._gaps[one.source].setdefault(scope, [])
                told.append(f"{_place(one)} could not be read ({one.status})")

    def __bool__(self) -> bool:
        return bool(self._gaps)

    @property
    def sources(self) -> list[str]:
        """Those with such places."""
        return sorted(self._gaps)

    def of(self, identity: Identity) -> Privilege | None:
        """Return the uncertain privilege of an identity, or None if nothing is uncertain."""
        source = self.source_of(identity)
        if source is None:
            return None
        gaps, scopes = self._gaps[source], self._scopes(identity)
        told = [why for scope, each in gaps.items() if scope in scopes for why in each]
        return Privilege(level="unknown", evidence=_few(told))

    def source_of(self, identity: Identity) -> str | None:
        """Return the source that makes its privilege uncertain."""
        scopes = self._scopes(identity)
        sources = (source for source in identity.sources or (identity.source,) if source in self._gaps)
        return next((source for source in sources if not scopes.isdisjoint(self._gaps[source])), None)

    def told(self, source: str) -> tuple[str, ...]:
        """Its places that were not read, and whom nobody can tell of."""
        gaps = self._gaps[source]
        within = () if None in gaps else ("what identities of other scopes hold there is not known either",)
        return (*_few([why for each in gaps.values() for why in each]), *within)

    def _scopes(self, identity: Identity) -> set[str | None]:
        """Those that give it rights, as far as is known; None stands for what may give them to anybody."""
        return {None, identity.scope, *(one.scope for one in self._held.get(identity.key, ()))}


def _place(coverage: Coverage) -> str:
    """In words; a section or scope that stands for all of them is called so."""
    what = "everything" if coverage.section.partition(":")[0] == "*" else coverage.section
    return f"{what} of {'every scope' if coverage.scope == EVERY_SCOPE else coverage.scope}"


def _few(told: Sequence[str]) -> tuple[str, ...]:
    more = len(told) - MOST_GAPS
    return (*told[:MOST_GAPS], f"and {more} more such places") if more > 0 else tuple(told)


def _rights(identity: Identity, rights: Sequence[Assignment]) -> dict[str, object]:
    """Its grants and privilege with these, of which the ordinary add no reason. Doing it again changes nothing."""
    graver = (one for one in map(_privilege, rights) if one.level != "normal")
    return {
        "grants": tuple(dict.fromkeys((*identity.grants, *(one.grant for one in rights)))),
        "privilege": gravest((identity.privilege, *graver)),
    }


def _privilege(right: Assignment) -> Privilege:
    """Return the privilege of an assignment; at most ``high`` under a condition."""
    given = right.privilege
    evidence = given.evidence or (_words(right),)
    if not right.conditional:
        return Privilege(level=given.level, evidence=evidence)
    level = "high" if given.level in POWERFUL else given.level
    return Privilege(level=level, evidence=tuple(f"{why}, if its condition is met" for why in evidence))


def _words(right: Assignment) -> str:
    return f"{right.grant.name} on {right.grant.resource}" if right.grant.resource else right.grant.name
