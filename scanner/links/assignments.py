"""Rights that are told elsewhere, joined with whoever holds them: grants, privilege, whom one can become. Pure.

A place that gives rights (a subscription, a project) names their holders by id alone, and these may have been found in
another. So this is decided when everything has been read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec.structs import replace

from scanner.links.linking import Keys, with_links
from scanner.matching.keys import as_compared
from scanner.model import EVERY_SCOPE, POWERFUL, Assignment, Coverage, Identity, Link, Privilege
from scanner.privilege.levels import gravest
from scanner.text import counted

Held: TypeAlias = Mapping[str, Sequence[Assignment]]
"""By key of an identity: the rights that it holds by assignment, by their key."""

MOST_GAPS = 3
"""So many places that could not be read are named, the rest are counted."""


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


def with_assignments(
    identities: Sequence[Identity], held: Held, others: Iterable[Identity] = ()
) -> tuple[Identity, ...]:
    """The identities with the rights that they hold, and with ``can_assume`` links to whom these let them become.

    ``others``: known of old, who can be become as well. Administrators need no such links. What holds under a
    condition makes no link; see :func:`doubtful_becoming`.
    """
    if not held:
        return tuple(identities)
    able = [replace(one, **_rights(one, held[one.key])) if one.key in held else one for one in identities]
    links: defaultdict[str, list[Link]] = defaultdict(list)
    for source, target, evidence in _becoming([*able, *others], held, conditional=False):
        links[source].append(Link(relation="can_assume", target=target, evidence=evidence))
    return tuple(with_links(one, links[one.key]) if one.key in links else one for one in able)


def doubtful_becoming(identities: Sequence[Identity], held: Held) -> Iterator[tuple[str, str, str]]:
    """Who could become whom, if a condition of a right is met: (key, key of the other, evidence)."""
    return _becoming(identities, held, conditional=True)


def with_doubt(identities: Sequence[Identity], coverage: Iterable[Coverage]) -> tuple[Identity, ...]:
    """The identities, of unknown privilege where nothing grave is known and a place that may give rights was not read.

    Such a place gives them to any identity of its source.
    """
    if not (doubts := _doubts(coverage)):
        return tuple(identities)
    return tuple(
        replace(one, privilege=doubts[source])
        if one.privilege.level == "normal" and (source := _doubted(one, doubts))
        else one
        for one in identities
    )


def doubt_notices(identities: Iterable[Identity], coverage: Iterable[Coverage]) -> list[str]:
    """For each source whose rights could not all be read, once: why, and of how many identities it leaves in doubt."""
    if not (doubts := _doubts(coverage)):
        return []
    unknown = (one for one in identities if one.privilege.level == "unknown")
    left = Counter(source for one in unknown if (source := _doubted(one, doubts)) and one.privilege == doubts[source])
    return [
        f"source {source}: the privilege of {counted(number, 'identity', 'identities')} is unknown, "
        f"for they may hold more: {'; '.join(doubt.evidence)}"
        for source, doubt in sorted(doubts.items())
        if (number := left[source])
    ]


def _doubts(coverage: Iterable[Coverage]) -> dict[str, Privilege]:
    """By source: what can be said of its identities where a place that gives rights was not read."""
    gaps: defaultdict[str, list[str]] = defaultdict(list)
    for one in coverage:
        if one.is_gap and "permissions" in one.feeds:
            gaps[one.source].append(f"{_place(one)} could not be read ({one.status})")
    return {source: Privilege(level="unknown", evidence=_few(told)) for source, told in gaps.items()}


def _place(coverage: Coverage) -> str:
    """In words; a section or scope that stands for all of them is called so."""
    what = "everything" if coverage.section.partition(":")[0] == "*" else coverage.section
    return f"{what} of {'every scope' if coverage.scope == EVERY_SCOPE else coverage.scope}"


def _doubted(identity: Identity, doubts: Mapping[str, Privilege]) -> str | None:
    """The source that leaves it in doubt."""
    return next((source for source in identity.sources or (identity.source,) if source in doubts), None)


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
    """What the right amounts to; under a condition it is at most ``high``."""
    given = right.privilege
    evidence = given.evidence or (_words(right),)
    if not right.conditional:
        return Privilege(level=given.level, evidence=evidence)
    level = "high" if given.level in POWERFUL else given.level
    return Privilege(level=level, evidence=tuple(f"{why}, if its condition is met" for why in evidence))


def _words(right: Assignment) -> str:
    return f"{right.grant.name} on {right.grant.resource}" if right.grant.resource else right.grant.name


def _becoming(identities: Sequence[Identity], held: Held, *, conditional: bool) -> Iterator[tuple[str, str, str]]:
    """Who can become whom, and by which right."""
    able = [
        (one, right)
        for one in identities
        if one.privilege.level != "admin"
        for right in held.get(one.key, ())
        if right.becomes and right.conditional == conditional
    ]
    keys = {
        provider: Keys(provider, (one.key for one in identities if one.provider == provider))
        for provider in {one.provider for one, _ in able}
    }
    for one, right in able:
        for pattern in right.becomes:
            for target in keys[one.provider].named(pattern):
                if target != one.key:
                    yield one.key, target, f"{_words(right)}{', under a condition' if conditional else ''}"
