"""The leaver: which texts name them, their roles, and who stays active."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace
from rapidfuzz import fuzz, process

from scanner.lifecycle.offboarding.records import ROLES, Role
from scanner.matching.keys import fold, is_email
from scanner.model import Assessment, Entry, EntryAssessment, Origin, Person
from scanner.model.declared import later
from scanner.registry.roster import Roster, local_part, managers

_BETWEEN_NAMES = re.compile(r"[\s<>()/:,;]+")


class Leaver:
    """A leaver on a given day. A person who is not on the roster is matched by text alone.

    ``has_roster`` is False without a roster, so that it is unknown who stays.
    """

    def __init__(self, person: Person, people: Sequence[Person], today: date) -> None:
        self.person = person
        self.has_roster = bool(people)
        self.is_on_roster = any(one.email == person.email for one in people)
        others = [one for one in people if one.email != person.email]
        last_day = person.left_on
        self.has_left = person.status == "left" or person.has_left(today)
        """Whether they count as active no more: the last day is over, or the roster says so before it."""
        # People who leave by the leaver's last day are gone by then, too.
        then = today if self.has_left or last_day is None else later(last_day, 1)
        self._before = Roster([*others, replace(person, status="active", left_on=None)], then)
        self._after = Roster([*others, replace(person, status="left")], then)
        self._own_names = _nicknames(person) - {name for one in others for name in _nicknames(one)}
        self._meant: dict[str, bool] = {}
        self._mentions = _mentions(person, self._own_names)

    def is_meant(self, text: str) -> bool:
        """Whether the text names the leaver: by e-mail, id or alias, or by a unique name or user name."""
        if text not in self._meant:
            known = self._before.resolve(text)
            self._meant[text] = (
                fold(text.strip()) in self._own_names if known is None else known.email == self.person.email
            )
        return self._meant[text]

    def is_meant_within(self, text: str) -> bool:
        """Like :meth:`is_meant` for a longer text, such as an ARN or a session (``assumed-role/Admin/ada@…``).

        Each e-mail in the text and its last part are compared.
        """
        parts = _BETWEEN_NAMES.split(text)
        return any(map(self.is_meant, (text, *(part for part in parts if "@" in part), parts[-1])))

    def is_mentioned(self, text: str) -> bool:
        """Whether a text contains the leaver's e-mail, or their full name if it is unique."""
        return self._mentions is not None and self._mentions.search(fold(text)) is not None

    def may_be_meant(self, text: str) -> str | None:
        """Why an ambiguous text may mean the leaver; None if it surely does or does not."""
        guesses = self._before.meaning(text).guesses
        return next((guess.why for guess in guesses if guess.email == self.person.email), None)

    def is_last_of(self, text: str) -> bool:
        """Whether the text names a group without another active member, as far as that is known."""
        group = self._before.resolve(text)
        if group is None or not group.is_group:
            return False
        members = [member for member in self._before.active_members(group) if not self._may_go_first(member)]
        return [member.email for member in members] == [self.person.email]

    def _may_go_first(self, other: Person) -> bool:
        """Whether another person may leave first, because one of the two days is unknown."""
        unknown = None in (self.person.left_on, other.left_on)
        return unknown and not self.has_left and not self._before.stays(other)

    def staying(self, text: str) -> Person | None:
        """The person or group that the text names, if active after the leaver's last day."""
        person = self._after.resolve(text)
        return person if person is not None and self._after.is_active(person) else None

    def group(self, text: str) -> Person | None:
        """The group of that name, active or not."""
        group = self._after.resolve(text)
        return group if group is not None and group.is_group else None

    def staying_members(self, group: Person) -> tuple[Person, ...]:
        """Active members of a group after the leaver's last day."""
        return self._after.active_members(group)

    def is_leaving(self, person: Person) -> bool:
        """Whether an active person is leaving, too; a group, if all its members are."""
        return not self._after.stays(person)

    def managers(self) -> Iterator[tuple[Person, Person]]:
        """The managers above the leaver, each with the person they manage."""
        return managers(self.person, self._after.resolve)


