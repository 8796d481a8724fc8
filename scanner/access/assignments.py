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
from scanner.model import (
    EVERY_SCOPE,
    POWERFUL,
    PRIVILEGES,
    Assignment,
    Consequence,
    Coverage,
    Edge,
    Identity,
    Privilege,
)
from scanner.text import counted

MOST_EVIDENCE = 20
"""The most reasons in the evidence of a level; the grants list them all."""


def highest_privilege(privileges: Iterable[Privilege]) -> Privilege:
    """Return the highest level of one or more privileges, with the reasons of all that have it, each once.

    The reasons of the first one are never cut, so that applying it again changes nothing.
    """
    privileges = tuple(privileges)
    level = min((privilege.level for privilege in privileges), key=PRIVILEGES.index)
    reasons = [privilege.evidence for privilege in privileges if privilege.level == level]
    most = max(MOST_EVIDENCE, len(reasons[0]))
    return Privilege(level=level, evidence=tuple(dict.fromkeys(chain.from_iterable(reasons)))[:most])


# --- Assignments, joined with their holders: grants, privilege, edges. Pure ---
#
# A resource (a subscription, a project) lists the holders of its assignments by id alone, and a holder can be in
# another scope. So assignments are joined once all scopes have been read.

AssignmentsByHolder: TypeAlias = Mapping[str, Sequence[Assignment]]
"""Assignments by identity key, each sorted by the assignment's key."""

_NOTHING: AssignmentsByHolder = MappingProxyType({})

MOST_GAPS = 3
"""The most unread scopes that the evidence names; the others are counted."""


def held_by(identities: Iterable[Identity], assignments: Iterable[Assignment]) -> AssignmentsByHolder:
    """Return the assignments of each identity. A holder is found by key, else unique id, else alias, at its provider.

    Ids are compared as the provider compares them. If several identities have the id, each has the assignment. A
    deleted holder has none. An identity that acts as others has their assignments as well.
    """
    named: defaultdict[str, list[Assignment]] = defaultdict(list)
    given: defaultdict[tuple[str, str], list[Assignment]] = defaultdict(list)
    for assignment in assignments:
        if assignment.holder and assignment.gone is not True:
            given[assignment.provider, as_compared(assignment.holder, assignment.provider)].append(assignment)
            named[assignment.holder].append(assignment)
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
            held[key] |= {one.key: one for right in given[name] for one in (right, *_of_others(right, named))}
    return {key: [rights[each] for each in sorted(rights)] for key, rights in held.items()}


def _of_others(right: Assignment, named: Mapping[str, Sequence[Assignment]]) -> Iterator[Assignment]:
    """Yield the assignments of those that its holder acts as."""
    for other in right.acts_as:
        yield from named.get(other, ())


def with_assignments(identities: Sequence[Identity], held: AssignmentsByHolder) -> tuple[Identity, ...]:
    """Return the identities with the grants of their assignments and the resulting privilege."""
    if not held:
        return tuple(identities)
    return tuple(
        replace(identity, **_rights(identity, held[identity.key])) if identity.key in held else identity
        for identity in identities
    )


def by_right(identities: Iterable[Identity], held: AssignmentsByHolder) -> Iterator[Edge]:
    """Yield the edges that assignments allow, certain and conditional. Admins get none: they need none."""
    identities = tuple(identities) if held else ()
    able = [
        (identity, right, right.becomes_at or right.provider)
        for identity in identities
        if identity.privilege.level != "admin"
        for right in held.get(identity.key, ())
        if right.becomes
    ]
    keys = {
        provider: Keys(provider, (identity.key for identity in identities if identity.provider == provider))
        for provider in {at for _, _, at in able}
    }
    for one, right, at in able:
        evidence = f"{_words(right)}{', under a condition' if right.conditional else ''}"
        for pattern in right.becomes:
            for target in keys[at].named(pattern):
                if target != one.key:
                    yield Edge(one.key, target, evidence, right.conditional)


def with_unknown_rights(
    identities: Sequence[Identity], coverage: Iterable[Coverage], held: AssignmentsByHolder = _NOTHING
) -> tuple[Identity, ...]:
    """Return the identities; a normal privilege becomes unknown if a scope that can assign rights was not read.

    Such a scope can assign rights to any identity of its source. With ``feeds_within``, only to identities of its own
    scope and those that have other assignments there (``held``).
    """
    if not (reasons := _Reasons(coverage, held)):
        return tuple(identities)
    return tuple(
        replace(identity, privilege=unknown)
        if identity.privilege.level == "normal" and (unknown := reasons.of(identity)) is not None
        else identity
        for identity in identities
    )


def unknown_rights_notices(
    identities: Iterable[Identity], coverage: Iterable[Coverage], held: AssignmentsByHolder = _NOTHING
) -> list[str]:
    """Return a message for each source with unread assignments: how many privileges are unknown, and why."""
    if not (reasons := _Reasons(coverage, held)):
        return []
    unknown = (identity for identity in identities if identity.privilege.level == "unknown")
    left = Counter(reasons.source_of(one) for one in unknown if one.privilege == reasons.of(one))
    return [
        f"source {source}: the privilege of {counted(number, 'identity', 'identities')} is unknown, "
        f"because they may have more rights: {'; '.join(reasons.reasons(source))}"
        for source in reasons.sources
        if (number := left[source])
    ]


