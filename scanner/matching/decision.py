"""Decides which entry matches an identity, and whether registries contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple, TypeAlias

import msgspec

from scanner.matching.declared import Declared, environments
from scanner.matching.globs import specificity
from scanner.matching.keys import fold
from scanner.model import Entry, MatchCandidate, RegistryVerdict, Rung

Who: TypeAlias = Callable[[str], Collection[str]]
"""Returns the people a text refers to: a person, or a group with its members. Overlapping texts agree."""

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
    """Return whether both have values and share none."""
    return bool(one) and bool(other) and one.isdisjoint(other)


# ---
# From the entries that hit an identity to its verdict: the strongest rung decides, and registries are compared.
#
# Each registry is asked on its own first; what the strongest rung says is the verdict, and the other registries'
# answers agree with it or contradict it.

RUNNERS_UP = 3
_SCORES: Mapping[Rung, float] = {
    "key": 1.0, "unique_id": 1.0, "credential": 0.95, "alias": 0.9, "name": 0.85, "tag": 0.8, "glob": 0.6,
}  # fmt: skip


class Hit(NamedTuple):
    """An entry that matches the identity on a rung, and the text that matches."""

    rung: Rung
    text: str
    declared: Declared

    @property
    def entry_id(self) -> str:
        return self.declared.entry.id

    @property
    def registry(self) -> str:
        return self.declared.entry.registry

    @property
    def is_live(self) -> bool:
        return self.declared.standing == "live"

    @property
    def evidence(self) -> str:
        return f"{self.rung} {self.text} = {self.declared}"

    @property
    def is_proposed(self) -> bool:
        return self.declared.standing == "proposed"

    def candidate(self, besides: str = "", *, approved: bool = False) -> MatchCandidate:
        """Return it as a candidate. ``approved``: score it as if its entry were valid."""
        score = _SCORES[self.rung] * (1.0 if self.is_live or approved else 0.5)
        return MatchCandidate(entry=self.entry_id, score=round(score, 2), evidence=self.evidence + besides)


class Decision(NamedTuple):
    """The verdict, and the hits of all matching entries."""

    verdict: RegistryVerdict
    standing: Sequence[Hit]


def decide(hits: Sequence[Hit], who: Who) -> Decision:
    """The decision on one identity. ``hits``: at least one, the strongest rung's first.

    Several live entries of one registry on the deciding rung are ambiguous, and so are those of different registries
    that contradict each other; where these agree, the first that names an owner stands for them all. A proposed entry
    registers nobody: proposing is not approving.
    """
    if not (firm := _firm(hits)):
        return _unapproved(hits)
    winners = _winners(firm)
    if len(hits) == 1:
        return Decision(_registered(winners[0]), winners)
    chosen = winners[0]
    if chosen.is_live and len(winners) > 1:
        if len({hit.registry for hit in winners}) < len(winners):
            return Decision(_ambiguous(winners, f"{len(winners)} live entries stand for it"), winners)
        if (contested := _contested(winners, who)) is not None:
            return Decision(contested, winners)
        chosen = min(winners, key=_speaks_first)
    return _compared(chosen, winners, hits, who)


def _firm(hits: Iterable[Hit]) -> list[Hit]:
    return [hit for hit in hits if not hit.is_proposed]


def _unapproved(hits: Sequence[Hit]) -> Decision:
    """Unregistered, with the proposed entries as candidates, those first that would decide."""
    winners = _winners(hits)
    first = winners[0]
    verdict = RegistryVerdict(
        state="unregistered",
        evidence=first.evidence,
        proposed=first.entry_id,
        proposed_by=first.rung,
        candidates=tuple(hit.candidate(approved=True) for hit in _one_an_entry((*winners, *hits))[: RUNNERS_UP + 1]),
    )
    return Decision(verdict, winners)


def _winners(hits: Sequence[Hit]) -> list[Hit]:
    """The hits that decide, one an entry: on the strongest rung, live ones if any, of patterns the most specific."""
    deciding = [hit for hit in hits if hit.rung == hits[0].rung]
    deciding = [hit for hit in deciding if hit.is_live] or deciding
    if hits[0].rung == "glob":
        highest = max(specificity(hit.text) for hit in deciding)
        deciding = [hit for hit in deciding if specificity(hit.text) == highest]
    return _one_an_entry(sorted(deciding, key=lambda hit: (hit.declared.rank, hit.text)))


def _one_an_entry(hits: Iterable[Hit]) -> list[Hit]:
    first: dict[str, Hit] = {}
    for hit in hits:
        first.setdefault(hit.entry_id, hit)
    return list(first.values())


def _speaks_first(hit: Hit) -> tuple[bool, str, str]:
    entry = hit.declared.entry
    return not entry.owner, entry.registry, entry.id


def _registered(chosen: Hit) -> RegistryVerdict:
    return RegistryVerdict(state="registered", entry=chosen.entry_id, rung=chosen.rung, evidence=chosen.evidence)


def _ambiguous(winners: Sequence[Hit], why: str, contradictions: tuple[str, ...] = ()) -> RegistryVerdict:
    return RegistryVerdict(
        state="ambiguous",
        rung=winners[0].rung,
        evidence=f"{winners[0].rung}: {why}",
        contradictions=contradictions,
        candidates=tuple(hit.candidate() for hit in winners),
    )


def _contested(winners: Sequence[Hit], who: Who) -> RegistryVerdict | None:
    """Ambiguous, where any two registries contradict each other on the deciding rung."""
    columns: set[str] = set()
    parties: dict[str, str] = {}
    for one, other in combinations(winners, 2):
        if differing := differences(one.declared, other.declared, who):
            columns.update(differing)
            parties |= {hit.entry_id: str(hit.declared) for hit in (one, other)}
    if not parties:
        return None
    why = f"{' and '.join(sorted(parties.values()))} differ in {', '.join(sorted(columns))}"
    return _ambiguous(winners, why, tuple(sorted(parties)))


def _compared(chosen: Hit, winners: Sequence[Hit], hits: Sequence[Hit], who: Who) -> Decision:
    """Registered by the chosen one, with what the other registries say of it."""
    agreeing: list[Hit] = []
    contradicting: list[tuple[Hit, MatchCandidate]] = []
    for answer in _other_answers(chosen, hits):
        if differing := differences(chosen.declared, answer.declared, who):
            contradicting.append((answer, answer.candidate(f", differs in {', '.join(differing)}")))
        else:
            agreeing.append(answer)
    named = {chosen.entry_id, *(hit.entry_id for hit in agreeing), *(hit.entry_id for hit, _ in contradicting)}
    own = [hit for hit in winners if hit.entry_id not in named]
    verdict = RegistryVerdict(
        state="registered",
        entry=chosen.entry_id,
        rung=chosen.rung,
        also_by=next((hit.rung for hit in hits if hit.entry_id == chosen.entry_id and hit.rung != chosen.rung), None),
        evidence=chosen.evidence,
        agreeing=tuple(hit.entry_id for hit in agreeing),
        contradictions=tuple(hit.entry_id for hit, _ in contradicting),
        candidates=(*(candidate for _, candidate in contradicting), *_runners_up(hits, named)),
    )
    return Decision(verdict, [chosen, *own, *agreeing, *(hit for hit, _ in contradicting)])


def _other_answers(chosen: Hit, hits: Sequence[Hit]) -> list[Hit]:
    """What each other registry would answer if it were the only one; one that could not decide says nothing.

    Nor does a tag beside something stronger: whoever can set it could pick an owner with it.
    """
    by_registry: dict[str, list[Hit]] = {}
    for hit in hits:
        if hit.registry != chosen.registry and (hit.rung != "tag" or chosen.rung == "tag"):
            by_registry.setdefault(hit.registry, []).append(hit)
    answers = [_winners(_firm(own) or own) for own in by_registry.values()]
    return sorted((own[0] for own in answers if len(own) == 1 or not own[0].is_live), key=_speaks_first)


def _runners_up(hits: Iterable[Hit], named: set[str]) -> tuple[MatchCandidate, ...]:
    others = (hit for hit in hits if hit.entry_id not in named)
    best_first = sorted(others, key=lambda hit: (-hit.candidate().score, hit.declared.rank, hit.text))
    return tuple(hit.candidate() for hit in _one_an_entry(best_first)[:RUNNERS_UP])