def _mentions(person: Person, own_names: Collection[str]) -> re.Pattern[str] | None:
    """Names to search in texts. A first name, a user name or an id may be an ordinary word, so they are left out."""
    emails = (text for text in (person.email, *person.aliases) if is_email(text))
    *first, last = (person.name or "").split() or ("",)
    full = (f"{' '.join(first)} {last}", f"{last}, {' '.join(first)}") if first else ()
    theirs = full if fold((person.name or "").strip()) in own_names else ()
    names = [re.escape(fold(name)) for name in (*emails, *theirs)]
    return re.compile(rf"(?<![\w.+-])(?:{'|'.join(names)})(?![\w-]|\.\w)") if names and not person.is_group else None


def _nicknames(person: Person) -> frozenset[str]:
    """Names and user names, which are not ids."""
    if person.is_group:
        return frozenset()
    return frozenset(fold(name.strip()) for name in (person.name, local_part(person)) if name)


# --- The leaver's roles in entries and identities, each with its place ---

_ROLE_OF_COLUMN: Mapping[str, Role] = {
    "owner": "owner",
    "backup_owner": "backup_owner",
    "technical_owner": "technical_owner",
    "built_by": "built_by",
    "approved_by": "approved",
}
PEOPLE_COLUMNS = tuple(_ROLE_OF_COLUMN)
"""Columns in which an entry names people."""
_GROUP_COLUMNS = ("owner", "backup_owner", "technical_owner", "team")
_TEXT_COLUMNS = ("name", "purpose", "team", "baseline", "blast_radius")
_ABOUT_PEOPLE = re.compile(
    r"approve|author|contact|creat|e-?mail|lead|maintain|manage|owne|request|responsible|sponsor|steward"
)
"""Words in names of tags whose value is a person. In other tags an id may be anything: ``cost-center=4711``."""


class Tie(NamedTuple):
    """A role and where it was found."""

    role: Role
    evidence: str


def named(entry: Entry, column: str) -> tuple[str, ...]:
    """The names in a column, which may be a list or a single value."""
    value = getattr(entry, column)
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def ties_to_entry(entry: Entry, leaver: Leaver) -> tuple[Tie, ...]:
    """The leaver's roles in an entry; empty if there is none."""
    ties = (*_named_ties(entry, leaver), *_group_ties(entry, leaver), *_last_owner_ties(entry, leaver))
    return tuple(dict.fromkeys((*ties, *_mention_ties(entry, leaver))))


def ties_to_identity(judged: Assessment, leaver: Leaver) -> Iterator[Tie]:
    """The leaver's roles in an identity itself: own account, creator, named in a tag or description."""
    identity = judged.identity
    if judged.nature.verdict != "non_human":
        yield from (
            Tie("own_account", f"{text} is {leaver.person.email}")
            for text in dict.fromkeys((identity.name, *identity.aliases))
            if leaver.is_meant(text)
        )
    if identity.created_by and leaver.is_meant_within(identity.created_by):
        yield Tie("created", f"created by {identity.created_by}")
    for key, value in sorted(identity.tags.items()):
        if ("@" in value or _ABOUT_PEOPLE.search(fold(key))) and leaver.is_meant(value):
            yield Tie("tagged", f"tag {key}={value}")
        elif leaver.is_mentioned(value):
            yield Tie("mentioned", f"tag {key}={value}")
    if identity.description and leaver.is_mentioned(identity.description):
        yield Tie("mentioned", f"its description: {identity.description}")


def _named_ties(entry: Entry, leaver: Leaver) -> Iterator[Tie]:
    for column, role in _ROLE_OF_COLUMN.items():
        for text in named(entry, column):
            if leaver.is_meant(text):
                yield Tie(role, f"{column} {text} in {entry.origin}")


def _group_ties(entry: Entry, leaver: Leaver) -> Iterator[Tie]:
    for column in _GROUP_COLUMNS:
        for text in named(entry, column):
            if leaver.is_last_of(text):
                yield Tie("last_active_member", f"no other active member in {column} {text} in {entry.origin}")


