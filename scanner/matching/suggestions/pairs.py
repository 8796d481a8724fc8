"""The identities or entries to compare, by the keys of their names and by scope."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from scanner.matching.keys import place_of
from scanner.matching.lookalikes import disguise, disguised, listed, look_alike
from scanner.matching.places import Location
from scanner.matching.suggestions.likeness import Likeness
from scanner.matching.suggestions.names import Spelled, as_written, environments, key_of, kind_of
from scanner.model import EntryAssessment, Identity
from scanner.text import printable

CROWD = 8
"""The most subjects with one name that are considered; of more, so many in the asking scopes, and the first."""

T = TypeVar("T")
Scopes = Collection[str | None]


class Called(Struct, Generic[T], frozen=True, gc=False):
    """A subject under one of its names."""

    id: str
    subject: T
    name: Spelled


class Side(Generic[T]):
    """Subjects; the first ones are preferred if many share a name."""

    def __init__(
        self,
        subjects: Iterable[T],
        *,
        id_of: Callable[[T], str],
        names: Callable[[T], Sequence[Spelled]],
        scopes: Callable[[T], Scopes],
    ) -> None:
        by_key: dict[str, list[Called[T]]] = defaultdict(list)
        for subject in subjects:
            for name in names(subject):
                by_key[name.key].append(Called(id_of(subject), subject, name))
        self.keys = sorted(by_key)
        self._by_key = dict(by_key)
        self.scopes = scopes
        self._crowds: dict[str, dict[str | None, list[Called[T]]]] = {}

    def all(self, key: str) -> Sequence[Called[T]]:
        """Return all subjects with a name of that key."""
        return self._by_key[key]

    def near(self, key: str, scopes: Scopes) -> Sequence[Called[T]]:
        """Return the subjects with a name of that key to compare from these scopes; of very many, a few."""
        everybody = self._by_key[key]
        if len(everybody) <= CROWD:
            return everybody
        by_scope = self._crowd(key)
        local = (one for scope in sorted(scopes, key=str) for one in by_scope.get(scope, ()))
        return list({one.id: one for one in (*local, *everybody[:CROWD])}.values())

    def _crowd(self, key: str) -> dict[str | None, list[Called[T]]]:
        """Return the first few of each scope."""
        if key not in self._crowds:
            by_scope: dict[str | None, list[Called[T]]] = defaultdict(list)
            for one in self._by_key[key]:
                for scope in self.scopes(one.subject):
                    if len(by_scope[scope]) < CROWD:
                        by_scope[scope].append(one)
            self._crowds[key] = dict(by_scope)
        return self._crowds[key]


# --- One pair: what contradicts it besides the names, and its evidence as text ---

QUOTED = 80

_ANOTHER_ENVIRONMENT = 0.5
_PATTERN = 0.6
_ALREADY_FOUND = 0.75
_RETIRED = 0.8
_DISGUISED = 0.6
_ANOTHER_SCOPE = 0.85


class Objection(Struct, frozen=True, gc=False):
    """A contradiction, and the factor for the score."""

    leaves: float
    evidence: str


class Pair(Struct, frozen=True, gc=False):
    """An identity and an entry, each under one of its names."""

    identity: Identity
    called: Spelled
    entry: EntryAssessment
    declared: Spelled
    likeness: Likeness


def objections(pair: Pair, locations: Sequence[Location]) -> Iterator[Objection]:
    """Yield everything besides the names that contradicts the pair. ``locations``: of the entry's identities."""
    yield from _other_environment(pair)
    yield from _other_scope(pair.identity, locations)
    if _is_disguised(pair):
        yield Objection(_DISGUISED, f"looks alike but {disguise(pair.called.text, pair.declared.text)}")
    if pair.declared.label == "pattern":
        yield Objection(_PATTERN, "only the literal parts of a pattern are compared")
    if pair.entry.identities:
        yield Objection(_ALREADY_FOUND, f"the entry already matches {_quoted(pair.entry.identities[0])}")
    if pair.entry.entry.status == "retired":
        yield Objection(_RETIRED, "the entry is retired")


def _other_environment(pair: Pair) -> Iterator[Objection]:
    """Compare environments by the names; if a name has none, by the provider's data or the registry."""
    found = environments(pair.called.key) or _environment(pair.identity.environment)
    declared = environments(pair.declared.key) or _environment(pair.entry.entry.environment)
    if found and declared and found.isdisjoint(declared):
        yield Objection(
            _ANOTHER_ENVIRONMENT, f"environments contradict: {listed(sorted(found))} and {listed(sorted(declared))}"
        )


def _environment(text: str | None) -> frozenset[str]:
    return environments(key_of(text)) if text else frozenset()


def _other_scope(identity: Identity, locations: Sequence[Location]) -> Iterator[Objection]:
    provider, scope = place_of(identity)
    if not any(location.holds(provider, scope) for location in locations):
        elsewhere = sorted({location.path or location.scope or "" for location in locations})
        yield Objection(
            _ANOTHER_SCOPE, f"scopes differ: {_quoted(identity.scope)} and {listed(map(_quoted, elsewhere))}"
        )


def evidence(pair: Pair, objecting: Iterable[Objection]) -> str:
    """Return verifiable evidence: both names, what they share, how they differ, and what contradicts the pair."""
    called = f'{pair.called.label} "{_quoted(pair.called.text)}"'
    declared = f'"{_quoted(pair.declared.text)}" in {printable(str(pair.entry.entry.origin))}'
    said = (_compared(pair), *_contradicting(pair), *(objection.evidence for objection in objecting))
    return f"{called} and {declared} {'; '.join(said)}"


def _compared(pair: Pair) -> str:
    """Return ``share payments, prod = production; pay resembles payments; differ in 2``."""
    if pair.likeness.equal and not _is_disguised(pair):
        return "are equal" if pair.called.text == pair.declared.text else "are equal except for case and separators"
    ours, theirs = as_written(pair.called.key), as_written(pair.declared.key)
    known = pair.likeness.shared.union(*pair.likeness.resembling)
    shared = [token for token in ours if token in pair.likeness.shared]
    distinctive = [token for token in shared if kind_of(token) != "generic"] or shared
    parts = {
        "share": [_both(ours[token], theirs[token]) for token in distinctive],
        "": [f"{ours[one]} resembles {theirs[other]}" for one, other in pair.likeness.resembling],
        "differ in": [word for words in (ours, theirs) for token, word in words.items() if token not in known],
    }
    return "; ".join(f"{verb} {listed(words)}".lstrip() for verb, words in parts.items() if words)


def _both(ours: str, theirs: str) -> str:
    return ours if ours == theirs else f"{ours} = {theirs}"


def _contradicting(pair: Pair) -> Iterator[str]:
    for kind in pair.likeness.contradicting:
        ours, theirs = as_written(pair.called.key), as_written(pair.declared.key)
        found = [word for token, word in ours.items() if kind_of(token) == kind and token not in theirs]
        declared = [word for token, word in theirs.items() if kind_of(token) == kind and token not in ours]
        yield f"{kind}s contradict: {listed(found)} and {listed(declared)}"


def _is_disguised(pair: Pair) -> bool:
    """Return whether two different names look alike, or one has characters that look like others."""
    called, declared = pair.called.text, pair.declared.text
    return disguised(called) != disguised(declared) or look_alike(called, declared)


def _quoted(text: str) -> str:
    return printable(text if len(text) <= QUOTED else f"{text[:QUOTED]}…")