class _Reasons:
    """Unread scopes that may hide assignments, by source and by the scope of the identities concerned."""

    def __init__(self, coverage: Iterable[Coverage], held: AssignmentsByHolder) -> None:
        self._held = held
        self._gaps: defaultdict[str, dict[str | None, list[str]]] = defaultdict(dict)
        for section in coverage:
            if section.is_gap and "permissions" in section.feeds:
                scope = section.scope if section.feeds_within else None
                reasons = self._gaps[section.source].setdefault(scope, [])
                reasons.append(f"{_place(section)} could not be read ({section.status})")

    def __bool__(self) -> bool:
        return bool(self._gaps)

    @property
    def sources(self) -> list[str]:
        """The sources with unread scopes, sorted."""
        return sorted(self._gaps)

    def of(self, identity: Identity) -> Privilege | None:
        """Return the uncertain privilege of an identity, or None if nothing is uncertain."""
        source = self.source_of(identity)
        if source is None:
            return None
        gaps, scopes = self._gaps[source], self._scopes(identity)
        reasons = [why for scope, each in gaps.items() if scope in scopes for why in each]
        return Privilege(level="unknown", evidence=_few(reasons))

    def source_of(self, identity: Identity) -> str | None:
        """Return the source that makes its privilege uncertain."""
        scopes = self._scopes(identity)
        sources = (source for source in identity.sources or (identity.source,) if source in self._gaps)
        return next((source for source in sources if not scopes.isdisjoint(self._gaps[source])), None)

    def reasons(self, source: str) -> tuple[str, ...]:
        """Return the unread scopes of a source as text."""
        gaps = self._gaps[source]
        within = () if None in gaps else ("the rights of other scopes' identities there are unknown, too",)
        return (*_few([why for each in gaps.values() for why in each]), *within)

    def _scopes(self, identity: Identity) -> set[str | None]:
        """Return the scopes known to assign it rights; None for scopes that can assign rights to any identity."""
        return {None, identity.scope, *(assignment.scope for assignment in self._held.get(identity.key, ()))}


def _place(coverage: Coverage) -> str:
    """Return section and scope as text; ``*`` is everything, or every scope."""
    what = "everything" if coverage.section.partition(":")[0] == "*" else coverage.section
    return f"{what} of {'every scope' if coverage.scope == EVERY_SCOPE else coverage.scope}"


def _few(reasons: Sequence[str]) -> tuple[str, ...]:
    more = len(reasons) - MOST_GAPS
    return (*reasons[:MOST_GAPS], f"and {more} more") if more > 0 else tuple(reasons)


def _rights(identity: Identity, rights: Sequence[Assignment]) -> dict[str, object]:
    """Return its grants and privilege with these assignments. Applying it again changes nothing.

    What it may do at another provider, in a cluster for instance, follows from the identities that it can become there.
    """
    levels = (_privilege(right, identity.provider) for right in rights)
    raising = (privilege for privilege in levels if privilege.level != "normal")
    rights_at_home = [right for right in rights if _is_at(right, identity.provider)]
    allowed = chain.from_iterable(map(_consequences, rights_at_home))
    return {
        "grants": tuple(dict.fromkeys((*identity.grants, *(right.grant for right in rights)))),
        "privilege": highest_privilege((identity.privilege, *raising)),
        "consequences": tuple(dict.fromkeys((*(identity.consequences or ()), *allowed)))
        if rights_at_home
        else identity.consequences,
    }


def _consequences(right: Assignment) -> Iterator[Consequence]:
    """Yield what an assignment allows, with its scope. Its admin can do everything there."""
    if right.privilege.level in POWERFUL:
        yield Consequence(kind="administer", by=_words(right), scope=right.scope, conditional=right.conditional)
    for one in right.consequences:
        yield replace(one, scope=one.scope or right.scope, conditional=one.conditional or right.conditional)


def _privilege(right: Assignment, provider: str) -> Privilege:
    """Return the privilege of an assignment; at most ``high`` under a condition, or at another provider."""
    given = right.privilege
    evidence = given.evidence or (_words(right),)
    level = "high" if given.level in POWERFUL else given.level
    if not right.conditional:
        return Privilege(level=given.level if _is_at(right, provider) else level, evidence=evidence)
    return Privilege(level=level, evidence=tuple(f"{why}, if its condition is met" for why in evidence))


def _is_at(right: Assignment, provider: str) -> bool:
    """Whether it is a right at the holder's own provider."""
    return right.provider == provider and right.becomes_at in ("", provider)


def _words(right: Assignment) -> str:
    return f"{right.grant.name} on {right.grant.resource}" if right.grant.resource else right.grant.name
