"""Matches entries to identities on seven rungs. The strongest rung with a match decides.

1. Every text of every entry is in a dict (as written, and folded), patterns are in their own index.
2. An identity is looked up by its key, its unique id, its credentials' ids, its tags, its aliases and its name. Only if
   no exact text matches are the patterns tried, and the most specific one counts. Patterns of other registries than
   those that have it by an exact text complete the entry: they say what it leaves empty, and contradict nothing.
3. An entry's provider and scope only narrow: identities elsewhere do not match. Ids belong to the provider that issues
   them: an id in another provider's format matches nothing.
4. On the deciding rung, live entries outrank all others. Several live ones of one registry are ambiguous, and so are
   those of two registries that contradict each other.

Parts of names and similarity are never used here, and the order of the input does not matter.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from random import Random

from msgspec import Struct

from scanner.matching.decision import DecisionHit, Who, as_written, decide
from scanner.matching.declared import Declared, Index, effective_status
from scanner.matching.globs import GlobIndex, is_pattern, literal, names_something
from scanner.matching.keys import (
    ProviderScope,
    fold,
    habits,
    is_bare,
    is_email,
    is_foreign,
    is_opaque,
    is_qualified,
    issues_opaque_ids,
    place_of,
    url_id,
)
from scanner.matching.places import agrees
from scanner.model import Entry, Identity, RegistryVerdict, Rung
from scanner.processes import spread, started
from scanner.text import few

LARGE_SHARE = 0.01
"""A pattern that matches a larger share of the estate is reported,"""
LARGE_COUNT = 20
"""if it matches at least this many identities: 1 % of a small estate is one or two."""
LARGE_NAMED = 5
_SAMPLE = 5000
_BY_ID: frozenset[Rung] = frozenset({"key", "unique_id", "credential", "alias"})
_UNREGISTERED = RegistryVerdict(state="unregistered")


class Matching(Struct, frozen=True, kw_only=True):
    """The result: a verdict for each identity's key, and the keys that each entry matches (ambiguous ones, too).

    ``outranked``: for an entry that matches nothing, an identity that it names and that another entry matches. So are
    the entries beyond the first of very many that say the same.
    """

    verdicts: Mapping[str, RegistryVerdict]
    identities_of: Mapping[str, tuple[str, ...]]
    outranked: Mapping[str, str] = {}
    notices: tuple[str, ...] = ()


def match(
    identities: Sequence[Identity],
    entries: Sequence[Entry],
    *,
    tag_keys: Sequence[str],
    today: date,
    who: Who = as_written,
) -> Matching:
    """Match identities with entries: registered, ambiguous or unregistered, with rung, evidence and candidates.

    ``tag_keys``: the only tags that can have an entry's id. ``today``: an entry is expired after its last day. ``who``:
    returns the people that an owner's name refers to, to compare owners of two registries.
    """
    with matching(identities, entries, tag_keys=tag_keys, today=today, who=who) as matched:
        return matched()


@contextmanager
def matching(
    identities: Sequence[Identity],
    entries: Sequence[Entry],
    *,
    tag_keys: Sequence[str],
    today: date,
    who: Who = as_written,
) -> Iterator[Callable[[], Matching]]:
    """Like :func:`match`, started in other processes before the yielded function is called."""
    # A random sample: numbered names repeat, and a sample at fixed intervals would miss most.
    sample = Random(0).sample(identities, min(_SAMPLE, len(identities)))  # noqa: S311  # not for security: a bad sample only costs time
    ladder = _Ladder(entries, tag_keys, today, sample)

    def match_part(part: Sequence[Identity]) -> _Matches:
        matches = _Matches()
        for identity in part:
            hits = ladder.hits_of(identity, matches)
            matches.verdicts.append(None if hits is None else matches.decided(identity, hits, who))
        return matches

    with started(match_part, identities) as parts:
        yield lambda: _joined(identities, parts(), ladder, who)


def _joined(identities: Sequence[Identity], parts: Sequence[_Matches], ladder: _Ladder, who: Who) -> Matching:
    matches, *others = parts
    for other in others:
        matches.join(other)
    verdicts = {
        identity.key: matches.decided(identity, ladder.uncertain_hits_of(identity, matches), who)
        if verdict is None
        else verdict
        for identity, verdict in zip(identities, matches.verdicts, strict=True)
    }
    identities_of, outranked = matches.identities_of, matches.outranked
    for idle in ladder.outranked_patterns(identities, {*identities_of, *outranked}):
        for entry, key in idle.items():
            _least(outranked, entry, key)
    for first, alike in ladder.crowds():
        keys = (*identities_of.get(first.entry.id, ()), *filter(None, [outranked.get(first.entry.id)]))
        if keys:
            least = min(keys)
            for declared in alike:
                _least(outranked, declared.entry.id, least)
    return Matching(
        outranked={entry: outranked[entry] for entry in sorted(outranked.keys() - identities_of.keys())},
        verdicts=verdicts,
        identities_of={entry: tuple(sorted(identities_of[entry])) for entry in sorted(identities_of)},
        notices=(*ladder.refused, *_large(matches.taken, len(identities))),
    )


class _Matches:
    """What the entries match among some identities.

    ``verdicts``: in the order of the identities; None where it depends on the ids of all: ``held`` are those that have
    the shape of an id, and ``issued`` those whose provider issues GUIDs or numbers.
    """

    def __init__(self) -> None:
        self.verdicts: list[RegistryVerdict | None] = []
        self.identities_of: dict[str, list[str]] = defaultdict(list)
        self.outranked: dict[str, str] = {}
        self.taken: Counter[tuple[str, str]] = Counter()
        self.held: set[str] = set()
        self.issued: set[str] = set()

    def decided(self, identity: Identity, hits: Sequence[DecisionHit], who: Who) -> RegistryVerdict:
        """Return the verdict on the identity, and record which entries it is for."""
        if not hits:
            return _UNREGISTERED
        verdict, matching = decide(hits, who)
        for hit in matching:
            self.identities_of[hit.entry_id].append(identity.key)
        for hit in hits:
            _least(self.outranked, hit.entry_id, identity.key)
        self.taken.update((hit.text, str(hit.declared.entry.origin)) for hit in matching if hit.rung == "glob")
        return verdict

    def join(self, other: _Matches) -> None:
        """Add the matches among the identities that follow."""
        self.verdicts += other.verdicts
        for entry, keys in other.identities_of.items():
            self.identities_of[entry] += keys
        for entry, key in other.outranked.items():
            _least(self.outranked, entry, key)
        self.taken.update(other.taken)
        self.held |= other.held
        self.issued |= other.issued


def _by_qualified_name(hits: Sequence[DecisionHit]) -> bool:
    """Return whether only a name matches, and the name has the shape of an id."""
    return hits[0].rung == "name" and is_qualified(hits[0].text)


def _is_claim(hit: DecisionHit) -> bool:
    """Return whether the id may be another provider's, in an entry that names no provider."""
    return hit.rung in _BY_ID and hit.declared.entry.provider is None and is_opaque(hit.text)


