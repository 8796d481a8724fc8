"""What points at somebody: the sorts of hints, their scores, and those that an identity or an entry carries itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Struct

from scanner.matching.keys import tag_name
from scanner.model import Entry, Identity
from scanner.model.attributes import OWNERS, SPONSORS
from scanner.ownership.directory import Directory

SCOPE_NAME, SCOPE_CONTACT = "scope_name", "scope_contact"
"""Among attributes: what people call the scope (an account, a project), and an e-mail that they gave for it."""

_NAMING = ("email", "id", "name")
"""What the provider may tell of a sponsor or an owner, the surest first."""

Sort: TypeAlias = Literal["tag", "entry", "creator", "rule", "words", "neighbours", "role", "platform", "provider"]


class Hint(NamedTuple):
    """Somebody on the roster who is pointed at, ``person`` being their e-mail. ``score``: 0 to 1.

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


SCORES = msgspec.toml.decode(files("scanner.ownership").joinpath("scores.toml").read_bytes(), type=_Scores)


def tag_scores(configured: Mapping[str, float] | None) -> Mapping[str, float]:
    """Tags that name somebody, by their :func:`tag_name`, each with its score; None: the built-in ones."""
    return SCORES.tags if configured is None else {tag_name(key): score for key, score in configured.items()}


class Clues:
    """Hints that stand in an identity itself, and in the entries that stand for it or might."""

    def __init__(self, directory: Directory, tags: Mapping[str, float]) -> None:
        self._directory = directory
        self._tags = tags
        self._of_entry: dict[tuple[str, float], tuple[Hint, ...]] = {}

    def of_identity(self, identity: Identity) -> Iterator[Hint]:
        """From its tags, from whom the provider has for it, from who made it, and from whom its scope names."""
        for key, value in identity.tags.items():
            score = self._tags.get(tag_name(key))
            if score is not None and (person := self._directory.mentioned(value)) is not None:
                yield Hint("tag", person.email, score, f"tag {key}={value}")
        if identity.created_by is not None and (maker := self._directory.mentioned(identity.created_by)) is not None:
            yield Hint("creator", maker.email, SCORES.signals["creator"], f"created by {identity.created_by}")
        yield from self._with_provider(identity)
        contact = identity.attributes.get(SCOPE_CONTACT)
        if isinstance(contact, str) and (person := self._directory.mentioned(contact)) is not None:
            yield Hint("platform", person.email, SCORES.signals["contact"], f"contact {contact} of {identity.scope}")

    def _with_provider(self, identity: Identity) -> Iterator[Hint]:
        """Its sponsors and owners, who may be named by any of e-mail, id and name."""
        for signal, attribute in (("sponsor", SPONSORS), ("owner", OWNERS)):
            given = identity.attributes.get(attribute)
            for one in given if isinstance(given, (list, tuple)) else ():
                told = [one.get(name) for name in _NAMING] if isinstance(one, Mapping) else []
                found = ((text, self._directory.resolve(text)) for text in told if isinstance(text, str))
                text, person = next(((text, person) for text, person in found if person is not None), ("", None))
                if person is not None:
                    evidence = f"{signal} {text} with {identity.provider}"
                    yield Hint("provider", person.email, SCORES.signals[signal], evidence)

    def of_entry(self, entry: Entry, likelihood: float) -> tuple[Hint, ...]:
        """From what the entry says of people. ``likelihood``: that it is the right one, 0 to 1."""
        key = entry.id, likelihood
        if key not in self._of_entry:
            self._of_entry[key] = tuple(self._named_in(entry, likelihood))
        return self._of_entry[key]

    def _named_in(self, entry: Entry, likelihood: float) -> Iterator[Hint]:
        for column, text in named_in(entry):
            meaning = self._directory.meaning(text)
            maybe = ", which it may be" if likelihood < 1 else ""
            evidence = f"{column} {text} in {entry.origin}{maybe}"
            score = SCORES.entry[column] * likelihood
            if meaning.person is not None:
                yield Hint("entry", meaning.person.email, score, evidence)
            for one in meaning.guesses:
                yield Hint("entry", one.email, score * one.score, f"{evidence}, for which this may be meant: {one.why}")


def named_in(entry: Entry) -> Iterator[tuple[str, str]]:
    """Everybody whom an entry names, with the column that names them."""
    columns = {
        "owner": entry.owner,
        "backup_owner": entry.backup_owner,
        "technical_owner": entry.technical_owner,
        "team": (entry.team,),
        "built_by": (entry.built_by,),
    }
    return ((column, text) for column, texts in columns.items() for text in texts if text)
