"""Owner candidates, from hints, ``[[ownership.rule]]``, ``[ownership.platforms]`` and successors."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, reduce
from itertools import islice
from typing import Final, NamedTuple

from scanner.access.same import MOST, How, Same
from scanner.caching import cached
from scanner.judging.ownership.directory import REMEMBERED, Directory
from scanner.judging.ownership.hints import SCORES, Clues, Hint, Sort, listed, named_in
from scanner.judging.ownership.words import Alike, NamedAfter, Neighbours, is_called_after, share_only_technical
from scanner.matching.globs import GlobIndex, specificity
from scanner.matching.keys import ProviderScope, habits, is_bare, place_of, provider_key, scope_key
from scanner.model import (
    Entry,
    Identity,
    OwnerCandidate,
    Ownership,
    OwnershipRule,
    Person,
    RegistryVerdict,
    Workload,
)
from scanner.model.attributes import OWNERS, REPOSITORY
from scanner.model.judged import LIKELY
from scanner.registry.roster import managers
from scanner.text import counted


class _Rule(NamedTuple):
    specificity: tuple[int, int, int]
    hint: Hint


class Conventions:
    """The rules and platforms whose owners are on the roster."""

    def __init__(self, ownership: Ownership, directory: Directory) -> None:
        rules = [(rule.match, made) for rule in ownership.rules if (made := _rule(rule, directory)) is not None]
        self._exact = GlobIndex(rules)
        self._any_case = GlobIndex(rules, ignore_case=True)
        self._has_rules = bool(rules)
        self._platforms = dict(_platforms(ownership, directory))

    def of_identity(self, identity: Identity) -> Iterator[Hint]:
        """From the most specific rules that match its key, name or path, and from its platform."""
        if self._has_rules:
            yield from self._by_rule(identity)
        if self._platforms:
            provider, scope = place_of(identity)
            platform = self._platforms.get((provider, scope)) or self._platforms.get((provider, None))
            if platform is not None:
                yield platform

    def _by_rule(self, identity: Identity) -> Sequence[Hint]:
        compared = habits(identity.provider)
        path = identity.attributes.get("path")
        ids = [identity.key, path] if isinstance(path, str) else [identity.key]
        names = [identity.name] if is_bare(identity.name) else []
        found = self._index(compared.ids).find(ids) + self._index(compared.names).find(names)
        most = max((rule.specificity for rule in found), default=None)
        return [rule.hint for rule in found if rule.specificity == most]

    def _index(self, comparison: str) -> GlobIndex[_Rule]:
        return self._any_case if comparison == "any_case" else self._exact


def _rule(rule: OwnershipRule, directory: Directory) -> _Rule | None:
    person = directory.resolve(rule.owner)
    if person is None:
        return None
    evidence = f"rule {rule.match}" + (f": {rule.reason}" if rule.reason else "")
    return _Rule(specificity(rule.match), Hint("rule", person.email, SCORES.signals["rule"], evidence))


def _platforms(ownership: Ownership, directory: Directory) -> Iterator[tuple[ProviderScope, Hint]]:
    for platform, owner in sorted(ownership.platforms.items()):
        provider, _, scope = platform.partition(":")
        person = directory.resolve(owner)
        if person is not None:
            place = provider_key(provider), scope_key(provider, scope)
            yield place, Hint("platform", person.email, SCORES.signals["platform"], f"platform {platform}")


# --- Owners of what it is the same thing as, and makers of the workloads that run as it ---


class Linked:
    """The same thing, and what runs as it.

    ``same``: by key, the identities that are the same thing. ``owner_of``: returns the e-mail of the settled owner
    of an identity, by key; None without one. ``known``: the identities among them, by key.
    """

    def __init__(
        self,
        same: Mapping[str, Sequence[Same]],
        owner_of: Callable[[str], str | None],
        known: Mapping[str, Identity],
        workloads: Iterable[Workload],
        clues: Clues,
    ) -> None:
        self._same = same
        self._owner_of = owner_of
        self._known = known
        self._clues = clues
        self._running: defaultdict[str, list[Workload]] = defaultdict(list)
        for workload in workloads:
            if len(workload.runs_as) <= MOST and (workload.tags or workload.created_by):
                for key in workload.runs_as:
                    self._running[key].append(workload)

    def of_identity(self, identity: Identity) -> Iterator[Hint]:
        """Yield the owners of the others; of others without one, the people that these name."""
        for one in self._same.get(identity.key, ()):
            if (owner := self._owner_of(one.key)) is not None:
                yield Hint("entry", owner, SCORES.signals[_SIGNALS[one.how]], f"{owner} owns {one.key}, {one.evidence}")
            elif (other := self._known.get(one.key)) is not None:
                yield from _second_hand(self._clues.of_identity(other), f"{one.key}, {one.evidence}")
        for workload in self._running.get(identity.key, ())[:MOST]:
            yield from _second_hand(self._clues.of_workload(workload), f"{workload.name}, which runs as it")


_SIGNALS: Mapping[How, str] = {"runs_as": "role", "federated": "federated", "consumer": "consumer"}


def _second_hand(hints: Iterable[Hint], of: str) -> Iterator[Hint]:
    for hint in hints:
        evidence = f"{hint.evidence} of {of}"
        yield hint._replace(sort="role", score=hint.score * SCORES.near["linked"], evidence=evidence)


# --- Owners of the repository that deploys it ---

_GIT: Final = re.compile(
    r"""
    (?:\w+://)? (?:[^@/]*@)? (?P<host>[^/:]+) (?::\d+)? [:/]+
    (?P<name>[^/]+/[^/]+?) (?:\.git)? (?://.*)? /?
    """,
    re.VERBOSE,
)
_GITHUB: Final = "github.com"
_LONGEST_ADDRESS: Final = 2_000


class Deployers:
    """Code owners and administrators of repositories, as workflows there have them; by host and name."""

    def __init__(self, identities: Iterable[Identity], directory: Directory) -> None:
        self._owners: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for identity in identities:
            name = identity.attributes.get(REPOSITORY)
            if not isinstance(name, str) or "://" in name or OWNERS not in identity.attributes:
                continue
            place = identity.key.partition(":")[2]
            host = _GITHUB if place.lower().startswith(f"{name.lower()}/") else place.partition("/")[0]
            for text, person in listed(identity, OWNERS, directory):
                self._owners[f"{host}/{name}".lower()].setdefault(person.email, text)

    def of_identity(self, identity: Identity) -> Iterator[Hint]:
        """Yield the owners of the repository at the address that it was deployed from."""
        given = identity.attributes.get(REPOSITORY)
        if not isinstance(given, str) or len(given) > _LONGEST_ADDRESS or not self._owners:
            return
        found = _GIT.fullmatch(given)
        if found is None:
            return
        name = f"{found['host']}/{found['name']}".lower()
        for email, text in self._owners.get(name, {}).items():
            evidence = f"{text} owns {name}, which it is deployed from"
            yield Hint("repository", email, SCORES.signals["repository"], evidence)


# --- Committers of leaked keys ---


class Committers:
    """``committers``: by the key of an identity, who committed leaked keys of it: name or e-mail, and evidence."""

    def __init__(self, committers: Mapping[str, Sequence[tuple[str, str]]], directory: Directory) -> None:
        self._committers = committers
        self._directory = directory

    def of_identity(self, identity: Identity) -> Iterator[Hint]:
        """Yield those on the roster."""
        for name, evidence in self._committers.get(identity.key, ()):
            if (person := self._directory.mentioned(name)) is not None:
                yield Hint("committer", person.email, SCORES.signals["committer"], f"{name} {evidence}")


# --- Successors: owners of entries that still name a leaver in any column ---


class Successor(NamedTuple):
    """The person who owns so many of the entries that name the leaver, of which ``total`` have an active owner."""

    email: str
    owns: int
    total: int


class Successors:
    """Reads the entries on first use, which only leavers need."""

    def __init__(self, entries: Collection[Entry], directory: Directory) -> None:
        self._entries = entries
        self._directory = directory

    def of(self, email: str) -> Successor | None:
        """Return who took over the most entries from this person or group, or None."""
        handed_over = self._handed_over.get(email)
        if handed_over is None:
            return None
        owners = Counter(owner for owned in handed_over for owner in owned)
        likeliest = min(owners, key=lambda owner: (-owners[owner], owner))
        return Successor(likeliest, owners[likeliest], len(handed_over))

    @cached_property
    def _handed_over(self) -> dict[str, list[set[str]]]:
        """Return the owners who stay, of each entry that names a person who has left or is leaving."""
        found: dict[str, list[set[str]]] = defaultdict(list)
        resolve, stays = self._directory.resolve, self._directory.stays
        for entry in self._entries:
            named = [(column, person) for column, text in named_in(entry) if (person := resolve(text)) is not None]
            owners = {person.email for column, person in named if column == "owner" and stays(person)}
            if owners:
                for email in {person.email for _, person in named if not stays(person)}:
                    found[email].append(owners)
        return found


# --- Candidates for an orphaned identity: active people, each with evidence and a score ---

KEPT = 5
"""The number of candidates that reports list."""
MOST_MEMBERS = 5
"""The largest group whose members are candidates; of a larger one, only the group is."""
UNLIKELIEST = 0.05
"""The lowest score of a candidate."""
SUREST = 0.99
"""The highest score: a suggestion is never certain."""


class Candidates:
    """Ranks owner candidates for many identities."""

    def __init__(
        self,
        entries: Mapping[str, Entry],
        directory: Directory,
        ownership: Ownership,
        neighbours: Neighbours,
        others: Sequence[Linked | Deployers | Committers],
        clues: Clues,
    ) -> None:
        self._entries = entries
        self._directory = directory
        self._clues = clues
        self._conventions = Conventions(ownership, directory)
        self._named_after = NamedAfter(directory)
        self._alike = Alike(self._named_after, neighbours)
        self._others = others
        self._successors = Successors(entries.values(), directory)
        # The same few sets of hints repeat across an estate.
        self._ranking = cached(self._rank, size=REMEMBERED)

    def of(
        self, identity: Identity, registry: RegistryVerdict, without: Collection[str] = ()
    ) -> tuple[OwnerCandidate, ...]:
        """Return the best owner candidates, at most KEPT, best first. ``without``: e-mails to leave out."""
        ranking = self._ranking(frozenset(self._hints(identity, registry)))
        others = (one for one in ranking if one.person not in without and not is_called_after(identity, one.person))
        return tuple(islice(others, KEPT))

    def _hints(self, identity: Identity, registry: RegistryVerdict) -> Iterator[Hint]:
        yield from self._clues.of_identity(identity)
        for entry, likelihood in _entries_of(registry).items():
            declared = self._entries[entry]
            hints = self._clues.of_entry(declared, likelihood)
            if likelihood < LIKELY and share_only_technical(identity, declared):
                hints = tuple(hint._replace(technical=True) for hint in hints)
            yield from hints
        yield from self._conventions.of_identity(identity)
        yield from self._named_after.of_place(identity)
        yield from self._alike.of_identity(identity)
        for others in self._others:
            yield from others.of_identity(identity)

    def _rank(self, hints: frozenset[Hint]) -> tuple[OwnerCandidate, ...]:
        """Rank the people named by the hints first, so that hints derived from them count once."""
        reached = (led for pointed_at in _combined(hints) for led in self._reach(pointed_at))
        candidates = (
            OwnerCandidate(
                person=hint.person,
                score=round(min(hint.score, SUREST), 2),
                evidence=hint.evidence,
                leaving=not self._directory.stays(self._directory.everybody[hint.person]),
                technical=hint.technical,
            )
            for hint in _combined(reached)
            if hint.score >= UNLIKELIEST
        )
        return tuple(sorted(candidates, key=lambda candidate: (-candidate.score, candidate.person)))

    def _reach(self, hint: Hint) -> Iterator[Hint]:
        """Yield the named person, the members of a small group, and people close to a person who does not stay."""
        person = self._directory.everybody[hint.person]
        stays = self._directory.stays(person)
        if self._directory.is_active(person):
            yield hint if stays else hint._replace(evidence=f"{hint.evidence}, about to leave")
            if person.is_group and len(members := self._directory.active_members(person)) <= MOST_MEMBERS:
                for member in members:
                    yield _led(hint, "member", member.email, "a member")
        if not stays:
            yield from self._near(hint, person)

    def _near(self, hint: Hint, person: Person) -> Iterator[Hint]:
        line = (above for above, _ in managers(person, self._directory.resolve))
        if (manager := next(filter(self._directory.is_active, line), None)) is not None:
            yield _led(hint, "manager", manager.email, "their manager")
        team = self._directory.resolve(person.team) if person.team else None
        if team is not None and self._directory.is_active(team):
            yield _led(hint, "team", team.email, "their team")
        if (successor := self._successors.of(person.email)) is not None:
            others = counted(successor.total, "other entry", "other entries")
            took_over = f"who now owns {successor.owns} of their {others}"
            yield _led(hint, "successor", successor.email, took_over, successor.owns / (successor.total + 1))


def _entries_of(registry: RegistryVerdict) -> dict[str, float]:
    """Return the entries that match or may match an identity, each with its likelihood."""
    related = dict.fromkeys(registry.contradictions, SCORES.likelihood["contradicting"])
    related |= {
        candidate.entry: candidate.score if candidate.is_likely else candidate.score**2
        for candidate in registry.candidates
    }
    declaring = (*registry.agreeing, registry.entry) if registry.entry is not None else registry.agreeing
    return related | dict.fromkeys(declaring, 1.0)


def _led(hint: Hint, near: str, person: str, relation: str, confidence: float = 1.0) -> Hint:
    score = hint.score * SCORES.near[near] * confidence
    return hint._replace(person=person, score=score, evidence=f"{hint.evidence}, {relation}")


def _combined(hints: Iterable[Hint]) -> Iterator[Hint]:
    """Yield one hint per person: the best of each sort, combined so that each further hint reduces the uncertainty."""
    of_person: dict[str, dict[Sort, Hint]] = defaultdict(dict)
    for hint in sorted(hints, key=lambda hint: (-hint.score, hint.evidence)):
        of_person[hint.person].setdefault(hint.sort, hint)
    for best in of_person.values():
        first, *others = best.values()
        score = reduce(lambda sure, other: sure + (1 - sure) * other.score, others, first.score)
        yield first._replace(
            score=score,
            evidence="; ".join(hint.evidence for hint in best.values()),
            technical=all(hint.technical for hint in best.values()),
        )
