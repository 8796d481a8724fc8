"""The person who goes: which texts mean them, what a group is without them, and who is still here afterwards."""

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
    """One person of the roster on the day of the question; somebody who is not on it is known by their text alone.

    ``has_roster`` is False where nobody is known at all, so that nothing can be said about who stays.
    """

    def __init__(self, person: Person, people: Sequence[Person], today: date) -> None:
        self.person = person
        self.has_roster = bool(people)
        self.is_on_roster = any(one.email == person.email for one in people)
        others = [one for one in people if one.email != person.email]
        last_day = person.left_on
        self.has_left = person.status == "left" or (last_day is not None and last_day < today)
        """Whether their last day is over."""
        # Whoever leaves by their last day is gone as well when they are.
        then = today if self.has_left or last_day is None else later(last_day, 1)
        self._before = Roster([*others, replace(person, status="active", left_on=None)], then)
        self._after = Roster([*others, replace(person, status="left")], then)
        self._own_names = _nicknames(person) - {name for one in others for name in _nicknames(one)}
        self._meant: dict[str, bool] = {}
        self._mentions = _mentions(person, self._own_names)

    def is_meant(self, text: str) -> bool:
        """Whether the text means them: by e-mail, id or alias, or by a name or user name that is nobody else's."""
        if text not in self._meant:
            known = self._before.resolve(text)
            self._meant[text] = (
                fold(text.strip()) in self._own_names if known is None else known.email == self.person.email
            )
        return self._meant[text]

    def is_meant_within(self, text: str) -> bool:
        """The same for a text that may hold more than a name: an ARN, a session (``assumed-role/Admin/ada@…``).

        Of its parts any e-mail and whatever comes last may be the name.
        """
        parts = _BETWEEN_NAMES.split(text)
        return any(map(self.is_meant, (text, *(part for part in parts if "@" in part), parts[-1])))

    def is_mentioned(self, text: str) -> bool:
        """Whether their e-mail, or a full name that is theirs alone, stands somewhere in a text."""
        return self._mentions is not None and self._mentions.search(fold(text)) is not None

    def may_be_meant(self, text: str) -> str | None:
        """Why a text that means nobody for certain may mean them; None: it does, or it may not."""
        guesses = self._before.meaning(text).guesses
        return next((one.why for one in guesses if one.email == self.person.email), None)

    def is_last_of(self, text: str) -> bool:
        """Whether the text names a group in which nobody else stays, as far as that is known."""
        group = self._before.resolve(text)
        if group is None or not group.is_group:
            return False
        members = [one for one in self._before.active_members(group) if not self._may_go_first(one)]
        return [member.email for member in members] == [self.person.email]

    def _may_go_first(self, other: Person) -> bool:
        """Whether somebody else may leave before they do: one of the two days is not known."""
        unknown = None in (self.person.left_on, other.left_on)
        return unknown and not self.has_left and not self._before.stays(other)

    def staying(self, text: str) -> Person | None:
        """The person or group whom the text names, if they can answer for something once the leaver is gone."""
        person = self._after.resolve(text)
        return person if person is not None and self._after.is_active(person) else None

    def group(self, text: str) -> Person | None:
        """The group of that name, whether or not anybody in it is active."""
        group = self._after.resolve(text)
        return group if group is not None and group.is_group else None

    def staying_members(self, group: Person) -> tuple[Person, ...]:
        """Who is active in a group once the leaver is gone."""
        return self._after.active_members(group)

    def is_leaving(self, person: Person) -> bool:
        """Whether somebody who is still here is about to go, too; a group, where all of its members are."""
        return not self._after.stays(person)

    def managers(self) -> Iterator[tuple[Person, Person]]:
        """Up the line: each manager with the one they manage."""
        return managers(self.person, self._after.resolve)


def _mentions(person: Person, own_names: Collection[str]) -> re.Pattern[str] | None:
    """What names them within a text. A first name, a user name or an id alone may as well be a word of it."""
    emails = (text for text in (person.email, *person.aliases) if is_email(text))
    *first, last = (person.name or "").split() or ("",)
    full = (f"{' '.join(first)} {last}", f"{last}, {' '.join(first)}") if first else ()
    theirs = full if fold((person.name or "").strip()) in own_names else ()
    names = [re.escape(fold(name)) for name in (*emails, *theirs)]
    return re.compile(rf"(?<![\w.+-])(?:{'|'.join(names)})(?![\w-]|\.\w)") if names and not person.is_group else None


def _nicknames(person: Person) -> frozenset[str]:
    """What people are called without its being their id anywhere."""
    if person.is_group:
        return frozenset()
    return frozenset(fold(name.strip()) for name in (person.name, local_part(person)) if name)


# --- What ties somebody to an entry or an identity: each role with the place where it was found ---