def _mention_ties(entry: Entry, leaver: Leaver) -> Iterator[Tie]:
    """Texts that name the leaver among other words, and ambiguous names."""
    for column in PEOPLE_COLUMNS:
        for text in named(entry, column):
            if leaver.is_meant(text):
                continue
            if why := leaver.may_be_meant(text):
                yield Tie("mentioned", f"{column} {text} in {entry.origin}, which may be {leaver.person.email}: {why}")
            elif leaver.is_mentioned(text):
                yield Tie("mentioned", f"{column} {text} in {entry.origin}")
    texts = {column: getattr(entry, column) for column in _TEXT_COLUMNS} | dict(entry.extra)
    for column, text in texts.items():
        if text and leaver.is_mentioned(text):
            yield Tie("mentioned", f"{column} {text} in {entry.origin}")


def _last_owner_ties(entry: Entry, leaver: Leaver) -> Iterator[Tie]:
    """The leaver is the last active owner; the other owners have left."""
    accountable = (*entry.owner, *entry.backup_owner)
    others = [text for text in accountable if not leaver.is_meant(text)]
    answers = len(others) < len(accountable)
    if leaver.has_roster and answers and others and not any(map(leaver.staying, others)):
        yield Tie("only_one_left", f"the other owners in {entry.origin} are not active: {', '.join(others)}")


# --- An item to hand over ---


class Case(Struct, frozen=True, kw_only=True):
    """An identity (``judged``), or an entry without one (``declared``), with the leaver's roles.

    ``named_in``: ids of the entries that name the leaver. ``entries``: the entries of the identity.
    """

    leaver: Leaver
    ties: tuple[Tie, ...]
    named_in: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    judged: Assessment | None = None
    declared: EntryAssessment | None = None

    @property
    def role(self) -> Role:
        """The leaver's most important role."""
        return min((tie.role for tie in self.ties), key=ROLES.index)

    @property
    def entry_ids(self) -> tuple[str, ...]:
        """The entries to change: those that name the leaver, else those of the identity."""
        return self.named_in or tuple(entry.id for entry in self.entries)

    @property
    def is_ambiguous(self) -> bool:
        """Whether several entries match, so that only owners in all of them count."""
        return self.judged is not None and self.judged.registry.state == "ambiguous"


# --- The person of a command line: on the roster, or named in the registry alone ---

_NAMED = 3
_LIKENESS = 70
"""How similar a name must be to be suggested, from 0 to 100."""


def find_people(text: str, people: Sequence[Person]) -> tuple[Person, ...]:
    """People with this e-mail, else id, else alias, else name, else user name; groups by e-mail only.

    Sorted by e-mail.
    """
    wanted = fold(text.strip())
    levels: dict[int, dict[str, Person]] = defaultdict(dict)
    for person in people:
        names = [(person.email,), (person.id,), person.aliases, (person.name,), (local_part(person),)]
        for level, known in enumerate(names[:1] if person.is_group else names):
            if any(name and fold(name.strip()) == wanted for name in known):
                levels[level][person.email] = person
    strongest = levels[min(levels, default=0)]
    return tuple(strongest[email] for email in sorted(strongest))


def unlisted_people(entries: Sequence[Entry], people: Sequence[Person]) -> tuple[Person, ...]:
    """People in the registry who are not on the roster, such as former employees; each once."""
    roster = Roster(people, date.max)
    found: dict[str, Person] = {}
    for entry in entries:
        for text in chain(*(named(entry, column) for column in PEOPLE_COLUMNS)):
            if roster.resolve(text) is None:
                found.setdefault(fold(text.strip()), unlisted_person(text, entry.origin))
    return tuple(found.values())


def unlisted_person(text: str, origin: Origin) -> Person:
    """A person known by a text alone: an e-mail, a name, or ``Ada <ada@…>``."""
    name, bracket, address = text.partition("<")
    if bracket:
        return Person(email=address.rstrip("> "), name=name.strip() or None, origin=origin)
    return Person(email=text.strip(), origin=origin)


def nearest(text: str, people: Iterable[Person]) -> tuple[str, ...]:
    """A few e-mails and names similar to the text, the most similar first."""
    names = sorted({name for person in people for name in (person.email, person.name) if name})
    likest = process.extract(text, names, scorer=fuzz.WRatio, limit=_NAMED, score_cutoff=_LIKENESS)
    return tuple(name for name, _, _ in likest)
