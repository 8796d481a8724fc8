"""Resolves texts (an owner in the registry, a tag, an audit log record) to people and groups on the roster."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from importlib.resources import files
from types import MethodType
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar, cast
from weakref import proxy

import msgspec
from msgspec import Struct

from scanner.matching.keys import tag_name
from scanner.model import Entry, Identity, Person
from scanner.model.attributes import CHANGED_BY, OWNERS, SPONSORS
from scanner.registry.roster import Roster
from scanner.registry.roster.machines import Machines
from scanner.registry.roster.meaning import Meaning

MOST_TEXT = 500
"""The longest text that is resolved, in characters."""
REMEMBERED = 100_000
"""The size of the caches: most texts repeat across the estate, but session names never do."""

_WRITTEN_AT = re.compile(r"[._-]at[._-]", re.IGNORECASE)
_SEGMENT = re.compile(r"[^\s<>()\[\],;|\\/:\"']+")

Method = TypeVar("Method", bound=Callable[..., Any])


def cached(method: Method, *, size: int) -> Method:
    """Cache the latest results of a bound method, without a reference to its object.

    With ``lru_cache`` alone, the object and its cache refer to each other, and stay in memory until garbage is
    collected: 260 MB for a million identities.
    """
    assert isinstance(method, MethodType)
    return cast("Method", lru_cache(maxsize=size)(partial(method.__func__, proxy(method.__self__))))


class Directory:
    """The roster without the machines that the organisation configured. Lookups are cached."""

    def __init__(self, roster: Roster, machines: Machines) -> None:
        self._roster = roster
        self.machines = machines
        self._resolve = cached(self._look_up, size=REMEMBERED)
        self._find = cached(self._look_into, size=REMEMBERED)

    @cached_property
    def everybody(self) -> dict[str, Person]:
        """The people and groups that are not machines, by e-mail, in roster order."""
        return {one.email: one for one in self._roster.everybody if not self.machines.configured(one.email)}

    def resolve(self, text: str) -> Person | None:
        """Return the person or group that the text names exactly."""
        return self._resolve(text)

    def meaning(self, text: str) -> Meaning:
        """Return the person the text refers to, or guesses; never a machine."""
        if (person := self.resolve(text)) is not None:
            return Meaning(person=person)
        if text in self.machines:
            return Meaning()
        meaning = self._roster.meaning(text)
        guesses = tuple(one for one in meaning.guesses if one.email in self.everybody)
        return Meaning(ambiguous=meaning.ambiguous, guesses=guesses)

    def mentioned(self, text: str) -> Person | None:
        """Return the person or group that the text names exactly, else the person mentioned in it.

        ``arn:aws:sts::123456789012:assumed-role/Admin/ada@example.com`` has an e-mail in it. A user name counts only
        where it comes last and nothing before it is a machine: that of ``…:user/ada`` does, that of
        ``…:assumed-role/terraform/ada`` doesn't. Labels of Kubernetes cannot have ``@``: ``ada_at_example.com`` is the
        e-mail, too.
        """
        return self._find(text)

    def active_members(self, group: Person) -> tuple[Person, ...]:
        """Return the active people in a group, sorted by e-mail."""
        return tuple(one for one in self._roster.active_members(group) if one.email in self.everybody)

    def is_active(self, person: Person) -> bool:
        """Return whether a person is active, or a group has an active member."""
        return bool(self.active_members(person)) if person.is_group else self._roster.is_active(person)

    def stays(self, person: Person) -> bool:
        """Return whether a person is active and not about to leave, or a group has such a member."""
        if person.is_group:
            return any(map(self.stays, self.active_members(person)))
        return self._roster.stays(person)

    def _look_up(self, text: str) -> Person | None:
        person = self._roster.outright(text)
        if person is None and text not in self.machines:
            person = self._roster.resolve(text)
        return None if person is None or self.machines.configured(text) else self.everybody.get(person.email)

    def _look_into(self, text: str) -> Person | None:
        if len(text) > MOST_TEXT:
            return None
        if (outright := self.resolve(text)) is not None or self._is_machine(text):
            return outright
        segments = _SEGMENT.findall(text)
        for written in () if "@" in text else _WRITTEN_AT.finditer(text):
            whole = f"{text[: written.start()]}@{text[written.end() :]}"
            if (person := self._person(self.resolve(whole))) is not None:
                return person
        for segment in reversed(segments):
            if "@" in segment and (person := self._person(self.resolve(segment))) is not None:
                return person
        return self._by_user_name(segments) if segments and len(text.split()) == 1 else None

    def _by_user_name(self, segments: Sequence[str]) -> Person | None:
        last = segments[-1]
        if any(map(self.machines.denied, segments)) or self.machines.discovered(last):
            return None
        return self._person(self.resolve(last) or self._roster.by_local_part(last))

    def _person(self, found: Person | None) -> Person | None:
        return None if found is None or found.is_group else self.everybody.get(found.email)

    def _is_machine(self, text: str) -> bool:
        return self.machines.configured(text) or self.machines.discovered(text)


# ---
# Hints: kinds and scores, and the hints in an identity or an entry.

SCOPE_NAME, SCOPE_CONTACT = "scope_name", "scope_contact"
"""Attributes with the display name of the scope (an account, a project), and with its contact e-mail."""

_NAMING = ("email", "id", "name")
"""The fields by which a provider can name a sponsor or owner, the most reliable first."""

Sort: TypeAlias = Literal[
    "tag", "entry", "creator", "rule", "words", "neighbours", "role", "platform", "provider", "committer", "repository"
]


class Hint(NamedTuple):
    """A hint at a person on the roster; ``person`` is their e-mail. ``score``: 0 to 1.

    Hints of one ``sort`` repeat each other; hints of different sorts confirm each other.
    """

    sort: Sort
    person: str
    score: float
    evidence: str


class _Scores(Struct, frozen=True, forbid_unknown_fields=True):
    """The file scores.toml explains the tables."""

    tags: Mapping[str, float]
    entry: Mapping[str, float]
    likelihood: Mapping[str, float]
    signals: Mapping[str, float]
    team: Mapping[str, float]
    words: Mapping[str, float]
    near: Mapping[str, float]


SCORES = msgspec.toml.decode(files("scanner.judging.ownership").joinpath("scores.toml").read_bytes(), type=_Scores)


def tag_scores(configured: Mapping[str, float] | None) -> Mapping[str, float]:
    """Return the tags that name an owner, by :func:`tag_name`, each with its score; None: the built-in ones."""
    return SCORES.tags if configured is None else {tag_name(key): score for key, score in configured.items()}


class Clues:
    """Hints in an identity, and in the entries that match or may match it."""

    def __init__(self, directory: Directory, tags: Mapping[str, float]) -> None:
        self._directory = directory
        self._tags = tags
        self._of_entry: dict[tuple[str, float], tuple[Hint, ...]] = {}

    def of_identity(self, identity: Identity) -> Iterator[Hint]:
        """Yield hints from its tags, sponsors, owners, creator and scope contact."""
        for key, value in identity.tags.items():
            score = self._tags.get(tag_name(key))
            if score is not None and (person := self._directory.mentioned(value)) is not None:
                yield Hint("tag", person.email, score, f"tag {key}={value}")
        if identity.created_by is not None and (maker := self._directory.mentioned(identity.created_by)) is not None:
            yield Hint("creator", maker.email, SCORES.signals["creator"], f"created by {identity.created_by}")
        by = identity.attributes.get(CHANGED_BY)
        if isinstance(by, str) and (person := self._directory.mentioned(by)) is not None:
            yield Hint("creator", person.email, SCORES.signals["changed"], f"last changed by {by}")
        yield from self._with_provider(identity)
        contact = identity.attributes.get(SCOPE_CONTACT)
        if isinstance(contact, str) and (person := self._directory.mentioned(contact)) is not None:
            yield Hint("platform", person.email, SCORES.signals["contact"], f"contact {contact} of {identity.scope}")

    def _with_provider(self, identity: Identity) -> Iterator[Hint]:
        """Yield hints from its sponsors and owners, named by e-mail, id or name."""
        for signal, attribute in (("sponsor", SPONSORS), ("owner", OWNERS)):
            for text, person in listed(identity, attribute, self._directory):
                evidence = f"{signal} {text} with {identity.provider}"
                yield Hint("provider", person.email, SCORES.signals[signal], evidence)

    def of_entry(self, entry: Entry, likelihood: float) -> tuple[Hint, ...]:
        """Return the hints in an entry. ``likelihood``: that the entry is the right one, 0 to 1."""
        key = entry.id, likelihood
        if key not in self._of_entry:
            self._of_entry[key] = tuple(self._named_in(entry, likelihood))
        return self._of_entry[key]

    def _named_in(self, entry: Entry, likelihood: float) -> Iterator[Hint]:
        for column, text in named_in(entry):
            meaning = self._directory.meaning(text)
            maybe = ", a possible match" if likelihood < 1 else ""
            evidence = f"{column} {text} in {entry.origin}{maybe}"
            score = SCORES.entry[column] * likelihood
            if meaning.person is not None:
                yield Hint("entry", meaning.person.email, score, evidence)
            for one in meaning.guesses:
                yield Hint("entry", one.email, score * one.score, f"{evidence}, possibly this person: {one.why}")


def listed(identity: Identity, attribute: str, directory: Directory) -> Iterator[tuple[str, Person]]:
    """Yield the people in an attribute of the shape of OWNERS who are on the roster, with the text that names them."""
    given = identity.attributes.get(attribute)
    for one in given if isinstance(given, (list, tuple)) else ():
        names = [one.get(name) for name in _NAMING] if isinstance(one, Mapping) else []
        found = ((text, directory.resolve(text)) for text in names if isinstance(text, str))
        text, person = next(((text, person) for text, person in found if person is not None), ("", None))
        if person is not None:
            yield text, person


def named_in(entry: Entry) -> Iterator[tuple[str, str]]:
    """Return the people and teams in an entry, with their column."""
    columns = {
        "owner": entry.owner,
        "backup_owner": entry.backup_owner,
        "technical_owner": entry.technical_owner,
        "team": (entry.team,),
        "built_by": (entry.built_by,),
    }
    return ((column, text) for column, texts in columns.items() for text in texts if text)