_ROLE_OF_COLUMN: Mapping[str, Role] = {
    "owner": "owner",
    "backup_owner": "backup_owner",
    "technical_owner": "technical_owner",
    "built_by": "built_by",
    "approved_by": "approved",
}
PEOPLE_COLUMNS = tuple(_ROLE_OF_COLUMN)
"""Those in which an entry names people."""
_GROUP_COLUMNS = ("owner", "backup_owner", "technical_owner", "team")
_TEXT_COLUMNS = ("name", "purpose", "team", "baseline", "blast_radius")
_ABOUT_PEOPLE = re.compile(
    r"approve|author|contact|creat|e-?mail|lead|maintain|manage|owne|request|responsible|sponsor|steward"
)
"""In the name of a tag whose value is somebody. Elsewhere an id may be anything: ``cost-center=4711``."""


class Tie(NamedTuple):
    """One role and where it was found."""

    role: Role
    evidence: str


def named(entry: Entry, column: str) -> tuple[str, ...]:
    """Who is named in a column, whether it holds a list or one."""
    value = getattr(entry, column)
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def ties_to_entry(entry: Entry, leaver: Leaver) -> tuple[Tie, ...]:
    """All that the leaver is to an entry, and so to what it stands for; empty where they are nothing to it."""
    ties = (*_named_ties(entry, leaver), *_group_ties(entry, leaver), *_only_one(entry, leaver))
    return tuple(dict.fromkeys((*ties, *_ties_mentions(entry, leaver))))


def ties_to_identity(judged: Assessment, leaver: Leaver) -> Iterator[Tie]:
    """What the leaver is to an identity whatever its entry says: itself, its maker, named by a tag of it."""
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
                yield Tie("last_active_member", f"nobody else stays active in {column} {text} in {entry.origin}")


def _ties_mentions(entry: Entry, leaver: Leaver) -> Iterator[Tie]:
    """Texts that name them beside other things, and cells for people that may mean them."""
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


def _only_one(entry: Entry, leaver: Leaver) -> Iterator[Tie]:
    """They answer for it alone, though others are named: these are gone."""
    accountable = (*entry.owner, *entry.backup_owner)
    others = [text for text in accountable if not leaver.is_meant(text)]
    answers = len(others) < len(accountable)
    if leaver.has_roster and answers and others and not any(map(leaver.staying, others)):
        yield Tie("only_one_left", f"nobody else named in {entry.origin} still answers: {', '.join(others)}")


# --- One thing that is to be handed over, with all that the answers about it depend on ---


class Case(Struct, frozen=True, kw_only=True):
    """An identity (``judged``), or an entry that stands for none (``declared``), and what ties the leaver to it.

    ``named_in``: ids of the entries that name the leaver. ``entries``: those that stand for it, whoever they name.
    """

    leaver: Leaver
    ties: tuple[Tie, ...]
    named_in: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    judged: Assessment | None = None
    declared: EntryAssessment | None = None

    @property
    def role(self) -> Role:
        """What the leaver mostly is to it: the gravest of all roles."""
        return min((tie.role for tie in self.ties), key=ROLES.index)

    @property
    def entry_ids(self) -> tuple[str, ...]:
        """The entries to change: those that name the leaver, else those that stand for it."""
        return self.named_in or tuple(entry.id for entry in self.entries)

    @property
    def is_ambiguous(self) -> bool:
        """Whether its entries are rivals, so that only whom all of them name answers for it."""
        return self.judged is not None and self.judged.registry.state == "ambiguous"


# --- Whom a text means that somebody typed: people on the roster, and those whom only the registry still names ---

_NAMED = 3
_LIKENESS = 70
"""Of 100, below which a name is no help to somebody who mistyped another."""


def find_people(text: str, people: Sequence[Person]) -> tuple[Person, ...]:
    """Whom the text may mean, by e-mail, else id, else alias, else name, else user name; groups only by their e-mail.

    Several where several go by it, sorted by e-mail.
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


def strangers(entries: Sequence[Entry], people: Sequence[Person]) -> tuple[Person, ...]:
    """Everybody whom the registry names and the roster does not know, such as who left long ago; each once."""
    roster = Roster(people, date.max)
    found: dict[str, Person] = {}
    for entry in entries:
        for text in chain(*(named(entry, column) for column in PEOPLE_COLUMNS)):
            if roster.resolve(text) is None:
                found.setdefault(fold(text.strip()), stranger(text, entry.origin))
    return tuple(found.values())


def stranger(text: str, origin: Origin) -> Person:
    """Somebody known by what is written of them alone: an e-mail, a name, or ``Ada <ada@…>``."""
    name, bracket, address = text.partition("<")
    if bracket:
        return Person(email=address.rstrip("> "), name=name.strip() or None, origin=origin)
    return Person(email=text.strip(), origin=origin)


def nearest(text: str, people: Iterable[Person]) -> tuple[str, ...]:
    """The few e-mails and names most like the text, the likest first."""
    names = sorted({name for person in people for name in (person.email, person.name) if name})
    likest = process.extract(text, names, scorer=fuzz.WRatio, limit=_NAMED, score_cutoff=_LIKENESS)
    return tuple(name for name, _, _ in likest)
