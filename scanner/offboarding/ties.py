"""What ties somebody to an entry or an identity: each role with the place where it was found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from scanner.matching.keys import fold
from scanner.model import Assessment, Entry
from scanner.offboarding.leaver import Leaver
from scanner.offboarding.records import Role

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
    return tuple(dict.fromkeys((*ties, *_mentions(entry, leaver))))


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


def _mentions(entry: Entry, leaver: Leaver) -> Iterator[Tie]:
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
