"""Decides which entry matches an identity, and whether registries contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple, TypeAlias

import msgspec

from scanner.matching.declared import MOST_ALIKE, Declared, environments
from scanner.matching.globs import is_pattern, specificity
from scanner.matching.keys import fold
from scanner.model import Entry, MatchCandidate, RegistryVerdict, Rung

Who: TypeAlias = Callable[[str], Collection[str]]
"""Returns the people a text refers to: a person, or a group with its members. Overlapping texts agree."""

_SAID: Mapping[str, Callable[[Declared], Hashable | None]] = {
    "status": lambda one: None if one.status == "unknown" else one.status,
    "kind": lambda one: None if one.entry.kind in (None, "other") else fold(one.entry.kind or ""),
    "expires": lambda one: one.entry.expires,
}
_LISTS = ("identities", "owner", "technical_owner", "backup_owner", "systems", "permissions", "credentials")
_CELLS = ("team", "environment", "max_credential_age")


def as_written(text: str) -> Collection[str]:
    """Without a roster, two texts mean the same person only if they are written the same way."""
    return (fold(text.strip()),)


def differences(one: Declared, other: Declared, who: Who = as_written) -> tuple[str, ...]:
    """Return the columns in which two entries contradict each other, sorted; an empty cell contradicts nothing.

    ``status``: an expired entry differs from an active one. Provider and scope are not compared: two entries that match
    one identity cannot name different ones.
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


def completes(other: Entry, entry: Entry) -> bool:
    """Return whether an agreeing entry only says what the first one leaves empty: it has nothing but patterns."""
    return all(map(is_pattern, other.identities)) and not all(map(is_pattern, entry.identities))


def united(entry: Entry, agreeing: Iterable[Entry]) -> Entry:
    """Return the entry with the facts of agreeing ones: lists joined, empty cells filled.

    What is unread in one of them is incomplete in all together; a cell that another one fills is known. Of an entry
    that has nothing but patterns, lists fill empty ones: what it says of many is no addition to what is said of one.
    """
    first = entry
    for other in agreeing:
        if completes(other, first):
            named = {name for name in _LISTS if not getattr(entry, name) and not entry.hides(name)} - {"identities"}
            said = {name: getattr(other, name) for name in named}
            said |= {name: getattr(other, name) for name in _CELLS if getattr(entry, name) is None}
            said["unread"] = (*entry.unread, *(name for name in other.unread if name in named))
            entry = msgspec.structs.replace(entry, **said)
            continue
        facts: dict[str, Any] = {name: (*getattr(entry, name), *getattr(other, name)) for name in _LISTS}
        facts = {name: tuple(dict.fromkeys(every)) for name, every in facts.items()}
        facts |= {name: getattr(other, name) for name in _CELLS if getattr(entry, name) is None}
        facts["unread"] = (*entry.unread, *(name for name in other.unread if name in _LISTS))
        entry = msgspec.structs.replace(entry, **facts)
    return entry


def _owners(entry: Entry, who: Who) -> frozenset[str]:
    if entry.hides("owner"):
        return frozenset()
    return frozenset(person for text in entry.owner for person in who(text))


def _disjoint(one: frozenset[str], other: frozenset[str]) -> bool:
    """Return whether both have values and share none."""
    return bool(one) and bool(other) and one.isdisjoint(other)


# --- From the entries that match an identity to its verdict: the strongest rung decides; registries are compared ---
#
# Each registry is evaluated by itself first. The strongest rung gives the verdict; the results of the other registries
# agree with it or contradict it.

RUNNERS_UP = 3
_NOT_LIVE = 0.5
"""The factor for the score of an entry that is not live."""
_SCORES: Mapping[Rung, float] = {
    "key": 1.0, "unique_id": 1.0, "credential": 0.95, "alias": 0.9, "name": 0.85, "tag": 0.8, "glob": 0.6,
}  # fmt: skip


class DecisionHit(NamedTuple):
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
        return self.declared.may_be_live

    @property
    def evidence(self) -> str:
        return f"{self.rung} {self.text} = {self.declared}"

    @property
    def is_proposed(self) -> bool:
        return self.declared.status == "proposed"

    def candidate(self, besides: str = "", *, approved: bool = False) -> MatchCandidate:
        """Return it as a candidate. ``approved``: score it as if its entry were valid."""
        score = _SCORES[self.rung] * (1.0 if self.is_live or approved else _NOT_LIVE)
        return MatchCandidate(entry=self.entry_id, score=round(score, 2), evidence=self.evidence + besides)


class Decision(NamedTuple):
    """The verdict, and the hits of all matching entries."""

    verdict: RegistryVerdict
    matching: Sequence[DecisionHit]


def decide(hits: Sequence[DecisionHit], who: Who) -> Decision:
    """Decide on one identity. ``hits``: at least one, those of the strongest rung first.

    Several live entries of one registry on the deciding rung are ambiguous, and so are those of different registries
    that contradict each other. If they agree, the first one with an owner is chosen. A proposed entry does not register
    an identity, because it is not approved.
    """
    if not (firm := _firm(hits)):
        return _unapproved(hits)
    winners = _winners(firm)
    if len(hits) == 1:
        return Decision(_registered(winners[0]), winners)
    chosen = winners[0]
    if chosen.is_live and len(winners) > 1:
        if len({hit.registry for hit in winners}) < len(winners):
            many = " or more" if len(winners) >= MOST_ALIKE else ""
            return Decision(_ambiguous(winners, f"{len(winners)}{many} live entries match it"), winners)
        if (contested := _contested(winners, who)) is not None:
            return Decision(contested, winners)
        chosen = min(winners, key=_owner_first)
    return _compared(chosen, winners, hits, who)


