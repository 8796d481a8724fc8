"""Access control: roles in the config, and people on the roster. Both are read again when they change."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

from msgspec import Struct, field

from scanner.config.load import DEFAULT_FILE, Config, load_config
from scanner.errors import InputError, MusterError
from scanner.matching.keys import fold
from scanner.model import Person
from scanner.model.decisions import KnownBy
from scanner.registry.lists import ListSource, find_files
from scanner.registry.roster import Roster
from scanner.registry.roster.people import load_people

log = logging.getLogger(__name__)

_KEEPERS_NAMED = 3
"""How many of those who see everything are named to somebody who does not."""
_SHOWN = 200
"""Maximum characters of a name in a message."""
_ASK_AGAIN = 300.0
"""Seconds after which a roster in a database is read again."""


class Viewer(Struct, frozen=True, kw_only=True):
    """The signed-in person. ``person``: the e-mail on the roster; None for a token without a person, which only reads.

    ``known_by``: how the request named the person. ``owns``: every text that names the person, or one of the person's
    groups, as an owner, folded (``scanner.matching.keys``).
    """

    person: str | None
    name: str
    sees_all: bool
    is_reviewer: bool = False
    owns: frozenset[str] = frozenset()
    known_by: KnownBy = "sign_in"


TOKEN_ONLY = Viewer(person=None, name="the holder of the token", sees_all=True)
"""The viewer with the loopback token, without ``--as``."""


class PersonRefused(Exception):
    """A signed-in person without access."""


class _Read(Struct, frozen=True):
    """One reading of config and roster. ``state``: of the files, to notice that they changed.

    ``known``: viewers by e-mail, created on their first request.
    """

    config: Config
    roster: Roster
    named: bool
    state: tuple[object, ...]
    viewers: frozenset[str]
    reviewers: frozenset[str]
    known: dict[str, Viewer] = field(default_factory=dict)


class ServedLists:
    """The current config and roster. If a new version cannot be read, the last readable version is kept."""

    def __init__(self, config_file: Path | None, today: Callable[[], date]) -> None:
        # Fixed at the start: if the file is missing for a moment, the defaults must not replace it.
        self._file = Path(DEFAULT_FILE) if config_file is None and Path(DEFAULT_FILE).exists() else config_file
        self._today = today
        config = load_config(self._file)
        self._read = self._load(config, self._state(config))
        self._unreadable: tuple[object, ...] | None = None
        self._asked = time.monotonic()

    @property
    def config(self) -> Config:
        """The config."""
        return self._read.config

    @property
    def roster(self) -> Roster:
        """The roster."""
        return self._read.roster

    @property
    def has_people(self) -> bool:
        """Whether there is a roster with people on it."""
        return self._read.named

    @property
    def keepers(self) -> str:
        """Who sees everything, and so can be asked, as text."""
        read = self._read
        meant = [person for text in read.config.serve.viewers if (person := read.roster.identified(text)) is not None]
        names = [person.name or person.email for person in meant if read.roster.is_active(person)]
        if not names:
            return "the people who run Muster"
        more = f" or {len(names) - _KEEPERS_NAMED} more" if len(names) > _KEEPERS_NAMED else ""
        return " or ".join(names[:_KEEPERS_NAMED]) + more

    def gone(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Those of the names that are of people who have left."""
        people = ((text, self._read.roster.identified(text)) for text in dict.fromkeys(texts))
        return tuple(text for text, one in people if one is not None and not self._read.roster.is_active(one))

    def refresh(self) -> None:
        """Read changed files again; errors are logged once."""
        state = self._state(self._read.config)
        asks = any(one.path is None for one in self._read.config.people)
        if state in (self._read.state, self._unreadable) and not (asks and time.monotonic() - self._asked > _ASK_AGAIN):
            return
        self._asked = time.monotonic()
        try:
            config = load_config(self._file)
            self._read = self._load(config, self._state(config))
        except (MusterError, OSError) as error:
            self._unreadable = state
            log.warning("config or roster cannot be read, the last version stays: %s", error)

    def _state(self, config: Config) -> tuple[object, ...]:
        return (self._today(), *(_stamp(file) for file in (self._file or Path(DEFAULT_FILE), *_files(config.people))))

    def _load(self, config: Config, state: tuple[object, ...]) -> _Read:
        people = load_people(config.people, strict=False)
        roster = people.roster(self._today())
        return _Read(
            config,
            roster,
            bool(people.people),
            state,
            _people_of(roster, config.serve.viewers, "viewers"),
            _people_of(roster, config.serve.reviewers, "reviewers"),
        )

    def viewer(self, text: str) -> Viewer:
        """The viewer for a person with exactly this e-mail, id or alias. Raises Refused."""
        read = self._read
        person = read.roster.identified(text)
        if person is None or person.is_group:
            raise PersonRefused(f"{text[:_SHOWN]} is not on the roster")
        if not read.roster.is_active(person):
            raise PersonRefused(f"{text[:_SHOWN]} has left, by the roster")
        if (known := read.known.get(person.email)) is None:
            known = read.known[person.email] = Viewer(
                person=person.email,
                name=person.name or person.email,
                sees_all=person.email in read.viewers,
                is_reviewer=person.email in read.reviewers,
                owns=frozenset(map(fold, _names(person, read.roster))),
            )
        return known


def _people_of(roster: Roster, texts: Iterable[str], key: str) -> frozenset[str]:
    found: set[str] = set()
    for text in texts:
        meant = roster.identified(text)
        if meant is None:
            log.warning("[serve] %s names %s, who is not on the roster", key, text)
        else:
            found |= roster.with_members(meant)
    return frozenset(found)


def _names(person: Person, roster: Roster) -> Iterator[str]:
    for one in (person, *roster.groups_of(person)):
        yield one.email
        yield from one.aliases
        if one.id:
            yield one.id
        if one.is_group and one.name:  # two people may have the same name
            yield one.name


def _files(people: Sequence[ListSource]) -> Iterator[Path]:
    for one in people:
        if one.path is not None:
            try:
                yield from find_files(one.path)
            except InputError:  # missing for now, which changes the state as well
                yield one.path


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