def _least(keys: dict[str, str], entry: str, key: str) -> None:
    """Keep the smallest key for an entry, so that the order of the input does not matter."""
    keys[entry] = min(key, keys.get(entry, key))


class _Ladder:
    """The entries, indexed for every rung."""

    def __init__(
        self, entries: Iterable[Entry], tag_keys: Sequence[str], today: date, sample: Sequence[Identity]
    ) -> None:
        self._tag_keys = tuple(sorted(set(tag_keys)))
        self._sample = [text for identity in sample for text in (identity.key, identity.name)]
        self._exact, self._folded, self._ids, self._patterns = Index(), Index(), Index(), Index()
        self._urls = Index()
        self._with_pattern: set[str] = set()
        refused = set()
        for entry in entries:
            declared = Declared(entry=entry, status=effective_status(entry, today))
            if entry.has_own_id:
                for text in {entry.id, fold(entry.id)}:
                    self._ids.add(text, declared)
            for text in {given.strip() for given in entry.identities} - {""}:
                if not is_pattern(text):
                    self._exact.add(literal(text), declared)
                    self._folded.add(fold(literal(text)), declared)
                    if (url := url_id(literal(text))) is not None:
                        self._urls.add(url, declared)
                elif names_something(text):
                    self._patterns.add(text, declared)
                    self._with_pattern.add(entry.registry)
                else:
                    refused.add(f"{entry.origin}: the pattern {text} would match everything and was not used")
        self.refused = tuple(sorted(refused))

    def hits_of(self, identity: Identity, matches: _Matches) -> list[DecisionHit] | None:
        """Return the identity's hits, those of the strongest rung first, and record its ids; None if uncertain.

        Uncertain is a name that may be another identity's id, and a GUID or number whose issuer is not known.
        """
        place = place_of(identity)
        exact = self._exact_hits(identity, place)
        issues = issues_opaque_ids(place[0])
        if exact and (_by_qualified_name(exact) or (not issues and any(_is_claim(hit) for hit in exact))):
            return None
        ids = [hit.text for hit in exact if hit.rung in _BY_ID]
        matches.held.update(fold(text) for text in ids if is_qualified(text))
        if issues:
            matches.issued.update(map(fold, ids))
        return self._with_patterns(identity, place, exact)

    def uncertain_hits_of(self, identity: Identity, matches: _Matches) -> list[DecisionHit]:
        """Return the hits of an uncertain identity, given the matches of all others.

        A name that is another identity's id does not count. A GUID or number matches no other identity if one has it
        whose provider issues such ids.
        """
        place = place_of(identity)
        exact = self._exact_hits(identity, place)
        anothers = matches.held if _by_qualified_name(exact) else matches.issued
        return self._with_patterns(identity, place, [hit for hit in exact if fold(hit.text) not in anothers])

    def _exact_hits(self, identity: Identity, place: ProviderScope) -> list[DecisionHit]:
        return [
            DecisionHit(rung, text, declared)
            for rung, text, found in self._exact_rungs(identity, place)
            if found and not is_foreign(text, place[0])
            for declared in found
        ]

    def _with_patterns(self, identity: Identity, place: ProviderScope, exact: list[DecisionHit]) -> list[DecisionHit]:
        """Return the hits with those of patterns: if no exact text decides, of all registries, else of the others."""
        decided = {hit.registry for hit in exact if not hit.is_proposed}
        if decided and decided.issuperset(self._with_pattern):
            return exact
        by_pattern = self._glob_hits_of(identity, place, self._exact_globs, self._any_case_globs)
        return [*exact, *(hit for hit in by_pattern if hit.registry not in decided)]

    def outranked_patterns(self, identities: Sequence[Identity], placed: Collection[str]) -> list[dict[str, str]]:
        """Return other entries whose patterns match identities that a stronger rung already matches, each with one."""
        idle = [
            text
            for text in self._patterns.texts
            if any(declared.entry.id not in placed for declared in self._patterns.everywhere(text))
        ]
        if not idle:
            return []
        exact = GlobIndex(((text, text) for text in idle), sample=self._sample)
        any_case = GlobIndex(((text, text) for text in idle), ignore_case=True, sample=self._sample)

        def outranked(part: Sequence[Identity]) -> dict[str, str]:
            found: dict[str, str] = {}
            for identity in part:
                for hit in self._glob_hits_of(identity, place_of(identity), exact, any_case):
                    _least(found, hit.entry_id, identity.key)
            return found

        return spread(outranked, identities)

    def crowds(self) -> Iterator[tuple[Declared, Sequence[Declared]]]:
        """Yield the entries that say the same as very many others: they match what the first of these matches."""
        for index in (self._exact, self._folded, self._ids, self._urls, self._patterns):
            yield from index.crowds()

    def _exact_rungs(self, identity: Identity, place: ProviderScope) -> Iterator[tuple[Rung, str, Sequence[Declared]]]:
        any_case = habits(identity.provider).ids == "any_case"
        yield "key", identity.key, self._named(identity.key, place, any_case)
        if identity.unique_id is not None:
            yield "unique_id", identity.unique_id, self._named(identity.unique_id, place, any_case)
        for text in (identity.unique_id or "", *identity.aliases):
            if (url := url_id(text)) is not None:
                yield "unique_id", text, self._urls.at(url, place)
        for credential in identity.credentials:
            if credential.kind != "password":  # the id of a password is only the user's name
                yield "credential", credential.id, self._named(credential.id, place, any_case)
        for key in self._tag_keys:
            if value := identity.tags.get(key):
                # Labels of some providers are always lower case; an id as written takes precedence.
                found = self._ids.at(value, place) or self._ids.at(fold(value), place)
                yield "tag", f"{key}={value}", [one for one in found if agrees(one.entry, identity)]
        for alias in identity.aliases:
            yield "alias", alias, self._named(alias, place, any_case)
        if is_bare(identity.name):
            yield "name", identity.name, self._folded.at(fold(identity.name), place)

    def _named(self, text: str, place: ProviderScope, any_case: bool) -> Sequence[Declared]:
        if any_case or is_email(text):
            return self._folded.at(fold(text), place)
        return self._exact.at(text, place)

    def _glob_hits_of(
        self, identity: Identity, place: ProviderScope, exact_globs: GlobIndex[str], any_case_globs: GlobIndex[str]
    ) -> list[DecisionHit]:
        compared = habits(identity.provider)
        ids = {identity.key, *identity.aliases}
        any_case = ids if compared.ids == "any_case" else {alias for alias in identity.aliases if is_email(alias)}
        exact = ids - any_case
        if is_bare(identity.name):
            (any_case if compared.names == "any_case" else exact).add(identity.name)
        found = dict.fromkeys((*exact_globs.find(exact), *any_case_globs.find(any_case)))
        if found and (foreign := {text for text in (*exact, *any_case) if is_foreign(text, place[0])}):
            found = dict.fromkeys((*exact_globs.find(exact - foreign), *any_case_globs.find(any_case - foreign)))
        return [DecisionHit("glob", text, declared) for text in found for declared in self._patterns.at(text, place)]

    @cached_property
    def _exact_globs(self) -> GlobIndex[str]:
        return GlobIndex(((text, text) for text in self._patterns.texts), sample=self._sample)

    @cached_property
    def _any_case_globs(self) -> GlobIndex[str]:
        return GlobIndex(((text, text) for text in self._patterns.texts), ignore_case=True, sample=self._sample)


def _large(taken: Mapping[tuple[str, str], int], estate: int) -> list[str]:
    """Return one notice about all patterns that match too much."""
    large = sorted(
        (-count, origin, pattern)
        for (pattern, origin), count in taken.items()
        if count >= LARGE_COUNT and count > estate * LARGE_SHARE
    )
    if not large:
        return []
    named = few([f"{pattern} in {origin} for {-count}" for count, origin, pattern in large], LARGE_NAMED, "; ")
    return [f"patterns that match over {LARGE_SHARE:.0%} of the {estate} identities: {named}"]