def _firm(hits: Iterable[DecisionHit]) -> list[DecisionHit]:
    return [hit for hit in hits if not hit.is_proposed]


def _unapproved(hits: Sequence[DecisionHit]) -> Decision:
    """Return unregistered, with the proposed entries as candidates, the deciding ones first."""
    winners = _winners(hits)
    first = winners[0]
    verdict = RegistryVerdict(
        state="unregistered",
        evidence=first.evidence,
        proposed=first.entry_id,
        proposed_by=first.rung,
        candidates=tuple(hit.candidate(approved=True) for hit in _one_per_entry((*winners, *hits))[: RUNNERS_UP + 1]),
    )
    return Decision(verdict, winners)


def _winners(hits: Sequence[DecisionHit]) -> list[DecisionHit]:
    """Return the deciding hits, one per entry: of the strongest rung, live ones if any, the most specific patterns."""
    deciding = [hit for hit in hits if hit.rung == hits[0].rung]
    deciding = [hit for hit in deciding if hit.is_live] or deciding
    if hits[0].rung == "glob":
        highest = max(specificity(hit.text) for hit in deciding)
        deciding = [hit for hit in deciding if specificity(hit.text) == highest]
    return _one_per_entry(sorted(deciding, key=lambda hit: (hit.declared.rank, hit.text)))


def _one_per_entry(hits: Iterable[DecisionHit]) -> list[DecisionHit]:
    first: dict[str, DecisionHit] = {}
    for hit in hits:
        first.setdefault(hit.entry_id, hit)
    return list(first.values())


def _owner_first(hit: DecisionHit) -> tuple[bool, str, str]:
    entry = hit.declared.entry
    return not entry.owner, entry.registry, entry.id


def _registered(chosen: DecisionHit) -> RegistryVerdict:
    return RegistryVerdict(state="registered", entry=chosen.entry_id, rung=chosen.rung, evidence=chosen.evidence)


def _ambiguous(winners: Sequence[DecisionHit], why: str, contradictions: tuple[str, ...] = ()) -> RegistryVerdict:
    return RegistryVerdict(
        state="ambiguous",
        rung=winners[0].rung,
        evidence=f"{winners[0].rung}: {why}",
        contradictions=contradictions,
        candidates=tuple(hit.candidate() for hit in winners),
    )


def _contested(winners: Sequence[DecisionHit], who: Who) -> RegistryVerdict | None:
    """Return ambiguous if any two registries contradict each other on the deciding rung; else None."""
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


def _compared(chosen: DecisionHit, winners: Sequence[DecisionHit], hits: Sequence[DecisionHit], who: Who) -> Decision:
    """Return registered by the chosen hit, compared with the other registries."""
    agreeing: list[DecisionHit] = []
    contradicting: list[tuple[DecisionHit, MatchCandidate]] = []
    by_pattern: list[DecisionHit] = []
    if chosen.rung != "glob":
        by_pattern, hits = [hit for hit in hits if hit.rung == "glob"], [hit for hit in hits if hit.rung != "glob"]
    for answer in _other_answers(chosen, hits):
        if differing := differences(chosen.declared, answer.declared, who):
            contradicting.append((answer, answer.candidate(f", differs in {', '.join(differing)}")))
        else:
            agreeing.append(answer)
    agreeing += _completing(chosen, by_pattern, [chosen, *agreeing], who)
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


def _completing(
    chosen: DecisionHit, by_pattern: Sequence[DecisionHit], said: Sequence[DecisionHit], who: Who
) -> list[DecisionHit]:
    """Return the patterns of other registries that complete an exact entry, the most specific first.

    One that is not live, or contradicts it or what agrees with it, is left out: an exact entry speaks for itself. So
    are those that are equally specific and contradict each other, and an owner where the exact one cannot be read.
    """
    answers = [hit for hit in _other_answers(chosen, by_pattern) if hit.is_live]
    found: list[DecisionHit] = []
    for answer in sorted(answers, key=lambda hit: specificity(hit.text), reverse=True):  # by owner where they are equal
        rivals = (hit for hit in answers if hit is not answer and specificity(hit.text) == specificity(answer.text))
        against = (*said, *found, *rivals)
        hidden = chosen.declared.entry.hides("owner") and bool(answer.declared.entry.owner)
        if not hidden and not any(differences(hit.declared, answer.declared, who) for hit in against):
            found.append(answer)
    return found


def _other_answers(chosen: DecisionHit, hits: Sequence[DecisionHit]) -> list[DecisionHit]:
    """Return the hit of each other registry as if it were the only one, without ambiguous ones.

    A tag beside a stronger rung is left out: anyone who can set the tag could choose an owner.
    """
    by_registry: dict[str, list[DecisionHit]] = {}
    for hit in hits:
        if hit.registry != chosen.registry and (hit.rung != "tag" or chosen.rung == "tag"):
            by_registry.setdefault(hit.registry, []).append(hit)
    answers = [_winners(_firm(own) or own) for own in by_registry.values()]
    return sorted((own[0] for own in answers if len(own) == 1 or not own[0].is_live), key=_owner_first)


def _runners_up(hits: Iterable[DecisionHit], named: set[str]) -> tuple[MatchCandidate, ...]:
    others = (hit for hit in hits if hit.entry_id not in named)
    best_first = sorted(others, key=lambda hit: (-hit.candidate().score, hit.declared.rank, hit.text))
    return tuple(hit.candidate() for hit in _one_per_entry(best_first)[:RUNNERS_UP])
