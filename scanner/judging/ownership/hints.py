"""Hints at an owner in an identity and in its entries: tags, sponsors, creators and contacts, each with a score."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct

from scanner.catalog import read_table
from scanner.judging.ownership.directory import Directory
from scanner.matching.keys import tag_name
from scanner.model import Entry, Identity, Person, Workload
from scanner.model.attributes import CHANGED_BY, OWNERS, SCOPE_CONTACT, SPONSORS

_NAMING = ("email", "id", "name")
"""The fields by which a provider can name a sponsor or owner, the most reliable first."""

Sort: TypeAlias = Literal[
    "tag", "entry", "creator", "rule", "words", "neighbours", "role", "platform", "provider", "committer", "repository"
]


_MAIL = re.compile(
    r"(?:\b([A-Za-z]{1,20})[ \t]*[:=]?[ \t]{0,4})?(?<![\w.+-])([\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6})",
    re.ASCII,
)
_LONGEST_DESCRIPTION, _MOST_MAILS = 2_000, 5


class Hint(NamedTuple):
    """A hint at a person on the roster; ``person`` is their e-mail. ``score``: 0 to 1.

    Hints of one ``sort`` repeat each other; hints of different sorts confirm each other.
    """

    sort: Sort
    person: str
    score: float
    evidence: str
    technical: bool = False
    """It is no more than a technical word that names share."""


class _Scores(Struct, frozen=True, forbid_unknown_fields=True):
    """The file scores.toml explains the tables."""

    tags: Mapping[str, float]
    entry: Mapping[str, float]
    likelihood: Mapping[str, float]
    signals: Mapping[str, float]
    team: Mapping[str, float]
    words: Mapping[str, float]
    near: Mapping[str, float]


SCORES = read_table("scanner.judging.ownership", "scores.toml", _Scores)


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
        yield from self.of_workload(identity)
        yield from self._in_description(identity.description or "")
        by = identity.attributes.get(CHANGED_BY)
        if isinstance(by, str) and (person := self._directory.mentioned(by)) is not None:
            yield Hint("creator", person.email, SCORES.signals["changed"], f"last changed by {by}")
        yield from self._with_provider(identity)
        contact = identity.attributes.get(SCOPE_CONTACT)
        if isinstance(contact, str) and (person := self._directory.mentioned(contact)) is not None:
            yield Hint("platform", person.email, SCORES.signals["contact"], f"contact {contact} of {identity.scope}")

    def of_workload(self, one: Identity | Workload) -> Iterator[Hint]:
        """Yield hints from its tags and its creator."""
        for key, value in one.tags.items():
            score = self._tags.get(tag_name(key))
            if score is not None and (person := self._directory.mentioned(value)) is not None:
                yield Hint("tag", person.email, score, f"tag {key}={value}")
        if one.created_by is not None and (maker := self._directory.mentioned(one.created_by)) is not None:
            yield Hint("creator", maker.email, SCORES.signals["creator"], f"created by {one.created_by}")

    def _in_description(self, text: str) -> Iterator[Hint]:
        """Yield hints from e-mails in a description or a comment: more after a word that a tag would have."""
        for found in islice(_MAIL.finditer(text[:_LONGEST_DESCRIPTION]), _MOST_MAILS):
            word, mail = found.groups()
            if (person := self._directory.resolve(mail)) is None:
                continue
            score = self._tags.get(tag_name(word or ""))
            if score is None:
                yield Hint("tag", person.email, SCORES.signals["mentioned"], f"its description mentions {mail}")
            else:
                evidence = f"its description says {word} {mail}"
                yield Hint("tag", person.email, score * SCORES.signals["described"], evidence)

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
    if not isinstance(given, (list, tuple)):
        return
    for one in given:
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
